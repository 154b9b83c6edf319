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
    let (mut vnfd, found) =
        with_all_findings(&package, vnfd::read_vnfd(&package), |v| std::mem::take(&mut v.warnings))?;
    vnfd.warnings = found;
    Ok((package, vnfd))
}

/// As [`check_vnf_package`], for an NSD archive.
///
/// # Errors
/// Every fault of archive, digests and descriptor.
pub fn check_nsd_archive(path: &Path, limits: &Limits) -> Result<(Package, Nsd), Diagnostics> {
    let package = Package::open(path, limits)?;
    let (mut nsd, found) = with_all_findings(&package, nsd::read_nsd(&package), |n| std::mem::take(&mut n.warnings))?;
    nsd.warnings = found;
    Ok((package, nsd))
}

/// The model with the findings of archive, descriptor and digests, or these findings alone when any forbids using it.
fn with_all_findings<T>(
    package: &Package,
    read: Result<T, Diagnostics>,
    warnings: impl Fn(&mut T) -> Diagnostics,
) -> Result<(T, Diagnostics), Diagnostics> {
    let mut found = package.warnings().clone();
    let model = match read {
        Ok(mut model) => {
            found.extend(warnings(&mut model));
            Some(model)
        }
        Err(faults) => {
            found.extend(faults);
            None
        }
    };
    found.extend(package.verify());
    match model {
        Some(model) if !found.has_errors() => Ok((model, found)),
        _ => Err(found),
    }
}
