//! Listing what is in a package and refusing what is unsafe, without unpacking anything (SOL004 clause 4.1).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{self, Scan};
use super::{Entry, Handle, Limits, Place, names};
use crate::codes;
use crate::diag::Sink;

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
pub(super) fn shown(name: &str) -> String {
    let cut: String = name.chars().take(80).flat_map(char::escape_default).collect();
    if name.chars().count() > 80 { format!("{cut}…") } else { cut }
}

/// What is in a package.
#[derive(Default)]
pub(super) struct Listing {
    /// Its files, by path.
    pub files: BTreeMap<String, Entry>,
    /// Its directories, as far as they are entries of their own, without a slash at the end.
    pub dirs: BTreeSet<String>,
}

/// Lists a zip archive without unpacking anything.
pub(super) fn zip_entries(handle: &Handle, limits: &Limits, sink: &mut Sink) -> Listing {
    let mut listing = Listing::default();
    if handle.len() > limits.archive_bytes {
        sink.error_mend(
            &codes::TOO_LARGE,
            None,
            format!("the archive has {} bytes, the limit is {}", handle.len(), limits.archive_bytes),
            "move large artifacts out of the package, or raise the limit `archive_bytes`",
        );
        return listing;
    }
    let Some((zip, scanned)) = open_zip(handle, limits, sink) else { return listing };
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
        if !safe || !kind_ok || !size_ok {
            continue;
        }
        if entry.is_dir() {
            listing.dirs.insert(name.trim_end_matches('/').to_owned());
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
        listing.files.insert(name, Entry { place: Place::Zip(Arc::new(entry.into())), size });
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
    check_file_as_dir(&listing.files, &mut teller);
    teller.finish();
    listing
}

/// Scans the directory within bounds, then opens the archive; both must see the same entries.
fn open_zip(handle: &Handle, limits: &Limits, sink: &mut Sink) -> Option<(zip::ZipArchive<Handle>, Vec<Vec<u8>>)> {
    let mend = "make the package with `mano vnfpkg build` or any zip tool";
    if is_gzip(handle) {
        sink.error_mend(
            &codes::NOT_AN_ARCHIVE,
            None,
            "this is a gzip file, as Open Source MANO packs its packages, and not a zip archive",
            "unpack it and give the directory, or pack the content of that directory as zip",
        );
        return None;
    }
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

fn is_gzip(handle: &Handle) -> bool {
    let mut head = [0; 2];
    let mut handle = handle.clone();
    handle.rewind().is_ok() && handle.read_exact(&mut head).is_ok() && head == [0x1f, 0x8b]
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
pub(super) fn dir_entries(dirs: &[&Path], limits: &Limits, sink: &mut Sink) -> Listing {
    let mut listing = Listing::default();
    let mut teller = Teller { sink, told: HashMap::new() };
    for dir in dirs {
        let mut open: Vec<(PathBuf, String)> = vec![(dir.to_path_buf(), String::new())];
        while let Some((path, prefix)) = open.pop() {
            let items = match std::fs::read_dir(&path) {
                Ok(items) => items,
                Err(e) => {
                    teller.error(&codes::UNREADABLE_ENTRY, format!("cannot list {}: {e}", path.display()), "");
                    continue;
                }
            };
            for item in items.flatten() {
                let Ok(name) = item.file_name().into_string() else {
                    teller.error(
                        &codes::BAD_NAME,
                        format!("the name of {} is not UTF-8", item.path().display()),
                        "rename the file",
                    );
                    continue;
                };
                // Files of version control and editors; packages are made without them too.
                if name.starts_with('.') {
                    continue;
                }
                let full = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                let Ok(kind) = item.file_type() else { continue };
                if kind.is_dir() {
                    listing.dirs.insert(full.clone());
                    open.push((item.path(), full));
                } else if !kind.is_file() {
                    teller.error(
                        &codes::SYMLINK,
                        format!("`{}` is a symbolic link or special file", shown(&full)),
                        "put the file itself into the package",
                    );
                } else if check_name(&full, limits, &mut teller) {
                    let size = item.metadata().map_or(0, |m| m.len());
                    listing.files.insert(full, Entry { place: Place::File(item.path()), size });
                }
                if listing.files.len() + listing.dirs.len() > limits.entries {
                    teller.error(&codes::TOO_MANY_ENTRIES, format!("there are more than {} files", limits.entries), "");
                    return listing;
                }
            }
        }
    }
    teller.finish();
    listing
}
