//! A PNFD of module `etsi-nfv-pnf` as the typed model (IFA014 clause 6.6).

use serde_json::Value;

use super::get::Get;
use super::network::{self, CP};
use crate::diag::Sink;
use crate::pnfd::{ExtCp, Pnfd};
use crate::tosca::others;
use crate::yaml::Node;

pub(super) fn read(root: &Node, sink: &mut Sink) -> Pnfd {
    let taken = [
        "id",
        "function-description",
        "provider",
        "version",
        "invariant-id",
        "ext-invariant-id",
        "name",
        "ext-cpd",
        "security-group-rule",
    ];
    let cps: Vec<(String, &Node)> = root.list("ext-cpd").iter().map(|c| (c.id(), c)).collect();
    let ext_cps = cps
        .iter()
        .map(|(name, cp)| ExtCp {
            name: name.clone(),
            external: Some(name.clone()),
            layer_protocols: network::layers(cp),
            role: cp.word("role"),
            description: cp.word("description"),
            addresses: network::addresses(cp, sink),
            trunk_mode: cp.flag("trunk-mode").unwrap_or_default(),
            extra: others(cp, &CP),
        })
        .collect();
    let extra: Value = others(root, &taken);
    Pnfd {
        descriptor_id: root.id(),
        invariant_id: root.word("invariant-id").unwrap_or_default(),
        ext_invariant_id: root.word("ext-invariant-id"),
        provider: root.word("provider").unwrap_or_default(),
        version: root.word("version").unwrap_or_default(),
        name: root.word("name").unwrap_or_else(|| root.id()),
        function_description: root.word("function-description").unwrap_or_default(),
        ext_cps,
        security_group_rules: network::security(root, &cps),
        // Where it stands is plain text in the module and kept as that.
        extra,
        ..Pnfd::default()
    }
}
