//! The main file of a package without TOSCA.meta: the one yaml file in its root (SOL004 clause 4.1.3), or the one descriptor
//! of SOL006 there, as packages of Open Source MANO and those with a descriptor in XML or JSON have it.

use super::index::shown;
use crate::codes;
use crate::diag::Sink;
use crate::sol006::package::is_descriptor;

/// Bytes of a file that tell what it is.
pub(super) const HEAD: u64 = 64 << 10;
/// Most files of the root that are looked into.
const LOOKED_INTO: usize = 32;

fn ends(path: &str, endings: &[&str]) -> bool {
    let lower = path.to_ascii_lowercase();
    endings.iter().any(|e| lower.ends_with(e))
}

/// Finds the main file among all paths of a package; `head` reads how a file begins. `None` when it was told to be missing.
pub(super) fn main_file<'a>(
    paths: impl Iterator<Item = &'a str>,
    mut head: impl FnMut(&str) -> Option<Vec<u8>>,
    sink: &mut Sink,
) -> Option<String> {
    let root: Vec<&str> = paths.filter(|p| !p.contains('/') && ends(p, &[".yaml", ".yml", ".json", ".xml"])).collect();
    let yaml: Vec<&str> = root.iter().copied().filter(|p| ends(p, &[".yaml", ".yml"])).collect();
    if let ([one], true) = (yaml.as_slice(), root.len() == 1) {
        return Some((*one).to_owned());
    }
    let mut is_tosca = false;
    let mut found = Vec::new();
    for path in root.iter().copied().take(LOOKED_INTO) {
        let Some(bytes) = head(path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        is_tosca |= ends(path, &[".yaml", ".yml"]) && text.contains("tosca_definitions_version");
        // A JSON or XML file in the root may be anything; only its content tells.
        if is_descriptor("", &bytes) {
            found.push(path);
        }
    }
    match (yaml.as_slice(), found.as_slice()) {
        (_, [one]) if !is_tosca => {
            if yaml.iter().any(|y| y != one) {
                let others: Vec<String> = yaml.iter().filter(|y| *y != one).take(5).map(|p| shown(p)).collect();
                sink.warn(
                    &codes::NO_ENTRY_FILE,
                    None,
                    format!(
                        "the root holds {} beside `{}`, which is taken for the descriptor",
                        others.join(", "),
                        shown(one)
                    ),
                    "add TOSCA-Metadata/TOSCA.meta with `Entry-Definitions`, or move the other files into a directory",
                );
            }
            Some((*one).to_owned())
        }
        ([one], _) if is_tosca || found.is_empty() => Some((*one).to_owned()),
        ([], []) => {
            sink.error_mend(
                &codes::NO_ENTRY_FILE,
                None,
                "there is neither TOSCA-Metadata/TOSCA.meta nor a yaml file in the root of the package, nor a descriptor of SOL006 in JSON or XML",
                "add TOSCA-Metadata/TOSCA.meta with `Entry-Definitions`, and pack the content itself, not its folder",
            );
            None
        }
        (yaml, found) => {
            let (what, many) = if found.len() > 1 { ("descriptor", found) } else { ("yaml file", yaml) };
            sink.error_mend(
                &codes::NO_ENTRY_FILE,
                None,
                format!(
                    "without TOSCA-Metadata/TOSCA.meta the root must hold exactly one {what}, it holds {}: {}",
                    many.len(),
                    many.iter().take(5).map(|p| shown(p)).collect::<Vec<_>>().join(", ")
                ),
                "add TOSCA-Metadata/TOSCA.meta with `Entry-Definitions`",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TOSCA: &str = "tosca_definitions_version: tosca_simple_yaml_1_3\n";
    const OSM: &str = "vnfd:\n  id: a\n";
    const JSON: &str = "{\"etsi-nfv-descriptors:nfv\": {}}";

    fn choose(files: &[(&str, &str)]) -> (Option<String>, usize) {
        let mut sink = Sink::new();
        let content = |path: &str| files.iter().find(|(p, _)| *p == path).map(|(_, t)| t.as_bytes().to_vec());
        let found = main_file(files.iter().map(|(p, _)| *p), content, &mut sink);
        (found, sink.finish().iter().count())
    }

    #[test]
    fn the_one_that_is_a_descriptor_is_the_main_file() {
        let one = |name: &str| (Some(name.to_owned()), 0);
        assert_eq!(choose(&[("a.yaml", TOSCA), ("d/b.yaml", TOSCA)]), one("a.yaml"));
        assert_eq!(choose(&[("a_vnfd.yaml", OSM), ("charms/x.yaml", "a: 1\n")]), one("a_vnfd.yaml"));
        assert_eq!(choose(&[("vnfd.json", JSON), ("package.json", "{}")]), one("vnfd.json"));
        assert_eq!(choose(&[("a.yaml", TOSCA), ("vnfd.json", JSON)]), one("a.yaml"));
        assert_eq!(choose(&[("a.yaml", TOSCA), ("x.json", "{}")]), one("a.yaml"));
        assert_eq!(choose(&[("a_vnfd.yaml", OSM), ("values.yaml", "a: 1\n")]), (Some("a_vnfd.yaml".to_owned()), 1));
        for none in [
            &[("a.yaml", TOSCA), ("b.yaml", TOSCA)][..],
            &[("a.json", JSON), ("b.json", JSON)],
            &[("package.json", "{}")],
            &[("d/a.yaml", TOSCA)],
        ] {
            assert_eq!(choose(none), (None, 1), "{none:?}");
        }
    }
}
