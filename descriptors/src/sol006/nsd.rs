//! An NSD of module `etsi-nfv-ns` as the typed model (IFA014 clause 6.2).

use std::collections::BTreeMap;

use serde_json::Value;

use super::files::Files;
use super::get::{Get, with};
use super::nsd_parts::{self, Links};
use super::source::Encoding;
use super::{network, nsd_forwarding};
use crate::codes;
use crate::diag::{Diagnostics, Severity, Sink};
use crate::network::{Artifact, Interface, MonitoringParameter, Operation};
use crate::nsd::{Monitoring, NsAspect, NsFlavour, Nsd, Sap};
use crate::tosca::{nearest, others};
use crate::yaml::Node;

/// The nodes of an NSD that its readers take.
const TAKEN: [&str; 16] = [
    "id",
    "designer",
    "version",
    "name",
    "invariant-id",
    "ext-invariant-id",
    "nested-nsd-id",
    "vnfd-id",
    "pnfd-id",
    "sapd",
    "virtual-link-desc",
    "vnffgd",
    "lifecycle-management-script",
    "df",
    "security-group-rule",
    "strict-nsd-constituent-onboarding",
];

/// The nodes of a flavour that its readers take.
const DF: [&str; 13] = [
    "id",
    "vnf-profile",
    "pnf-profile",
    "ns-profile",
    "virtual-link-profile",
    "scaling-aspect",
    "affinity-or-anti-affinity-group",
    "ns-instantiation-level",
    "default-instantiation-level",
    "dependencies",
    "monitored-info",
    "priority",
    "service-availability-level",
];

/// The descriptors in the same file, by which a service's words about its parts are checked.
pub(super) struct Beside<'a> {
    pub vnfds: &'a [Node],
    pub nsds: &'a [Node],
    pub pnfds: &'a [Node],
}

/// What reading an NSD's parts needs to know.
pub(super) struct Context<'a> {
    pub root: &'a Node,
    pub beside: &'a Beside<'a>,
    pub encoding: Encoding,
    pub files: Files<'a>,
}

impl Context<'_> {
    /// Tells that a part is of a descriptor which the NSD does not list.
    pub fn listed(&self, list: &str, part: &Node, key: &str, sink: &mut Sink) {
        let Some(named) = part.get(key) else { return };
        let (name, known) = (named.text().unwrap_or_default(), self.root.words(list));
        if known.iter().any(|k| k == name) {
            return;
        }
        let severity = if self.encoding == Encoding::Yaml { Severity::Warning } else { Severity::Error };
        let near = nearest(name, known.iter().map(String::as_str));
        sink.report(
            severity,
            &codes::YANG_REF,
            Some(named.at),
            format!("`{}` is of `{name}`, which the NSD does not list in `{list}`", part.id()),
            Some(near.map_or_else(|| format!("add `{name}` to `{list}`"), |n| format!("did you mean `{n}`?"))),
        );
    }
}

/// Tells when `place` names none of `known`.
pub(super) fn named(place: Option<&Node>, what: &str, of: &str, known: &[String], sink: &mut Sink) {
    let Some(place) = place else { return };
    let name = place.text().unwrap_or_default();
    if known.iter().any(|k| k == name) {
        return;
    }
    let near = nearest(name, known.iter().map(String::as_str));
    let mend = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("give `{of}` a {what}"),
        None => format!("use one of {}", known.iter().take(8).cloned().collect::<Vec<_>>().join(", ")),
    };
    sink.error_mend(&codes::YANG_REF, place.at, format!("`{of}` has no {what} `{name}`"), mend);
}

pub(super) fn read(root: &Node, beside: &Beside<'_>, encoding: Encoding, files: Files<'_>, sink: &mut Sink) -> Nsd {
    let context = Context { root, beside, encoding, files };
    let dfs = root.list("df");
    let flavours: Vec<NsFlavour> = dfs.iter().map(|df| flavour(&context, df, sink)).collect();
    let first = dfs.first();
    let mut extra = others(root, &TAKEN);
    // A graph over profiles of no flavour stays as it is.
    let placed = |g: &&Node| flavours.iter().any(|f| f.forwarding_graphs.iter().any(|h| h.name == g.id()));
    let loose: Vec<Value> = root.list("vnffgd").iter().filter(|g| !placed(g)).map(Node::to_json).collect();
    extra = with(extra, "vnffgd", if loose.is_empty() { Value::Null } else { Value::Array(loose) });
    // Lists of constituents say nothing more where a profile is of each.
    let unused: Vec<String> = root
        .words("vnfd-id")
        .into_iter()
        .filter(|id| !flavours.iter().any(|f| f.vnfs.iter().any(|v| v.vnfd_id == *id)))
        .collect();
    extra = with(extra, "vnfd-id", if unused.is_empty() { Value::Null } else { serde_json::json!(unused) });
    Nsd {
        service_template: serde_json::Value::Null,
        descriptor_id: root.id(),
        designer: root.word("designer").unwrap_or_default(),
        version: root.word("version").unwrap_or_default(),
        name: root.word("name").unwrap_or_else(|| root.id()),
        invariant_id: root.word("invariant-id").unwrap_or_default(),
        ext_invariant_id: root.word("ext-invariant-id"),
        node_type: String::new(),
        // The module has both for each flavour.
        service_availability_level: first.and_then(|df| df.number("service-availability-level")),
        priority: first.and_then(|df| df.number("priority")),
        strict_onboarding: root.flag("strict-nsd-constituent-onboarding"),
        flavours,
        extra,
        warnings: Diagnostics::default(),
    }
}

fn flavour(context: &Context<'_>, df: &Node, sink: &mut Sink) -> NsFlavour {
    let root = context.root;
    let links = Links::of(root, df);
    let mut flavour = NsFlavour {
        id: df.id(),
        vnfs: df.list("vnf-profile").iter().map(|p| nsd_parts::vnf(context, &links, p, sink)).collect(),
        nested_ns_profiles: df.list("ns-profile").iter().map(|p| nsd_parts::nested(context, &links, p, sink)).collect(),
        pnf_profiles: df.list("pnf-profile").iter().map(|p| nsd_parts::pnf(context, &links, p, sink)).collect(),
        ..NsFlavour::default()
    };
    flavour.virtual_links = links.read(root, df, &flavour, sink);
    flavour.saps = root.list("sapd").iter().map(|s| sap(context, &links, &flavour, s, sink)).collect();
    let saps: Vec<(String, &Node)> = root.list("sapd").iter().map(|s| (s.id(), s)).collect();
    flavour.security_group_rules = network::security(root, &saps);
    let lists = ["vnf-profile", "virtual-link-profile", "ns-profile"];
    let profiles: Vec<(String, &Node)> = lists.iter().flat_map(|l| df.list(l)).map(|p| (p.id(), p)).collect();
    flavour.placement = network::placement(df, &profiles, sink).0;
    levels(&mut flavour, &links, df, sink);
    scaling(&mut flavour, df);
    dependencies(&mut flavour, df);
    nsd_forwarding::graphs(root, &mut flavour);
    for info in df.list("monitored-info") {
        if let Some(parameter) = info.get("monitoring-parameter") {
            flavour.monitoring.push(Monitoring {
                name: info.id(),
                targets: Vec::new(),
                parameters: vec![MonitoringParameter {
                    id: parameter.word("id").unwrap_or_else(|| info.id()),
                    name: parameter.word("name"),
                    metric: parameter.word("performance-metric").unwrap_or_default(),
                    collection_period_s: None,
                }],
            });
        }
    }
    (flavour.interfaces, flavour.artifacts) = scripts(root, context.files, sink);
    let mut left = others(df, &DF);
    left = with(left, "monitored-info", df.get("monitored-info").map(Node::to_json).unwrap_or_default());
    flavour.template_extra = left;
    flavour
}

fn sap(context: &Context<'_>, links: &Links, flavour: &NsFlavour, node: &Node, sink: &mut Sink) -> Sap {
    let mut taken = vec!["virtual-link-desc", "security-group-rule-id"];
    taken.extend(["id", "layer-protocol", "role", "description", "protocol"]);
    let direct = node.word("virtual-link-desc").map(|l| links.name_of(&l));
    let virtual_link = direct.or_else(|| nsd_parts::link_of_associated(context, flavour, node, sink));
    Sap {
        name: node.id(),
        virtual_link,
        external_virtual_link: None,
        role: node.word("role"),
        external: Some(node.id()),
        layer_protocols: network::layers(node),
        description: node.word("description"),
        addresses: network::addresses(node, sink),
        extra: others(node, &taken),
    }
}

fn levels(flavour: &mut NsFlavour, links: &Links, df: &Node, sink: &mut Sink) {
    let into = &mut flavour.levels;
    for level in df.list("ns-instantiation-level") {
        let id = level.id();
        into.levels.insert(id.clone(), level.word("description").unwrap_or_default());
        let count = |n: &Node| n.number("number-of-instances").unwrap_or(1);
        for mapping in level.list("vnf-to-level-mapping") {
            let part = mapping.word("vnf-profile-id").unwrap_or_default();
            if let Some(vnf) = flavour.vnfs.iter().find(|v| v.name == part) {
                let n = count(mapping);
                if n < vnf.min_instances || n > vnf.max_instances {
                    sink.warn(
                        &codes::YANG_MUST,
                        mapping.get("number-of-instances").map_or(mapping.at, |n| n.at),
                        format!(
                            "the level `{id}` gives `{part}` {n} instances, its profile permits {} to {}",
                            vnf.min_instances, vnf.max_instances
                        ),
                        "widen the profile, or change the level",
                    );
                }
            }
            into.vnf_instances.entry(part).or_default().insert(id.clone(), count(mapping));
        }
        for mapping in level.list("ns-to-level-mapping") {
            let part = mapping.word("ns-profile-id").unwrap_or_default();
            into.ns_instances.entry(part).or_default().insert(id.clone(), count(mapping));
        }
        for mapping in level.list("virtual-link-to-level-mapping") {
            let link = links.name_of(&mapping.word("virtual-link-profile-id").unwrap_or_default());
            let rate = network::bitrate(mapping, nsd_parts::MEGABIT);
            into.link_bitrates.entry(link).or_default().insert(id.clone(), rate);
        }
    }
    into.default_level = df.word("default-instantiation-level");
    if into.default_level.is_none() && into.levels.len() > 1 {
        sink.warn(
            &codes::YANG_MUST,
            df.at,
            format!("the flavour `{}` has several instantiation levels and no default", df.id()),
            "add `default-instantiation-level`; without it a request must name the level",
        );
    }
}

/// The steps of an aspect are instantiation levels, in order; the first is scale level 1.
fn scaling(flavour: &mut NsFlavour, df: &Node) {
    fn at<T: Copy>(of: &BTreeMap<String, BTreeMap<String, T>>, level: &str) -> Vec<(String, T)> {
        of.iter().filter_map(|(part, by)| Some((part.clone(), *by.get(level)?))).collect()
    }
    for node in df.list("scaling-aspect") {
        let id = node.id();
        let mut aspect = NsAspect {
            name: node.word("name").unwrap_or_else(|| id.clone()),
            description: node.word("description").unwrap_or_default(),
            levels: BTreeMap::new(),
        };
        for (level, n) in node.words("scaling-level").into_iter().zip(1u32..) {
            for (part, count) in at(&flavour.levels.vnf_instances, &level) {
                flavour.scaling.vnf_instances.entry(part).or_default().entry(id.clone()).or_default().insert(n, count);
            }
            for (part, count) in at(&flavour.levels.ns_instances, &level) {
                flavour.scaling.ns_instances.entry(part).or_default().entry(id.clone()).or_default().insert(n, count);
            }
            for (link, rate) in at(&flavour.levels.link_bitrates, &level) {
                flavour.scaling.link_bitrates.entry(link).or_default().entry(id.clone()).or_default().insert(n, rate);
            }
            aspect.levels.insert(n, level);
        }
        flavour.scaling.aspects.insert(id, aspect);
    }
}

/// Which part waits for which. The module names parts by their descriptors; all parts of one are meant.
fn dependencies(flavour: &mut NsFlavour, df: &Node) {
    let parts = |node: &Node, vnf: &str, ns: &str| -> Vec<String> {
        let (vnfd, nsd) = (node.word(vnf), node.word(ns));
        let vnfs = flavour.vnfs.iter().filter(|v| vnfd.as_ref() == Some(&v.vnfd_id)).map(|v| v.name.clone());
        let nested =
            flavour.nested_ns_profiles.iter().filter(|n| nsd.as_ref() == Some(&n.nsd_id)).map(|n| n.name.clone());
        vnfs.chain(nested).collect()
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in df.list("dependencies") {
        let primary = parts(node, "primary-vnf-profile", "primary-ns-profile");
        for secondary in parts(node, "secondary-vnf-profile", "secondary-ns-profile") {
            let waits = found.entry(secondary.clone()).or_default();
            waits.extend(primary.iter().filter(|p| **p != secondary).cloned());
        }
    }
    for vnf in &mut flavour.vnfs {
        vnf.depends_on = found.get(&vnf.name).cloned().unwrap_or_default();
    }
    for nested in &mut flavour.nested_ns_profiles {
        nested.depends_on = found.get(&nested.name).cloned().unwrap_or_default();
    }
    flavour.dependencies = found;
}

/// Scripts of the service; the module leaves the names of events open.
fn scripts(root: &Node, files: Files<'_>, sink: &mut Sink) -> (Vec<Interface>, Vec<Artifact>) {
    let given = root.list("lifecycle-management-script");
    let name = |s: &Node| s.word("event").unwrap_or_default();
    let paths: Vec<Option<String>> = given
        .iter()
        .map(|s| s.get("script").map(|p| files.named(p.text().unwrap_or_default(), "the script", p.at, sink)))
        .collect();
    let artifacts: Vec<Artifact> = given
        .iter()
        .zip(&paths)
        .map(|(s, path)| Artifact {
            name: name(s),
            artifact_type: None,
            file: path.clone().unwrap_or_default(),
            properties: Value::Null,
            extra: others(s, &["event", "script"]),
        })
        .collect();
    let operation = |(s, path): (&Node, &Option<String>)| Operation {
        name: name(s),
        implementation: Some(name(s)),
        file: path.clone(),
        ..Operation::default()
    };
    let operations: Vec<Operation> = given.iter().zip(&paths).map(operation).collect();
    if operations.is_empty() {
        return (Vec::new(), artifacts);
    }
    let kind = Some("tosca.interfaces.nfv.Nslcm".to_owned());
    let nslcm = Interface {
        name: "Nslcm".to_owned(),
        interface_type: kind.clone(),
        standard_type: kind,
        operations,
        ..Interface::default()
    };
    (vec![nslcm], artifacts)
}
