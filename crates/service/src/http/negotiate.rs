//! Content negotiation: what a caller's `Accept` allows (RFC 9110 clause 12.5.1, SOL013 clause 6.2).

use axum::http::{HeaderMap, header};

/// Whether `Accept` in `headers` allows `media_type` (in lower case, without parameters). Without the header everything is.
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut given = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).peekable();
    if given.peek().is_none() {
        return true;
    }
    let main = media_type.split('/').next().unwrap_or_default();
    // The most specific range that covers the type decides, so that `*/*, application/zip;q=0` means what it says.
    let mut best: Option<(u8, bool)> = None;
    for range in given.flat_map(|v| v.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts
            .filter_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")))
            .any(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0));
        let rank = if name == media_type {
            3
        } else if name.strip_suffix("/*") == Some(main) {
            2
        } else if name == "*/*" {
            1
        } else {
            continue;
        };
        if best.is_none_or(|(r, _)| rank > r) {
            best = Some((rank, !refused));
        }
    }
    best.is_some_and(|(_, allowed)| allowed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_most_specific_range_decides() {
        for (accept, kind, allowed) in [
            ("application/json", "application/json", true),
            ("application/*;q=0.5, text/plain", "application/zip", true),
            ("text/plain", "application/json", false),
            ("*/*, application/json;q=0", "application/json", false),
            ("Application/JSON; charset=utf-8", "application/json", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(accepts(&headers, kind), allowed, "{accept} {kind}");
        }
        assert!(accepts(&HeaderMap::new(), "application/json"));
    }
}
