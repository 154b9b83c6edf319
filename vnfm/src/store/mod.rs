//! The VNFM's tables: VNF instances and operation occurrences as collections, the resources of each instance, and how far
//! each VIM's events have been handled.

pub mod documents;
pub mod positions;
pub mod resources;
pub mod schema;

pub use documents::{INSTANCES, Instance, OCCURRENCES, Occurrence};
