//! Packages and descriptors: bytes in, typed model out.
//!
//! Reads SOL004 VNF packages and SOL007 NSD archives with descriptors of SOL001 (TOSCA) or [SOL006](sol006) in them, and
//! packages of Open Source MANO. The crate is pure: it knows no network, no database and no clock. Reading never stops at
//! the first fault; see [`diag`].
//!
//! Order of use: [`archive::Package::open`], then [`read_vnfd`](vnfd::read_vnfd), [`read_nsd`](nsd::read_nsd) or
//! [`read_pnfd`](pnfd::read_pnfd), and [`archive::Package::verify`] for the digests. [`check_vnf_package`],
//! [`check_nsd_archive`] and [`check_pnfd_archive`] do all of it at once; [`check_signed_vnf_package`],
//! [`check_signed_nsd_archive`] and [`check_signed_pnfd_archive`] judge [signatures](signature) too.

mod agree;
pub mod archive;
pub mod check;
pub mod codes;
pub mod diag;
pub mod expr;
pub mod lint;
pub mod network;
pub mod nsd;
pub mod ovf;
pub mod picture;
pub mod plan;
pub mod pnfd;
pub mod signature;
pub mod sol006;
pub mod tosca;
pub mod vnfd;
pub mod yaml;

use std::path::Path;

use archive::{Limits, Package};
use diag::Diagnostics;
use nsd::Nsd;
use pnfd::Pnfd;
use signature::Trust;
use vnfd::Vnfd;

/// Opens a VNF package, reads its VNFD, compares all digests, and checks that manifest, VNFD and images tell the same:
/// everything an onboarding needs but signatures, with all faults at once. Each file is read once; memory stays flat.
///
/// # Errors
/// Every fault of archive, descriptor and digests.
pub fn check_vnf_package(path: &Path, limits: &Limits) -> Result<(Package, Vnfd), Diagnostics> {
    vnf_package(path, limits, None)
}

/// As [`check_vnf_package`], with signatures judged by `trust`.
///
/// # Errors
/// Every fault of archive, descriptor, digests and signatures.
pub fn check_signed_vnf_package(path: &Path, limits: &Limits, trust: &Trust) -> Result<(Package, Vnfd), Diagnostics> {
    vnf_package(path, limits, Some(trust))
}

fn vnf_package(path: &Path, limits: &Limits, trust: Option<&Trust>) -> Result<(Package, Vnfd), Diagnostics> {
    let (package, mut vnfd, found) = check::vnf(Package::inspect(path, limits), trust).settle()?;
    vnfd.warnings = found;
    Ok((package, vnfd))
}

/// As [`check_vnf_package`], for an NSD archive.
///
/// # Errors
/// Every fault of archive, descriptor and digests.
pub fn check_nsd_archive(path: &Path, limits: &Limits) -> Result<(Package, Nsd), Diagnostics> {
    nsd_archive(path, limits, None)
}

/// As [`check_nsd_archive`], with signatures judged by `trust`.
///
/// # Errors
/// Every fault of archive, descriptor, digests and signatures.
pub fn check_signed_nsd_archive(path: &Path, limits: &Limits, trust: &Trust) -> Result<(Package, Nsd), Diagnostics> {
    nsd_archive(path, limits, Some(trust))
}

fn nsd_archive(path: &Path, limits: &Limits, trust: Option<&Trust>) -> Result<(Package, Nsd), Diagnostics> {
    let (package, mut nsd, found) = check::ns(Package::inspect(path, limits), trust).settle()?;
    nsd.warnings = found;
    Ok((package, nsd))
}

/// As [`check_vnf_package`], for a PNFD archive.
///
/// # Errors
/// Every fault of archive, descriptor and digests.
pub fn check_pnfd_archive(path: &Path, limits: &Limits) -> Result<(Package, Pnfd), Diagnostics> {
    pnfd_archive(path, limits, None)
}

/// As [`check_pnfd_archive`], with signatures judged by `trust`.
///
/// # Errors
/// Every fault of archive, descriptor, digests and signatures.
pub fn check_signed_pnfd_archive(path: &Path, limits: &Limits, trust: &Trust) -> Result<(Package, Pnfd), Diagnostics> {
    pnfd_archive(path, limits, Some(trust))
}

fn pnfd_archive(path: &Path, limits: &Limits, trust: Option<&Trust>) -> Result<(Package, Pnfd), Diagnostics> {
    let (package, mut pnfd, found) = check::pnfd(Package::inspect(path, limits), trust).settle()?;
    pnfd.warnings = found;
    Ok((package, pnfd))
}
