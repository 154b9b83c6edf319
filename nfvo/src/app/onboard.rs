//! Reading archives: everything that `descriptors` finds, as faults with file, line and mend; digests of the software
//! images; the definition files for the VNFM. Blocking work, done on blocking threads.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use descriptors::archive::{HashAlgorithm, Limits, Package, SignatureOption};
use descriptors::diag::{Diagnostic, Diagnostics, Severity};
use descriptors::nsd::Nsd;
use descriptors::signature::Trust;
use descriptors::sol006;
use descriptors::vnfd::{SwImage, Vnfd};
use reference_points::common::{Fault, ProblemDetails};
use reference_points::os_ma_nfvo::PackageSecurityOption;
use service::http::{ApiError, ApiResult};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::config::Config;
use crate::ops::resolve::ImageFacts;

/// Larger files of a package that are no definitions go to the VNFM by name only.
const MAX_TEXT: u64 = 1024 * 1024;

/// A VNF package that can be onboarded.
#[derive(Debug)]
pub struct ReadPackage {
    /// Its VNFD.
    pub vnfd: Vnfd,
    /// Its software images, by identifier in the VNFD.
    pub images: BTreeMap<String, ImageFacts>,
    /// Files that are neither definitions nor images, with their digest in the manifest.
    pub artifacts: Vec<(String, Option<(HashAlgorithm, String)>)>,
    /// Specification versions that the manifest names.
    pub compatible: Vec<String>,
    /// Where its signature is.
    pub security: PackageSecurityOption,
}

/// An NSD archive that can be onboarded.
#[derive(Debug)]
pub struct ReadNsd {
    /// Its NSD.
    pub nsd: Nsd,
    /// Files that are no definitions, with their digest in the manifest.
    pub artifacts: Vec<(String, Option<(HashAlgorithm, String)>)>,
    /// Where its signature is.
    pub security: PackageSecurityOption,
}

/// Reads the trust anchors of the configuration. The time of judging is set for each archive.
///
/// # Errors
/// A file that cannot be read, or holds no certificate.
pub fn trust(config: &Config) -> Result<Trust, String> {
    let mut trust = Trust::new(0, config.unsigned_packages);
    for path in &config.trust_anchors {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|e| format!("trust_anchors: {shown}: {e}"))?;
        trust.add_anchors(&shown, &bytes).map_err(|e| format!("trust_anchors: {e}"))?;
    }
    Ok(trust)
}

fn security(package: &Package) -> PackageSecurityOption {
    match package.signature_option() {
        Some(SignatureOption::Outer) => PackageSecurityOption::Option2,
        // SOL005 knows no word for unsigned; digests in the manifest are the first half of option 1.
        Some(SignatureOption::Manifest) | None => PackageSecurityOption::Option1,
    }
}

/// What policy accepts but does not pass over in silence.
fn log_signatures(what: &str, found: &Diagnostics) {
    for d in found.iter().filter(|d| d.severity == Severity::Warning && d.code.starts_with("SIGNATURE-")) {
        tracing::warn!(archive = what, code = %d.code, "{}", d.message);
    }
}

/// Reads a VNF package.
///
/// # Errors
/// Every fault (outer `Ok`, inner `Err`); outer `Err` when the reading itself broke.
pub async fn package(path: &Path, trust: Trust) -> ApiResult<Result<ReadPackage, Box<ProblemDetails>>> {
    let path = path.to_owned();
    blocking(move || {
        let (package, vnfd) = match descriptors::check_signed_vnf_package(&path, &Limits::default(), &trust) {
            Ok(read) => read,
            Err(found) => return Err(Box::new(problem("VNF package", &found))),
        };
        log_signatures("VNF package", &vnfd.warnings);
        let (images, faults) = images(&package, &vnfd);
        if !faults.is_empty() {
            return Err(Box::new(refused("VNF package", faults)));
        }
        let artifacts = artifacts(&package, &images);
        let compatible = package
            .manifest()
            .and_then(|m| m.metadata.get("compatible_specification_versions"))
            .map(|v| v.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect())
            .unwrap_or_default();
        Ok(ReadPackage { security: security(&package), vnfd, images, artifacts, compatible })
    })
    .await
}

/// Reads an NSD archive.
///
/// # Errors
/// As [`package`].
pub async fn nsd(path: &Path, trust: Trust) -> ApiResult<Result<ReadNsd, Box<ProblemDetails>>> {
    let path = path.to_owned();
    blocking(move || match descriptors::check_signed_nsd_archive(&path, &Limits::default(), &trust) {
        Ok((package, nsd)) => {
            log_signatures("NSD archive", &nsd.warnings);
            let artifacts = artifacts(&package, &BTreeMap::new());
            Ok(ReadNsd { security: security(&package), artifacts, nsd })
        }
        Err(found) => Err(Box::new(problem("NSD archive", &found))),
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| ApiError::internal(format!("reading an archive met a defect: {e}")))
}

/// Every finding as a fault; only errors refuse.
fn problem(what: &str, found: &Diagnostics) -> ProblemDetails {
    refused(what, found.errors().map(fault).collect())
}

/// The problem of an archive that cannot be used.
pub fn refused(what: &str, faults: Vec<Fault>) -> ProblemDetails {
    let n = faults.len();
    let count = if n == 1 { "1 fault".to_owned() } else { format!("{n} faults") };
    ProblemDetails::unprocessable(format!("the {what} cannot be onboarded: {count}"), faults)
        .next("mend the faults, then upload the archive again")
}

fn fault(found: &Diagnostic) -> Fault {
    let file = found.file.as_deref().unwrap_or("archive");
    let at = match (found.line, found.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(line), None) => format!("{file}:{line}"),
        (None, _) => file.to_owned(),
    };
    let fault = Fault::new(at, format!("{} [{}]", found.message, found.code));
    match &found.mend {
        Some(mend) => fault.mend(mend.as_str()),
        None => fault,
    }
}

/// Path, size and SHA-256 of the software images. That they are what the VNFD says was checked with the package; whoever
/// fetches them is told their SHA-256, whichever digest the VNFD has.
fn images(package: &Package, vnfd: &Vnfd) -> (BTreeMap<String, ImageFacts>, Vec<Fault>) {
    let mut facts = BTreeMap::new();
    let mut faults = Vec::new();
    let sizes: BTreeMap<&str, u64> = package.files().collect();
    for image in vnfd.sw_images() {
        let Some(path) = image.artifact.as_deref() else { continue };
        let Some(size) = sizes.get(path).copied() else { continue };
        match package.digest(path, HashAlgorithm::Sha256) {
            Ok(sha256) => {
                told_otherwise(image, path, size);
                facts.insert(image.id.clone(), ImageFacts { path: path.to_owned(), sha256, size_bytes: size });
            }
            Err(error) => faults.push(Fault::new(path, format!("the image cannot be read: {error}"))),
        }
    }
    (facts, faults)
}

/// The digest, which was checked, says that the file is the one that is meant: a size that is wrong beside it, as many
/// packages have it, is told and not taken.
fn told_otherwise(image: &SwImage, path: &str, size: u64) {
    if image.size_bytes != size {
        tracing::warn!(image = image.id, path, size, vnfd = image.size_bytes, "the VNFD has another size for an image");
    }
}

fn artifacts(
    package: &Package,
    images: &BTreeMap<String, ImageFacts>,
) -> Vec<(String, Option<(HashAlgorithm, String)>)> {
    let digest = |path: &str| {
        let listed = package.manifest()?.files.iter().find(|f| f.source == path)?;
        listed.digest.clone()
    };
    let manifest = package.manifest().map(|m| m.path.clone());
    let definitions = Definitions::of(package);
    package
        .files()
        .map(|(path, _)| path)
        .filter(|path| {
            !definitions.contains(path) && Some(*path) != manifest.as_deref() && !path.starts_with("TOSCA-Metadata/")
        })
        .filter(|path| !images.values().any(|i| i.path == *path))
        .map(|path| (path.to_owned(), digest(path)))
        .collect()
}

/// Which files of a package are its descriptor: every yaml file of one by SOL001, the one file of one by SOL006 with the
/// main file that names it.
pub enum Definitions {
    /// By SOL001.
    Tosca,
    /// By SOL006.
    Yang { descriptor: String, entry: String },
}

impl Definitions {
    /// Those of a package.
    pub fn of(package: &Package) -> Self {
        match sol006::descriptor_of(package) {
            Some(descriptor) => Self::Yang { descriptor, entry: package.entry_definitions().to_owned() },
            None => Self::Tosca,
        }
    }

    /// Whether a file is one of them.
    pub fn contains(&self, path: &str) -> bool {
        match self {
            Self::Tosca => {
                let lower = path.to_ascii_lowercase();
                lower.ends_with(".yaml") || lower.ends_with(".yml")
            }
            Self::Yang { descriptor, entry } => path == descriptor || path == entry,
        }
    }
}

/// The VNFD as a zip archive (SOL003 clause 10.4.4): every definition file, and by name the files that definitions refer
/// to, small ones with their content.
///
/// # Errors
/// The package's file cannot be read.
pub async fn vnfd_zip(archive: PathBuf) -> ApiResult<Vec<u8>> {
    let made = blocking(move || {
        let package = Package::open(&archive, &Limits::default()).map_err(|d| io::Error::other(d.to_string()))?;
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        zip.start_file("TOSCA-Metadata/TOSCA.meta", options)?;
        write!(
            zip,
            "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: nfvo\nEntry-Definitions: {}\n",
            package.entry_definitions()
        )?;
        let definitions = Definitions::of(&package);
        for (path, size) in package.files() {
            if path.starts_with("TOSCA-Metadata/") || path.ends_with(".mf") {
                continue;
            }
            zip.start_file(path, options)?;
            if definitions.contains(path) || size <= MAX_TEXT {
                package.open_artifact(path)?.copy_to(&mut zip)?;
            }
        }
        Ok::<_, io::Error>(zip.finish()?.into_inner())
    })
    .await?;
    made.map_err(|e| super::intake::unwritable(&e))
}

/// The VNFD as plain text, when it is one file.
///
/// # Errors
/// 406 when it is several files.
pub async fn vnfd_text(archive: PathBuf) -> ApiResult<String> {
    let read = blocking(move || {
        let package = Package::open(&archive, &Limits::default()).map_err(|d| io::Error::other(d.to_string()))?;
        let definitions = Definitions::of(&package);
        let path = match &definitions {
            Definitions::Tosca => package.entry_definitions(),
            Definitions::Yang { descriptor, .. } => descriptor,
        };
        let count = package.files().filter(|(path, _)| definitions.contains(path)).count();
        if count > 1 && matches!(definitions, Definitions::Tosca) {
            return Ok(Err(count));
        }
        let bytes = package.read(path)?;
        Ok::<_, io::Error>(Ok(String::from_utf8_lossy(&bytes).into_owned()))
    })
    .await?;
    match read.map_err(|e| super::intake::unwritable(&e))? {
        Ok(text) => Ok(text),
        Err(n) => {
            let fault = Fault::new("header.Accept", format!("the descriptor is {n} files"))
                .mend("send Accept: application/zip");
            Err(ApiError::new(ProblemDetails {
                faults: vec![fault],
                ..ProblemDetails::new(
                    406,
                    "Not acceptable",
                    "a descriptor of several files is had as application/zip only",
                )
            }))
        }
    }
}

/// The manifest, when the package has one.
///
/// # Errors
/// The package's file cannot be read.
pub async fn manifest(archive: PathBuf) -> ApiResult<Option<Vec<u8>>> {
    let read = blocking(move || {
        let package = Package::open(&archive, &Limits::default()).map_err(|d| io::Error::other(d.to_string()))?;
        package.manifest().map(|m| package.read(&m.path)).transpose()
    })
    .await?;
    read.map_err(|e| super::intake::unwritable(&e))
}

/// Wraps a plain YAML descriptor into an archive.
///
/// # Errors
/// The files cannot be read or written.
pub async fn wrap_yaml(yaml: PathBuf, archive: PathBuf) -> ApiResult<()> {
    let done = blocking(move || {
        let mut zip = ZipWriter::new(std::fs::File::create(archive)?);
        zip.start_file("nsd.yaml", SimpleFileOptions::default())?;
        io::copy(&mut std::fs::File::open(yaml)?, &mut zip)?;
        zip.finish()?.sync_all()?;
        Ok::<_, io::Error>(())
    })
    .await?;
    done.map_err(|e| super::intake::unwritable(&e))
}
