//! The whole check of a package: archive, descriptor, digests, signatures, and whether they agree. Onboarding and the
//! package doctor both use it, so they find the same and say it in the same words.

use crate::agree;
use crate::archive::{self, Inspected, Package, PackageKind};
use crate::codes;
use crate::diag::{Diagnostics, Pos, Sink};
use crate::nsd::{self, Nsd};
use crate::pnfd::{self, Pnfd};
use crate::signature::{self, Signer, Trust};
use crate::vnfd::{self, Vnfd};

/// What came of checking a package.
#[derive(Debug)]
pub struct Checked<M> {
    /// The package; `None` when the archive itself is damaged or means harm.
    pub package: Option<Package>,
    /// The model; `None` when the descriptor cannot be understood.
    pub model: Option<M>,
    /// Who signed, where a signature fits.
    pub signers: Vec<Signer>,
    /// All findings, in order of file and line.
    pub found: Diagnostics,
}

impl<M> Checked<M> {
    /// Package and model when no finding is an error; the findings that remain come with them.
    ///
    /// # Errors
    /// All findings when any is an error.
    pub fn settle(self) -> Result<(Package, M, Diagnostics), Diagnostics> {
        match (self.package, self.model) {
            (Some(package), Some(model)) if !self.found.has_errors() => Ok((package, model, self.found)),
            _ => Err(self.found),
        }
    }

    /// The same without the model.
    pub fn forget(self) -> Checked<()> {
        let model = self.model.map(|_| ());
        Checked { package: self.package, model, signers: self.signers, found: self.found }
    }
}

/// Checks a VNF package (SOL004). Without `trust` its signatures are not looked at.
#[must_use]
pub fn vnf(opened: Inspected, trust: Option<&Trust>) -> Checked<Vnfd> {
    check(PackageKind::Vnf, opened, trust, |package, found| match vnfd::read_vnfd(package) {
        Ok(mut vnfd) => {
            found.extend(std::mem::take(&mut vnfd.warnings));
            found.extend(agree::vnf(package, &vnfd));
            let claims = agree::image_claims(package, &vnfd);
            (Some(vnfd), claims)
        }
        Err(faults) => {
            found.extend(faults);
            (None, Vec::new())
        }
    })
}

/// Checks an NSD archive (SOL007). Without `trust` its signatures are not looked at.
#[must_use]
pub fn ns(opened: Inspected, trust: Option<&Trust>) -> Checked<Nsd> {
    check(PackageKind::Ns, opened, trust, |package, found| match nsd::read_nsd(package) {
        Ok(mut nsd) => {
            found.extend(std::mem::take(&mut nsd.warnings));
            found.extend(agree::ns(package, &nsd));
            (Some(nsd), Vec::new())
        }
        Err(faults) => {
            found.extend(faults);
            (None, Vec::new())
        }
    })
}

/// Checks a PNFD archive (SOL004 clause 4.3.2, SOL007) as far as anything is done with it: what its PNFD says wrong is told
/// and forbids nothing, because no PNF is made from it. Without `trust` its signatures are not looked at.
#[must_use]
pub fn pnf(opened: Inspected, trust: Option<&Trust>) -> Checked<()> {
    check(PackageKind::Pnf, opened, trust, |package, found| {
        let (pnfd, mut told) = match pnfd::read_pnfd(package) {
            Ok(mut pnfd) => {
                let told = std::mem::take(&mut pnfd.warnings);
                (Some(pnfd), told)
            }
            Err(told) => (None, told),
        };
        told.soften("TOSCA-");
        told.soften("SOL001-");
        // A file that cannot be read at all stays refused.
        if !told.errors().any(|d| d.code == codes::YANG_XML.id) {
            told.soften("SOL006-");
        }
        // Files that are no YAML, or would exhaust a reader, are refused all the same.
        let readable = !told.has_errors();
        found.extend(told);
        found.extend(agree::pnf(package, pnfd.as_ref()));
        (readable.then_some(()), Vec::new())
    })
}

/// As [`pnf`], with the PNFD read to its model; what its types demand is then demanded.
#[must_use]
pub fn pnfd(opened: Inspected, trust: Option<&Trust>) -> Checked<Pnfd> {
    check(PackageKind::Pnf, opened, trust, |package, found| match pnfd::read_pnfd(package) {
        Ok(mut pnfd) => {
            found.extend(std::mem::take(&mut pnfd.warnings));
            found.extend(agree::pnf(package, Some(&pnfd)));
            (Some(pnfd), Vec::new())
        }
        Err(faults) => {
            found.extend(faults);
            found.extend(agree::pnf(package, None));
            (None, Vec::new())
        }
    })
}

fn check<M>(
    kind: PackageKind,
    opened: Inspected,
    trust: Option<&Trust>,
    read: impl FnOnce(&Package, &mut Diagnostics) -> (Option<M>, Vec<archive::Claim>),
) -> Checked<M> {
    let Inspected { package, mut found } = opened;
    // Only VNF packages need both; an archive without manifest does not say that it is none.
    if kind != PackageKind::Vnf {
        found.forget(&[&codes::CHANGE_LOG, &codes::LICENSES]);
    }
    let Some(package) = package else { return Checked { package: None, model: None, signers: Vec::new(), found } };
    let other = other_kind(kind, &package);
    let readable = !package.entry_definitions().is_empty() && other.is_empty();
    found.extend(other);
    let (model, claims) = if readable { read(&package, &mut found) } else { (None, Vec::new()) };
    found.extend(archive::verify(&package, claims));
    let mut signers = Vec::new();
    if let Some(trust) = trust {
        let signatures = signature::check(&package, trust);
        found.extend(signatures.found);
        signers = signatures.signers;
    }
    Checked { package: Some(package), model, signers, found }
}

/// Tells when the manifest says that the archive describes something else. Its descriptor is then not judged: every word
/// about it would mislead.
fn other_kind(kind: PackageKind, package: &Package) -> Diagnostics {
    let mut sink = Sink::new();
    let words = |kind| match kind {
        PackageKind::Vnf => ("a VNF package", "mano vnfpkg"),
        PackageKind::Ns => ("an NSD archive", "mano nsd"),
        PackageKind::Pnf => ("a PNFD archive", "mano nsd"),
    };
    if let Some((manifest, told)) = package.manifest().and_then(|m| Some((m, m.kind()?)))
        && told != kind
    {
        let text = package.read(&manifest.path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
        let file = sink.add_source(manifest.path.as_str(), text);
        let line = manifest.lines.get("metadata").copied().unwrap_or(1);
        let ((is, command), (wanted, _)) = (words(told), words(kind));
        sink.error_mend(
            &codes::OTHER_KIND,
            Pos { file, line, column: 1 },
            format!("the manifest is that of {is}, expected is {wanted}"),
            format!("use `{command} …` for it, or correct the metadata"),
        );
    }
    sink.finish()
}
