//! Nf-Vi: the VIM adapter tells one host's agent what shall be there; the agent makes it so and tells what happened
//! (ETSI GS NFV-INF 004 and 005 describe the domains; the interface itself is ours).
//!
//! Every `PUT` is "ensure": the id is chosen by the caller, asking twice makes one thing, and asking with another
//! immutable specification is refused with 409 naming the members that differ. Every `DELETE` of something gone is done.
//!
//! | resource | methods |
//! | --- | --- |
//! | `/nf-vi/v1/host` | GET [`HostInfo`] |
//! | `/nf-vi/v1/images/{id}` | GET, PUT (streamed, `X-Image-*` headers), DELETE |
//! | `/nf-vi/v1/images` | GET `[ImageInfo]` |
//! | `/nf-vi/v1/volumes/{id}` | GET, PUT [`VolumeSpec`], DELETE |
//! | `/nf-vi/v1/volumes` | GET `[VolumeInfo]` |
//! | `/nf-vi/v1/machines/{id}` | GET, PUT [`MachineSpec`], DELETE |
//! | `/nf-vi/v1/machines` | GET `[Machine]` |
//! | `/nf-vi/v1/machines/{id}/power` | POST [`PowerRequest`] |
//! | `/nf-vi/v1/machines/{id}/console_log?bytes=N` | GET text |
//! | `/nf-vi/v1/machines/{id}/console` | GET [`ConsoleAccess`] |
//! | `/nf-vi/v1/machines/{id}/measurements` | GET [`Measurements`] |
//! | `/nf-vi/v1/machines/{id}/reality` | GET [`Reality`]: what of it is really there |
//! | `/nf-vi/v1/snapshots/{id}` | GET, PUT [`SnapshotSpec`], DELETE |
//! | `/nf-vi/v1/snapshots` | GET `[Snapshot]` |
//! | `/nf-vi/v1/measurements` | POST [`MeasureMachines`]: [`MeasuredMachines`], all in one reading |
//! | `/nf-vi/v1/inventory` | GET [`Inventory`]: what libvirt, Open vSwitch and the disk really hold |
//! | `/nf-vi/v1/events?after=SEQ` | GET server-sent [`AgentEvent`]s |

mod client;
mod host;
mod machine;
mod reality;
mod snapshot;
mod storage;

pub(crate) use client::absent;
pub use client::{AgentClient, paths};
pub use host::*;
pub use machine::*;
pub use reality::*;
pub use snapshot::*;
pub use storage::*;

/// Port an agent listens on by default.
pub const DEFAULT_PORT: u16 = 8703;
