//! The directory of an OVA: a tar archive (DSP0243 clause 5.3) seen entry by entry, without unpacking anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use tar::EntryType;

use super::names::short;
use crate::archive::{Limits, names};
use crate::codes;
use crate::diag::Sink;

/// Largest extended header looked into, in bytes.
const MAX_EXTENDED: u64 = 64 << 10;

/// Where a file lies in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// First byte.
    pub(super) offset: u64,
    /// Size in bytes.
    pub(super) size: u64,
    /// Time of change, in seconds since 1970-01-01T00:00:00Z.
    pub(super) changed_s: u64,
}

/// What an archive holds.
#[derive(Debug, Default)]
pub(super) struct Tape {
    /// Names in the order of the archive.
    pub(super) order: Vec<String>,
    pub(super) members: BTreeMap<String, Member>,
}

/// Lists a tar archive. Faults are reported; what is harmful does not come into the list.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn list(file: &File, limits: &Limits, sink: &mut Sink) -> io::Result<Tape> {
    let length = file.metadata()?.len();
    let mut tape = Tape::default();
    if length > limits.archive_bytes {
        let message = format!("the archive has {length} bytes; the limit is {}", limits.archive_bytes);
        sink.error(&codes::TOO_LARGE, None, message);
        return Ok(tape);
    }
    let mut archive = tar::Archive::new(file);
    let mut folded = BTreeSet::new();
    // Raw: the library would read long names of any length into memory.
    for (n, entry) in archive.entries_with_seek()?.raw(true).enumerate() {
        if n >= limits.entries {
            sink.error(&codes::TOO_MANY_ENTRIES, None, format!("the archive has more than {} entries", limits.entries));
            break;
        }
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                sink.error_mend(
                    &codes::OVF_ARCHIVE,
                    None,
                    format!("the archive cannot be read after {n} entries: {e}"),
                    "an OVA is a plain tar archive in ustar format; it may have been cut off",
                );
                break;
            }
        };
        let kind = entry.header().entry_type();
        let (offset, size) = (entry.raw_file_position(), entry.size());
        if kind == EntryType::XHeader || kind == EntryType::XGlobalHeader {
            if extended(&mut entry, size)? {
                sink.error_mend(
                    &codes::OVF_ARCHIVE,
                    None,
                    "an extended header changes the name or size of an entry",
                    "pack it with `tar --format=ustar`, as the standard asks",
                );
            }
            continue;
        }
        let Ok(name) = String::from_utf8(entry.path_bytes().into_owned()) else {
            sink.error(&codes::BAD_NAME, None, format!("the name of entry {} is not UTF-8 text", n + 1));
            continue;
        };
        let name = name.trim_start_matches("./").to_owned();
        match kind {
            EntryType::Directory => continue,
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::GNULongName | EntryType::GNULongLink => {
                sink.error_mend(
                    &codes::OVF_ARCHIVE,
                    None,
                    "the archive uses long names of another tar format",
                    "pack it with `tar --format=ustar`, as the standard asks",
                );
                continue;
            }
            _ => {
                sink.error_mend(
                    &codes::SYMLINK,
                    None,
                    format!("`{}` is a link or special file", short(&name)),
                    "put the file itself into the archive",
                );
                continue;
            }
        }
        if name.len() > limits.name_bytes {
            sink.error(&codes::NAME_TOO_LONG, None, format!("the name `{}` is too long", short(&name)));
        } else if let Some(why) = names::refusal(&name) {
            sink.error(&codes::UNSAFE_PATH, None, format!("`{}` is refused: {why}", short(&name)));
        } else if size > limits.entry_bytes {
            let message = format!("`{}` has {size} bytes; the limit is {}", short(&name), limits.entry_bytes);
            sink.error(&codes::TOO_LARGE, None, message);
        } else if offset.checked_add(size).is_none_or(|end| end > length) {
            sink.error_mend(
                &codes::OVF_ARCHIVE,
                None,
                format!("`{}` reaches beyond the end of the archive", short(&name)),
                "the archive was cut off; fetch it again",
            );
        } else if !folded.insert(name.to_lowercase()) {
            sink.error(&codes::DUPLICATE_ENTRY, None, format!("two entries are called `{}`", short(&name)));
        } else {
            let changed_s = entry.header().mtime().unwrap_or_default();
            tape.order.push(name.clone());
            tape.members.insert(name, Member { offset, size, changed_s });
        }
    }
    Ok(tape)
}

/// Whether an extended header says more than times and owners.
fn extended(entry: &mut impl Read, size: u64) -> io::Result<bool> {
    if size > MAX_EXTENDED {
        return Ok(true);
    }
    let mut bytes = Vec::new();
    entry.take(MAX_EXTENDED).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().any(|line| {
        let key = line.split_once(' ').and_then(|(_, rest)| rest.split_once('=')).map_or("", |(key, _)| key);
        matches!(key, "path" | "linkpath" | "size") || key.starts_with("GNU.sparse")
    }))
}

/// One file of the archive, from its first byte to its last.
///
/// # Errors
/// What opening and seeking return.
pub(super) fn open(mut file: File, member: Member) -> io::Result<io::Take<File>> {
    file.seek(SeekFrom::Start(member.offset))?;
    Ok(file.take(member.size))
}
