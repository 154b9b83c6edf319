//! Zip archives written field by field, so that each field may lie (APPNOTE 4.3: local headers, directory, end record).

use super::rng::Rng;
use super::words;

/// An entry. Fields that are `None` tell the truth.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub name: Vec<u8>,
    /// The name before the data, where it differs from that in the directory.
    pub local_name: Option<Vec<u8>>,
    /// The bytes as they lie in the archive.
    pub data: Vec<u8>,
    /// Method 0 stores, 8 deflates.
    pub method: u16,
    pub flags: u16,
    pub crc: Option<u32>,
    pub packed: Option<u32>,
    pub size: Option<u32>,
    pub offset: Option<u32>,
    /// Mode of the file in the upper half.
    pub attributes: u32,
    pub extra: Vec<u8>,
}

impl Entry {
    /// A stored file.
    pub fn stored(name: &str, data: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), data: data.into(), attributes: 0o100_644 << 16, ..Self::default() }
    }
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut c = n as u32;
        let mut k = 0;
        while k < 8 {
            c = if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 };
            k += 1;
        }
        table[n] = c;
        n += 1;
    }
    table
}

fn crc(bytes: &[u8]) -> u32 {
    static TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |c: u32, b| TABLE[usize::from(c as u8 ^ b)] ^ (c >> 8))
}

/// What the end record claims; `None` tells the truth.
#[derive(Clone, Debug, Default)]
pub struct End {
    pub entries: Option<u16>,
    pub directory_bytes: Option<u32>,
    pub directory_offset: Option<u32>,
    pub comment: Vec<u8>,
    /// What stands before the first entry.
    pub before: Vec<u8>,
}

/// The archive of these entries.
pub fn zip(entries: &[Entry], end: &End) -> Vec<u8> {
    let mut out = end.before.clone();
    let mut directory = Vec::new();
    for entry in entries {
        let len = entry.data.len() as u32;
        let at = out.len() as u32;
        let fields = |out: &mut Vec<u8>, name: &[u8]| {
            for n in [entry.flags, entry.method, 0, 0x21] {
                out.extend(n.to_le_bytes());
            }
            for n in [
                entry.crc.unwrap_or_else(|| crc(&entry.data)),
                entry.packed.unwrap_or(len),
                entry.size.or(entry.packed).unwrap_or(len),
            ] {
                out.extend(n.to_le_bytes());
            }
            out.extend((name.len() as u16).to_le_bytes());
            out.extend((entry.extra.len() as u16).to_le_bytes());
        };
        out.extend(b"PK\x03\x04\x14\0");
        let local = entry.local_name.as_ref().unwrap_or(&entry.name);
        fields(&mut out, local);
        out.extend(local);
        out.extend(&entry.extra);
        out.extend(&entry.data);
        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        fields(&mut directory, &entry.name);
        directory.extend([0; 6]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(entry.offset.unwrap_or(at).to_le_bytes());
        directory.extend(&entry.name);
        directory.extend(&entry.extra);
    }
    let at = out.len() as u32;
    let count = end.entries.unwrap_or(entries.len() as u16).to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend(end.directory_bytes.unwrap_or(directory.len() as u32).to_le_bytes());
    out.extend(end.directory_offset.unwrap_or(at).to_le_bytes());
    out.extend((end.comment.len() as u16).to_le_bytes());
    out.extend(&end.comment);
    out
}

fn extreme(rng: &mut Rng, near: u32) -> u32 {
    match rng.below(6) {
        0 => rng.next() as u32,
        1 => near.wrapping_add(1),
        2 => near.wrapping_sub(1),
        _ => [0, 1, 0xff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff][rng.below(9)],
    }
}

/// Lies about one entry, or about all of them.
pub fn change(entries: &mut Vec<Entry>, end: &mut End, rng: &mut Rng) {
    if entries.is_empty() {
        entries.push(Entry::stored(rng.pick(words::NAMES), "x"));
    }
    let at = rng.below(entries.len());
    let len = entries[at].data.len() as u32;
    match rng.below(22) {
        0 => drop(entries.remove(at)),
        1 => entries.insert(at, entries[at].clone()),
        2 => {
            let other = rng.below(entries.len());
            entries.swap(at, other);
        }
        3 | 4 => entries[at].name = rng.pick(words::NAMES).into(),
        5 => entries[at].name = [rng.pick(words::NAMES).as_bytes(), &entries[at].name].concat(),
        6 => super::text::noise(&mut entries[at].name, rng),
        7 => entries[at].name = vec![b'n'; [300, 513, 5000][rng.below(3)]],
        8 => entries[at].local_name = Some(rng.pick(words::NAMES).into()),
        9 => entries[at].method = [1, 6, 8, 9, 12, 14, 93, 95, 98, 99, 0xffff][rng.below(11)],
        10 => entries[at].flags = [1, 8, 0x40, 0x800, 0x2000, 0xffff][rng.below(6)],
        11 => entries[at].crc = Some(rng.next() as u32),
        12 => entries[at].packed = Some(extreme(rng, len)),
        13 => entries[at].size = Some(extreme(rng, len)),
        14 => entries[at].offset = Some(extreme(rng, len)),
        15 => {
            let mode = [0o120_777, 0o060_644, 0o010_644, 0o140_644, 0o040_755, 0o177_777][rng.below(6)];
            entries[at].attributes = mode << 16 | 0x10;
        }
        16 => {
            // Extra fields: zip64 sizes, a name in Unicode, encryption, something cut off.
            let id: u16 = [1, 0x7075, 0x9901, 0x5455, 0x000a, 0xffff][rng.below(6)];
            let told = rng.below(40);
            let held = if rng.once_in(2) { told } else { rng.below(40) };
            let mut extra = [id.to_le_bytes(), (told as u16).to_le_bytes()].concat();
            extra.extend((0..held).map(|_| if rng.once_in(2) { 0xff } else { rng.byte() }));
            entries[at].extra = extra;
            if rng.once_in(2) {
                entries[at].size = Some(u32::MAX);
                entries[at].packed = Some(u32::MAX);
            }
        }
        17 => {
            let times = [2, 30, 300][rng.below(3)];
            for n in 0..times {
                entries.push(Entry::stored(&format!("Files/{n}"), "x"));
            }
        }
        18 => end.entries = Some(extreme(rng, at as u32) as u16),
        19 => end.directory_bytes = Some(extreme(rng, 46)),
        20 => end.directory_offset = Some(extreme(rng, 46)),
        _ => {
            let text: &[&[u8]] = &[b"x", b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06", b"PK\x01\x02", &[0; 100]];
            let piece = rng.pick(text).repeat(1 + rng.below(4));
            if rng.once_in(2) {
                end.comment = piece;
            } else {
                end.before = piece;
            }
        }
    }
}
