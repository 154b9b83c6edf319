//! Changes to values in DER (X.690) that keep the shape around them, and to base64 that carries such values.

use super::rng::Rng;

/// Where each tag stands, with where its content begins and ends.
fn places(bytes: &[u8], base: usize, depth: usize, found: &mut Vec<(usize, usize, usize)>) {
    let mut at = 0;
    while at + 2 <= bytes.len() && found.len() < 400 {
        let (tag, short) = (bytes[at], bytes[at + 1]);
        let long = if short & 0x80 == 0 { 0 } else { usize::from(short & 0x7f) };
        let Some(length) = bytes.get(at + 2..at + 2 + long).filter(|_| long <= 4) else { return };
        let length =
            if long == 0 { usize::from(short) } else { length.iter().fold(0, |n, b| n << 8 | usize::from(*b)) };
        let from = at + 2 + long;
        let Some(content) = bytes.get(from..from.saturating_add(length)) else { return };
        found.push((base + at, base + from, base + from + length));
        if tag & 0x20 != 0 && depth < 20 {
            places(content, base + from, depth + 1, found);
        }
        at = from + length;
    }
}

/// Changes a few values.
pub fn change(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.few() {
        let mut found = Vec::new();
        places(bytes, 0, 0, &mut found);
        if found.is_empty() || rng.once_in(6) {
            super::text::noise(bytes, rng);
            continue;
        }
        let (tag, from, to) = found[rng.below(found.len())];
        match rng.below(9) {
            0 => {
                bytes[tag] =
                    [0x02, 0x03, 0x04, 0x05, 0x06, 0x13, 0x17, 0x18, 0x24, 0x30, 0x31, 0x80, 0xa0, 0xff][rng.below(14)]
            }
            1 => bytes[tag + 1] = [0, 1, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xff][rng.below(8)],
            2 => drop(bytes.splice(tag + 1..from, [0x84, 0xff, 0xff, 0xff, 0xff])),
            3 => drop(bytes.drain(tag..to)),
            4 => {
                let copied = bytes[tag..to].to_vec();
                bytes.splice(tag..tag, copied);
            }
            5 => {
                // The content of another value, without a word about the new length.
                let (_, other, end) = found[rng.below(found.len())];
                let copied = bytes[other..end].to_vec();
                bytes.splice(from..to, copied);
            }
            6 => {
                // The content of another value of the same length: everything around still fits.
                let same: Vec<_> = found.iter().filter(|(_, f, t)| t - f == to - from && *f != from).collect();
                if let Some((_, other, end)) = same.get(rng.below(same.len())) {
                    let copied = bytes[*other..*end].to_vec();
                    bytes[from..to].copy_from_slice(&copied);
                }
            }
            _ if from < to => {
                let at = from + rng.below(to - from);
                bytes[at] = [0, 0xff, 0x7f, 0x80, b'0', rng.byte()][rng.below(6)];
            }
            _ => {}
        }
    }
}

/// The bytes of a PEM block with its content changed.
pub fn pem(block: &str, rng: &mut Rng) -> String {
    let lines: Vec<&str> = block.lines().collect();
    let body: String = lines.iter().filter(|l| !l.starts_with("-----")).copied().collect();
    let mut bytes = openssl::base64::decode_block(&body).unwrap();
    change(&mut bytes, rng);
    bytes.truncate(super::text::MAX_BYTES);
    let text = openssl::base64::encode_block(&bytes);
    let text: Vec<&str> = text.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
    format!("{}\n{}\n{}\n", lines[0], text.join("\n"), lines[lines.len() - 1])
}
