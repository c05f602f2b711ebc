//! The behaviours, each for any bus.

pub(crate) mod delivery;
pub(crate) mod order;
pub(crate) mod parking;
pub(crate) mod pressure;
pub(crate) mod rebalance;
