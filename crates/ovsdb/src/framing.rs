//! Finds where one JSON value ends in a stream that has no delimiters (RFC 7047 section 4: JSON-RPC 1.0 over a stream).
//!
//! Each byte is looked at once, however the stream is cut into reads, so that a large snapshot costs linear time; the
//! value is then parsed as a whole. Every message of the protocol is an object.

use serde_json::Value as Json;

/// Collects bytes and yields complete JSON objects.
#[derive(Debug)]
pub(crate) struct Framer {
    buffer: Vec<u8>,
    /// How far `buffer` has been looked at.
    scanned: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Largest message accepted, in bytes.
    limit: usize,
}

/// Nesting beyond this is no OVSDB message.
const MAX_DEPTH: usize = 100;
/// A buffer larger than this is given back after its message.
const KEEP_BYTES: usize = 64 * 1024;

impl Framer {
    pub(crate) fn new(limit: usize) -> Framer {
        Framer { buffer: Vec::new(), scanned: 0, depth: 0, in_string: false, escaped: false, limit }
    }

    /// Takes bytes from the wire.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete message, `None` if more bytes are needed; the error says what is wrong with the stream.
    pub(crate) fn next(&mut self) -> Result<Option<Json>, String> {
        while self.scanned < self.buffer.len() {
            let byte = self.buffer[self.scanned];
            self.scanned += 1;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'{' | b'[' if self.depth > 0 || byte == b'{' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return self.take().map(Some);
                    }
                }
                b'"' if self.depth > 0 => self.in_string = true,
                _ if self.depth > 0 => {}
                b' ' | b'\t' | b'\r' | b'\n' => {}
                other => return Err(format!("byte {other:#04x} where a JSON object should begin")),
            }
            if self.depth > MAX_DEPTH {
                return Err(format!("JSON nested deeper than {MAX_DEPTH}"));
            }
        }
        if self.depth == 0 {
            self.buffer.clear();
            self.scanned = 0;
        }
        if self.buffer.len() > self.limit {
            return Err(format!("a message is larger than {} bytes", self.limit));
        }
        Ok(None)
    }

    fn take(&mut self) -> Result<Json, String> {
        let end = self.scanned;
        if end > self.limit {
            return Err(format!("a message is larger than {} bytes", self.limit));
        }
        let value = serde_json::from_slice(&self.buffer[..end]).map_err(|e| format!("not JSON: {e}"))?;
        self.buffer.drain(..end);
        self.scanned = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > KEEP_BYTES {
            self.buffer = Vec::new();
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn drain(framer: &mut Framer) -> Vec<Json> {
        std::iter::from_fn(|| framer.next().unwrap()).collect()
    }

    #[test]
    fn messages_are_found_wherever_the_stream_is_cut() {
        let stream = r#"{"id":1,"result":["}{\"\\",{"a":[1,2]}]} {"id":2}{"id":3,"x":"ü\u0041"}"#.as_bytes();
        let whole = {
            let mut framer = Framer::new(1000);
            framer.push(stream);
            drain(&mut framer)
        };
        assert_eq!(whole.len(), 3);
        for cut in 1..stream.len() {
            let mut framer = Framer::new(1000);
            let mut got = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                framer.push(part);
                got.extend(drain(&mut framer));
            }
            assert_eq!(got, whole, "cut at {cut}");
        }
        let mut framer = Framer::new(1000);
        let mut got = Vec::new();
        for byte in stream {
            framer.push(&[*byte]);
            got.extend(drain(&mut framer));
        }
        assert_eq!(got, whole);
    }

    #[test]
    fn rubbish_is_refused_at_once() {
        for bytes in [&b"HTTP/1.1 400"[..], b"[1]", b"\x16\x03\x01", b"}", b"{]", b"{\"a\":nonsense}"] {
            let mut framer = Framer::new(1000);
            framer.push(bytes);
            assert!(framer.next().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn size_and_depth_are_limited() {
        let mut framer = Framer::new(100);
        framer.push(b"{\"a\":\"");
        framer.push(&[b'x'; 200]);
        assert!(framer.next().unwrap_err().contains("larger than 100"));

        let mut framer = Framer::new(10_000);
        framer.push(b"{\"a\":");
        framer.push(&[b'['; 200]);
        assert!(framer.next().unwrap_err().contains("nested"));
    }
}
