//! What every process of Tocsin needs and no domain owns: configuration,
//! logging, metrics and health, a clock, ordered shutdown, and the way to
//! Postgres (a pool, migrations, a private server).

pub mod clock;
pub mod config;
pub mod database;
pub mod exit;
pub mod guard;
pub mod http;
pub mod process;
pub mod shutdown;
pub mod telemetry;

pub use clock::{Clock, ManualClock, SystemClock};
pub use exit::{EXIT_CONFIG, Refusal};
pub use shutdown::Shutdown;
