//! OVF appliances: reading and writing descriptors and OVA archives (DSP0243), making a VNF package (SOL004) from one, and
//! making one from a VDU of a package.
//!
//! [`Appliance`] opens what comes in, [`read_envelope`] reads its descriptor, [`import()`] makes a package of it;
//! [`export()`] writes an OVA. Disks are converted by `qemu-img`, which [`QemuImg`] alone runs; everything else here is pure.
//! Clauses are those of DSP0243 version 1.1.0; version 2 says the same where nothing else is written.

mod appliance;
mod disk;
mod error;
mod export;
mod hardware;
mod import;
mod item;
mod manifest;
mod model;
mod names;
mod plan;
mod qemu_img;
mod read;
mod system;
mod tape;
mod template;
mod units;
mod write;
mod xml;

pub use appliance::Appliance;
pub use disk::DiskFormat;
pub use error::OvfError;
pub use export::{Exported, export};
pub use import::{ImportOptions, Imported, import};
pub use model::{Disk, Drive, DriveSource, Envelope, FileReference, Network, Nic, Product, System};
pub use qemu_img::QemuImg;
pub use read::read_envelope;
pub use units::factor;
pub use write::{ovf_text, write_ova};
