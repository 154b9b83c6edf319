//! Packages and descriptors: bytes in, typed model out.
//!
//! Reads SOL004 VNF packages and SOL007 NSD archives with SOL001 TOSCA descriptors in them. The crate is pure: it knows
//! no network, no database and no clock. Reading never stops at the first fault; see [`diag`].
//!
//! Order of use: [`archive::Package::open`], then [`read_vnfd`](vnfd::read_vnfd) or [`read_nsd`](nsd::read_nsd), and
//! [`archive::Package::verify`] for the digests. [`check_vnf_package`] and [`check_nsd_archive`] do all of it at once.

mod agree;
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

/// Opens a VNF package, reads its VNFD, compares all digests, and checks that manifest, VNFD and images tell the same:
/// everything an onboarding needs, with all faults at once. Each file is read once; memory stays flat.
///
/// # Errors
/// Every fault of archive, descriptor and digests.
pub fn check_vnf_package(path: &Path, limits: &Limits) -> Result<(Package, Vnfd), Diagnostics> {
    let package = Package::open(path, limits)?;
    let mut found = package.warnings().clone();
    let read = vnfd::read_vnfd(&package).map(|mut vnfd| {
        found.extend(std::mem::take(&mut vnfd.warnings));
        found.extend(agree::vnf(&package, &vnfd));
        vnfd
    });
    let claims = read.as_ref().map(|vnfd| agree::image_claims(&package, vnfd)).unwrap_or_default();
    let (mut vnfd, found) = settle(read, found, archive::verify(&package, claims))?;
    vnfd.warnings = found;
    Ok((package, vnfd))
}

/// As [`check_vnf_package`], for an NSD archive.
///
/// # Errors
/// Every fault of archive, descriptor and digests.
pub fn check_nsd_archive(path: &Path, limits: &Limits) -> Result<(Package, Nsd), Diagnostics> {
    let package = Package::open(path, limits)?;
    let mut found = package.warnings().clone();
    let read = nsd::read_nsd(&package).map(|mut nsd| {
        found.extend(std::mem::take(&mut nsd.warnings));
        found.extend(agree::ns(&package, &nsd));
        nsd
    });
    let (mut nsd, found) = settle(read, found, package.verify())?;
    nsd.warnings = found;
    Ok((package, nsd))
}

/// The model with all findings, or the findings alone when any of them forbids using it.
fn settle<T>(
    read: Result<T, Diagnostics>,
    mut found: Diagnostics,
    digests: Diagnostics,
) -> Result<(T, Diagnostics), Diagnostics> {
    let model = match read {
        Ok(model) => Some(model),
        Err(faults) => {
            found.extend(faults);
            None
        }
    };
    found.extend(digests);
    match model {
        Some(model) if !found.has_errors() => Ok((model, found)),
        _ => Err(found),
    }
}
