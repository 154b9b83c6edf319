//! From service templates to a [`Pnfd`] (SOL001 clause 8).

use super::model::{Coordinates, ExtCp, Location, Pnfd};
use crate::archive::Package;
use crate::codes;
use crate::diag::{Diagnostics, Sink};
use crate::network::read::{
    artifacts, cp_addresses, merged, node_rest, policy_rest, raw_group, raw_node, raw_policy, security_group_rule,
};
use crate::network::{interfaces, version_dependencies};
use crate::sol006;
use crate::tosca::fields::Fields;
use crate::tosca::function::Scope;
use crate::tosca::{Bundle, NodeTemplate, Topology, TypeKind, load, owner, required, validate};
use crate::yaml::{Entry, Node};

const PNF: &str = "tosca.nodes.nfv.PNF";
/// Properties that the reader asks for itself.
const KNOWN: [&str; 6] =
    ["descriptor_id", "descriptor_invariant_id", "provider", "version", "name", "function_description"];
const EXT_CP: &str = "tosca.nodes.nfv.PnfExtCp";

/// Reads the PNFD of an archive, whether it is one of SOL001 or of SOL006.
///
/// # Errors
/// Every fault that forbids using it, together with the warnings, each with file, line and mend.
pub fn read_pnfd(package: &Package) -> Result<Pnfd, Diagnostics> {
    if let Some(read) = sol006::package::pnfd(package) {
        return read;
    }
    let mut sink = Sink::new();
    let pnfd = load(package, &mut sink).and_then(|bundle| {
        validate(package, &bundle, &[PNF], &mut sink);
        Reader { package, bundle: &bundle, sink: &mut sink }.read()
    });
    let failed = sink.has_errors();
    let found = sink.finish();
    match pnfd {
        Some(mut pnfd) if !failed => {
            pnfd.warnings = found;
            Ok(pnfd)
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
    fn is(&self, node: &NodeTemplate, ancestor: &str) -> bool {
        self.bundle.types.is_a(TypeKind::Node, &node.type_name, ancestor)
    }

    fn read(mut self) -> Option<Pnfd> {
        let topologies = self.bundle.templates.iter().filter_map(|t| t.topology.as_ref());
        let mut found = topologies.filter_map(|t| {
            let node = owner(self.bundle, t, &[PNF]).filter(|n| self.is(n, PNF))?;
            Some((t, node))
        });
        let Some((topology, node)) = found.next() else {
            let main = self.bundle.templates.first()?;
            self.sink.error_mend(
                &codes::NO_PNF,
                main.topology.as_ref().map(|t| t.at),
                format!("`{}` describes no PNF: no node template derives from `{PNF}`", main.path),
                format!("define a node type derived from `{PNF}` and a node template of it"),
            );
            return None;
        };
        let mut scope = Scope::new(topology, &self.bundle.types);
        scope.owner = Some(node.name.clone());
        let mut pnfd = self.descriptor(&scope, node);
        self.nodes(&scope, topology, node, &mut pnfd);
        pnfd.groups = topology.groups.iter().map(raw_group).collect();
        self.policies(&scope, topology, &mut pnfd);
        pnfd.inputs = scope.open_inputs();
        pnfd.template_extra = topology.extra.clone();
        pnfd.service_template = self.bundle.templates.first().map(|t| t.extra.clone()).unwrap_or_default();
        scope.tell(self.sink);
        Some(pnfd)
    }

    fn descriptor(&mut self, scope: &Scope<'_>, node: &NodeTemplate) -> Pnfd {
        let types = &self.bundle.types;
        // What the template does not say, its type does as a default.
        let given = scope.eval(&node.properties, Some(node));
        let mut entries: Vec<Entry> = given.each().cloned().collect();
        for (name, def) in types.properties(TypeKind::Node, &node.type_name).iter() {
            if let Some(default) = def.default.as_ref().filter(|_| given.get(name).is_none()) {
                entries.push(Entry { key: name.clone(), key_at: default.at, value: default.clone() });
            }
        }
        let all = Node::map(node.at, entries);
        let owner = format!("PNF `{}`", node.name);
        let fields = Fields::new(&all, &owner, node.at);
        let given = |name: &str| all.get(name).is_some();
        required(self.bundle, &node.type_name, (&owner, node.at), &KNOWN, &given, self.sink);
        let artifacts = artifacts(self.package, types, node);
        let sink = &mut *self.sink;
        Pnfd {
            descriptor_id: fields.need_text("descriptor_id", sink),
            invariant_id: fields.need_text("descriptor_invariant_id", sink),
            ext_invariant_id: fields.text("ext_invariant_id", sink),
            provider: fields.need_text("provider", sink),
            version: fields.need_text("version", sink),
            name: fields.need_text("name", sink),
            function_description: fields.need_text("function_description", sink),
            location: location(&fields.sub("geographical_location_info"), sink),
            version_dependencies: version_dependencies(&fields, sink),
            node_type: node.type_name.clone(),
            interfaces: interfaces(self.package, types, node, &artifacts, sink),
            artifacts,
            extra: merged(fields.rest(), node_rest(node, &["interfaces", "artifacts"], &[])),
            ..Pnfd::default()
        }
    }

    fn nodes(&mut self, scope: &Scope<'_>, topology: &'a Topology, own: &NodeTemplate, pnfd: &mut Pnfd) {
        let mappings = topology.requirement_mappings();
        for node in topology.nodes.iter().filter(|n| n.name != own.name) {
            if !self.is(node, EXT_CP) {
                pnfd.other_nodes.push(raw_node(node));
                continue;
            }
            let properties = scope.eval(&node.properties, Some(node));
            let fields = Fields::new(&properties, format!("connection point `{}`", node.name), node.at);
            let external = mappings.iter().find(|(_, _, words)| words.first() == Some(&node.name));
            let sink = &mut *self.sink;
            pnfd.ext_cps.push(ExtCp {
                name: node.name.clone(),
                external: external.map(|(name, _, _)| name.clone()),
                layer_protocols: fields.texts("layer_protocols", sink),
                role: fields.text("role", sink),
                description: fields.text("description", sink),
                addresses: cp_addresses(&fields, sink),
                trunk_mode: fields.bool("trunk_mode", sink).unwrap_or_default(),
                extra: merged(fields.rest(), node_rest(node, &[], &["external_virtual_link"])),
            });
        }
        for (name, at, words) in mappings {
            let target = words.first().map(String::as_str).unwrap_or_default();
            if !pnfd.ext_cps.iter().any(|c| c.name == target) {
                self.sink.error_mend(
                    &codes::SUBSTITUTION,
                    at,
                    format!("the mapping of `{name}` leads to `{target}`, which is no connection point of the PNF"),
                    "name a node template of type `tosca.nodes.nfv.PnfExtCp` and its requirement `external_virtual_link`",
                );
            }
        }
    }

    fn policies(&mut self, scope: &Scope<'_>, topology: &Topology, pnfd: &mut Pnfd) {
        let types = &self.bundle.types;
        for policy in &topology.policies {
            let is =
                |name: &str| types.is_a(TypeKind::Policy, &policy.type_name, &format!("tosca.policies.nfv.{name}"));
            if !is("PnfSecurityGroupRule") && !is("SecurityGroupRule") {
                pnfd.other_policies.push(raw_policy(policy));
                continue;
            }
            let properties = scope.eval(&policy.properties, None);
            let fields = Fields::new(&properties, format!("policy `{}`", policy.name), policy.at);
            pnfd.security_group_rules.push(security_group_rule(policy, &fields, self.sink));
            let rest = policy_rest(policy, &fields, false);
            if !rest.is_null() {
                pnfd.policy_extras.insert(policy.name.clone(), rest);
            }
        }
    }
}

fn location(fields: &Fields<'_>, sink: &mut Sink) -> Option<Location> {
    if !fields.exists() {
        return None;
    }
    let elements = fields.list("civic_address_element", sink).iter().enumerate();
    let civic_address = elements
        .map(|(i, node)| {
            let element = fields.item("civic_address_element", i, node);
            (element.need_text("ca_type", sink), element.need_text("ca_value", sink))
        })
        .collect();
    let place = fields.sub("geographic_coordinates");
    Some(Location {
        country_code: fields.need_text("country_code", sink),
        civic_address,
        coordinates: place.exists().then(|| Coordinates {
            latitude: place.need_text("latitude", sink),
            latitude_uncertainty: place.text("latitude_uncertainty", sink),
            longitude: place.need_text("longitude", sink),
            longitude_uncertainty: place.text("longitude_uncertainty", sink),
            altitude: place.need_text("altitude", sink),
            altitude_type: place.need_text("altitude_type", sink),
            altitude_uncertainty: place.text("altitude_uncertainty", sink),
        }),
    })
}
