//! What SOL006 lets a descriptor say: `schema.txt`, a table of the nodes of the YANG modules `etsi-nfv-vnf`,
//! `etsi-nfv-ns`, `etsi-nfv-pnf` and `etsi-nfv-common` of versions 3.3.1 and 4.3.1 in one, read once.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The type of a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    /// A whole number up to this.
    Uint(u64),
    Decimal,
    Bool,
    /// An enumeration, or the identities of a base.
    Enum(Vec<&'static str>),
    /// The keys it may name: paths from the descriptor down, each ending in the key's own name.
    Ref(Vec<Vec<&'static str>>),
}

/// What a node of the schema is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Leaf(Type),
    LeafList(Type),
    /// A leaf by the module, though more than one value is needed to say what is meant.
    LeafOrList(Type),
    Container,
    /// A list with the names of its keys.
    List(Vec<&'static str>),
    /// Content that the schema does not describe.
    Any,
}

/// A node of the schema.
#[derive(Clone, Debug)]
pub(super) struct Def {
    pub name: &'static str,
    pub shape: Shape,
    pub mandatory: bool,
    /// Not of the standard: an addition of Open Source MANO.
    pub osm: bool,
    pub children: Arc<Vec<Def>>,
}

impl Def {
    pub fn child(&self, name: &str) -> Option<&Def> {
        self.children.iter().find(|d| d.name == name)
    }
}

/// The definition of `vnfd`, `nsd` or `pnfd`.
pub(super) fn descriptor(name: &str) -> Option<&'static Def> {
    static ALL: OnceLock<Vec<Def>> = OnceLock::new();
    ALL.get_or_init(|| read(include_str!("schema.txt"))).iter().find(|d| d.name == name)
}

type Aliases = HashMap<&'static str, Vec<&'static str>>;
type Groups = HashMap<&'static str, Arc<Vec<Def>>>;

fn read(text: &'static str) -> Vec<Def> {
    let lines: Vec<(usize, &'static str)> = text
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
        .map(|l| ((l.len() - l.trim_start().len()) / 2, l.trim()))
        .collect();
    let (mut aliases, mut groups) = (Aliases::new(), Groups::new());
    let mut roots = Vec::new();
    for (line, below) in blocks(&lines) {
        if let Some((name, words)) = line.strip_prefix('$').and_then(|l| l.split_once(' ')) {
            aliases.insert(name, words.split('|').collect());
        } else if let Some(name) = line.strip_prefix('=') {
            let children = Arc::new(children(below, &aliases, &groups));
            groups.insert(name, children);
        } else {
            roots.push(def(line, below, &aliases, &groups));
        }
    }
    roots
}

/// Each line of the outermost depth with the deeper lines after it.
fn blocks<'a>(lines: &'a [(usize, &'static str)]) -> impl Iterator<Item = (&'static str, &'a [(usize, &'static str)])> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let ((depth, line), after) = rest.split_first()?;
        let end = after.iter().position(|(d, _)| d <= depth).unwrap_or(after.len());
        let (below, next) = after.split_at(end);
        rest = next;
        Some((*line, below))
    })
}

fn children(lines: &[(usize, &'static str)], aliases: &Aliases, groups: &Groups) -> Vec<Def> {
    blocks(lines).map(|(line, below)| def(line, below, aliases, groups)).collect()
}

fn def(line: &'static str, below: &[(usize, &'static str)], aliases: &Aliases, groups: &Groups) -> Def {
    // Keys of a list may hold a blank.
    let end = line.find(']').map_or_else(|| line.find(' '), |at| line.get(at..)?.find(' ').map(|b| at + b));
    let (head, told) = end.map_or((line, ""), |at| line.split_at(at));
    let told = told.trim();
    let mandatory = head.contains('!');
    let osm = head.contains('~');
    let head = head.trim_end_matches(['!', '~']);
    let (name, shape) = if let Some(name) = head.strip_suffix("{}") {
        (name, Shape::Container)
    } else if let Some((name, keys)) = head.strip_suffix(']').and_then(|h| h.split_once('[')) {
        (name, Shape::List(keys.split_whitespace().collect()))
    } else if let Some(name) = head.strip_suffix('*') {
        (name, Shape::LeafList(leaf_type(told, aliases)))
    } else if let Some(name) = head.strip_suffix('+') {
        (name, Shape::LeafOrList(leaf_type(told, aliases)))
    } else if let Some(name) = head.strip_suffix('?') {
        (name, Shape::Any)
    } else {
        (head, Shape::Leaf(leaf_type(told, aliases)))
    };
    let group = told.strip_prefix('=').and_then(|g| groups.get(g)).cloned();
    let children = group.unwrap_or_else(|| Arc::new(children(below, aliases, groups)));
    Def { name, shape, mandatory, osm, children }
}

fn leaf_type(told: &'static str, aliases: &Aliases) -> Type {
    if let Some(words) = told.strip_prefix("enum:") {
        let alias = words.strip_prefix('$').and_then(|a| aliases.get(a)).cloned();
        return Type::Enum(alias.unwrap_or_else(|| words.split('|').collect()));
    }
    if let Some(paths) = told.strip_prefix("ref:") {
        return Type::Ref(paths.split('|').map(|p| p.split('/').collect()).collect());
    }
    match told {
        "u16" => Type::Uint(u64::from(u16::MAX)),
        "uint" => Type::Uint(u64::from(u32::MAX)),
        "big" => Type::Uint(u64::MAX),
        "dec" => Type::Decimal,
        "bool" => Type::Bool,
        _ => Type::Text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_read_whole_and_every_reference_leads_to_a_key() {
        fn walk(def: &Def, root: &Def, seen: &mut usize) {
            *seen += 1;
            let refs = match &def.shape {
                Shape::Leaf(Type::Ref(paths))
                | Shape::LeafList(Type::Ref(paths))
                | Shape::LeafOrList(Type::Ref(paths)) => paths.as_slice(),
                _ => &[],
            };
            for path in refs {
                let end = path.iter().try_fold(root, |at, step| at.child(step));
                assert!(end.is_some_and(|d| matches!(d.shape, Shape::Leaf(_))), "{path:?} of {}", def.name);
            }
            if let Shape::List(keys) = &def.shape {
                assert!(keys.iter().all(|k| def.child(k).is_some()), "keys of {}", def.name);
            }
            let empty = ["vnfm-oauth-server-info", "vnf-oauth-server-info"].contains(&def.name);
            let holds = matches!(def.shape, Shape::Container | Shape::List(_));
            assert_eq!(def.children.is_empty(), !holds || empty, "{}", def.name);
            def.children.iter().for_each(|c| walk(c, root, seen));
        }
        let mut seen = 0;
        for name in ["vnfd", "nsd", "pnfd"] {
            let root = descriptor(name).unwrap();
            walk(root, root, &mut seen);
        }
        assert!(seen > 800, "{seen}");
    }
}
