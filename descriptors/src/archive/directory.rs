//! A look at a zip file's central directory before anything is built from it.
//!
//! The zip library keeps entries by name, so it hides duplicates, and it reads the whole directory into memory. This scan
//! counts entries and names them first, within fixed bounds.

use std::io::{self, Read, Seek, SeekFrom};

/// End record without its comment, in bytes.
const END_LEN: u64 = 22;
/// Fixed part of a directory header, in bytes.
const HEADER_LEN: usize = 46;
/// Largest directory read, in bytes; honest directories of ten thousand files stay far below.
const MAX_DIRECTORY: u64 = 32 << 20;

/// What the scan saw.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The names of all entries, in order, duplicates included.
    Names(Vec<Vec<u8>>),
    /// More entries are declared than allowed.
    TooMany(u64),
    /// The directory itself is larger than the bound, in bytes.
    TooLarge(u64),
    /// No end record, or the directory does not hold what the end record says.
    Damaged(&'static str),
}

fn u16_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, |b| u64::from(u16::from_le_bytes(b)))
}

fn u32_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, |b| u64::from(u32::from_le_bytes(b)))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Reads the names in the central directory.
pub(super) fn scan(mut file: impl Read + Seek, max_entries: usize) -> io::Result<Scan> {
    let len = file.seek(SeekFrom::End(0))?;
    let tail_len = len.min(END_LEN + u64::from(u16::MAX));
    file.seek(SeekFrom::Start(len - tail_len))?;
    let mut tail = Vec::new();
    file.by_ref().take(tail_len).read_to_end(&mut tail)?;
    let end = (0..tail.len().saturating_sub(END_LEN as usize - 1))
        .rev()
        .find(|&i| {
            tail.get(i..).is_some_and(|t| t.starts_with(b"PK\x05\x06"))
                && i as u64 + END_LEN + u16_at(&tail, i + 20) <= tail_len
        })
        .and_then(|i| tail.get(i..).map(|t| (len - tail_len + i as u64, t)));
    let Some((end_at, record)) = end else { return Ok(Scan::Damaged("there is no end of central directory record")) };
    let (mut count, mut size) = (u16_at(record, 10), u32_at(record, 12));
    let mut directory_end = end_at;
    if (count == 0xffff || size == 0xffff_ffff || u32_at(record, 16) == 0xffff_ffff)
        && let Some(zip64) = zip64_record(&mut file, end_at)?
    {
        (count, size, directory_end) = zip64;
    }
    if count > max_entries as u64 {
        return Ok(Scan::TooMany(count));
    }
    if size > MAX_DIRECTORY {
        return Ok(Scan::TooLarge(size));
    }
    let Some(start) = directory_end.checked_sub(size) else {
        return Ok(Scan::Damaged("the directory would begin before the file"));
    };
    file.seek(SeekFrom::Start(start))?;
    let mut directory = Vec::new();
    file.take(size).read_to_end(&mut directory)?;
    Ok(names(&directory, count))
}

/// Count, size and end of the directory from the 64-bit end record.
fn zip64_record(file: &mut (impl Read + Seek), end_at: u64) -> io::Result<Option<(u64, u64, u64)>> {
    let Some(locator_at) = end_at.checked_sub(20) else { return Ok(None) };
    let mut locator = [0; 20];
    file.seek(SeekFrom::Start(locator_at))?;
    file.read_exact(&mut locator)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    let at = u64_at(&locator, 8);
    let mut record = [0; 56];
    file.seek(SeekFrom::Start(at))?;
    if file.read_exact(&mut record).is_err() || !record.starts_with(b"PK\x06\x06") {
        return Ok(None);
    }
    Ok(Some((u64_at(&record, 32), u64_at(&record, 40), at)))
}

fn names(directory: &[u8], count: u64) -> Scan {
    let mut names = Vec::new();
    let mut at = 0;
    for _ in 0..count {
        let header = directory.get(at..).unwrap_or_default();
        if header.len() < HEADER_LEN || !header.starts_with(b"PK\x01\x02") {
            return Scan::Damaged("the directory holds fewer entries than the end record says");
        }
        let name_len = u16_at(header, 28) as usize;
        let rest = (u16_at(header, 30) + u16_at(header, 32)) as usize;
        let Some(name) = header.get(HEADER_LEN..HEADER_LEN + name_len) else {
            return Scan::Damaged("an entry's name reaches beyond the directory");
        };
        names.push(name.to_vec());
        at += HEADER_LEN + name_len + rest;
    }
    Scan::Names(names)
}
