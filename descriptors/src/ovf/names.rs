//! Texts and names of an appliance as a descriptor can carry them.

use std::collections::BTreeSet;

/// Longest text taken over, in characters.
const MAX_TEXT: usize = 1000;
/// Longest name made for a node, in characters.
const MAX_NAME: usize = 40;

/// Text in one line: control characters and runs of white space become one blank.
pub(super) fn plain(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(MAX_TEXT).collect()
}

/// Text for a message: one line, cut to a readable length.
pub(super) fn short(text: &str) -> String {
    let plain = plain(text);
    if plain.chars().count() > 60 { plain.chars().take(60).chain(['\u{2026}']).collect() } else { plain }
}

/// Names of nodes, each given once.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name of lower-case letters, digits and `_` close to `wanted`.
    pub(super) fn take(&mut self, wanted: &str, otherwise: &str) -> String {
        let base = identifier(wanted);
        // Some words mean something else in YAML, by one version of it or another.
        let word = matches!(base.as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
        let base = match base.as_str() {
            "" => otherwise.to_owned(),
            _ if word => format!("{otherwise}_{base}"),
            _ => base,
        };
        let mut name = base.clone();
        let mut n = 2;
        while !self.0.insert(name.clone()) {
            name = format!("{base}_{n}");
            n += 1;
        }
        name
    }
}

/// Lower-case letters, digits and single `_`, beginning with a letter; empty where nothing is left.
pub(super) fn identifier(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().take(4 * MAX_NAME) {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name: String = name.trim_start_matches(|c: char| !c.is_ascii_lowercase()).chars().take(MAX_NAME).collect();
    name.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_given_once() {
        let mut names = Names::default();
        assert_eq!(names.take("VM Network (1)", "net"), "vm_network_1");
        assert_eq!(names.take("vm-network 1", "net"), "vm_network_1_2");
        assert_eq!(names.take("\u{fc}\u{fc}", "net"), "net");
        assert_eq!(names.take("9lives", "net"), "lives");
        assert_eq!(names.take("Null", "net"), "net_null");
        assert_eq!(plain(" a\n\tb\u{0}c "), "a b c");
        assert!(short(&"x".repeat(100)).chars().count() == 61);
    }
}
