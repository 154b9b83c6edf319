//! Tar archives written field by field, so that each field may lie (POSIX ustar).

use super::rng::Rng;
use super::words;

/// An entry. Fields that are `None` tell the truth.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub kind: u8,
    /// The twelve bytes of the size.
    pub size: Option<Vec<u8>>,
    pub prefix: Vec<u8>,
    /// Whether the checksum is right.
    pub sound: bool,
}

impl Entry {
    pub fn file(name: &str, data: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), data: data.into(), kind: b'0', size: None, prefix: Vec::new(), sound: true }
    }
}

/// The archive of these entries.
pub fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        let mut head = [0_u8; 512];
        let mut put = |at: usize, room: usize, bytes: &[u8]| {
            let n = bytes.len().min(room);
            head[at..at + n].copy_from_slice(&bytes[..n]);
        };
        put(0, 100, &entry.name);
        put(100, 8, b"0000644\0");
        put(108, 8, b"0000000\0");
        put(116, 8, b"0000000\0");
        let size = format!("{:011o}\0", entry.data.len());
        put(124, 12, entry.size.as_deref().unwrap_or(size.as_bytes()));
        put(136, 12, b"14630660000\0");
        put(148, 8, b"        ");
        put(156, 1, &[entry.kind]);
        put(257, 8, b"ustar\x0000");
        put(345, 155, &entry.prefix);
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        let sum = format!("{:06o}\0 ", sum + u32::from(!entry.sound));
        head[148..156].copy_from_slice(sum.as_bytes());
        out.extend(head);
        out.extend(&entry.data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// Lies about one entry.
pub fn change(entries: &mut Vec<Entry>, rng: &mut Rng) {
    if entries.is_empty() {
        return;
    }
    let at = rng.below(entries.len());
    match rng.below(12) {
        0 => drop(entries.remove(at)),
        1 => entries.insert(at, entries[at].clone()),
        2 => {
            let other = rng.below(entries.len());
            entries.swap(at, other);
        }
        3 | 4 => entries[at].name = rng.pick(words::NAMES).into(),
        5 => super::text::noise(&mut entries[at].name, rng),
        6 => entries[at].kind = b"0\x001234567xgLKSDVMAN\xff"[rng.below(20)],
        7 => {
            let sizes: &[&[u8]] = &[
                b"77777777777\0",
                b"00000000000\0",
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
                b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xfe\0",
                b"           8",
                b"-1",
                b"",
            ];
            entries[at].size = Some(rng.pick(sizes).to_vec());
        }
        8 => entries[at].prefix = rng.pick(words::NAMES).into(),
        9 => entries[at].sound = false,
        10 => {
            let kind = b"xgLK"[rng.below(4)];
            let data =
                ["20 path=../../etc/x\n", "30 size=99999999999999999999\n", "x", "99999999999 a=b\n"][rng.below(4)];
            entries.insert(at, Entry { kind, ..Entry::file("head", data) });
        }
        _ => entries[at].data = vec![b'x'; rng.below(3000)],
    }
}
