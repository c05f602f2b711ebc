//! Gathering documents: feeds, their pages, JSON lists of posts, and documents
//! pushed in. Owns politeness, extraction, redaction and de-duplication at the
//! door. Runs no language model and reads no other service's tables.

mod batch;
mod canonical;
pub mod charset;
mod check;
mod client;
mod config;
mod draft;
mod entry;
mod error;
pub mod feed;
mod files;
pub mod guard;
pub mod gzip;
mod hints;
mod items;
mod json;
mod lang;
mod leases;
mod listing;
mod live;
mod metric;
mod month;
mod moves;
pub mod opml;
pub mod page;
mod politeness;
mod poll;
mod publish;
mod push;
mod queue;
mod redact;
mod register;
pub mod robots;
mod roster;
mod schedule;
mod service;
mod settle;
mod silence;
pub mod sitemap;
mod sitemaps;
mod state;
#[cfg(test)]
mod testing;
mod tombstones;
mod turn;
mod websub;

pub use canonical::canonical_url;
pub use check::{Findings, check};
pub use client::{Fetched, GuardedClient};
pub use config::{
    Counts, DateConfig, FileConfig, FilterConfig, IngestConfig, JsonConfig, Limits, ListingConfig,
    NextConfig, PushConfig, Schedule, SitemapConfig, SourceConfig, SourceFormat, Terms, WebSubConfig,
};
pub use error::{FetchError, IngestError};
pub use lang::language_of;
pub(crate) use politeness::domain_of;
pub use publish::record;
pub use redact::redact;
pub use register::{Entry, Register};
pub use service::Ingest;
