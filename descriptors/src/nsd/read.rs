//! From service templates to an [`Nsd`] (SOL001 clause 7.11).

use std::collections::BTreeMap;

use super::model::{NsFlavour, Nsd};
use super::{order, read_parts};
use crate::archive::Package;
use crate::codes;
use crate::diag::{Diagnostics, Sink};
use crate::network::interfaces;
use crate::network::read::artifacts;
use crate::sol006;
use crate::tosca::fields::{Fields, is_settled};
use crate::tosca::function::Scope;
use crate::tosca::{Bundle, NodeTemplate, Topology, TypeKind, load, owner, required, validate};
use crate::yaml::{Entry, Node};

pub(super) const NS: &str = "tosca.nodes.nfv.NS";
pub(super) const VNF: &str = "tosca.nodes.nfv.VNF";
/// Properties that the reader asks for itself.
const KNOWN: [&str; 6] = ["descriptor_id", "designer", "version", "name", "invariant_id", "flavour_id"];
pub(super) const PNF: &str = "tosca.nodes.nfv.PNF";

/// Reads the NSD of an archive, whether it is one of SOL001 or of SOL006.
///
/// # Errors
/// Every fault that forbids using it, together with the warnings, each with file, line and mend.
pub fn read_nsd(package: &Package) -> Result<Nsd, Diagnostics> {
    if let Some(read) = sol006::package::nsd(package) {
        return read;
    }
    let mut sink = Sink::new();
    let nsd = load(package, &mut sink).and_then(|bundle| {
        // What VNFs and PNFs require of themselves stands in their own descriptors.
        validate(package, &bundle, &[NS, VNF, PNF], &mut sink);
        Reader { package, bundle: &bundle, sink: &mut sink }.read()
    });
    let failed = sink.has_errors();
    let found = sink.finish();
    match nsd {
        Some(mut nsd) if !failed => {
            nsd.warnings = found;
            Ok(nsd)
        }
        _ => Err(found),
    }
}

struct Reader<'a> {
    package: &'a Package,
    bundle: &'a Bundle,
    sink: &'a mut Sink,
}

impl<'a> Reader<'a> {
    fn is_ns(&self, type_name: &str) -> bool {
        self.bundle.types.is_a(TypeKind::Node, type_name, NS)
    }

    fn own_node(&self, topology: &'a Topology) -> Option<&'a NodeTemplate> {
        owner(self.bundle, topology, &[NS])
    }

    fn read(mut self) -> Option<Nsd> {
        let main = self.bundle.templates.first()?;
        let top = main.topology.as_ref().and_then(|t| Some((t, self.own_node(t)?)));
        let mut sources: Vec<(&'a Topology, Option<&'a NodeTemplate>)> = Vec::new();
        for topology in self.bundle.templates.iter().filter_map(|t| t.topology.as_ref()) {
            let name = topology.substitution.as_ref().and_then(|s| s.get("node_type"));
            if name.and_then(Node::text).is_some_and(|n| self.is_ns(n)) {
                sources.push((topology, self.own_node(topology)));
            }
        }
        if let (true, Some((topology, node))) = (sources.is_empty(), top) {
            self.sink.warn(
                &codes::SUBSTITUTION,
                topology.at,
                "the template has no `substitution_mappings`; it is read as the only deployment flavour",
                "add `substitution_mappings` with the service's node type and its `flavour_id`",
            );
            sources.push((topology, Some(node)));
        }
        let node_type = top.map(|(_, n)| n.type_name.clone()).or_else(|| {
            let mapped = sources.first()?.0.substitution.as_ref()?.get("node_type")?;
            mapped.text().map(str::to_owned)
        });
        let at = top.map(|(_, n)| n.at).or(sources.first().map(|(t, _)| t.at));
        let (Some(node_type), Some(at)) = (node_type, at) else {
            let at = main.topology.as_ref().map(|t| t.at);
            self.sink.error_mend(
                &codes::NO_NS,
                at,
                format!("`{}` describes no network service: no node template derives from `{NS}`", main.path),
                format!("define a node type derived from `{NS}` and a node template of it"),
            );
            return None;
        };
        let shared = self.shared(&node_type, top, &sources);
        let all = Node::map(at, shared.values().cloned().collect());
        let owner = format!("NS `{node_type}`");
        let fields = Fields::new(&all, &owner, at);
        let nodes: Vec<_> = sources.iter().filter_map(|(_, n)| *n).chain(top.map(|(_, n)| n)).collect();
        let given = |name: &str| all.get(name).is_some() || nodes.iter().any(|n| n.properties.get(name).is_some());
        required(self.bundle, &node_type, (&owner, at), &KNOWN, &given, self.sink);
        let mut nsd = Nsd {
            descriptor_id: fields.need_text("descriptor_id", self.sink),
            designer: fields.need_text("designer", self.sink),
            version: fields.need_text("version", self.sink),
            name: fields.need_text("name", self.sink),
            invariant_id: fields.need_text("invariant_id", self.sink),
            ext_invariant_id: fields.text("ext_invariant_id", self.sink),
            service_availability_level: fields.whole("service_availability_level", self.sink),
            priority: fields.whole("priority", self.sink),
            strict_onboarding: fields.bool("strict_nsd_constituent_onboarding", self.sink),
            node_type,
            ..Nsd::default()
        };
        // Read per flavour.
        fields.get("flavour_id");
        fields.get("ns_profile");
        nsd.extra = fields.rest();
        nsd.service_template = main.extra.clone();
        for (topology, own) in sources {
            let flavour = self.flavour(&shared, topology, own);
            if nsd.flavour(&flavour.id).is_some() {
                self.sink.error_mend(
                    &codes::FLAVOUR_ID,
                    topology.at,
                    format!("two templates describe the deployment flavour `{}`", flavour.id),
                    "give each `substitution_mappings` its own `flavour_id`",
                );
            }
            nsd.flavours.push(flavour);
        }
        Some(nsd)
    }

    fn shared(
        &self,
        node_type: &str,
        top: Option<(&'a Topology, &'a NodeTemplate)>,
        sources: &[(&'a Topology, Option<&'a NodeTemplate>)],
    ) -> BTreeMap<String, Entry> {
        let mut shared: BTreeMap<String, Entry> = BTreeMap::new();
        for (name, def) in self.bundle.types.properties(TypeKind::Node, node_type).iter() {
            if let Some(default) = &def.default {
                let entry = Entry { key: name.clone(), key_at: default.at, value: default.clone() };
                shared.insert(name.clone(), entry);
            }
        }
        for (topology, node) in sources.iter().rev().filter_map(|(t, n)| Some((*t, (*n)?))).chain(top) {
            let scope = Scope::new(topology, &self.bundle.types);
            for entry in node.properties.each() {
                let value = scope.eval(&entry.value, Some(node));
                if is_settled(&value) && !value.is_null() {
                    shared.insert(entry.key.clone(), Entry { value, ..entry.clone() });
                }
            }
        }
        shared
    }

    fn flavour(
        &mut self,
        shared: &BTreeMap<String, Entry>,
        topology: &'a Topology,
        own: Option<&'a NodeTemplate>,
    ) -> NsFlavour {
        let mapping = topology.substitution.as_ref();
        let mapped = topology.mapped_flavour();
        let own_id = own.and_then(|n| n.properties.get("flavour_id")).filter(|n| is_settled(n));
        let id = mapped.or(own_id).or(shared.get("flavour_id").map(|e| &e.value)).and_then(Node::text);
        let id = id.unwrap_or_default().to_owned();
        if id.is_empty() {
            self.sink.error_mend(
                &codes::FLAVOUR_ID,
                mapping.map_or(topology.at, |m| m.at),
                "the deployment flavour of the network service has no identifier",
                "add `properties: { flavour_id: <identifier> }` to `substitution_mappings`",
            );
        }
        let mut scope = Scope::new(topology, &self.bundle.types);
        scope.inputs = shared.iter().map(|(k, e)| (k.clone(), e.value.clone())).collect();
        scope.owner = own.map(|n| n.name.clone());
        scope.addresses = true;
        let mut flavour = NsFlavour { id, ..NsFlavour::default() };
        if let Some(own) = own {
            flavour.artifacts = artifacts(self.package, &self.bundle.types, own);
            flavour.interfaces = interfaces(self.package, &self.bundle.types, own, &flavour.artifacts, self.sink);
        }
        let mut parts = read_parts::Context { bundle: self.bundle, topology, scope: &scope, sink: self.sink };
        read_parts::read(&mut parts, &mut flavour);
        flavour.inputs = scope.open_inputs();
        scope.tell(self.sink);
        if let Some(circle) = order::cycle(&flavour.dependencies) {
            let at = circle.first().and_then(|n| topology.node(n)).map_or(topology.at, |n| n.at);
            self.sink.error_mend(
                &codes::NS_DEPENDENCY_CYCLE,
                at,
                format!("the parts of the service wait for each other: {}", circle.join(" -> ")),
                "take one `dependency` away",
            );
        }
        flavour
    }
}
