//! SOL004 VNF packages and SOL007 NSD archives: opening, streaming, verifying and making them.
//!
//! [`Package::open`] reads the directory of the archive, TOSCA.meta and the manifest, and refuses hostile input with all
//! faults at once. It unpacks nothing but these two small files. [`Package::verify`] then streams every listed file
//! through its digest. Large artifacts are read through [`Package::open_artifact`] and never held in memory.

mod artifact;
mod checksums;
mod directory;
mod handle;
mod hash;
mod heads;
mod index;
mod limits;
mod manifest;
mod meta;
pub(crate) mod names;
mod pack;
mod root;
mod verify;
mod wrapper;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use artifact::Artifact;
pub use handle::{Handle, ReadSeek};
pub use hash::{HashAlgorithm, Hasher, digest};
pub use limits::Limits;
pub use manifest::{Manifest, ManifestFile, PackageKind};
pub use meta::{MetaFile, ToscaMeta};
pub use pack::{PackError, PackOptions, Packed, SignatureOption, pack_dir, pack_dir_with};

pub(crate) use heads::{is_root_certificate, unlisted};
pub(crate) use meta::{DigestLines, PATH as META_PATH, canonical as canonical_key};
pub(crate) use verify::{Claim, verify};
pub(crate) use wrapper::{PROOF_BYTES, Wrapper};

use crate::codes;
use crate::diag::{Diagnostics, FileId, Pos, Sink};
use index::Listing;

/// Where the bytes of one entry are.
#[derive(Clone, Debug)]
enum Place {
    Zip(Arc<zip::read::OwnedZipFileEntry>),
    File(PathBuf),
    /// A text that is made when the package is made.
    Memory(Arc<[u8]>),
}

/// One file of the package.
#[derive(Clone, Debug)]
struct Entry {
    place: Place,
    /// Unpacked size in bytes, as declared.
    size: u64,
}

/// A package as far as it could be opened, with everything found on the way.
#[derive(Debug)]
pub struct Inspected {
    /// The package; `None` when the archive itself is damaged or means harm.
    pub package: Option<Package>,
    /// All findings.
    pub found: Diagnostics,
}

impl Inspected {
    /// The package when no finding is an error.
    ///
    /// # Errors
    /// All findings when any is an error.
    pub fn settle(self) -> Result<Package, Diagnostics> {
        self.package.filter(|_| !self.found.has_errors()).ok_or(self.found)
    }
}

/// An opened package: its files, TOSCA.meta, manifest and the path of its main service template.
///
/// Reading needs only `&self`; several artifacts may be read at once, from several threads.
#[derive(Debug)]
pub struct Package {
    handle: Option<Handle>,
    entries: BTreeMap<String, Entry>,
    /// Directories, empty ones among them.
    dirs: BTreeSet<String>,
    wrapper: Option<Wrapper>,
    limits: Limits,
    meta: Option<ToscaMeta>,
    manifest: Option<Manifest>,
    entry_definitions: String,
    warnings: Diagnostics,
    /// What [`Package::digest`] computed already.
    digests: Mutex<HashMap<(String, HashAlgorithm), String>>,
}

impl Package {
    /// Opens the archive at `path`.
    ///
    /// # Errors
    /// Everything that forbids using the package, all at once: not a zip, unsafe paths, links, duplicates, bombs, limits,
    /// faults in TOSCA.meta and manifest, listed files that are missing. Digests are checked by [`Package::verify`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, Diagnostics> {
        let opened = File::open(path).and_then(Handle::file);
        Self::from_handle(opened.map_err(|e| format!("cannot open {}: {e}", path.display())), limits)
    }

    /// Opens an archive from anything that can be read and sought.
    ///
    /// # Errors
    /// As [`Package::open`].
    pub fn from_reader(reader: impl ReadSeek + 'static, limits: &Limits) -> Result<Self, Diagnostics> {
        Self::from_handle(Handle::shared(reader).map_err(|e| format!("cannot read the archive: {e}")), limits)
    }

    /// Opens an archive held in memory.
    ///
    /// # Errors
    /// As [`Package::open`].
    pub fn from_bytes(bytes: Vec<u8>, limits: &Limits) -> Result<Self, Diagnostics> {
        Self::from_reader(io::Cursor::new(bytes), limits)
    }

    fn from_handle(handle: Result<Handle, String>, limits: &Limits) -> Result<Self, Diagnostics> {
        Self::inspect_handle(handle, limits).settle()
    }

    /// Opens directories as if they were a package, later ones laid over earlier ones.
    ///
    /// # Errors
    /// As [`Package::open`].
    pub fn open_dirs(dirs: &[&Path], limits: &Limits) -> Result<Self, Diagnostics> {
        Self::inspect_dirs(dirs, limits).settle()
    }

    /// Opens the archive at `path` as far as that is safe: faults of TOSCA.meta and manifest leave a package that can be
    /// looked at further, so that all faults are found at once. It must not be used when any finding is an error.
    #[must_use]
    pub fn inspect(path: &Path, limits: &Limits) -> Inspected {
        let opened = File::open(path).and_then(Handle::file);
        Self::inspect_handle(opened.map_err(|e| format!("cannot open {}: {e}", path.display())), limits)
    }

    /// As [`Package::inspect`], for an archive held in memory.
    #[must_use]
    pub fn inspect_bytes(bytes: Vec<u8>, limits: &Limits) -> Inspected {
        let opened = Handle::shared(io::Cursor::new(bytes));
        Self::inspect_handle(opened.map_err(|e| format!("cannot read the archive: {e}")), limits)
    }

    /// As [`Package::inspect`], for directories laid over each other.
    #[must_use]
    pub fn inspect_dirs(dirs: &[&Path], limits: &Limits) -> Inspected {
        let mut sink = Sink::new();
        let entries = index::dir_entries(dirs, limits, &mut sink);
        Self::assemble(None, entries, None, limits, sink)
    }

    /// As [`Package::inspect`], for the sources of a package, as [`pack_dir`] takes them: judged is what it would make of
    /// them. `None` when the directory holds no placeholders and there are no `extra` files, so that it is what it is.
    #[must_use]
    pub fn inspect_sources(dir: &Path, extra: &[(&str, &Path)], limits: &Limits) -> Option<Inspected> {
        let mut sink = Sink::new();
        let files = pack::sources(dir, extra, limits, &mut sink)?;
        Some(Self::assemble(None, Listing { files, ..Listing::default() }, None, limits, sink))
    }

    fn inspect_handle(handle: Result<Handle, String>, limits: &Limits) -> Inspected {
        let mut sink = Sink::new();
        let handle = match handle {
            Ok(handle) => handle,
            Err(message) => {
                sink.error(&codes::NOT_AN_ARCHIVE, None, message);
                return Inspected { package: None, found: sink.finish() };
            }
        };
        let entries = index::zip_entries(&handle, limits, &mut sink);
        if sink.has_errors() || !wrapper::is_wrapper(&entries.files) {
            return Self::assemble(Some(handle), entries, None, limits, sink);
        }
        let Some((inner, wrapper)) = wrapper::unwrap(&handle, entries.files, limits, &mut sink) else {
            return Inspected { package: None, found: sink.finish() };
        };
        let entries = index::zip_entries(&inner, limits, &mut sink);
        Self::assemble(Some(inner), entries, Some(wrapper), limits, sink)
    }

    fn assemble(
        handle: Option<Handle>,
        listing: Listing,
        wrapper: Option<Wrapper>,
        limits: &Limits,
        mut sink: Sink,
    ) -> Inspected {
        let harmful = sink.has_errors_beside(&codes::PLACEHOLDER);
        let mut package = Self {
            handle,
            entries: listing.files,
            dirs: listing.dirs,
            wrapper,
            limits: limits.clone(),
            meta: None,
            manifest: None,
            entry_definitions: String::new(),
            warnings: Diagnostics::default(),
            digests: Mutex::default(),
        };
        if !package.entries.is_empty() || !harmful {
            heads::read_heads(&mut package, &mut sink);
        }
        let found = sink.finish();
        if harmful {
            return Inspected { package: None, found };
        }
        package.warnings.clone_from(&found);
        Inspected { package: Some(package), found }
    }

    /// Path of the main service template.
    #[must_use]
    pub fn entry_definitions(&self) -> &str {
        &self.entry_definitions
    }

    /// TOSCA.meta, where the package has one.
    #[must_use]
    pub fn meta(&self) -> Option<&ToscaMeta> {
        self.meta.as_ref()
    }

    /// The manifest, where the package has one.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Where the package's signature is; `None` when it is not signed as a whole.
    #[must_use]
    pub fn signature_option(&self) -> Option<SignatureOption> {
        let outer = self.wrapper.as_ref().is_some_and(|w| !w.signatures.is_empty());
        let inner = || self.manifest.as_ref().is_some_and(|m| m.cms.is_some());
        if outer { Some(SignatureOption::Outer) } else { inner().then_some(SignatureOption::Manifest) }
    }

    /// The outer archive with the package's signature, where there is one (SOL004 clause 5.1, option 2).
    pub(crate) fn wrapper(&self) -> Option<&Wrapper> {
        self.wrapper.as_ref()
    }

    /// What was noticed on opening that does not forbid using the package.
    #[must_use]
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// The limits the package was opened under.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Paths and unpacked sizes in bytes of all files, in order of path.
    pub fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.entries.iter().map(|(path, e)| (path.as_str(), e.size))
    }

    /// Whether a file of this path exists.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Whether a file or a directory of this path exists.
    pub(crate) fn contains_or_dir(&self, path: &str) -> bool {
        let dir = format!("{}/", path.trim_end_matches('/'));
        self.contains(path)
            || self.dirs.contains(path.trim_end_matches('/'))
            || self.entries.range(dir.clone()..).next().is_some_and(|(p, _)| p.starts_with(&dir))
    }

    /// The change history: the file that TOSCA.meta names, or `ChangeLog.txt` in the root (SOL004 clause 4.3.3).
    #[must_use]
    pub fn change_log(&self) -> Option<&str> {
        let named = self.meta.as_ref().and_then(|m| m.entry_change_log.as_deref()).filter(|p| self.contains(p));
        named.or_else(|| {
            let root = |p: &&String| !p.contains('/') && p.to_ascii_lowercase().starts_with("changelog");
            self.entries.keys().find(root).map(String::as_str)
        })
    }

    /// Licence files: those that TOSCA.meta names, or what is below `Licenses` (SOL004 clause 4.3.5).
    #[must_use]
    pub fn licenses(&self) -> Vec<&str> {
        self.below(self.meta.as_ref().and_then(|m| m.entry_licenses.as_deref()), "Licenses")
    }

    /// Files for tests of the package: those that TOSCA.meta names, or what is below `Tests` (SOL004 clause 4.3.4).
    #[must_use]
    pub fn tests(&self) -> Vec<&str> {
        self.below(self.meta.as_ref().and_then(|m| m.entry_tests.as_deref()), "Tests")
    }

    fn below(&self, named: Option<&str>, usual: &str) -> Vec<&str> {
        let root = named.unwrap_or(usual).trim_end_matches('/');
        let dir = format!("{root}/");
        let all = self.entries.keys().map(String::as_str);
        all.filter(|p| *p == root || p.starts_with(&dir)).collect()
    }

    /// Unpacked size of a file in bytes.
    #[must_use]
    pub fn size(&self, path: &str) -> Option<u64> {
        self.entries.get(path).map(|e| e.size)
    }

    /// Opens a file for streaming. The result owns all it needs and may be sent to another thread.
    ///
    /// # Errors
    /// `NotFound` when the package has no such file; what the file system answers for a package opened as directories.
    pub fn open_artifact(&self, path: &str) -> io::Result<Artifact> {
        let entry = self
            .entries
            .get(path)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("the package has no file `{path}`")))?;
        Artifact::open(entry, self.handle.as_ref())
    }

    /// Reads a small file whole.
    ///
    /// # Errors
    /// As [`Package::open_artifact`]; `InvalidData` when the file is larger than [`Limits::text_bytes`].
    pub fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut artifact = self.open_artifact(path)?;
        let limit = self.limits.text_bytes;
        let too_large = || {
            io::Error::new(io::ErrorKind::InvalidData, format!("`{path}` is larger than the limit of {limit} bytes"))
        };
        if artifact.size() > limit {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        artifact.reader()?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
        Ok(bytes)
    }

    /// Reads a small text file and makes it known to `sink`; faults are reported there.
    pub(crate) fn read_text(&self, path: &str, sink: &mut Sink) -> Option<(FileId, String)> {
        let bytes = match self.read(path) {
            Ok(bytes) => bytes,
            Err(e) => {
                let file = sink.add_source(path, "");
                let code =
                    if e.kind() == io::ErrorKind::InvalidData { &codes::TOO_LARGE } else { &codes::UNREADABLE_ENTRY };
                sink.error(code, Pos::whole(file), format!("cannot read `{path}`: {e}"));
                return None;
            }
        };
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                let valid = e.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(e.as_bytes().get(..valid).unwrap_or_default()).into_owned();
                let line = u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX);
                let file = sink.add_source(path, before);
                sink.error_mend(
                    &codes::YAML_ENCODING,
                    Pos { file, line, column: 1 },
                    format!("`{path}` is not UTF-8 text: the byte at offset {valid} is not valid"),
                    "save the file as UTF-8",
                );
                return None;
            }
        };
        // A byte order mark would shift columns and confuse the parsers.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let file = sink.add_source(path, text.clone());
        Some((file, text))
    }

    /// Streams every file that the manifest or TOSCA.meta gives a digest for and compares. Memory stays flat.
    #[must_use]
    pub fn verify(&self) -> Diagnostics {
        verify::verify(self, Vec::new())
    }

    /// Digest of a file, lower-case hexadecimal. What was verified before is not read again.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn digest(&self, path: &str, algorithm: HashAlgorithm) -> io::Result<String> {
        let known = self.known_digest(path, algorithm);
        let computed = || Ok(verify::digests(self, path, &[algorithm])?.into_iter().map(|(_, hash)| hash).collect());
        known.map_or_else(computed, Ok)
    }

    fn keep_digests(&self, path: &str, found: &[(HashAlgorithm, String)]) {
        let mut known = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(found.iter().map(|(algorithm, hash)| ((path.to_owned(), *algorithm), hash.clone())));
    }

    fn known_digest(&self, path: &str, algorithm: HashAlgorithm) -> Option<String> {
        let known = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(path.to_owned(), algorithm)).cloned()
    }
}
