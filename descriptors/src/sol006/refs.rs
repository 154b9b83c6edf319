//! References between the nodes of a descriptor: a `leafref` must name what is there (RFC 7950 clause 9.9).

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::schema::{Def, Shape, Type};
use crate::codes;
use crate::diag::Sink;
use crate::tosca::nearest;
use crate::yaml::Node;

type Names = Rc<BTreeSet<String>>;

struct Refs<'a, 's> {
    root: &'a Node,
    kind: &'static str,
    /// Where the walk stands: the names of the nodes above, with the entry of each list.
    above: Vec<(&'static str, &'a Node)>,
    /// What has been collected, by where it was collected from and the path below.
    known: HashMap<(usize, Vec<&'static str>), Names>,
    sink: &'s mut Sink,
}

/// Tells every reference of the descriptor that leads to nothing.
pub(super) fn check(root: &Node, def: &'static Def, sink: &mut Sink) {
    let mut refs = Refs { root, kind: def.name, above: Vec::new(), known: HashMap::new(), sink };
    refs.walk(root, def);
}

impl<'a> Refs<'a, '_> {
    fn walk(&mut self, node: &'a Node, def: &'static Def) {
        for entry in node.each() {
            let Some(child) = def.child(&entry.key) else { continue };
            match &child.shape {
                Shape::Leaf(Type::Ref(paths)) => self.leaf(&entry.value, child, paths),
                Shape::LeafList(Type::Ref(paths)) | Shape::LeafOrList(Type::Ref(paths)) => {
                    entry.value.items().unwrap_or_default().iter().for_each(|v| self.leaf(v, child, paths));
                }
                Shape::Container => self.below(&entry.value, child),
                Shape::List(_) => entry.value.items().unwrap_or_default().iter().for_each(|i| self.below(i, child)),
                Shape::Leaf(_) | Shape::LeafList(_) | Shape::LeafOrList(_) | Shape::Any => {}
            }
        }
    }

    fn below(&mut self, node: &'a Node, def: &'static Def) {
        self.above.push((def.name, node));
        self.walk(node, def);
        self.above.pop();
    }

    fn leaf(&mut self, value: &Node, def: &Def, paths: &[Vec<&'static str>]) {
        let Some(name) = value.text() else { return };
        let sets: Vec<Names> = paths.iter().map(|p| self.names(p)).collect();
        if sets.iter().any(|s| s.contains(name)) {
            return;
        }
        if self.sink.is_full() {
            self.sink.unworded_error();
            return;
        }
        let all = || sets.iter().flat_map(|s| s.iter().map(String::as_str));
        let mend = match nearest(name, all()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if all().next().is_none() => format!("add the `{}` it names", target(paths)),
            None => format!("use one of {}", all().take(8).collect::<Vec<_>>().join(", ")),
        };
        self.sink.error_mend(
            &codes::YANG_REF,
            value.at,
            format!("`{}` names `{name}`, and this {} has no `{}` of that name", def.name, self.kind, target(paths)),
            mend,
        );
    }

    /// The keys at the end of a path, from the nearest node that the path and the walk share.
    fn names(&mut self, path: &[&'static str]) -> Names {
        let shared = self.above.iter().zip(path).take_while(|((name, _), step)| name == *step).count();
        let from = shared.checked_sub(1).and_then(|i| self.above.get(i)).map_or(self.root, |(_, node)| *node);
        let rest = path.get(shared..).unwrap_or_default();
        let key = (std::ptr::from_ref(from) as usize, rest.to_vec());
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        let mut found = BTreeSet::new();
        collect(from, rest, &mut found);
        let found = Rc::new(found);
        self.known.insert(key, Rc::clone(&found));
        found
    }
}

/// What the paths lead to, in words: a list, or a leaf of it that is not what its entries are known by.
fn target(paths: &[Vec<&'static str>]) -> String {
    let word = |path: &Vec<&'static str>| match path.as_slice() {
        [.., list, "id" | "coordination-action-name"] => (*list).to_owned(),
        [.., list, leaf] => format!("{list}/{leaf}"),
        other => other.concat(),
    };
    paths.iter().map(word).collect::<Vec<_>>().join("` or `")
}

fn collect(node: &Node, path: &[&str], found: &mut BTreeSet<String>) {
    if let Some(items) = node.items() {
        items.iter().for_each(|i| collect(i, path, found));
        return;
    }
    match path.split_first() {
        Some((step, rest)) => {
            if let Some(next) = node.get(step) {
                collect(next, rest, found);
            }
        }
        None => found.extend(node.text().map(str::to_owned)),
    }
}
