//! What a script prints: its end is kept, however much it is.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes kept of each stream.
pub const KEPT: usize = 16 * 1024;

/// Reads to the end; the last [`KEPT`] bytes, and how much is missing before them.
pub async fn tail(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let (mut kept, mut dropped, mut buffer) = (Vec::new(), 0, vec![0; 8 * 1024]);
    while let Ok(read) = stream.read(&mut buffer).await
        && read > 0
    {
        kept.extend_from_slice(&buffer[..read]);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
        dropped += over;
    }
    // NUL cannot be kept by every database.
    let text = String::from_utf8_lossy(&kept).replace('\0', "\u{fffd}");
    if dropped == 0 { text } else { format!("… {dropped} bytes before this are not kept …\n{text}") }
}

/// The last lines of a text.
pub fn last_lines(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_is_kept_and_what_is_missing_is_counted() {
        let long = "x".repeat(KEPT) + "the end";
        let kept = tail(Some(long.as_bytes())).await;
        assert!(kept.starts_with("… 7 bytes before this are not kept …") && kept.ends_with("the end"));
        assert_eq!(tail(Some(&b"a\0\xff"[..])).await, "a\u{fffd}\u{fffd}");
        assert_eq!(last_lines("a\nb\n\nc\n", 2), "b\nc");
    }
}
