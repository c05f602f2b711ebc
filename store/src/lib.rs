//! The writer: `documents.enriched` into Postgres, every document once and counted
//! once in every rollup. Owns schemas `store` and `report`; has no opinion about
//! sentiment, it adds up what enrich decided.
//!
//! At least once on the bus becomes once here: a document is inserted where
//! `store.seen` does not know it, rollups are fed by the rows really inserted, and
//! the offset moves in the same transaction under an epoch that fences off zombies.

pub mod audit;
mod batch;
mod config;
mod error;
mod flush;
mod incoming;
mod insert;
mod metric;
mod months;
mod rollup;
#[cfg(test)]
mod samples;
mod service;
mod writer;

pub use config::StoreConfig;
pub use error::StoreError;
pub use service::{GROUP, Store};
