//! From the main service template to all files it imports (TOSCA Simple Profile clause 3.6.8).

use std::collections::HashMap;

use super::builtin;
use super::template::{Topology, others};
use super::types::{TypeKind, Types};
use crate::archive::{Package, names};
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::yaml::{self, Budget, Node};

/// A service template file.
#[derive(Debug)]
pub(crate) struct Template {
    /// Path in the package.
    pub path: String,
    /// Its topology, where it has one.
    pub topology: Option<Topology>,
    /// What the file says beside types, imports and topology, such as `metadata` and `description`.
    pub extra: serde_json::Value,
}

/// The main service template with everything it imports.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// All files; the main one first, then in order of import.
    pub templates: Vec<Template>,
    /// All types.
    pub types: Types,
}

struct Loader<'a> {
    package: &'a Package,
    sink: &'a mut Sink,
    /// Path to whether it is still being read, for circles.
    state: HashMap<String, bool>,
    stack: Vec<String>,
    roots: Vec<(String, Node)>,
}

/// Reads the main service template and its imports. `None` when the main one cannot be read at all.
pub(crate) fn load(package: &Package, sink: &mut Sink) -> Option<Bundle> {
    let entry = package.entry_definitions().to_owned();
    let listed: Vec<String> = package.meta().map(|m| m.other_definitions.clone()).unwrap_or_default();
    let mut loader = Loader { package, sink, state: HashMap::new(), stack: Vec::new(), roots: Vec::new() };
    loader.file(&entry);
    for other in listed {
        if !loader.state.contains_key(&other) {
            loader.file(&other);
        }
    }
    let roots = std::mem::take(&mut loader.roots);
    let mut types = Types::default();
    for (_, root) in &roots {
        types.add_file(root, sink);
        let imports = root.get("imports").and_then(Node::items).unwrap_or_default();
        let named = imports.iter().flat_map(Node::each).map(|e| &e.value);
        for prefix in imports.iter().chain(named).filter_map(|i| i.get("namespace_prefix")?.text()) {
            types.add_prefix(prefix);
        }
    }
    types.check(sink);
    let templates: Vec<Template> = roots
        .into_iter()
        .map(|(path, root)| {
            let topology = root.get("topology_template").map(|t| Topology::read(t, &path, sink));
            let mut known = vec!["tosca_definitions_version", "imports", "topology_template"];
            known.extend(TypeKind::SECTIONS.map(|(section, _)| section));
            Template { path, topology, extra: others(&root, &known) }
        })
        .collect();
    (!templates.is_empty()).then_some(Bundle { templates, types })
}

impl Loader<'_> {
    fn file(&mut self, path: &str) {
        if self.state.len() >= self.package.limits().yaml_files {
            let limit = self.package.limits().yaml_files;
            self.sink.error(&codes::YAML_BUDGET, None, format!("more than {limit} files import each other"));
            return;
        }
        self.state.insert(path.to_owned(), true);
        self.stack.push(path.to_owned());
        if let Some(root) = self.read(path) {
            self.roots.push((path.to_owned(), root.clone()));
            for (reference, at) in imports(&root, self.sink) {
                self.import(path, &reference, at);
            }
        }
        self.stack.pop();
        self.state.insert(path.to_owned(), false);
    }

    fn read(&mut self, path: &str) -> Option<Node> {
        let (file, text) = self.package.read_text(path, self.sink)?;
        let limits = self.package.limits();
        let budget = Budget { nodes: limits.yaml_nodes, depth: limits.yaml_depth };
        let root = yaml::parse(file, &text, budget, self.sink)?;
        if root.entries().is_none() {
            self.sink.error_mend(
                &codes::TOSCA_SHAPE,
                root.at,
                format!("a service template must be a map, this is {}", root.shape()),
                "begin with `tosca_definitions_version: tosca_simple_yaml_1_3`",
            );
            return None;
        }
        self.version(&root, Pos::whole(file));
        Some(root)
    }

    fn version(&mut self, root: &Node, whole: Pos) {
        match root.get("tosca_definitions_version") {
            None => self.sink.warn(
                &codes::TOSCA_VERSION,
                whole,
                "`tosca_definitions_version` is missing; the file is read as tosca_simple_yaml_1_3",
                "begin with `tosca_definitions_version: tosca_simple_yaml_1_3`",
            ),
            Some(node) => {
                let text = node.text().unwrap_or_default();
                if !text.starts_with("tosca_simple_yaml_1_") && !text.starts_with("tosca_simple_profile_for_nfv") {
                    self.sink.warn(
                        &codes::TOSCA_VERSION,
                        node.at,
                        format!("the version `{text}` is not known; the file is read as tosca_simple_yaml_1_3"),
                        "write `tosca_simple_yaml_1_2` or `tosca_simple_yaml_1_3`",
                    );
                }
            }
        }
    }

    fn import(&mut self, from: &str, reference: &str, at: Pos) {
        let Some(path) = self.find(from, reference, at) else { return };
        match self.state.get(&path) {
            None => self.file(&path),
            Some(false) => {}
            Some(true) => {
                let start = self.stack.iter().position(|p| *p == path).unwrap_or(0);
                let mut circle: Vec<&str> = self.stack.iter().skip(start).map(String::as_str).collect();
                circle.push(&path);
                self.sink.error_mend(
                    &codes::IMPORT_CYCLE,
                    at,
                    format!("files import each other in a circle: {}", circle.join(" -> ")),
                    "move what they share into a file that both import",
                );
            }
        }
    }

    /// The package path an import means; `None` when it is a built-in file or was told to be missing.
    fn find(&mut self, from: &str, reference: &str, at: Pos) -> Option<String> {
        let file_name = reference.rsplit('/').next().unwrap_or(reference);
        if !reference.contains("://") {
            let beside = names::join(from, reference);
            let from_root = names::join("", reference);
            if beside.is_none() && from_root.is_none() {
                self.sink.error_mend(
                    &codes::UNSAFE_PATH,
                    at,
                    format!("the import `{reference}` climbs out of the package"),
                    "name a file of the package",
                );
                return None;
            }
            if let Some(found) = [beside, from_root].into_iter().flatten().find(|p| self.package.contains(p)) {
                return Some(found);
            }
        }
        if builtin::is_sol001_file(reference) {
            // A package that ships the type file elsewhere means that one.
            let shipped = self.by_name(file_name);
            return if let [one] = shipped.as_slice() { Some(one.clone()) } else { None };
        }
        match self.by_name(file_name).as_slice() {
            [one] if !reference.contains("://") => {
                self.sink.warn(
                    &codes::IMPORT_LOOSE,
                    at,
                    format!("`{reference}` is not there; `{one}` is used because it has the same name"),
                    format!("write the path of `{one}` relative to this file"),
                );
                Some(one.clone())
            }
            _ => {
                let mend = if reference.contains("://") {
                    "put the file into the package; nothing is fetched from the network"
                } else {
                    "correct the path or add the file to the package"
                };
                self.sink.error_mend(
                    &codes::IMPORT_MISSING,
                    at,
                    format!("the imported file `{reference}` is not in the package"),
                    mend,
                );
                None
            }
        }
    }

    fn by_name(&self, file_name: &str) -> Vec<String> {
        let end = format!("/{file_name}");
        self.package
            .files()
            .map(|(p, _)| p)
            .filter(|p| *p == file_name || p.ends_with(&end))
            .map(str::to_owned)
            .collect()
    }
}

/// The references in `imports`: plain names, `{file: …}`, or a map of names to either.
fn imports(root: &Node, sink: &mut Sink) -> Vec<(String, Pos)> {
    let Some(list) = root.get("imports") else { return Vec::new() };
    let mut found = Vec::new();
    let items = list.items().unwrap_or(std::slice::from_ref(list));
    for item in items {
        if let Some(text) = item.text() {
            found.push((text.to_owned(), item.at));
        } else if let Some(file) = item.get("file") {
            match file.text() {
                Some(text) => found.push((text.to_owned(), file.at)),
                None => sink.error(&codes::TOSCA_SHAPE, file.at, "`file` of an import must be a path"),
            }
        } else if let Some(entries) = item.entries() {
            for entry in entries {
                let target = entry.value.get("file").unwrap_or(&entry.value);
                match target.text() {
                    Some(text) => found.push((text.to_owned(), target.at)),
                    None => sink.error_mend(
                        &codes::TOSCA_SHAPE,
                        entry.key_at,
                        format!("the import `{}` names no file", entry.key),
                        "write `- <path>` or `- file: <path>`",
                    ),
                }
            }
        } else if !item.is_null() {
            sink.error(&codes::TOSCA_SHAPE, item.at, format!("an import must name a file, this is {}", item.shape()));
        }
    }
    found
}
