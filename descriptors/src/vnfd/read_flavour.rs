//! The node templates, groups and policies of one deployment flavour (SOL001 clauses 6.8 and 6.10).

use super::model::Flavour;
use super::{read_compute, read_cp, read_scaling};
use crate::archive::Package;
use crate::codes;
use crate::diag::Sink;
use crate::network::PlacementKind;
use crate::network::read::{placement_rule, raw_group, raw_node, raw_policy, security_group_rule};
use crate::tosca::function::Scope;
use crate::tosca::{Bundle, Topology, TypeKind};

/// What reading a flavour needs.
pub(super) struct Context<'a, 's> {
    pub package: &'a Package,
    pub bundle: &'a Bundle,
    pub topology: &'a Topology,
    pub scope: &'s Scope<'a>,
    pub vnf_type: &'s str,
    pub sink: &'s mut Sink,
}

/// Node types with a typed form, the more special first.
const KINDS: [(&str, Kind); 7] = [
    ("tosca.nodes.nfv.Vdu.Compute", Kind::Vdu),
    ("tosca.nodes.nfv.Vdu.VirtualBlockStorage", Kind::Storage),
    ("tosca.nodes.nfv.Vdu.VirtualObjectStorage", Kind::Storage),
    ("tosca.nodes.nfv.Vdu.VirtualFileStorage", Kind::Storage),
    ("tosca.nodes.nfv.VduCp", Kind::VduCp),
    ("tosca.nodes.nfv.VnfVirtualLink", Kind::VirtualLink),
    // Read from the substitution mapping, which names it.
    ("tosca.nodes.nfv.VnfExtCp", Kind::ExtCp),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vdu,
    Storage,
    VduCp,
    VirtualLink,
    ExtCp,
}

impl Context<'_, '_> {
    /// The standard type a node's type is or derives from, among those given.
    pub fn ancestor<'k>(&self, type_name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
        known.into_iter().find(|k| self.bundle.types.is_a(TypeKind::Node, type_name, k))
    }
}

pub(super) fn read(context: &mut Context<'_, '_>, flavour: &mut Flavour) {
    for node in &context.topology.nodes {
        let ancestor = context.ancestor(&node.type_name, KINDS.iter().map(|(n, _)| *n));
        let kind = ancestor.and_then(|a| KINDS.iter().find(|(n, _)| *n == a)).map(|(_, k)| *k);
        match kind {
            Some(Kind::Vdu) => {
                let (vdu, image) = read_compute::vdu(context, node);
                flavour.vdus.push(vdu);
                flavour.sw_images.extend(image);
            }
            Some(Kind::Storage) => {
                let (storage, image) = read_compute::storage(context, node, ancestor.unwrap_or_default());
                flavour.storages.push(storage);
                flavour.sw_images.extend(image);
            }
            Some(Kind::VduCp) => {
                if let Some(cp) = read_cp::vdu_cp(context, node) {
                    flavour.vdu_cps.push(cp);
                }
            }
            Some(Kind::VirtualLink) => flavour.virtual_links.push(read_cp::virtual_link(context, node)),
            Some(Kind::ExtCp) => {}
            None if context.scope.owner.as_deref() == Some(node.name.as_str()) => {}
            None => flavour.other_nodes.push(raw_node(node)),
        }
    }
    if flavour.vdus.is_empty() && flavour.other_nodes.is_empty() {
        context.sink.warn(
            &codes::NO_VDU,
            context.topology.at,
            format!("the deployment flavour `{}` has no VDU", flavour.id),
            "add a node template of type `tosca.nodes.nfv.Vdu.Compute`",
        );
    }
    read_cp::connect(context, flavour);
    for group in &context.topology.groups {
        flavour.groups.push(raw_group(group));
    }
    policies(context, flavour);
}

fn policies(context: &mut Context<'_, '_>, flavour: &mut Flavour) {
    let types = &context.bundle.types;
    for policy in &context.topology.policies {
        let properties = context.scope.eval(&policy.properties, None);
        let is = |name: &str| types.is_a(TypeKind::Policy, &policy.type_name, &format!("tosca.policies.nfv.{name}"));
        if is("AffinityRule") || is("AntiAffinityRule") {
            let kind = if is("AffinityRule") { PlacementKind::Affinity } else { PlacementKind::AntiAffinity };
            flavour.placement.push(placement_rule(context.topology, policy, &properties, kind, context.sink));
        } else if is("SecurityGroupRule") {
            flavour.security_group_rules.push(security_group_rule(policy, &properties, context.sink));
        } else if !read_scaling::policy(&mut flavour.scaling, policy, &properties, &is, context.sink) {
            flavour.other_policies.push(raw_policy(policy));
        }
    }
}
