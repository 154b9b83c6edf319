//! Mending what needs no decision: digests, missing and misspelt keynames of TOSCA.meta, files missing in the manifest
//! (SOL004 clauses 4.1.2.3 and 4.3.2). Only TOSCA.meta and the manifest are written, line by line, so that everything else
//! in them stays as it is; a file or archive is replaced as a whole or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::archive::{
    DigestLines, HashAlgorithm, Limits, META_PATH, Manifest, Package, canonical_key, digest, unlisted,
};
use crate::codes::{self, Code};
use crate::diag::{Diagnostic, Diagnostics};

/// What was mended, and what could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// One sentence for each change.
    pub changes: Vec<String>,
    /// One sentence for each thing that is mechanical but was left alone, with the reason.
    pub left: Vec<String>,
}

/// Why nothing was mended.
#[derive(Debug, thiserror::Error)]
pub enum FixError {
    /// The package is damaged or means harm.
    #[error("the package cannot be opened:\n{0}")]
    Refused(Diagnostics),
    /// A change would break the signature of the outer archive.
    #[error("the package lies in a signed outer archive; mend the package itself and sign it again")]
    Signed,
    /// Reading or writing failed.
    #[error("cannot write {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system answered.
        source: io::Error,
    },
}

const MECHANICAL: [&Code; 7] = [
    &codes::HASH_MISMATCH,
    &codes::HASH_INCOMPLETE,
    &codes::HASH_ALGORITHM,
    &codes::FILE_NOT_LISTED,
    &codes::NO_DIGEST,
    &codes::META_KEY_OLD,
    &codes::META_KEY_MISSING,
];

/// Whether a finding is of the kind that [`fix`] mends.
pub(super) fn is_mechanical(d: &Diagnostic) -> bool {
    // Which template is the main one, and a manifest's metadata, are decisions.
    let undecided = d.code == codes::META_KEY_MISSING.id
        && (d.message.contains("Entry-Definitions")
            || d.mend.as_ref().is_none_or(|m| m.starts_with("write a manifest")));
    // Nothing is fetched, so digests of artifacts elsewhere stay unknown.
    let elsewhere = d.code == codes::NO_DIGEST.id && d.message.contains("://");
    MECHANICAL.iter().any(|c| c.id == d.code) && !undecided && !elsewhere
}

/// Mends a package in place, archive or directory. A signed manifest is left alone: any change would break its signature.
///
/// # Errors
/// See [`FixError`]; the package is then as it was.
pub fn fix(path: &Path, limits: &Limits) -> Result<Fixed, FixError> {
    let dir = path.is_dir();
    let opened = if dir { Package::inspect_dirs(&[path], limits) } else { Package::inspect(path, limits) };
    let Some(package) = opened.package else { return Err(FixError::Refused(opened.found)) };
    if package.wrapper().is_some() {
        return Err(FixError::Signed);
    }
    let failed = |source: io::Error| FixError::Io { path: path.display().to_string(), source };
    let sources = dir && Package::inspect_sources(path, &[], limits).is_some();
    let mut mender = Mender { package: &package, texts: BTreeMap::new(), fixed: Fixed::default() };
    mender.meta().map_err(failed)?;
    if sources {
        mender.fixed.left.push("these are sources of a package: its digests are filled in when it is made".to_owned());
    } else {
        mender.manifest().map_err(failed)?;
    }
    let Mender { texts, fixed, .. } = mender;
    if !texts.is_empty() {
        let written = if dir { write_files(path, &texts) } else { rewrite(path, &texts) };
        written.map_err(failed)?;
    }
    Ok(fixed)
}

struct Mender<'a> {
    package: &'a Package,
    /// Files with their new text.
    texts: BTreeMap<String, String>,
    fixed: Fixed,
}

/// A text as lines that can be changed by the line numbers they had at first.
struct Lines {
    /// One slot for each line with what was put behind it; the first slot is the place before all lines.
    slots: Vec<Vec<String>>,
    end: &'static str,
}

impl Lines {
    fn new(text: &str) -> Self {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let lines = text.lines().map(|l| vec![l.to_owned()]);
        Self { slots: std::iter::once(Vec::new()).chain(lines).collect(), end }
    }

    fn get(&self, line: u32) -> &str {
        let slot = if line == 0 { None } else { self.slots.get(line as usize) };
        slot.and_then(|s| s.first()).map_or("", String::as_str)
    }

    fn set(&mut self, line: u32, text: String) {
        let slot = if line == 0 { None } else { self.slots.get_mut(line as usize) };
        if let Some(first) = slot.and_then(|s| s.first_mut()) {
            *first = text;
        }
    }

    /// Puts a line behind another and behind what was put there before; behind line 0 is the start.
    fn insert_after(&mut self, line: u32, text: String) {
        if let Some(slot) = self.slots.get_mut(line as usize) {
            slot.push(text);
        }
    }

    fn text(self) -> String {
        let all: Vec<String> = self.slots.into_iter().flatten().collect();
        all.join(self.end) + self.end
    }
}

fn indent(line: &str) -> &str {
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}

impl Mender<'_> {
    fn text(&self, path: &str) -> io::Result<String> {
        String::from_utf8(self.package.read(path)?).map_err(io::Error::other)
    }

    fn digest(&self, path: &str, algorithm: HashAlgorithm) -> io::Result<String> {
        let (hash, _) = match self.texts.get(path) {
            Some(text) => digest(algorithm, text.as_bytes())?,
            None => digest(algorithm, self.package.open_artifact(path)?.reader()?)?,
        };
        Ok(hash)
    }

    fn meta(&mut self) -> io::Result<()> {
        let Some(meta) = self.package.meta() else { return Ok(()) };
        let text = self.text(META_PATH)?;
        let mut lines = Lines::new(&text);
        let before = self.fixed.changes.len();
        let (first, end) = meta.head;
        for n in first..=end {
            let line = lines.get(n).to_owned();
            let Some((key, rest)) = line.split_once(':') else { continue };
            if let Some(wanted) = canonical_key(key.trim()).filter(|w| *w != key.trim()) {
                lines.set(n, format!("{}{wanted}:{rest}", indent(key)));
                self.fixed.changes.push(format!("{META_PATH}:{n}: `{}` is now `{wanted}`", key.trim()));
            }
        }
        let manifest = self.package.manifest().map(|m| m.path.clone());
        for (there, key, value) in [
            (meta.meta_file_version.is_some(), "TOSCA-Meta-File-Version", Some("1.0")),
            (meta.csar_version.is_some(), "CSAR-Version", Some("1.1")),
            (meta.created_by.is_some(), "Created-By", Some("mano")),
            (meta.entry_manifest.is_some(), "ETSI-Entry-Manifest", manifest.as_deref()),
        ] {
            if let (false, Some(value)) = (there, value) {
                lines.insert_after(end, format!("{key}: {value}"));
                self.fixed.changes.push(format!("{META_PATH}: `{key}: {value}` is added"));
            }
        }
        for described in meta.files.iter().filter(|f| self.package.contains(&f.name)) {
            let given = described.digest.as_ref();
            if !described.lines.is_empty() {
                self.block(META_PATH, &mut lines, &described.name, described.line, given, described.lines)?;
            }
        }
        if self.fixed.changes.len() > before {
            self.texts.insert(META_PATH.to_owned(), lines.text());
        }
        Ok(())
    }

    fn manifest(&mut self) -> io::Result<()> {
        let Some(manifest) = self.package.manifest() else { return Ok(()) };
        if manifest.cms.is_some() {
            let path = &manifest.path;
            self.fixed.left.push(format!("{path} is signed: a change would break its signature, so it is left alone"));
            return Ok(());
        }
        let text = self.text(&manifest.path)?;
        let mut lines = Lines::new(&text);
        let before = self.fixed.changes.len();
        for file in manifest.files.iter().filter(|f| !f.is_external()) {
            let signed_only = file.signature.is_some() && file.digest.is_none() && file.lines.is_empty();
            if file.source == manifest.path || signed_only || !self.package.contains(&file.source) {
                continue;
            }
            self.block(&manifest.path, &mut lines, &file.source, file.line, file.digest.as_ref(), file.lines)?;
        }
        self.list_files(manifest, &text, &mut lines)?;
        if self.fixed.changes.len() > before {
            self.texts.insert(manifest.path.clone(), lines.text());
        }
        Ok(())
    }

    /// Sets algorithm and digest of one block.
    fn block(
        &mut self,
        list: &str,
        lines: &mut Lines,
        source: &str,
        line: u32,
        given: Option<&(HashAlgorithm, String)>,
        at: DigestLines,
    ) -> io::Result<()> {
        let written =
            at.algorithm.and_then(|n| HashAlgorithm::parse(lines.get(n).split_once(':').map_or("", |(_, v)| v)));
        let by_length = at.hash.and_then(|n| {
            let length = lines.get(n).split_once(':').map_or(0, |(_, v)| v.trim().len());
            [HashAlgorithm::Sha256, HashAlgorithm::Sha512].into_iter().find(|a| a.hex_len() == length)
        });
        let algorithm = given.map(|(a, _)| *a).or(written).or(by_length).unwrap_or(HashAlgorithm::Sha256);
        let hash = self.digest(source, algorithm)?;
        if given.is_some_and(|(_, h)| *h == hash) {
            return Ok(());
        }
        let space = indent(lines.get(line)).to_owned();
        let mut put = |n: Option<u32>, key: &str, value: &str| {
            let text = format!("{space}{key}: {value}");
            match n {
                Some(n) => lines.set(n, text),
                None => lines.insert_after(line, text),
            }
        };
        put(at.algorithm, "Algorithm", algorithm.name());
        put(at.hash, "Hash", &hash);
        self.fixed.changes.push(format!("{list}:{line}: the {} digest of `{source}` is set", algorithm.name()));
        Ok(())
    }

    /// Adds a block for every file that the manifest does not list, before its non-MANO sets.
    fn list_files(&mut self, manifest: &Manifest, text: &str, lines: &mut Lines) -> io::Result<()> {
        let sets = text.lines().position(|l| l.trim().to_ascii_lowercase().starts_with("non_mano_artifact_sets"));
        let after = u32::try_from(sets.unwrap_or(text.lines().count())).unwrap_or(u32::MAX);
        // The digests are those of the other files as they will be; TOSCA.meta was mended first.
        for path in unlisted(self.package, manifest) {
            let hash = self.digest(path, HashAlgorithm::Sha256)?;
            for line in [String::new(), format!("Source: {path}"), "Algorithm: SHA-256".into(), format!("Hash: {hash}")]
            {
                lines.insert_after(after, line);
            }
            self.fixed.changes.push(format!("{}: `{path}` is listed", manifest.path));
        }
        if sets.is_some() {
            lines.insert_after(after, String::new());
        }
        Ok(())
    }
}

/// Writes a file beside its place and renames it there.
fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    write(new.as_file_mut())?;
    new.as_file().set_permissions(std::fs::metadata(path)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|e| e.error)?;
    Ok(())
}

fn write_files(dir: &Path, texts: &BTreeMap<String, String>) -> io::Result<()> {
    for (path, text) in texts {
        replace(&dir.join(path), |file| file.write_all(text.as_bytes()))?;
    }
    Ok(())
}

/// Writes the archive anew with the changed files; the others are copied as they are packed.
fn rewrite(path: &Path, texts: &BTreeMap<String, String>) -> io::Result<()> {
    let mut old = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(io::Error::other)?;
    replace(path, |file| {
        let mut new = ZipWriter::new(file);
        for n in 0..old.len() {
            let entry = old.by_index_raw(n).map_err(io::Error::other)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let Some(text) = texts.get(&name) else {
                new.raw_copy_file(entry).map_err(io::Error::other)?;
                continue;
            };
            let options = SimpleFileOptions::default()
                .compression_method(entry.compression())
                .last_modified_time(entry.last_modified().unwrap_or_default())
                .unix_permissions(entry.unix_mode().unwrap_or(0o644));
            new.start_file(name, options).map_err(io::Error::other)?;
            new.write_all(text.as_bytes())?;
        }
        new.finish().map_err(io::Error::other)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_first_numbers_and_their_ends() {
        let mut lines = Lines::new("a\r\nb\r\n");
        lines.insert_after(1, "x".to_owned());
        lines.insert_after(1, "y".to_owned());
        lines.set(2, "B".to_owned());
        assert_eq!(lines.get(2), "B");
        assert_eq!(lines.text(), "a\r\nx\r\ny\r\nB\r\n");
        let mut empty = Lines::new("");
        empty.insert_after(0, "x".to_owned());
        empty.insert_after(0, "y".to_owned());
        assert_eq!(empty.text(), "x\ny\n");
    }
}
