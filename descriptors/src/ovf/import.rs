//! From an appliance to a VNF package: disks converted, texts written, and the result checked as an onboarding would.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::appliance::Appliance;
use super::disk::DiskFormat;
use super::error::{OvfError, io_error};
use super::manifest::Algorithm;
use super::model::Envelope;
use super::names::short;
use super::plan::{Content, Design, design};
use super::qemu_img::QemuImg;
use super::read::{MAX_BYTES, read_envelope};
use super::template::{self, Facts, Image};
use crate::archive::{HashAlgorithm, Limits, Package, digest, pack_dir};
use crate::check;
use crate::codes;
use crate::diag::{Diagnostics, Sink};
use crate::vnfd::Vnfd;

/// What a package is made with.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Bounds on what is read; `entry_bytes` bounds each converted disk too.
    pub limits: Limits,
    /// Product name, in place of what the appliance says.
    pub name: Option<String>,
    /// Provider, in place of what the appliance says.
    pub provider: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The appliance's descriptor.
    pub envelope: Envelope,
    /// The VNFD, as read back from the package.
    pub vnfd: Vnfd,
    /// What was noticed, everything that was left out among it. No errors.
    pub found: Diagnostics,
}

/// Makes the VNF package `out` from an OVA, an OVF descriptor or a directory with one. `out` is an archive where its name
/// ends in `.csar` or `.zip`, else a directory that must not be there yet; it appears only when it is complete.
///
/// # Errors
/// [`OvfError::Content`] with everything that is wrong with the appliance; the others when files or `qemu-img` fail.
pub fn import(source: &Path, out: &Path, options: &ImportOptions, tool: &QemuImg) -> Result<Imported, OvfError> {
    let archive = out.extension().is_some_and(|e| e.eq_ignore_ascii_case("csar") || e.eq_ignore_ascii_case("zip"));
    if !archive && out.exists() {
        let there = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(io_error("make", out)(there));
    }
    let mut sink = Sink::new();
    let opened = Appliance::open(source, &options.limits, &mut sink).map_err(io_error("read", source))?;
    let Some(appliance) = opened else { return Err(OvfError::Content(sink.finish())) };
    let envelope = read_envelope(appliance.descriptor(), appliance.text(), &mut sink);
    let used: Vec<&str> = envelope.iter().flat_map(|e| &e.files).map(|f| f.href.as_str()).collect();
    files(&appliance, envelope.as_ref(), &mut sink);
    appliance.verify(&used, &mut sink).map_err(io_error("read", source))?;
    let (Some(envelope), false) = (envelope, sink.has_errors()) else { return Err(OvfError::Content(sink.finish())) };
    let design = design(&envelope, options.name.as_deref(), options.provider.as_deref());

    // Beside the target, so that the last step is a renaming.
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let work =
        tempfile::Builder::new().prefix(".from-ovf-").tempdir_in(parent).map_err(io_error("write below", parent))?;
    let tree = work.path().canonicalize().map_err(io_error("find", work.path()))?.join("package");
    let images = convert(&appliance, &design, &tree, options, tool, &mut sink)?;
    if sink.has_errors() {
        return Err(OvfError::Content(sink.finish()));
    }
    let facts = Facts { descriptor_id: identifier(&appliance, &design), released: time(appliance.changed_s()), images };
    write(&tree, &template::texts(&design, &facts), &template::stem(&design))?;
    let made = if archive {
        let file = work.path().join("package.csar");
        pack_dir(&tree, &[], File::create(&file).map_err(io_error("write", &file))?)?;
        file
    } else {
        tree
    };
    let mut found = sink.finish();
    let vnfd = match checked(&made, &options.limits) {
        Ok((_, vnfd, warnings)) => {
            found.extend(warnings);
            vnfd
        }
        Err(faults) => {
            found.extend(faults);
            return Err(OvfError::Content(found));
        }
    };
    fs::rename(&made, out).map_err(io_error("write", out))?;
    Ok(Imported { envelope, vnfd, found })
}

/// The whole check of an onboarding, over an archive or the directory of one.
pub(super) fn checked(path: &Path, limits: &Limits) -> Result<(Package, Vnfd, Diagnostics), Diagnostics> {
    let opened = if path.is_dir() { Package::inspect_dirs(&[path], limits) } else { Package::inspect(path, limits) };
    check::vnf(opened, None).settle()
}

/// Looks whether the files are there and as large as described.
fn files(appliance: &Appliance, envelope: Option<&Envelope>, sink: &mut Sink) {
    for file in envelope.iter().flat_map(|e| &e.files) {
        match (appliance.size(&file.href), file.size_bytes) {
            (None, _) => sink.error_mend(
                &codes::OVF_FILE,
                None,
                format!("the file `{}` is not in the appliance, or is a link", short(&file.href)),
                "put it beside the descriptor",
            ),
            (Some(is), Some(told)) if is != told => sink.warn(
                &codes::OVF_FILE,
                None,
                format!("the file `{}` has {is} bytes, the descriptor says {told}", short(&file.href)),
                format!("ovf:size=\"{is}\""),
            ),
            _ => {}
        }
    }
}

/// Converts every disk into the package; each file of the appliance lies open only as long as its conversion takes.
fn convert(
    appliance: &Appliance,
    design: &Design,
    tree: &Path,
    options: &ImportOptions,
    tool: &QemuImg,
    sink: &mut Sink,
) -> Result<BTreeMap<String, Image>, OvfError> {
    let mut images = BTreeMap::new();
    for content in design.vdus.iter().flat_map(|v| &v.disks).filter_map(|d| d.content.as_ref()) {
        let target = tree.join(&content.path);
        if let Some(dir) = target.parent() {
            fs::create_dir_all(dir).map_err(io_error("make", dir))?;
        }
        let open = appliance.path(&content.href);
        let source = match &open {
            Some(path) => path.clone(),
            None => unpack(appliance, content, tree)?,
        };
        match tool.size(&source, content.format) {
            Ok(virtual_bytes) if virtual_bytes <= MAX_BYTES => {
                let most = options.limits.entry_bytes;
                tool.convert((&source, content.format), (&target, DiskFormat::Qcow2), most)?;
                let file = File::open(&target).map_err(io_error("read", &target))?;
                let (sha256, size_bytes) = digest(HashAlgorithm::Sha256, file).map_err(io_error("read", &target))?;
                images.insert(content.path.clone(), Image { sha256, size_bytes, virtual_bytes });
            }
            Ok(virtual_bytes) => sink.error(
                &codes::OVF_DISK,
                None,
                format!("the disk `{}` claims {virtual_bytes} bytes; the limit is 64 TiB", short(&content.href)),
            ),
            Err(Ok(why)) => sink.error_mend(
                &codes::OVF_DISK,
                None,
                format!("the disk `{}` is refused: {why}", short(&content.href)),
                "export it whole, in one file",
            ),
            Err(Err(error)) => return Err(error),
        }
        if open.is_none() {
            let _ = fs::remove_file(&source);
        }
    }
    Ok(images)
}

fn unpack(appliance: &Appliance, content: &Content, tree: &Path) -> Result<PathBuf, OvfError> {
    let path = tree.with_file_name("disk");
    let mut reader = appliance.reader(&content.href).map_err(io_error("read", Path::new(&content.href)))?;
    let mut file = File::create(&path).map_err(io_error("write", &path))?;
    std::io::copy(&mut reader, &mut file).map_err(io_error("unpack", Path::new(&content.href)))?;
    Ok(path)
}

/// Writes the texts, and the manifest with a block for each file.
fn write(tree: &Path, texts: &BTreeMap<String, String>, stem: &str) -> Result<(), OvfError> {
    for (path, text) in texts {
        let file = tree.join(path);
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir).map_err(io_error("make", dir))?;
        }
        fs::write(&file, text).map_err(io_error("write", &file))?;
    }
    let manifest = format!("{stem}.mf");
    let mut text = texts.get(&manifest).cloned().unwrap_or_default();
    let mut all = Vec::new();
    list(tree, "", &mut all)?;
    all.sort();
    for path in all.iter().filter(|p| **p != manifest) {
        let file = tree.join(path);
        let opened = File::open(&file).map_err(io_error("read", &file))?;
        let (hash, _) = digest(HashAlgorithm::Sha256, opened).map_err(io_error("read", &file))?;
        text.push_str(&format!("\nSource: {path}\nAlgorithm: {}\nHash: {hash}\n", HashAlgorithm::Sha256.name()));
    }
    let file = tree.join(&manifest);
    fs::write(&file, text).map_err(io_error("write", &file))
}

fn list(tree: &Path, below: &str, found: &mut Vec<String>) -> Result<(), OvfError> {
    let dir = tree.join(below);
    for entry in fs::read_dir(&dir).map_err(io_error("list", &dir))? {
        let entry = entry.map_err(io_error("list", &dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.path().is_dir() { list(tree, &path, found)? } else { found.push(path) }
    }
    Ok(())
}

/// A UUID of its own kind (RFC 9562 clause 5.8) that the same appliance always gets.
fn identifier(appliance: &Appliance, design: &Design) -> String {
    let named = format!("{}\n{}\n{}\n{}", design.provider, design.product, design.version, appliance.text());
    let hash = Algorithm::Sha256.of(named.as_bytes()).unwrap_or_default();
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

/// Seconds since 1970-01-01T00:00:00Z as RFC 3339 has it.
fn time(seconds: u64) -> String {
    der::DateTime::from_unix_duration(Duration::from_secs(seconds))
        .map_or_else(|_| "1970-01-01T00:00:00Z".to_owned(), |t| t.to_string())
}
