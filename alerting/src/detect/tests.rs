//! The detector as a whole: order, time, budget.

mod budget;
mod order;
mod time;
