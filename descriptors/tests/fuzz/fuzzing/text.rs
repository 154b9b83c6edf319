//! Changes to texts that keep most of them readable: lines and blocks moved, repeated, dropped and taken from elsewhere,
//! values and words replaced. A block is a line with all lines below it that are indented more, and its closing line.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::rng::Rng;
use super::words;

/// Longest text made, in bytes.
pub const MAX_BYTES: usize = 64 << 10;

/// One execution in so many has a large input.
pub const LARGE: usize = 5000;

/// What may be put into a text.
#[derive(Debug, Default)]
pub struct Pieces {
    lines: Vec<String>,
    blocks: Vec<Vec<String>>,
    words: Vec<String>,
    marks: &'static [&'static str],
}

impl Pieces {
    /// The lines, blocks and words of these texts; `marks` are put in as they are.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>, marks: &'static [&'static str]) -> Self {
        let mut pieces = Self { marks, ..Self::default() };
        for text in texts {
            let lines: Vec<Cow<'_, str>> = text.lines().map(Cow::Borrowed).collect();
            for at in 0..lines.len() {
                let end = block(&lines, at);
                if (2..40).contains(&(end - at)) {
                    pieces.blocks.push(lines[at..end].iter().map(|l| l.clone().into_owned()).collect());
                }
            }
            pieces.words.extend(spans(text).map(|(from, to)| text[from..to].to_owned()));
            pieces.lines.extend(text.lines().map(str::to_owned));
        }
        for list in [&mut pieces.lines, &mut pieces.words] {
            list.sort();
            list.dedup();
        }
        pieces
    }

    fn word<'a>(&'a self, rng: &mut Rng) -> &'a str {
        match rng.below(4) {
            0 => rng.pick(words::VALUES),
            1 if !self.marks.is_empty() => rng.pick(self.marks),
            _ if self.words.is_empty() => "x",
            _ => &self.words[rng.below(self.words.len())],
        }
    }
}

/// Whether a byte belongs to a word.
fn in_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_.-+/@%".contains(&b)
}

/// Beginnings and ends of the words of a text.
fn spans(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !in_word(bytes[at]) {
            at += 1;
        }
        let from = at;
        while at < bytes.len() && in_word(bytes[at]) {
            at += 1;
        }
        (from < at).then_some((from, at))
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Where the block that begins in a line ends.
fn block(lines: &[Cow<'_, str>], at: usize) -> usize {
    let own = indent(&lines[at]);
    let mut end = at + 1;
    while end < lines.len() && (indent(&lines[end]) > own || lines[end].trim().is_empty()) {
        end += 1;
    }
    let closes = |line: &str| line.trim_start().starts_with(['}', ']']) || line.trim_start().starts_with("</");
    if end < lines.len() && end > at + 1 && indent(&lines[end]) == own && closes(&lines[end]) {
        end += 1;
    }
    end
}

/// The text after some changes. Same generator, same result.
pub fn change(text: &str, pieces: &Pieces, rng: &mut Rng) -> Vec<u8> {
    let mut lines: Vec<Cow<'_, str>> = text.lines().map(Cow::Borrowed).collect();
    for _ in 0..rng.few() {
        edit(&mut lines, pieces, rng);
    }
    let mut out = Vec::with_capacity(text.len() + 256);
    let end: &[u8] = if rng.once_in(40) { b"\r\n" } else { b"\n" };
    for line in &lines {
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(end);
        if out.len() > MAX_BYTES {
            break;
        }
    }
    if rng.once_in(16) {
        noise(&mut out, rng);
    }
    out
}

fn edit<'a>(lines: &mut Vec<Cow<'a, str>>, pieces: &'a Pieces, rng: &mut Rng) {
    let n = lines.len();
    if n == 0 {
        lines.push(Cow::Borrowed(pieces.word(rng)));
        return;
    }
    let at = rng.below(n);
    match rng.below(20) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => lines.swap(at, rng.clone().below(n)),
        3 => drop(lines.drain(at..block(lines, at))),
        4 => {
            let copied: Vec<_> = lines[at..block(lines, at)].to_vec();
            let to = rng.below(n);
            lines.splice(to..to, copied);
        }
        5 => {
            let moved: Vec<_> = lines.drain(at..block(lines, at)).collect();
            let to = rng.below(lines.len() + 1);
            lines.splice(to..to, moved);
        }
        6 | 7 if !pieces.blocks.is_empty() => {
            // Another block, indented as the line it stands before.
            let other = &pieces.blocks[rng.below(pieces.blocks.len())];
            let (own, base) = (indent(&lines[at]), other.first().map_or(0, |l| indent(l)));
            let shifted = other.iter().map(|l| Cow::Owned(format!("{:own$}{}", "", l.get(base..).unwrap_or(l))));
            let end = if rng.once_in(2) { at } else { block(lines, at) };
            lines.splice(at..end, shifted.collect::<Vec<_>>());
        }
        8 if !pieces.lines.is_empty() => lines.insert(at, Cow::Borrowed(&pieces.lines[rng.below(pieces.lines.len())])),
        9 => {
            let by = ["  ", "    ", " ", "\t"][rng.below(4)];
            for line in lines.drain(at..).collect::<Vec<_>>() {
                let more = rng.once_in(2);
                lines.push(if more { Cow::Owned(format!("{by}{line}")) } else { line });
            }
        }
        10 => {
            let end = block(lines, at);
            for line in &mut lines[at..end] {
                *line = match line.strip_prefix("  ") {
                    Some(less) => Cow::Owned(less.to_owned()),
                    None => Cow::Owned(format!("  {line}")),
                };
            }
        }
        11 => lines.truncate(at),
        12 => {
            // One line many times: what is looked for in a list is looked for in a long one.
            let times = [10, 100, 1000][rng.below(3)];
            let line = lines[at].clone();
            lines.splice(at..at, std::iter::repeat_n(line, times));
        }
        13 => lines[at] = Cow::Owned(format!("{} {}", lines[at], pieces.word(rng))),
        _ => {
            let line = lines[at].clone();
            let places: Vec<_> = spans(&line).collect();
            // The last word is most often the value.
            let which = if rng.once_in(2) { places.len().saturating_sub(1) } else { rng.below(places.len()) };
            let (from, to) = places.get(which).copied().unwrap_or((line.len(), line.len()));
            lines[at] = Cow::Owned(format!("{}{}{}", &line[..from], pieces.word(rng), &line[to..]));
        }
    }
}

/// The text with one block of it many times, each time with names of its own: what takes a reader time that grows faster
/// than its input takes too long here.
pub fn swell(text: &str, rng: &mut Rng) -> Vec<u8> {
    let lines: Vec<Cow<'_, str>> = text.lines().map(Cow::Borrowed).collect();
    let at = rng.below(lines.len());
    let end = block(&lines, at);
    let (numbered, size) = (rng.below(3), [100_000, 400_000, 1_000_000][rng.below(3)]);
    let mut out = String::with_capacity(size + text.len());
    for (n, line) in lines.iter().enumerate() {
        if n != at {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        for copy in 0.. {
            for (n, line) in lines[at..end].iter().enumerate() {
                // The name alone, or every last word, or nothing is made a new one.
                let words: Vec<_> = spans(line).collect();
                let word = if n == 0 { words.first() } else { words.last() };
                match word.filter(|_| numbered == 2 || (numbered == 1 && n == 0)) {
                    Some((_, to)) => {
                        let _ = write!(out, "{}{copy}{}", &line[..*to], &line[*to..]);
                    }
                    None => out.push_str(line),
                }
                out.push('\n');
            }
            if out.len() > size {
                break;
            }
        }
    }
    out.into_bytes()
}

/// Changes that know nothing of lines: bytes flipped, cut out, put in.
pub fn noise(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.few() {
        let n = bytes.len();
        if n == 0 {
            return;
        }
        let at = rng.below(n);
        match rng.below(7) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = rng.byte(),
            2 => bytes[at] = [0, 0xff, 0x7f, 0x80, b'\n', b':', b'"', b'<', b'{', b'-'][rng.below(10)],
            3 => drop(bytes.drain(at..(at + 1 + rng.below(16)).min(n))),
            4 => {
                let piece: Vec<u8> = (0..1 + rng.below(8)).map(|_| rng.byte()).collect();
                bytes.splice(at..at, piece);
            }
            5 => {
                let piece = bytes[at..(at + 1 + rng.below(64)).min(n)].to_vec();
                let to = rng.below(n);
                bytes.splice(to..to, piece);
            }
            _ => bytes.truncate(at),
        }
    }
}
