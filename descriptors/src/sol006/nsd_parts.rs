//! The parts of a service: VNFs, nested services, PNFs, and the virtual links between them (IFA014 clauses 6.3 to 6.5).

use std::collections::{BTreeMap, BTreeSet};

use super::get::Get;
use super::network::{self, Rates};
use super::nsd::{Context, named};
use crate::codes;
use crate::diag::Sink;
use crate::network::VersionDependency;
use crate::nsd::{Connection, MirroringJob, NestedNs, NsFlavour, NsProfile, NsVirtualLink, PnfProfile, VnfProfile};
use crate::tosca::{nearest, others};
use crate::yaml::Node;

/// The unit of an NSD's bit rates, in bit/s.
pub(super) const MEGABIT: u64 = 1_000_000;

/// How virtual links are named in a flavour: by their profile. Open Source MANO names the link itself.
pub(super) struct Links {
    profiles: BTreeSet<String>,
    /// The profile of each link's description, the first where there are several.
    by_desc: BTreeMap<String, String>,
}

impl Links {
    pub fn of(_root: &Node, df: &Node) -> Self {
        let mut by_desc = BTreeMap::new();
        for profile in df.list("virtual-link-profile") {
            by_desc.entry(profile.word("virtual-link-desc-id").unwrap_or_default()).or_insert_with(|| profile.id());
        }
        Self { profiles: df.list("virtual-link-profile").iter().map(Get::id).collect(), by_desc }
    }

    /// The name of the link that a profile's or description's identifier stands for.
    pub fn name_of(&self, id: &str) -> String {
        if self.profiles.contains(id) {
            return id.to_owned();
        }
        self.by_desc.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// The links of the flavour: one for each profile, and those that are used without one.
    pub fn read(&self, root: &Node, df: &Node, flavour: &NsFlavour, sink: &mut Sink) -> Vec<NsVirtualLink> {
        let mut found: Vec<NsVirtualLink> = Vec::new();
        for profile in df.list("virtual-link-profile") {
            let desc = profile.word("virtual-link-desc-id").unwrap_or_default();
            let desc = root.list("virtual-link-desc").iter().find(|d| d.id() == desc);
            found.push(link(profile.id(), desc, Some(profile), sink));
        }
        let parts = flavour.vnfs.iter().map(|v| &v.connections);
        let parts = parts.chain(flavour.nested_ns_profiles.iter().map(|n| &n.connections));
        let parts = parts.chain(flavour.pnf_profiles.iter().map(|p| &p.connections));
        let mut used: BTreeSet<String> = parts.flatten().map(|c| c.virtual_link.clone()).collect();
        used.extend(root.list("sapd").iter().filter_map(|s| s.word("virtual-link-desc")).map(|l| self.name_of(&l)));
        for desc in root.list("virtual-link-desc") {
            let id = desc.id();
            if used.contains(&id) && !self.profiles.contains(&id) {
                sink.warn(
                    &codes::OSM_NETWORK,
                    desc.at,
                    format!(
                        "the virtual link `{id}` is used in the flavour `{}` without a `virtual-link-profile`",
                        df.id()
                    ),
                    "add a profile of it to the flavour, and name that",
                );
                found.push(link(id, Some(desc), None, sink));
            }
        }
        found
    }
}

fn link(name: String, desc: Option<&Node>, profile: Option<&Node>, sink: &mut Sink) -> NsVirtualLink {
    const RATES: Rates = Rates { max: "max-bitrate-requirements", min: "min-bitrate-requirements", unit: MEGABIT };
    let flavours = desc.map(|d| d.list("df")).unwrap_or_default();
    let flavour = match profile.and_then(|p| p.get("flavour-id")) {
        Some(place) => {
            let known: Vec<String> = flavours.iter().map(Get::id).collect();
            let of = desc.map(Get::id).unwrap_or_default();
            if desc.is_some() {
                named(Some(place), "flavour", &of, &known, sink);
            }
            flavours.iter().find(|f| Some(f.id().as_str()) == place.text())
        }
        None => flavours.first().filter(|_| flavours.len() == 1),
    };
    let mirroring = profile.and_then(|p| p.get("data-flow-mirroring"));
    let taken = ["virtual-link-desc-id", "flavour-id"];
    let mut of_desc = vec!["id", "connectivity-type", "test-access", "description"];
    if flavours.len() == usize::from(flavour.is_some()) {
        of_desc.push("df");
    }
    let test = desc.and_then(|d| d.word("test-access")).filter(|t| t != "none");
    NsVirtualLink {
        description: desc.and_then(|d| d.word("description")),
        connectivity: desc.map(network::connectivity).unwrap_or_default(),
        profile: network::profile(profile, flavour, &RATES, &taken, sink),
        test_access: test.into_iter().collect(),
        service_availability_level: flavour.and_then(|f| f.number("service-availability-level")),
        mirroring: mirroring
            .map(|m| MirroringJob {
                name: m.word("mirroring-job-name").unwrap_or_default(),
                description: m.word("description"),
            })
            .into_iter()
            .collect(),
        externally_managed: None,
        extra: desc.map(|d| others(d, &of_desc)).unwrap_or_default(),
        name,
    }
}

/// The connections of a part; `known` are the connection points of its descriptor, where that is at hand.
fn connections(links: &Links, part: &Node, known: Option<&Vec<String>>, of: &str, sink: &mut Sink) -> Vec<Connection> {
    let mut found: Vec<Connection> = Vec::new();
    for connectivity in part.list("virtual-link-connectivity") {
        let link = links.name_of(&connectivity.word("virtual-link-profile-id").unwrap_or_default());
        for end in connectivity.list("constituent-cpd-id") {
            let Some(cp) = end.word("constituent-cpd-id") else { continue };
            if let Some(known) = known {
                named(end.get("constituent-cpd-id"), "connection point", of, known, sink);
            }
            found.push(Connection { cp, virtual_link: link.clone(), via: None });
        }
    }
    found
}

fn version_dependencies(part: &Node) -> Vec<VersionDependency> {
    part.list("version-dependency")
        .iter()
        .map(|d| VersionDependency {
            constituent: d.word("dependent-constituent-id").unwrap_or_default(),
            any_of: d.get("version-dependency-statement").map(|s| s.words("descriptor-id")).into_iter().collect(),
        })
        .collect()
}

fn limits(part: &Node, sink: &mut Sink) -> (u32, u32) {
    let min = part.number("min-number-of-instances").unwrap_or(1);
    let max = part.number("max-number-of-instances").unwrap_or_else(|| min.max(1));
    if max < min {
        sink.error_mend(
            &codes::YANG_MUST,
            part.get("max-number-of-instances").map_or(part.at, |n| n.at),
            format!("the profile `{}` permits at least {min} and at most {max} instances", part.id()),
            "put the smaller number first",
        );
    }
    (min, max)
}

/// A descriptor of the file by its identifier.
fn find<'a>(all: &'a [Node], id: &str) -> Option<&'a Node> {
    all.iter().find(|n| n.get("id").and_then(Node::text) == Some(id))
}

fn keys(node: &Node, list: &str) -> Vec<String> {
    node.list(list).iter().map(Get::id).collect()
}

pub(super) fn vnf(context: &Context<'_>, links: &Links, part: &Node, sink: &mut Sink) -> VnfProfile {
    context.listed("vnfd-id", part, "vnfd-id", sink);
    let vnfd_id = part.word("vnfd-id").unwrap_or_default();
    let vnfd = find(context.beside.vnfds, &vnfd_id);
    if let Some(vnfd) = vnfd {
        named(part.get("flavour-id"), "flavour", &vnfd_id, &keys(vnfd, "df"), sink);
        let flavour = part.word("flavour-id").and_then(|id| vnfd.list("df").iter().find(|d| d.id() == id));
        if let Some(flavour) = flavour {
            let levels = keys(flavour, "instantiation-level");
            named(part.get("instantiation-level"), "instantiation level", &vnfd_id, &levels, sink);
            for info in part.list("target-vnf-scale-level-info") {
                named(info.get("aspect-id"), "scaling aspect", &vnfd_id, &keys(flavour, "scaling-aspect"), sink);
            }
        }
    }
    let cps = vnfd.map(|v| keys(v, "ext-cpd"));
    let (min_instances, max_instances) = limits(part, sink);
    let taken = [
        "id",
        "vnfd-id",
        "flavour-id",
        "instantiation-level",
        "min-number-of-instances",
        "max-number-of-instances",
        "local-affinity-or-anti-affinity-rule",
        "affinity-or-anti-affinity-group-id",
        "virtual-link-connectivity",
        "service-availability-level",
        "target-vnf-scale-level-info",
        "version-dependency",
    ];
    VnfProfile {
        name: part.id(),
        flavour_id: part.word("flavour-id"),
        instantiation_level: part.word("instantiation-level"),
        min_instances,
        max_instances,
        connections: connections(links, part, cps.as_ref(), &vnfd_id, sink),
        service_availability_level: part.number("service-availability-level"),
        scale_levels: part
            .list("target-vnf-scale-level-info")
            .iter()
            .filter_map(|i| Some((i.word("aspect-id")?, i.number("scale-level").unwrap_or_default())))
            .collect(),
        version_dependencies: version_dependencies(part),
        extra: others(part, &taken),
        profile: part.to_json(),
        vnfd_id,
        ..VnfProfile::default()
    }
}

/// What the model of a part has no room for, as values of properties.
fn properties(part: &Node, taken: &[&str]) -> BTreeMap<String, crate::expr::Expr> {
    let left = others(part, taken);
    let map = left.as_object().cloned().unwrap_or_default();
    map.into_iter().map(|(k, v)| (k, crate::expr::Expr::Literal(v))).collect()
}

pub(super) fn nested(context: &Context<'_>, links: &Links, part: &Node, sink: &mut Sink) -> NestedNs {
    context.listed("nested-nsd-id", part, "nsd-id", sink);
    let nsd_id = part.word("nsd-id").unwrap_or_default();
    let nsd = find(context.beside.nsds, &nsd_id);
    if let Some(nsd) = nsd {
        named(part.get("ns-df-id"), "flavour", &nsd_id, &keys(nsd, "df"), sink);
        let flavour = part.word("ns-df-id").and_then(|id| nsd.list("df").iter().find(|d| d.id() == id));
        if let Some(flavour) = flavour {
            let levels = keys(flavour, "ns-instantiation-level");
            named(part.get("instantiation-level-id"), "instantiation level", &nsd_id, &levels, sink);
        }
    }
    let saps = nsd.map(|n| keys(n, "sapd"));
    let (min_instances, max_instances) = limits(part, sink);
    let taken = [
        "id",
        "nsd-id",
        "ns-df-id",
        "instantiation-level-id",
        "min-number-of-instances",
        "max-number-of-instances",
        "local-affinity-or-anti-affinity-rule",
        "affinity-or-anti-affinity-group-id",
        "virtual-link-connectivity",
        "version-dependency",
    ];
    NestedNs {
        name: part.id(),
        node_type: String::new(),
        flavour_id: part.word("ns-df-id"),
        profile: NsProfile {
            instantiation_level: part.word("instantiation-level-id"),
            min_instances,
            max_instances,
            version_dependencies: version_dependencies(part),
            ..NsProfile::default()
        },
        connections: connections(links, part, saps.as_ref(), &nsd_id, sink),
        depends_on: Vec::new(),
        properties: properties(part, &taken),
        nsd_id,
    }
}

pub(super) fn pnf(context: &Context<'_>, links: &Links, part: &Node, sink: &mut Sink) -> PnfProfile {
    context.listed("pnfd-id", part, "pnfd-id", sink);
    let pnfd_id = part.word("pnfd-id").unwrap_or_default();
    let cps = find(context.beside.pnfds, &pnfd_id).map(|p| keys(p, "ext-cpd"));
    let taken = ["id", "pnfd-id", "virtual-link-connectivity", "version-dependency"];
    PnfProfile {
        name: part.id(),
        node_type: String::new(),
        connections: connections(links, part, cps.as_ref(), &pnfd_id, sink),
        depends_on: Vec::new(),
        version_dependencies: version_dependencies(part),
        properties: properties(part, &taken),
        pnfd_id,
    }
}

/// The link behind the connection point that a SAP exposes: `associated-cpd`, in version 3.3.1 `vnf`, `pnf` or `ns`.
pub(super) fn link_of_associated(
    context: &Context<'_>,
    flavour: &NsFlavour,
    sap: &Node,
    sink: &mut Sink,
) -> Option<String> {
    let given = ["associated-cpd", "vnf", "pnf", "ns"].iter().find_map(|k| sap.get(k))?;
    let cp = ["vnf-ext-cpd", "pnf-ext-cpd", "sapd", "ext-cpd-id"].iter().find_map(|k| given.get(k))?;
    let name = cp.text()?;
    let of = |key: &str| given.word(key);
    let (id, all, list, connections): (String, &[Node], &str, Vec<&Vec<Connection>>) = if let Some(id) = of("vnfd-id") {
        let own = flavour.vnfs.iter().filter(|v| v.vnfd_id == id).map(|v| &v.connections).collect();
        (id, context.beside.vnfds, "ext-cpd", own)
    } else if let Some(id) = of("pnfd-id") {
        let own = flavour.pnf_profiles.iter().filter(|p| p.pnfd_id == id).map(|p| &p.connections).collect();
        (id, context.beside.pnfds, "ext-cpd", own)
    } else if let Some(id) = of("nsd-id") {
        let own = flavour.nested_ns_profiles.iter().filter(|n| n.nsd_id == id).map(|n| &n.connections).collect();
        (id, context.beside.nsds, "sapd", own)
    } else {
        return None;
    };
    let listed = [("vnfd-id", "vnfd-id"), ("pnfd-id", "pnfd-id"), ("nsd-id", "nested-nsd-id")];
    for (key, known) in listed {
        let known = context.root.words(known);
        if let Some(place) = given.get(key).filter(|p| !known.iter().any(|k| Some(k.as_str()) == p.text())) {
            let near = nearest(&id, known.iter().map(String::as_str));
            sink.error_mend(
                &codes::YANG_REF,
                place.at,
                format!("the SAP `{}` is of `{id}`, which is no part of the service", sap.id()),
                near.map_or_else(|| "list it among the parts".to_owned(), |n| format!("did you mean `{n}`?")),
            );
        }
    }
    if let Some(descriptor) = find(all, &id) {
        named(Some(cp), "connection point", &id, &keys(descriptor, list), sink);
    }
    connections.into_iter().flatten().find(|c| c.cp == name).map(|c| c.virtual_link.clone())
}
