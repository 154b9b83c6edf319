//! Numbers as YAML's core schema writes them.

/// A decimal, `0x` or `0o` whole number with optional sign. A leading zero keeps the text text: `017` is a name.
#[must_use]
pub fn parse_integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with(['+', '-'])).map(|n| sign * n);
    }
    if let Some(octal) = digits.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().filter(|_| !octal.starts_with(['+', '-'])).map(|n| sign * n);
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    digits.parse::<i64>().ok().map(|n| sign * n)
}

/// A decimal number with point or exponent; infinities and NaN are left out, no descriptor means them.
#[must_use]
pub fn parse_float(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['-', '+']);
    let honest = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.bytes().any(|b| b.is_ascii_digit())
        && text.len() - digits.len() <= 1;
    if !honest {
        return None;
    }
    text.parse::<f64>().ok().filter(|f| f.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(parse_integer("12"), Some(12));
        assert_eq!(parse_integer("-3"), Some(-3));
        assert_eq!(parse_integer("0x10"), Some(16));
        assert_eq!(parse_integer("0o17"), Some(15));
        assert_eq!(parse_integer("0"), Some(0));
        for not in ["017", "", "-", "1.0", "a", "0x", "99999999999999999999", "0x-1"] {
            assert_eq!(parse_integer(not), None, "{not}");
        }
    }

    #[test]
    fn floats() {
        assert_eq!(parse_float("1.5"), Some(1.5));
        assert_eq!(parse_float("-2e3"), Some(-2000.0));
        for not in ["inf", "nan", "1.2.3", "", "--1", "e"] {
            assert_eq!(parse_float(not), None, "{not}");
        }
    }
}
