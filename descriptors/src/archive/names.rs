//! Which entry names are safe, and how a path in a descriptor becomes a path in the package.

/// Why a name is refused, or `None` where it is safe: relative, forward slashes only, no `.` or `..` step,
/// no drive letter, no control character.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    let name = name.strip_suffix('/').unwrap_or(name);
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.starts_with('/') {
        return Some("it is absolute");
    }
    if name.contains('\\') {
        return Some("it contains a backslash");
    }
    if name.chars().any(char::is_control) {
        return Some("it contains a control character");
    }
    let first = name.split('/').next().unwrap_or_default();
    if first.len() == 2 && first.ends_with(':') {
        return Some("it begins with a drive letter");
    }
    for step in name.split('/') {
        match step {
            ".." => return Some("it climbs out with `..`"),
            "." => return Some("it contains a `.` step"),
            "" => return Some("it contains an empty step"),
            _ => {}
        }
    }
    None
}

/// Joins a reference found in `from` (a file in the package) to a package path. `None` when it climbs out.
pub(crate) fn join(from: &str, reference: &str) -> Option<String> {
    let mut steps: Vec<&str> = match from.rsplit_once('/') {
        Some((dir, _)) => dir.split('/').collect(),
        None => Vec::new(),
    };
    if reference.starts_with('/') {
        steps.clear();
    }
    for step in reference.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            other => steps.push(other),
        }
    }
    (!steps.is_empty()).then(|| steps.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_names_are_refused() {
        for bad in ["../x", "a/../b", "/etc/passwd", "a\\b", "C:/x", "a//b", "./a", "", "a/..", "a\u{0}b"] {
            assert!(refusal(bad).is_some(), "{bad:?}");
        }
        for good in ["a", "a/b.yaml", "Files/..hidden", "dir/", "a b/ü"] {
            assert_eq!(refusal(good), None, "{good:?}");
        }
    }

    #[test]
    fn references_join_to_package_paths() {
        assert_eq!(join("Definitions/a.yaml", "../Files/x").as_deref(), Some("Files/x"));
        assert_eq!(join("Definitions/a.yaml", "b.yaml").as_deref(), Some("Definitions/b.yaml"));
        assert_eq!(join("a.yaml", "../x"), None);
    }
}
