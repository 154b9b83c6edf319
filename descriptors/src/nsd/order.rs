//! In which order the parts of a network service are made (TOSCA `dependency` requirements, SOL001 clause 7.8).

use std::collections::{BTreeMap, BTreeSet};

use super::model::NsFlavour;

/// Parts that wait for each other; the first is repeated at the end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parts wait for each other: {}", .0.join(" -> "))]
pub struct DependencyCycle(pub Vec<String>);

impl NsFlavour {
    /// The VNFs in waves: those of a wave may be made side by side, each wave after the one before.
    ///
    /// # Errors
    /// [`DependencyCycle`] with the nodes that wait for each other.
    pub fn waves(&self) -> Result<Vec<Vec<&str>>, DependencyCycle> {
        let mut left: BTreeMap<&str, BTreeSet<&str>> = self
            .vnfs
            .iter()
            .map(|v| {
                let waits = v.depends_on.iter().map(String::as_str).filter(|d| self.vnf(d).is_some()).collect();
                (v.name.as_str(), waits)
            })
            .collect();
        let mut waves = Vec::new();
        while !left.is_empty() {
            let wave: Vec<&str> = left.iter().filter(|(_, waits)| waits.is_empty()).map(|(name, _)| *name).collect();
            if wave.is_empty() {
                let graph: BTreeMap<String, Vec<String>> =
                    left.iter().map(|(n, w)| ((*n).to_owned(), w.iter().map(|d| (*d).to_owned()).collect())).collect();
                return Err(DependencyCycle(cycle(&graph).unwrap_or_default()));
            }
            for name in &wave {
                left.remove(name);
            }
            for waits in left.values_mut() {
                waits.retain(|w| !wave.contains(w));
            }
            waves.push(wave);
        }
        Ok(waves)
    }
}

/// A circle in a graph of names, the first name repeated at the end, or `None`.
pub(crate) fn cycle(graph: &BTreeMap<String, Vec<String>>) -> Option<Vec<String>> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in graph.keys() {
        // Depth first with an explicit stack of (node, next neighbour).
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((node, next)) = path.last().copied() {
            let neighbour = graph.get(node).and_then(|n| n.get(next));
            if let Some(top) = path.last_mut() {
                top.1 += 1;
            }
            match neighbour {
                None => {
                    done.insert(node);
                    path.pop();
                }
                Some(n) if done.contains(n.as_str()) => {}
                Some(n) => {
                    if let Some(at) = path.iter().position(|(p, _)| p == n) {
                        let mut circle: Vec<String> = path.iter().skip(at).map(|(p, _)| (*p).to_owned()).collect();
                        circle.push(n.clone());
                        return Some(circle);
                    }
                    path.push((n, 0));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::model::VnfProfile;
    use super::*;

    fn flavour(vnfs: &[(&str, &[&str])]) -> NsFlavour {
        NsFlavour {
            vnfs: vnfs
                .iter()
                .map(|(name, deps)| VnfProfile {
                    name: (*name).to_owned(),
                    depends_on: deps.iter().map(|d| (*d).to_owned()).collect(),
                    ..VnfProfile::default()
                })
                .collect(),
            ..NsFlavour::default()
        }
    }

    #[test]
    fn independent_parts_share_a_wave() {
        let f = flavour(&[("a", &[]), ("b", &["a"]), ("c", &[]), ("d", &["b", "c", "a-link"])]);
        assert_eq!(f.waves().unwrap(), [vec!["a", "c"], vec!["b"], vec!["d"]]);
    }

    #[test]
    fn a_circle_is_named() {
        let f = flavour(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]);
        assert_eq!(f.waves().unwrap_err().to_string(), "the parts wait for each other: b -> c -> b");
    }
}
