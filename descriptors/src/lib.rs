//! Packages and descriptors: bytes in, typed model out.
//!
//! Reads SOL004 VNF packages and SOL007 NSD archives with SOL001 TOSCA descriptors in them. The crate is pure: it knows
//! no network, no database and no clock. Reading never stops at the first fault; see [`diag`].
//!
//! Order of use: [`archive::Package::open`], then [`read_vnfd`](vnfd::read_vnfd) or [`read_nsd`](nsd::read_nsd), and
//! [`archive::Package::verify`] for the digests. [`check_vnf_package`] and [`check_nsd_archive`] do all of it at once.

pub mod archive;
pub mod codes;
pub mod diag;
pub mod expr;
pub mod network;
pub mod nsd;
pub mod vnfd;
pub mod yaml;
