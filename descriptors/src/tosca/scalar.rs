//! Scalar units: sizes, times, frequencies and bit rates (TOSCA Simple Profile clause 3.3.6).

/// Which units a scalar may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Size,
    /// Seconds.
    Time,
    /// Hertz.
    Frequency,
    /// Bits per second.
    Bitrate,
}

impl Unit {
    /// The unit of a TOSCA type name such as `scalar-unit.size`.
    #[must_use]
    pub fn of_type(name: &str) -> Option<Self> {
        match name.strip_prefix("tosca:").unwrap_or(name) {
            "scalar-unit.size" => Some(Self::Size),
            "scalar-unit.time" => Some(Self::Time),
            "scalar-unit.frequency" => Some(Self::Frequency),
            "scalar-unit.bitrate" => Some(Self::Bitrate),
            _ => None,
        }
    }

    /// An example, for mends.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Size => "512 MiB",
            Self::Time => "30 s",
            Self::Frequency => "2.4 GHz",
            Self::Bitrate => "10 Mbps",
        }
    }

    fn factor(self, unit: &str) -> Option<f64> {
        // Letter case does not matter in the profile, except that it tells bits from bytes per second.
        let lower = unit.to_ascii_lowercase();
        Some(match self {
            Self::Size => match lower.as_str() {
                "b" => 1.0,
                "kb" => 1e3,
                "kib" => 1024.0,
                "mb" => 1e6,
                "mib" => 1_048_576.0,
                "gb" => 1e9,
                "gib" => 1_073_741_824.0,
                "tb" => 1e12,
                "tib" => 1_099_511_627_776.0,
                _ => return None,
            },
            Self::Time => match lower.as_str() {
                "d" => 86_400.0,
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            },
            Self::Frequency => match lower.as_str() {
                "hz" => 1.0,
                "khz" => 1e3,
                "mhz" => 1e6,
                "ghz" => 1e9,
                _ => return None,
            },
            Self::Bitrate => {
                let bits = if unit.ends_with("Bps") { 8.0 } else { 1.0 };
                bits * match lower.as_str() {
                    "bps" => 1.0,
                    "kbps" => 1e3,
                    "kibps" => 1024.0,
                    "mbps" => 1e6,
                    "mibps" => 1_048_576.0,
                    "gbps" => 1e9,
                    "gibps" => 1_073_741_824.0,
                    "tbps" => 1e12,
                    "tibps" => 1_099_511_627_776.0,
                    _ => return None,
                }
            }
        })
    }

    /// Reads `<number> <unit>`, the space being optional, into the base unit.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<f64> {
        let text = text.trim();
        let split = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = text.split_at(split);
        let number = crate::yaml::parse_float(number.trim())?;
        let value = number * self.factor(unit.trim())?;
        (value >= 0.0 && value.is_finite()).then_some(value)
    }

    /// As [`Unit::parse`], rounded to a whole number of the base unit; `None` also when it does not fit 63 bits.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn parse_whole(self, text: &str) -> Option<u64> {
        self.parse(text).filter(|v| *v < 9.2e18).map(|v| v.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, bytes) in
            [("512 MB", 512_000_000), ("1 GiB", 1 << 30), ("0 B", 0), ("1.5KiB", 1536), ("2 tb", 2_000_000_000_000)]
        {
            assert_eq!(Unit::Size.parse_whole(text), Some(bytes), "{text}");
        }
        assert_eq!(Unit::Time.parse("500 ms"), Some(0.5));
        assert_eq!(Unit::Frequency.parse_whole("2.4 GHz"), Some(2_400_000_000));
        assert_eq!(Unit::Bitrate.parse_whole("1 KBps"), Some(8000));
        assert_eq!(Unit::Bitrate.parse_whole("1 Kbps"), Some(1000));
        for not in ["512", "MB", "1 XB", "-1 B", "1e300 TB", ""] {
            assert_eq!(Unit::Size.parse_whole(not), None, "{not}");
        }
    }
}
