//! Listing what is in a package and finding TOSCA.meta, manifest and main service template (SOL004 clause 4.1).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{self, Scan};
use super::{Entry, Handle, Limits, Package, Place, manifest, meta, names};
use crate::codes;
use crate::diag::{FileId, Pos, Sink};

/// Faults of one kind told one by one before the rest is only counted.
const TOLD_PER_KIND: usize = 20;

/// Tells faults about entries, at most [`TOLD_PER_KIND`] of each code.
struct Teller<'a> {
    sink: &'a mut Sink,
    told: HashMap<&'static str, usize>,
}

impl Teller<'_> {
    fn error(&mut self, code: &'static codes::Code, message: String, mend: &str) {
        let n = self.told.entry(code.id).or_default();
        *n += 1;
        if *n <= TOLD_PER_KIND {
            self.sink.error_mend(code, None, message, mend);
        }
    }

    fn finish(self) {
        for (code, n) in self.told {
            if n > TOLD_PER_KIND
                && let Some(code) = codes::ALL.iter().find(|c| c.id == code)
            {
                self.sink.error(code, None, format!("and {} more of this kind", n - TOLD_PER_KIND));
            }
        }
    }
}

/// Shortens a name for a message and makes it printable.
fn shown(name: &str) -> String {
    let cut: String = name.chars().take(80).flat_map(char::escape_default).collect();
    if name.chars().count() > 80 { format!("{cut}…") } else { cut }
}

/// Lists a zip archive without unpacking anything.
pub(super) fn zip_entries(handle: &Handle, limits: &Limits, sink: &mut Sink) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    if handle.len() > limits.archive_bytes {
        sink.error_mend(
            &codes::TOO_LARGE,
            None,
            format!("the archive has {} bytes, the limit is {}", handle.len(), limits.archive_bytes),
            "move large artifacts out of the package, or raise the limit `archive_bytes`",
        );
        return entries;
    }
    let Some((zip, scanned)) = open_zip(handle, limits, sink) else { return entries };
    let mut teller = Teller { sink, told: HashMap::new() };
    tell_duplicates(&scanned, &mut teller);
    let mut folded: HashMap<String, String> = HashMap::new();
    let mut total: u64 = 0;
    let mut packed: u64 = 0;
    for index in 0..zip.len() {
        let entry = match zip.by_index_data(index) {
            Ok(entry) => entry,
            Err(e) => {
                teller.error(&codes::NOT_AN_ARCHIVE, format!("the archive's directory is damaged: {e}"), "");
                break;
            }
        };
        let Ok(name) = std::str::from_utf8(entry.name_raw()).map(str::to_owned) else {
            let name = shown(&String::from_utf8_lossy(entry.name_raw()));
            teller.error(&codes::BAD_NAME, format!("the name of entry `{name}` is not UTF-8"), "rename the file");
            continue;
        };
        let size = entry.size();
        total = total.saturating_add(size);
        packed = packed.saturating_add(entry.compressed_size());
        let safe = check_name(&name, limits, &mut teller);
        let kind_ok = check_kind(&name, &entry, &mut teller);
        let size_ok = check_size(&name, size, entry.compressed_size(), limits, &mut teller);
        if !safe || !kind_ok || !size_ok || entry.is_dir() {
            continue;
        }
        if let Some(other) = folded.insert(name.to_lowercase(), name.clone()) {
            teller.error(
                &codes::DUPLICATE_ENTRY,
                format!("`{}` and `{}` differ only in letter case", shown(&other), shown(&name)),
                "rename one of the two",
            );
            continue;
        }
        entries.insert(name, Entry { place: Place::Zip(Arc::new(entry.into())), size });
    }
    if packed > handle.len() {
        teller.error(
            &codes::BOMB,
            format!("the entries claim {packed} packed bytes, but the archive has only {}: they overlap", handle.len()),
            "pack the files again",
        );
    }
    if total > limits.total_bytes {
        teller.error(
            &codes::TOO_LARGE,
            format!("the entries unpack to {total} bytes together, the limit is {}", limits.total_bytes),
            "move large artifacts out of the package, or raise the limit `total_bytes`",
        );
    }
    check_file_as_dir(&entries, &mut teller);
    teller.finish();
    entries
}

/// Scans the directory within bounds, then opens the archive; both must see the same entries.
fn open_zip(handle: &Handle, limits: &Limits, sink: &mut Sink) -> Option<(zip::ZipArchive<Handle>, Vec<Vec<u8>>)> {
    let mend = "make the package with `mano vnfpkg build` or any zip tool";
    let mut not_an_archive = |why: String| {
        sink.error_mend(&codes::NOT_AN_ARCHIVE, None, format!("this is not a readable zip archive: {why}"), mend);
        None
    };
    let scanned = match directory::scan(handle.clone(), limits.entries) {
        Ok(Scan::Names(names)) => names,
        Ok(Scan::Damaged(why)) => return not_an_archive(why.to_owned()),
        Ok(Scan::TooMany(n)) => {
            sink.error_mend(
                &codes::TOO_MANY_ENTRIES,
                None,
                format!("the archive declares {n} entries, the limit is {}", limits.entries),
                "pack the files into fewer artifacts, or raise the limit `entries`",
            );
            return None;
        }
        Ok(Scan::TooLarge(n)) => return not_an_archive(format!("its directory alone has {n} bytes")),
        Err(e) => return not_an_archive(e.to_string()),
    };
    match zip::ZipArchive::new(handle.clone()) {
        Ok(zip) => {
            let distinct: HashSet<&[u8]> = scanned.iter().map(Vec::as_slice).collect();
            if distinct.len() != zip.len() {
                return not_an_archive("it has two directories that differ".to_owned());
            }
            Some((zip, scanned))
        }
        Err(e) => not_an_archive(e.to_string()),
    }
}

fn tell_duplicates(scanned: &[Vec<u8>], teller: &mut Teller<'_>) {
    let mut seen: HashSet<&[u8]> = HashSet::new();
    for name in scanned {
        if !seen.insert(name) {
            let name = shown(&String::from_utf8_lossy(name));
            teller.error(
                &codes::DUPLICATE_ENTRY,
                format!("the archive holds `{name}` more than once"),
                "keep one of them",
            );
        }
    }
}

fn check_name(name: &str, limits: &Limits, teller: &mut Teller<'_>) -> bool {
    if name.len() > limits.name_bytes {
        teller.error(
            &codes::NAME_TOO_LONG,
            format!("the name `{}` has {} bytes, the limit is {}", shown(name), name.len(), limits.name_bytes),
            "shorten the path",
        );
        return false;
    }
    if let Some(why) = names::refusal(name) {
        teller.error(
            &codes::UNSAFE_PATH,
            format!("the entry `{}` is refused: {why}", shown(name)),
            "use a relative path with forward slashes",
        );
        return false;
    }
    true
}

fn check_kind(name: &str, entry: &zip::read::ZipFileEntry<'_>, teller: &mut Teller<'_>) -> bool {
    // The upper half of the mode names the kind of file; anything but a regular file or directory is refused.
    let special = entry.unix_mode().is_some_and(|m| !matches!(m & 0o170_000, 0 | 0o100_000 | 0o040_000));
    if entry.is_symlink() || special {
        teller.error(
            &codes::SYMLINK,
            format!("the entry `{}` is a symbolic link or special file", shown(name)),
            "put the file itself into the package",
        );
        return false;
    }
    if entry.encrypted() {
        teller.error(
            &codes::ENCRYPTED,
            format!("the entry `{}` is encrypted", shown(name)),
            "pack it without a password",
        );
        return false;
    }
    use zip::CompressionMethod as M;
    if !matches!(entry.compression(), M::Stored | M::Deflated) {
        teller.error(
            &codes::UNREADABLE_ENTRY,
            format!("the entry `{}` uses compression `{}`", shown(name), entry.compression()),
            "use store or deflate",
        );
        return false;
    }
    true
}

fn check_size(name: &str, size: u64, packed: u64, limits: &Limits, teller: &mut Teller<'_>) -> bool {
    if size > limits.entry_bytes {
        teller.error(
            &codes::TOO_LARGE,
            format!("the entry `{}` unpacks to {size} bytes, the limit is {}", shown(name), limits.entry_bytes),
            "raise the limit `entry_bytes` if this is meant",
        );
        return false;
    }
    if size > limits.ratio_floor_bytes && size / packed.max(1) > limits.ratio {
        teller.error(
            &codes::BOMB,
            format!(
                "the entry `{}` unpacks {packed} bytes to {size}, {} times as much; the limit is {} times",
                shown(name),
                size / packed.max(1),
                limits.ratio
            ),
            "store sparse images as qcow2",
        );
        return false;
    }
    true
}

/// A path cannot be a file and a directory at once.
fn check_file_as_dir(entries: &BTreeMap<String, Entry>, teller: &mut Teller<'_>) {
    for name in entries.keys() {
        for (i, _) in name.match_indices('/') {
            if name.get(..i).is_some_and(|parent| entries.contains_key(parent)) {
                teller.error(
                    &codes::DUPLICATE_ENTRY,
                    format!("`{}` lies below a path that is itself a file", shown(name)),
                    "rename one of the two",
                );
            }
        }
    }
}

/// Lists directories as a package.
pub(super) fn dir_entries(dirs: &[&Path], limits: &Limits, sink: &mut Sink) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    let mut teller = Teller { sink, told: HashMap::new() };
    for dir in dirs {
        let mut open: Vec<(PathBuf, String)> = vec![(dir.to_path_buf(), String::new())];
        while let Some((path, prefix)) = open.pop() {
            let listing = match std::fs::read_dir(&path) {
                Ok(listing) => listing,
                Err(e) => {
                    teller.error(&codes::UNREADABLE_ENTRY, format!("cannot list {}: {e}", path.display()), "");
                    continue;
                }
            };
            for item in listing.flatten() {
                let Ok(name) = item.file_name().into_string() else {
                    teller.error(
                        &codes::BAD_NAME,
                        format!("the name of {} is not UTF-8", item.path().display()),
                        "rename the file",
                    );
                    continue;
                };
                let full = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                let Ok(kind) = item.file_type() else { continue };
                if kind.is_dir() {
                    open.push((item.path(), full));
                } else if !kind.is_file() {
                    teller.error(
                        &codes::SYMLINK,
                        format!("`{}` is a symbolic link or special file", shown(&full)),
                        "put the file itself into the package",
                    );
                } else if check_name(&full, limits, &mut teller) {
                    let size = item.metadata().map_or(0, |m| m.len());
                    entries.insert(full, Entry { place: Place::File(item.path()), size });
                }
                if entries.len() > limits.entries {
                    teller.error(&codes::TOO_MANY_ENTRIES, format!("there are more than {} files", limits.entries), "");
                    return entries;
                }
            }
        }
    }
    teller.finish();
    entries
}

/// Reads TOSCA.meta and manifest and finds the main service template.
pub(super) fn read_heads(package: &mut Package, sink: &mut Sink) {
    let manifest_path = if package.contains(meta::PATH) {
        let Some((file, text)) = package.read_text(meta::PATH, sink) else { return };
        let read = meta::parse(file, &text, sink);
        let manifest_path = with_meta(package, file, &read, sink);
        package.meta = Some(read);
        manifest_path
    } else {
        without_meta(package, sink)
    };
    let Some(path) = manifest_path else { return };
    let Some((file, text)) = package.read_text(&path, sink) else { return };
    let read = manifest::parse(&path, file, &text, sink);
    check_manifest(package, file, &read, sink);
    package.manifest = Some(read);
}

fn with_meta(package: &mut Package, file: FileId, read: &meta::ToscaMeta, sink: &mut Sink) -> Option<String> {
    let whole = Pos::whole(file);
    match &read.entry_definitions {
        None => sink.error_mend(
            &codes::META_KEY_MISSING,
            whole,
            "the keyname `Entry-Definitions` is missing",
            "add `Entry-Definitions: Definitions/<main service template>.yaml`",
        ),
        Some(path) if !package.contains(path) => missing(file, "Entry-Definitions", path, sink),
        Some(path) => package.entry_definitions.clone_from(path),
    }
    for other in &read.other_definitions {
        if !package.contains(other) {
            missing(file, "Other-Definitions", other, sink);
        }
    }
    for (key, value) in [
        ("ETSI-Entry-Change-Log", &read.entry_change_log),
        ("ETSI-Entry-Tests", &read.entry_tests),
        ("ETSI-Entry-Licenses", &read.entry_licenses),
        ("ETSI-Entry-Certificate", &read.entry_certificate),
    ] {
        if let Some(path) = value
            && !package.contains_or_dir(path)
        {
            missing(file, key, path, sink);
        }
    }
    for described in &read.files {
        if !described.name.contains("://") && !package.contains_or_dir(&described.name) {
            let at = Pos { file, line: described.line, column: 1 };
            sink.error_mend(
                &codes::FILE_MISSING,
                at,
                format!("`{}` is described here but is not in the package", described.name),
                "add the file or take the block away",
            );
        }
    }
    match &read.entry_manifest {
        Some(path) if package.contains(path) => Some(path.clone()),
        Some(path) => {
            missing(file, "ETSI-Entry-Manifest", path, sink);
            None
        }
        None => {
            let guess = read.entry_definitions.as_deref().and_then(|p| beside(package, p));
            let mend = match &guess {
                Some(path) => format!("add `ETSI-Entry-Manifest: {path}`"),
                None => "write a manifest with the metadata and digests of all files, and name it here".to_owned(),
            };
            sink.warn(
                &codes::META_KEY_MISSING,
                whole,
                "the keyname `ETSI-Entry-Manifest` is missing, so files are not checked against a manifest",
                mend,
            );
            guess
        }
    }
}

fn missing(file: FileId, key: &str, path: &str, sink: &mut Sink) {
    sink.error_mend(
        &codes::META_FILE_MISSING,
        Pos::whole(file),
        format!("`{key}` names `{path}`, which is not in the package"),
        "correct the path or add the file",
    );
}

/// The manifest that has the same name as the main yaml file, or the only one in the root.
fn beside(package: &Package, yaml: &str) -> Option<String> {
    let stem = yaml.rsplit_once('.').map_or(yaml, |(stem, _)| stem);
    let same = format!("{stem}.mf");
    if package.contains(&same) {
        return Some(same);
    }
    let mut root = package.entries.keys().filter(|p| p.ends_with(".mf") && !p.contains('/'));
    root.next().filter(|_| root.next().is_none()).cloned()
}

/// A package without TOSCA-Metadata: exactly one yaml file in the root is the main one (SOL004 clause 4.1.3).
fn without_meta(package: &mut Package, sink: &mut Sink) -> Option<String> {
    let roots: Vec<String> = package
        .entries
        .keys()
        .filter(|p| !p.contains('/') && (p.ends_with(".yaml") || p.ends_with(".yml")))
        .cloned()
        .collect();
    match roots.as_slice() {
        [one] => package.entry_definitions.clone_from(one),
        [] => {
            sink.error_mend(
                &codes::NO_ENTRY_FILE,
                None,
                "there is neither TOSCA-Metadata/TOSCA.meta nor a yaml file in the root of the package",
                "add TOSCA-Metadata/TOSCA.meta with `Entry-Definitions`, and pack the content itself, not its folder",
            );
            return None;
        }
        many => {
            sink.error_mend(
                &codes::NO_ENTRY_FILE,
                None,
                format!(
                    "without TOSCA-Metadata/TOSCA.meta the root must hold exactly one yaml file, it holds {}: {}",
                    many.len(),
                    many.iter().take(5).map(|p| shown(p)).collect::<Vec<_>>().join(", ")
                ),
                "add TOSCA-Metadata/TOSCA.meta with `Entry-Definitions`",
            );
            return None;
        }
    }
    let found = beside(package, &package.entry_definitions);
    let stem = package.entry_definitions.rsplit_once('.').map_or("", |(s, _)| s).to_owned();
    match &found {
        None => sink.warn(
            &codes::MANIFEST_MISSING,
            None,
            format!("the package has no manifest `{stem}.mf`, so its files are not checked"),
            "write a manifest with the metadata and digests of all files",
        ),
        Some(path) if *path != format!("{stem}.mf") => sink.error_mend(
            &codes::MANIFEST_NAME,
            None,
            format!("the manifest `{path}` does not carry the name of the main file `{stem}.yaml`"),
            format!("rename it to `{stem}.mf`"),
        ),
        Some(_) => {}
    }
    found
}

fn check_manifest(package: &Package, file: FileId, read: &manifest::Manifest, sink: &mut Sink) {
    if read.metadata.is_empty() {
        sink.warn(
            &codes::MANIFEST_METADATA,
            Pos::whole(file),
            "the manifest has no `metadata:` block",
            "begin it with `metadata:` and product name, provider, version and release date",
        );
    }
    let mut listed: HashMap<&str, u32> = HashMap::new();
    for entry in read.files.iter().filter(|e| !e.is_external()) {
        let at = Pos { file, line: entry.line, column: 1 };
        if let Some(first) = listed.insert(entry.source.as_str(), entry.line) {
            sink.error_mend(
                &codes::MANIFEST_SYNTAX,
                at,
                format!("`{}` is listed twice, first in line {first}", entry.source),
                "keep one of the two blocks",
            );
        } else if let Some(why) = names::refusal(&entry.source) {
            sink.error(&codes::UNSAFE_PATH, at, format!("`{}` is refused: {why}", shown(&entry.source)));
        } else if !package.contains(&entry.source) {
            sink.error_mend(
                &codes::FILE_MISSING,
                at,
                format!("`{}` is listed but is not in the package", entry.source),
                "add the file or take the block away",
            );
        }
    }
    let unlisted: Vec<&str> = package
        .entries
        .keys()
        .map(String::as_str)
        .filter(|p| *p != read.path && *p != meta::PATH && !listed.contains_key(p))
        .filter(|p| {
            !read.files.iter().any(|f| f.signature.as_deref() == Some(p) || f.certificate.as_deref() == Some(p))
        })
        .collect();
    if !unlisted.is_empty() {
        let some: Vec<&str> = unlisted.iter().take(5).copied().collect();
        sink.warn(
            &codes::FILE_NOT_LISTED,
            Pos::whole(file),
            format!("{} files are not listed in the manifest, for example {}", unlisted.len(), some.join(", ")),
            "list every file with its digest; `mano vnfpkg build` does it",
        );
    }
}
