//! Forwarding graphs of an NSD (IFA014 clause 6.4): a point of a path is the connection point of a part, named
//! `<profile>.<connection point>`.

use std::collections::BTreeMap;

use super::get::Get;
use crate::nsd::{Connection, ForwardingGraph, ForwardingPoint, Nfp, NfpElement, NfpPosition, NsFlavour};
use crate::tosca::others;
use crate::yaml::Node;

/// Puts the graphs over this flavour's profiles into it.
pub(super) fn graphs(root: &Node, flavour: &mut NsFlavour) {
    for graph in root.list("vnffgd") {
        let members: Vec<String> =
            ["vnf-profile-id", "pnf-profile-id", "nested-ns-profile-id"].iter().flat_map(|k| graph.words(k)).collect();
        let link = graph.word("virtual-link-profile-id");
        let there = members.iter().all(|m| ends(flavour, m).is_some())
            && link.as_ref().is_none_or(|l| flavour.virtual_links.iter().any(|v| v.name == *l));
        if there {
            one(graph, members.into_iter().chain(link).collect(), flavour);
        }
    }
}

/// The connections of a part by the name of its profile.
fn ends<'f>(flavour: &'f mut NsFlavour, profile: &str) -> Option<&'f mut Vec<Connection>> {
    let vnfs = flavour.vnfs.iter_mut().map(|v| (&v.name, &mut v.connections));
    let pnfs = flavour.pnf_profiles.iter_mut().map(|p| (&p.name, &mut p.connections));
    let nested = flavour.nested_ns_profiles.iter_mut().map(|n| (&n.name, &mut n.connections));
    vnfs.chain(pnfs).chain(nested).find(|(name, _)| *name == profile).map(|(_, connections)| connections)
}

fn one(graph: &Node, constituents: Vec<String>, flavour: &mut NsFlavour) {
    let id = graph.id();
    for element in graph.list("nfp-position-element") {
        let name = format!("{id}.{}", element.id());
        let points: Vec<String> = element.get("desc").and_then(|desc| point(desc, flavour)).into_iter().collect();
        flavour.nfp_elements.push(NfpElement { name, points, extra: others(element, &["id"]) });
    }
    let mut nfps = Vec::new();
    for path in graph.list("nfpd") {
        let name = format!("{id}.{}", path.id());
        let mut positions = Vec::new();
        for position in path.list("position-desc") {
            let own = format!("{name}.{}", position.id());
            let parameters = position.word("forwarding-behavior-input-parameters");
            let taken =
                ["id", "nfp-position-element-id", "forwarding-behaviour", "forwarding-behavior-input-parameters"];
            flavour.nfp_positions.push(NfpPosition {
                name: own.clone(),
                behaviour: position.word("forwarding-behaviour"),
                parameters: parameters.map(|p| ("parameters".to_owned(), p)).into_iter().collect::<BTreeMap<_, _>>(),
                elements: position.words("nfp-position-element-id").iter().map(|e| format!("{id}.{e}")).collect(),
                extra: others(position, &taken),
            });
            positions.push(own);
        }
        flavour.nfps.push(Nfp { name: name.clone(), positions, extra: others(path, &["id", "position-desc"]) });
        nfps.push(name);
    }
    flavour.forwarding_graphs.push(ForwardingGraph { name: id, description: String::new(), nfps, constituents });
}

/// The point of an element: the part's profile and connection point, made known to the part's connection.
fn point(desc: &Node, flavour: &mut NsFlavour) -> Option<String> {
    let (profile, cp) = [
        ("vnf-profile", "vnf-profile-id", "vnf", "cpd-id"),
        ("pnf-profile", "pnf-profile-id", "pnf", "pnf-cpd-id"),
        ("ns-profile", "ns-profile-id", "ns", "sap-cpd-id"),
    ]
    .iter()
    .find_map(|(part, id, of, cp)| Some((desc.dig(&[part, id])?.text()?, desc.dig(&[of, cp])?.text()?)))?;
    let name = format!("{profile}.{cp}");
    let connection = ends(flavour, profile)?.iter_mut().find(|c| c.cp == cp);
    let virtual_link = connection.map(|c| {
        c.via = Some(name.clone());
        c.virtual_link.clone()
    });
    if !flavour.forwarding_points.iter().any(|p| p.name == name) {
        let extra = serde_json::Value::Null;
        flavour.forwarding_points.push(ForwardingPoint { name: name.clone(), virtual_link, extra });
    }
    Some(name)
}
