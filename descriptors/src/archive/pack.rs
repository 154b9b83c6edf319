//! Making a package from a directory (SOL004 clause 4, SOL007 clause 4).
//!
//! The result depends only on the files' names and contents: entries are sorted, times and rights are fixed. The
//! manifest's metadata is kept and its file blocks are written anew, one for every other file, with SHA-256. Disk images
//! and other packed formats are stored as they are, so that a reader can take them out at the speed of the disk.
//!
//! Descriptors may name what is known only when the package is made: `@SHA256(path)@` becomes the digest of that file
//! and `@SIZE(path)@` its size in bytes. Both are replaced in `.yaml`, `.yml` and `.mf` files.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{HashAlgorithm, Limits, digest, meta, names};
use crate::codes;
use crate::diag::{Diagnostics, Pos, Sink};

/// Why a package could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The directory's content is not fit for a package; all faults.
    #[error("{0}")]
    Content(Diagnostics),
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: String,
        /// What the system answered.
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("cannot write the archive: {0}")]
    Zip(#[from] zip::result::ZipError),
}

/// What was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Path of the manifest in the package.
    pub manifest: String,
    /// Every packed file with its size in bytes.
    pub files: Vec<(String, u64)>,
}

/// Digests computed so far: a large image is named by its descriptor and listed in the manifest, but read once.
type Digests = HashMap<String, (String, u64)>;

enum Content {
    File(PathBuf),
    Text(String),
}

/// Packs the files below `dir`, and the `extra` files under the package paths given with them, into a zip archive.
///
/// `extra` serves artifacts that are built elsewhere, such as disk images. Files whose name begins with a dot are left out.
///
/// # Errors
/// [`PackError::Content`] with every fault of the directory: links, unsafe names, no main service template, no manifest,
/// placeholders that name no file. [`PackError::Io`] and [`PackError::Zip`] when reading or writing fails.
pub fn pack_dir<W: Write + Seek>(dir: &Path, extra: &[(&str, &Path)], out: W) -> Result<Packed, PackError> {
    let mut sink = Sink::new();
    let mut files = list(dir, &mut sink)?;
    for (path, file) in extra {
        match names::refusal(path) {
            Some(why) => sink.error(&codes::UNSAFE_PATH, None, format!("the package path `{path}` is refused: {why}")),
            None => {
                files.insert((*path).to_owned(), Content::File(file.to_path_buf()));
            }
        }
    }
    let manifest = heads(dir, &files, &mut sink);
    let mut digests = Digests::new();
    fill_placeholders(&mut files, &mut digests, &mut sink)?;
    let (Some(manifest), false) = (manifest, sink.has_errors()) else {
        return Err(PackError::Content(sink.finish()));
    };
    let rewritten = write_manifest(&manifest, &files, &mut digests)?;
    files.insert(manifest.clone(), Content::Text(rewritten));

    let mut writer = ZipWriter::new(out);
    // TOSCA.meta comes first, as readers of a stream expect; the rest in order of path.
    let mut order: Vec<&String> = files.keys().collect();
    order.sort_by_key(|p| (p.as_str() != meta::PATH, p.as_str() != manifest, p.as_str()));
    let mut packed = Vec::new();
    for path in order {
        let Some(content) = files.get(path) else { continue };
        packed.push((path.clone(), write_entry(&mut writer, path, content)?));
    }
    writer.finish()?;
    Ok(Packed { manifest, files: packed })
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PackError {
    let path = path.display().to_string();
    move |source| PackError::Io { action, path, source }
}

fn list(dir: &Path, sink: &mut Sink) -> Result<BTreeMap<String, Content>, PackError> {
    let limits = Limits::default();
    let mut files = BTreeMap::new();
    let mut open = vec![(dir.to_path_buf(), String::new())];
    while let Some((path, prefix)) = open.pop() {
        for item in std::fs::read_dir(&path).map_err(io_error("list", &path))? {
            let item = item.map_err(io_error("list", &path))?;
            let name = item.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let full = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            let kind = item.file_type().map_err(io_error("look at", &item.path()))?;
            if kind.is_dir() {
                open.push((item.path(), full));
            } else if !kind.is_file() {
                sink.error_mend(
                    &codes::SYMLINK,
                    None,
                    format!("`{full}` is a symbolic link or special file"),
                    "put the file itself into the directory",
                );
            } else if full.len() > limits.name_bytes {
                sink.error(&codes::NAME_TOO_LONG, None, format!("the path `{full}` is too long"));
            } else if let Some(why) = names::refusal(&full) {
                sink.error(&codes::UNSAFE_PATH, None, format!("`{full}` is refused: {why}"));
            } else {
                files.insert(full, Content::File(item.path()));
            }
        }
    }
    Ok(files)
}

/// Checks that there is a main service template, and finds the manifest.
fn heads(dir: &Path, files: &BTreeMap<String, Content>, sink: &mut Sink) -> Option<String> {
    let named = match files.get(meta::PATH) {
        Some(Content::File(path)) => {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let file = sink.add_source(meta::PATH, text.clone());
            let read = meta::parse(file, &text, sink);
            if read.entry_definitions.as_ref().is_none_or(|p| !files.contains_key(p)) {
                sink.error_mend(
                    &codes::NO_ENTRY_FILE,
                    Pos::whole(file),
                    "`Entry-Definitions` names no file of the directory",
                    "name the main service template",
                );
            }
            read.entry_manifest
        }
        _ => {
            let root: Vec<_> =
                files.keys().filter(|p| !p.contains('/') && (p.ends_with(".yaml") || p.ends_with(".yml"))).collect();
            if root.len() != 1 {
                sink.error_mend(
                    &codes::NO_ENTRY_FILE,
                    None,
                    format!("{} has no TOSCA-Metadata/TOSCA.meta and {} yaml files", dir.display(), root.len()),
                    "add TOSCA-Metadata/TOSCA.meta with `Entry-Definitions`",
                );
            }
            root.first().and_then(|p| p.rsplit_once('.')).map(|(stem, _)| format!("{stem}.mf"))
        }
    };
    match named {
        Some(path) if files.contains_key(&path) => Some(path),
        Some(path) => {
            sink.error_mend(
                &codes::MANIFEST_MISSING,
                None,
                format!("the manifest `{path}` is not in {}", dir.display()),
                "write it with a `metadata:` block; the file blocks are filled in",
            );
            None
        }
        None => {
            sink.error_mend(
                &codes::MANIFEST_MISSING,
                None,
                "no manifest is named",
                "add `ETSI-Entry-Manifest: <name>.mf` to TOSCA.meta and write that file with a `metadata:` block",
            );
            None
        }
    }
}

fn is_text(path: &str) -> bool {
    [".yaml", ".yml", ".mf"].iter().any(|end| path.ends_with(end))
}

fn content_digest(path: &str, content: &Content, digests: &mut Digests) -> Result<(String, u64), PackError> {
    if let Some(known) = digests.get(path) {
        return Ok(known.clone());
    }
    let computed = match content {
        Content::Text(text) => {
            digest(HashAlgorithm::Sha256, text.as_bytes()).map_err(io_error("read", Path::new("text")))
        }
        Content::File(path) => {
            File::open(path).and_then(|file| digest(HashAlgorithm::Sha256, file)).map_err(io_error("read", path))
        }
    }?;
    digests.insert(path.to_owned(), computed.clone());
    Ok(computed)
}

fn fill_placeholders(
    files: &mut BTreeMap<String, Content>,
    digests: &mut Digests,
    sink: &mut Sink,
) -> Result<(), PackError> {
    let mut filled = Vec::new();
    for (path, content) in files.iter().filter(|(p, _)| is_text(p)) {
        let Content::File(on_disk) = content else { continue };
        let size = std::fs::metadata(on_disk).map_err(io_error("look at", on_disk))?.len();
        if size > Limits::default().text_bytes {
            sink.error(&codes::TOO_LARGE, None, format!("`{path}` has {size} bytes, too many for a descriptor"));
            continue;
        }
        let text = std::fs::read_to_string(on_disk).map_err(io_error("read", on_disk))?;
        if !text.contains("@SHA256(") && !text.contains("@SIZE(") {
            continue;
        }
        let file = sink.add_source(path.clone(), text.clone());
        let mut out = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let at = Pos { file, line: u32::try_from(n + 1).unwrap_or(u32::MAX), column: 1 };
            out.push(fill_line(line, files, digests, at, sink)?);
        }
        filled.push((path.clone(), out.join("\n") + "\n"));
    }
    for (path, text) in filled {
        digests.remove(&path);
        files.insert(path, Content::Text(text));
    }
    Ok(())
}

fn fill_line(
    line: &str,
    files: &BTreeMap<String, Content>,
    digests: &mut Digests,
    at: Pos,
    sink: &mut Sink,
) -> Result<String, PackError> {
    let mut out = line.to_owned();
    for (open, wants_size) in [("@SHA256(", false), ("@SIZE(", true)] {
        while let Some(start) = out.find(open) {
            let rest = out.get(start + open.len()..).unwrap_or_default();
            let Some(path) = rest.split_once(")@").map(|(path, _)| path.to_owned()) else { break };
            let value = match files.get(&path) {
                Some(content) => {
                    let (hash, size) = content_digest(&path, content, digests)?;
                    if wants_size { size.to_string() } else { hash }
                }
                None => {
                    sink.error_mend(
                        &codes::PLACEHOLDER,
                        at,
                        format!("`{open}{path})@` names a file that is not there"),
                        format!("add `{path}` to the directory, or give it as an extra file"),
                    );
                    String::new()
                }
            };
            out = out.replace(&format!("{open}{path})@"), &value);
        }
    }
    Ok(out)
}

/// Keeps what stands before the first file block and writes a block for every other file.
fn write_manifest(
    manifest: &str,
    files: &BTreeMap<String, Content>,
    digests: &mut Digests,
) -> Result<String, PackError> {
    let text = match files.get(manifest) {
        Some(Content::File(path)) => std::fs::read_to_string(path).map_err(io_error("read", path))?,
        Some(Content::Text(text)) => text.clone(),
        None => String::new(),
    };
    let mut out = String::new();
    let mut in_block = false;
    for line in text.lines() {
        let key = line.trim().split(':').next().unwrap_or_default().to_ascii_lowercase();
        if line.starts_with("-----BEGIN") {
            break;
        }
        if !line.starts_with(' ') && key == "source" {
            in_block = true;
        } else if line.trim().is_empty() {
            in_block = false;
        }
        if !in_block {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    let mut out = out.trim_end().to_owned() + "\n";
    for (path, content) in files.iter().filter(|(p, _)| *p != manifest) {
        let (hash, _) = content_digest(path, content, digests)?;
        out.push_str(&format!("\nSource: {path}\nAlgorithm: SHA-256\nHash: {hash}\n"));
    }
    Ok(out)
}

/// Formats that are packed already, or that readers want to take out at full speed.
fn stored(path: &str) -> bool {
    let end = path.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    matches!(
        end.as_str(),
        "qcow2"
            | "img"
            | "vmdk"
            | "vdi"
            | "vhd"
            | "vhdx"
            | "iso"
            | "gz"
            | "tgz"
            | "xz"
            | "zst"
            | "bz2"
            | "zip"
            | "png"
            | "jpg"
    )
}

fn write_entry<W: Write + Seek>(writer: &mut ZipWriter<W>, path: &str, content: &Content) -> Result<u64, PackError> {
    let method = if stored(path) { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    let executable = path.ends_with(".sh");
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(zip::DateTime::DEFAULT)
        .unix_permissions(if executable { 0o755 } else { 0o644 });
    let mut source: Box<dyn Read + '_> = match content {
        Content::Text(text) => Box::new(text.as_bytes()),
        Content::File(file) => Box::new(File::open(file).map_err(io_error("read", file))?),
    };
    let large = match content {
        Content::Text(_) => false,
        Content::File(file) => std::fs::metadata(file).map_err(io_error("look at", file))?.len() >= u64::from(u32::MAX),
    };
    writer.start_file(path, options.large_file(large))?;
    io::copy(&mut source, writer).map_err(io_error("pack", Path::new(path)))
}
