//! Gathering documents: feeds, their pages, JSON lists of posts, and documents
//! pushed in. Owns politeness, extraction, redaction and de-duplication at the
//! door. Runs no model and reads no other service's tables.

mod canonical;
pub mod charset;
mod client;
mod config;
mod draft;
mod error;
pub mod feed;
pub mod guard;
pub mod json;
mod lang;
mod metric;
pub mod page;
mod politeness;
mod poll;
mod publish;
mod push;
mod redact;
pub mod robots;
mod schedule;
mod service;
mod state;
#[cfg(test)]
mod testing;

pub use canonical::canonical_url;
pub use client::{Fetched, GuardedClient, headers};
pub use config::{IngestConfig, JsonConfig, Limits, PushConfig, SourceConfig, SourceFormat};
pub use error::{FetchError, IngestError};
pub use lang::language_of;
pub use politeness::domain_of;
pub use publish::record;
pub use redact::redact;
pub use service::Ingest;
