//! Or-Vi and Vi-Vnfm: virtualised resources of a VIM, in HTTP after ETSI GS NFV-IFA 005 and 006. The NFVO and the VNFM
//! use the same interface of the vim-adapter, which drives a VIM of its own over hosts, a simulated one, or OpenStack.
//!
//! Ids are minted by the consumer before the request. Every `PUT` is "ensure": asking twice makes one thing and answers
//! what is there; asking with another immutable specification is refused with 409 naming the members that differ. Every
//! `DELETE` of something gone answers 204. What takes time answers at once and tells its end by an event.
//!
//! All paths below `/vi/v1/vims/{vimId}`:
//!
//! | resource | methods | IFA005/006 |
//! | --- | --- | --- |
//! | (itself) | GET, PUT [`VimSpec`], DELETE | |
//! | `/hosts/{name}` | GET, PUT [`HostSpec`], DELETE | |
//! | `/software_images/{id}` | GET, PUT [`SoftwareImageSpec`], DELETE | 7.2 software image management |
//! | `/software_images/{id}/content` | PUT (streamed) | 7.2 |
//! | `/networks/{id}` | GET, PUT [`NetworkSpec`], DELETE | 7.4 virtualised network resources |
//! | `/subnets/{id}` | GET, PUT [`SubnetSpec`], DELETE | 7.4 |
//! | `/ports/{id}` | GET, PUT [`PortSpec`], DELETE | 7.4 |
//! | `/volumes/{id}` | GET, PUT [`VolumeSpec`], DELETE | 7.5 virtualised storage resources |
//! | `/affinity_groups/{id}` | GET, PUT [`AffinityGroupSpec`], DELETE | 7.3.1 |
//! | `/computes/{id}` | GET, PUT [`ComputeSpec`], DELETE | 7.3 virtualised compute resources |
//! | `/computes/{id}/power` | POST [`crate::nf_vi::PowerRequest`] | 7.3.1.7 operate |
//! | `/computes/{id}/migrate` | POST [`MigrateRequest`] | IFA006 migrate |
//! | `/computes/{id}/reverts/{id}` | DELETE: what was before a return to a snapshot is let go | |
//! | `/computes/{id}/console_log?bytes=N`, `/console`, `/measurements` | GET | |
//! | `/computes/{id}/reality` | GET [`crate::nf_vi::Reality`]: what of it is really there | |
//! | `/snapshots/{id}` | GET, PUT [`SnapshotSpec`], DELETE | 7.5.1 (of a compute with all its disks, at one moment) |
//! | `/measurements` | POST [`MeasureComputes`]: [`MeasuredComputes`] | 7.7 performance management |
//! | `/resource_zones` | GET `[ResourceZone]` | 7.3.4 capacity |
//! | `/capacity` | GET [`VimCapacity`] | 7.3.4 capacity |
//! | `/inventory` | GET [`VimInventory`]: what is really there | |
//! | `/events?after=SEQ` | GET server-sent [`ViEvent`]s | 7.3.3 change notifications |
//!
//! Every collection is listed by GET on its plural path.

mod client;
mod compute;
mod network;
mod openstack;
mod snapshot;
mod storage;
mod vim;

pub use client::{ViClient, paths};
pub use compute::*;
pub use network::*;
pub use openstack::*;
pub use snapshot::*;
pub use storage::*;
pub use vim::*;

/// Port the vim-adapter listens on by default.
pub const DEFAULT_PORT: u16 = 8702;
