//! Programmatic units of DSP0004 annex C as far as sizes use them, and the words of older descriptors.

/// How many bytes one unit stands for: `byte * 2^20`, `byte*2^30`, `KiloBytes`, `MegaBytes`, `GigaBytes`, `MB` … `None` for
/// anything else, and for what does not fit in 64 bits.
#[must_use]
pub fn factor(units: &str) -> Option<u64> {
    let plain: String = units.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let mut parts = plain.split('*');
    let mut bytes = match parts.next()? {
        "byte" | "bytes" | "b" => 1,
        "kilobyte" | "kilobytes" | "kb" => 1 << 10,
        "megabyte" | "megabytes" | "mb" => 1 << 20,
        "gigabyte" | "gigabytes" | "gb" => 1 << 30,
        "terabyte" | "terabytes" | "tb" => 1 << 40,
        _ => return None,
    };
    for part in parts {
        let by: u64 = match part.split_once('^') {
            Some((base, exponent)) => base.parse::<u64>().ok()?.checked_pow(exponent.parse().ok()?)?,
            None => part.parse().ok()?,
        };
        bytes = by.checked_mul(bytes)?;
    }
    (bytes > 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_in_all_their_spellings() {
        for (text, bytes) in [
            ("byte * 2^20", 1 << 20),
            ("byte*2^30", 1 << 30),
            ("byte", 1),
            ("bytes * 10^6", 1_000_000),
            ("byte * 1024", 1024),
            ("MegaBytes", 1 << 20),
            ("GB", 1 << 30),
        ] {
            assert_eq!(factor(text), Some(bytes), "{text}");
        }
        for bad in ["", "hertz * 10^6", "byte * 2^64", "byte * 2^", "byte / 2", "byte * 2^99999999999", "byte * 0"] {
            assert_eq!(factor(bad), None, "{bad}");
        }
    }
}
