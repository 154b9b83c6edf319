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
pub mod tosca;
pub mod vnfd;
pub mod yaml;

use std::path::Path;

use archive::{Limits, Package};
use diag::Diagnostics;
use nsd::Nsd;
use vnfd::Vnfd;

/// Opens a VNF package, compares all digests, reads its VNFD: everything an onboarding needs, with all faults at once.
///
/// # Errors
/// Every fault of archive, digests and descriptor.
pub fn check_vnf_package(path: &Path, limits: &Limits) -> Result<(Package, Vnfd), Diagnostics> {
    let package = Package::open(path, limits)?;
    let read = vnfd::read_vnfd(&package);
    let (vnfd, digests) = (read, package.verify());
    let mut vnfd = merged(vnfd, digests, |v| std::mem::take(&mut v.warnings))?;
    let mut warnings = package.warnings().clone();
    warnings.extend(std::mem::take(&mut vnfd.warnings));
    vnfd.warnings = warnings;
    Ok((package, vnfd))
}

/// As [`check_vnf_package`], for an NSD archive.
///
/// # Errors
/// Every fault of archive, digests and descriptor.
pub fn check_nsd_archive(path: &Path, limits: &Limits) -> Result<(Package, Nsd), Diagnostics> {
    let package = Package::open(path, limits)?;
    let (read, digests) = (nsd::read_nsd(&package), package.verify());
    let mut nsd = merged(read, digests, |n| std::mem::take(&mut n.warnings))?;
    let mut warnings = package.warnings().clone();
    warnings.extend(std::mem::take(&mut nsd.warnings));
    nsd.warnings = warnings;
    Ok((package, nsd))
}

/// A model with intact digests, or all findings of both.
fn merged<T>(
    read: Result<T, Diagnostics>,
    digests: Diagnostics,
    warnings: impl Fn(&mut T) -> Diagnostics,
) -> Result<T, Diagnostics> {
    match read {
        Ok(model) if !digests.has_errors() => Ok(model),
        Ok(mut model) => {
            let mut all = digests;
            all.extend(warnings(&mut model));
            Err(all)
        }
        Err(mut faults) => {
            faults.extend(digests);
            Err(faults)
        }
    }
}
