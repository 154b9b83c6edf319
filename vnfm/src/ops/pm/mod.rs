//! Performance management's arithmetic: which metrics there are, what they are measured on, their values, and when a
//! threshold is crossed. Pure.

pub mod metrics;
pub mod subjects;
pub mod thresholds;
pub mod values;
