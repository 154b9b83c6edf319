//! Names that differ little from a misspelt one, for "did you mean".

/// Names compared with a misspelt one; honest descriptors have fewer.
const CANDIDATES: usize = 2000;

/// The name among `known` that differs least, if it differs little.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Hostile names would make the comparison slow.
    if name.len() > 200 {
        return None;
    }
    let limit = (name.len() / 4).clamp(1, 8);
    known.take(CANDIDATES).filter_map(|k| Some((distance(name, k, limit)?, k))).min().map(|(_, k)| k)
}

/// How many bytes are to be put in, taken out, replaced or swapped with their neighbour (optimal string alignment), unless
/// that is more than `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let at = |row: &[usize], i: usize| row.get(i).copied().unwrap_or(usize::MAX);
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = at(&above, j).saturating_add(usize::from(x != y));
            let mut best = replaced.min(at(&above, j + 1).saturating_add(1)).min(at(&row, j).saturating_add(1));
            let last = |bytes: &[u8], n: usize| n.checked_sub(1).and_then(|n| bytes.get(n).copied());
            if last(a, i) == Some(*y) && last(b, j) == Some(*x) && i > 0 && j > 0 {
                best = best.min(at(&before, j - 1).saturating_add(1));
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
        // What follows can only add to the smallest of the last two rows.
        if above.iter().chain(&before).all(|n| *n > limit) {
            return None;
        }
    }
    above.last().copied().filter(|n| *n <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let known = ["tosca.nodes.nfv.VduCp", "tosca.nodes.nfv.VnfExtCp"];
        assert_eq!(nearest("tosca.nodes.nfv.VDUCp", known.into_iter()), Some("tosca.nodes.nfv.VduCp"));
        assert_eq!(nearest("com.example.Thing", known.into_iter()), None);
        for (a, b, expected) in [
            ("kitten", "sitting", Some(3)),
            ("prot", "port", Some(1)),
            ("ab", "ba", Some(1)),
            ("abc", "cab", Some(2)),
            ("", "abc", Some(3)),
            ("abc", "", Some(3)),
            ("", "", Some(0)),
            ("abcd", "wxyz", None),
            ("a", "abcde", None),
        ] {
            assert_eq!(distance(a, b, 3), expected, "{a} {b}");
        }
    }
}
