//! The VNFM's tables: VNF instances and operation occurrences as collections, the resources of each instance, and how far
//! each VIM's events have been handled.

pub mod documents;
pub mod positions;
pub mod resources;
pub mod schema;
pub mod snapshots;
pub mod ve;

pub mod alarms;
pub mod indicators;
pub mod pm;
pub mod quotas;

pub use alarms::ALARMS;
pub use documents::{INSTANCES, Instance, OCCURRENCES, Occurrence};
pub use indicators::INDICATORS;
pub use snapshots::{SNAPSHOTS, SnapshotInfo};
