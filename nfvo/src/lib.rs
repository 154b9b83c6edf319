//! The NFV orchestrator.

mod effects;
mod ops;
mod steps;
mod store;
