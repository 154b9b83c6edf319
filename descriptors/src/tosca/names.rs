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
    known.take(CANDIDATES).map(|k| (distance(name, k), k)).filter(|(d, _)| *d <= limit).min().map(|(_, k)| k)
}

/// Levenshtein distance of bytes.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 8 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (1..=b.len()).collect();
    let mut last = b.len();
    for (i, x) in a.bytes().enumerate() {
        let (mut corner, mut left) = (i, i + 1);
        for (cell, y) in row.iter_mut().zip(b.bytes()) {
            let best = (corner + usize::from(x != y)).min(*cell + 1).min(left + 1);
            corner = *cell;
            *cell = best;
            left = best;
        }
        last = left;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let known = ["tosca.nodes.nfv.VduCp", "tosca.nodes.nfv.VnfExtCp"];
        assert_eq!(nearest("tosca.nodes.nfv.VDUCp", known.into_iter()), Some("tosca.nodes.nfv.VduCp"));
        assert_eq!(nearest("com.example.Thing", known.into_iter()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
