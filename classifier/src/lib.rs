//! Under construction.
pub mod encoder;
pub mod error;
pub mod features;
pub mod finetune;
mod kernel;
mod pool;
pub mod taxonomy;
pub mod tokens;
pub mod train;
pub mod weights;
