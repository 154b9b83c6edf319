//! What a type declares together with its ancestors, computed once for each type (TOSCA Simple Profile clause 3.7).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::types::{Capabilities, PropertyDef, PropertyMap, RequirementDef, Schema, TypeKind, Types};
use crate::yaml::Node;

impl Types {
    /// The properties a type declares, with those of its ancestors.
    #[must_use]
    pub fn properties(&self, kind: TypeKind, name: &str) -> Rc<PropertyMap> {
        if let Some(known) = self.properties.borrow().get(&kind).and_then(|f| f.get(name)) {
            return Rc::clone(known);
        }
        let mut merged = PropertyMap::new();
        let chain: Vec<_> = self.chain(kind, name).collect();
        for def in chain.iter().rev() {
            for entry in def.body.get("properties").iter().flat_map(|n| n.each()) {
                let refined = refine(merged.remove(&entry.key), &entry.key, &entry.value);
                merged.insert(entry.key.clone(), refined);
            }
        }
        let merged = Rc::new(merged);
        self.properties.borrow_mut().entry(kind).or_default().insert(name.to_owned(), Rc::clone(&merged));
        merged
    }

    /// The requirements a node type declares, with those of its ancestors.
    #[must_use]
    pub fn requirements(&self, name: &str) -> Vec<RequirementDef> {
        self.requirements_of(name).to_vec()
    }

    /// As [`Types::requirements`], computed once for each type.
    pub(crate) fn requirements_of(&self, name: &str) -> Rc<[RequirementDef]> {
        if let Some(known) = self.requirements.borrow().get(name) {
            return Rc::clone(known);
        }
        let found: Rc<[RequirementDef]> = self.merged_requirements(name).into();
        self.requirements.borrow_mut().insert(name.to_owned(), Rc::clone(&found));
        found
    }

    /// The types of the capabilities that a node type offers, computed once for each type.
    pub(crate) fn capabilities_of(&self, name: &str) -> Capabilities {
        if let Some(known) = self.capabilities.borrow().get(name) {
            return Rc::clone(known);
        }
        let type_of = |body: &Node| body.get("type").unwrap_or(body).text().unwrap_or_default().to_owned();
        let all = self.section(TypeKind::Node, name, "capabilities");
        let found: Capabilities = all.iter().map(|(name, body)| (name.clone(), type_of(body))).collect();
        self.capabilities.borrow_mut().insert(name.to_owned(), Rc::clone(&found));
        found
    }

    fn merged_requirements(&self, name: &str) -> Vec<RequirementDef> {
        let mut found: Vec<RequirementDef> = Vec::new();
        for def in self.chain(TypeKind::Node, name) {
            let listed = def.body.get("requirements");
            let entries = listed.into_iter().flat_map(|r| r.items().unwrap_or(std::slice::from_ref(r)));
            for entry in entries.flat_map(Node::each) {
                if found.iter().any(|r| r.name == entry.key) {
                    continue;
                }
                let body = &entry.value;
                let text = |key: &str| body.get(key).and_then(Node::text).map(str::to_owned);
                let bounds = body.get("occurrences").and_then(Node::items);
                let min = bounds.and_then(|b| b.first()?.integer()).unwrap_or(1);
                // Without `occurrences` the profile says one; packages rely on more being taken, so only a stated bound counts.
                let max = bounds.and_then(|b| b.get(1)?.integer());
                let capability = text("capability").or_else(|| body.text().map(str::to_owned));
                found.push(RequirementDef { name: entry.key.clone(), capability, node: text("node"), min, max });
            }
        }
        found
    }

    /// The value of `key` in the body of a type or its nearest ancestor, for maps of named definitions.
    #[must_use]
    pub fn section(&self, kind: TypeKind, name: &str, key: &str) -> BTreeMap<String, Node> {
        let mut merged = BTreeMap::new();
        for def in self.chain(kind, name) {
            for entry in def.body.get(key).iter().flat_map(|n| n.each()) {
                merged.entry(entry.key.clone()).or_insert_with(|| entry.value.clone());
            }
        }
        merged
    }
}

fn refine(parent: Option<PropertyDef>, name: &str, body: &Node) -> PropertyDef {
    let own = Schema::read(body);
    let description = body.get("description").and_then(Node::text).map(str::to_owned);
    let required = body.get("required").and_then(Node::bool);
    let default = body.get("default").cloned();
    match parent {
        None => {
            PropertyDef { name: name.to_owned(), schema: own, required: required.unwrap_or(true), default, description }
        }
        Some(parent) => PropertyDef {
            name: name.to_owned(),
            schema: Schema {
                type_name: if body.get("type").is_some() { own.type_name } else { parent.schema.type_name },
                constraints: own.constraints.or(parent.schema.constraints),
                entry: own.entry.or(parent.schema.entry),
                key: own.key.or(parent.schema.key),
            },
            required: required.unwrap_or(parent.required),
            default: default.or(parent.default),
            description: description.or(parent.description),
        },
    }
}
