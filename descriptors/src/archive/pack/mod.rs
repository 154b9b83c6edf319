//! Making a package from a directory (SOL004 clause 4, SOL007 clause 4).
//!
//! The result depends only on the files' names and contents: entries are sorted, times and rights are fixed. The
//! manifest's metadata is kept and its file blocks are written anew, one for every other file, with its digest; blocks of
//! external artifacts stay. Disk images and other packed formats are stored as they are, so that a reader can take them
//! out at the speed of the disk.
//!
//! Descriptors may name what is known only when the package is made: `@SHA256(path)@` becomes the digest of that file
//! and `@SIZE(path)@` its size in bytes. Both are replaced in `.yaml`, `.yml` and `.mf` files, and in descriptors of SOL006
//! in JSON and XML.
//!
//! A package may be signed as it is made (SOL004 clause 5.1): by option 1 the manifest carries the signature, by option 2
//! an outer archive holds package and signature.

mod fill;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::{Entry, HashAlgorithm, Limits, Place, digest, meta, names, root};
use crate::codes;
use crate::diag::{Diagnostics, Pos, Sink};
use crate::signature::{SignError, SigningKey};

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
    /// The package could not be signed.
    #[error("cannot sign the package: {0}")]
    Sign(#[from] SignError),
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
struct Digests {
    /// The algorithm of the manifest.
    hash: HashAlgorithm,
    known: HashMap<(String, HashAlgorithm), (String, u64)>,
}

impl Digests {
    fn new(hash: HashAlgorithm) -> Self {
        Self { hash, known: HashMap::new() }
    }

    /// Digest and size of a file.
    fn of(&mut self, path: &str, content: &Content, hash: HashAlgorithm) -> Result<(String, u64), PackError> {
        let key = (path.to_owned(), hash);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let computed = match content {
            Content::Text(text) => digest(hash, text.as_bytes()).map_err(io_error("read", Path::new("text"))),
            Content::File(path) => File::open(path).and_then(|file| digest(hash, file)).map_err(io_error("read", path)),
        }?;
        self.known.insert(key, computed.clone());
        Ok(computed)
    }

    fn forget(&mut self, path: &str) {
        self.known.retain(|(p, _), _| p != path);
    }
}

enum Content {
    File(PathBuf),
    Text(String),
}

impl Content {
    /// How the file begins.
    fn head(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Content::Text(text) => bytes.extend_from_slice(text.as_bytes()),
            Content::File(path) => {
                File::open(path).ok()?.take(root::HEAD).read_to_end(&mut bytes).ok()?;
            }
        }
        Some(bytes)
    }
}

/// Where the signature of a package goes (SOL004 clause 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureOption {
    /// Option 1: into the manifest, which holds the digests of all files.
    #[default]
    Manifest,
    /// Option 2: beside the package, in an outer archive.
    Outer,
}

/// How a package is made.
#[derive(Debug)]
pub struct PackOptions<'a> {
    /// The digest algorithm of manifest and signature: SHA-256 or SHA-512.
    pub hash: HashAlgorithm,
    /// Who signs, and where the signature goes.
    pub sign: Option<(&'a SigningKey, SignatureOption)>,
    /// The time of signing that the signature claims, in seconds since 1970-01-01T00:00:00Z. Without it none is claimed,
    /// and the package depends on nothing but its files and the key.
    pub at: Option<i64>,
}

impl Default for PackOptions<'_> {
    fn default() -> Self {
        Self { hash: HashAlgorithm::Sha256, sign: None, at: None }
    }
}

/// Packs the files below `dir`, and the `extra` files under the package paths given with them, into a zip archive.
///
/// `extra` serves artifacts that are built elsewhere, such as disk images. Files whose name begins with a dot are left out.
///
/// # Errors
/// [`PackError::Content`] with every fault of the directory: links, unsafe names, no main service template, no manifest,
/// placeholders that name no file. [`PackError::Io`] and [`PackError::Zip`] when reading or writing fails.
pub fn pack_dir<W: Write + Seek>(dir: &Path, extra: &[(&str, &Path)], out: W) -> Result<Packed, PackError> {
    pack_dir_with(dir, extra, &PackOptions::default(), out)
}

/// As [`pack_dir`], with a choice of digests and with a signature.
///
/// # Errors
/// As [`pack_dir`], and [`PackError::Sign`] when the package cannot be signed.
pub fn pack_dir_with<W: Write + Seek>(
    dir: &Path,
    extra: &[(&str, &Path)],
    options: &PackOptions<'_>,
    out: W,
) -> Result<Packed, PackError> {
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
    let mut digests = Digests::new(options.hash);
    fill::placeholders(&mut files, &mut digests, &mut sink)?;
    let (Some(manifest), false) = (manifest, sink.has_errors()) else {
        return Err(PackError::Content(sink.finish()));
    };
    let mut text = fill::manifest(&manifest, &files, &mut digests)?;
    if let Some((key, SignatureOption::Manifest)) = options.sign {
        text.push('\n');
        let signature = key.sign(text.as_bytes(), options.hash, options.at)?;
        text.push_str(&signature);
    }
    files.insert(manifest.clone(), Content::Text(text));
    let Some((key, SignatureOption::Outer)) = options.sign else {
        let packed = write::archive(&files, &manifest, out)?;
        return Ok(Packed { manifest, files: packed });
    };
    let here = Path::new("the temporary package");
    let mut inner = tempfile::tempfile().map_err(io_error("make", here))?;
    let packed = write::archive(&files, &manifest, BufWriter::new(&inner))?;
    io::Seek::rewind(&mut inner).map_err(io_error("read", here))?;
    let signature = key.sign(&inner, options.hash, options.at)?;
    let name = manifest.rsplit('/').next().and_then(|n| n.strip_suffix(".mf")).unwrap_or("package");
    write::outer(name, inner, &signature, out)?;
    Ok(Packed { manifest, files: packed })
}

/// The files that a package would have when it were made of these sources; `None` when there is nothing to make of them.
pub(super) fn sources(
    dir: &Path,
    extra: &[(&str, &Path)],
    limits: &Limits,
    sink: &mut Sink,
) -> Option<BTreeMap<String, Entry>> {
    let mut quiet = Sink::new();
    let mut files = list(dir, &mut quiet).ok().filter(|f| f.len() <= limits.entries)?;
    for (path, file) in extra.iter().filter(|(path, _)| names::refusal(path).is_none()) {
        files.insert((*path).to_owned(), Content::File(file.to_path_buf()));
    }
    let manifest = heads(dir, &files, &mut quiet);
    let mut digests = Digests::new(HashAlgorithm::Sha256);
    fill::placeholders(&mut files, &mut digests, sink).ok()?;
    let ordinary = extra.is_empty() && !files.values().any(|c| matches!(c, Content::Text(_)));
    // Links and unsafe names are told where directories are read as they are.
    if ordinary || quiet.has_errors_beside(&codes::MANIFEST_MISSING) {
        return None;
    }
    if let Some(path) = manifest {
        let text = fill::manifest(&path, &files, &mut digests).ok()?;
        files.insert(path, Content::Text(text));
    }
    let entry = |content: Content| match content {
        Content::Text(text) => Some(Entry { size: text.len() as u64, place: Place::Memory(text.into_bytes().into()) }),
        Content::File(path) => {
            let size = std::fs::metadata(&path).ok()?.len();
            Some(Entry { place: Place::File(path), size })
        }
    };
    files.into_iter().map(|(path, content)| Some((path, entry(content)?))).collect()
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
            let paths = files.keys().map(String::as_str);
            let main = root::main_file(paths, |path| files.get(path)?.head(), sink);
            let main = main?;
            Some(format!("{}.mf", main.rsplit_once('.').map_or(main.as_str(), |(stem, _)| stem)))
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
