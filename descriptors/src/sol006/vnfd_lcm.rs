//! Lifecycle operations of a VNFD: their configuration, scripts, indicators, changes of package, coordination
//! (IFA011 clauses 7.1.5, 7.1.11, 7.1.13, 7.1.15 and 7.1.16).

use serde_json::Value;

use super::files::Files;
use super::get::Get;
use crate::codes;
use crate::diag::Sink;
use crate::network::{Artifact, Interface, Operation};
use crate::tosca::others;
use crate::vnfd::{
    ChangeSelector, ComponentMapping, CoordinationAction, Indicator, LcmOperations, OperationCoordination,
    PackageChange, SupportedInterface,
};
use crate::yaml::Node;

/// The module's names of configured operations, and those of the model.
const OPERATIONS: [(&str, &str); 11] = [
    ("instantiate-vnf-op-config", "instantiate"),
    ("scale-vnf-op-config", "scale"),
    ("scale-vnf-to-level-op-config", "scale_to_level"),
    ("heal-vnf-op-config", "heal"),
    ("terminate-vnf-op-config", "terminate"),
    ("operate-vnf-op-config", "operate"),
    ("change-vnf-flavour-op-config", "change_flavour"),
    ("change-ext-vnf-connectivity-op-config", "change_ext_connectivity"),
    ("create-snapshot-vnf-op-config", "create_snapshot"),
    ("revert-to-snapshot-vnf-op-config", "revert_to_snapshot"),
    ("change-current-vnf-package-op-config", "change_current_package"),
];

/// The configuration of operations. The module has one for each flavour, the model one for the VNF: the first flavour's is
/// taken, and another that differs is told.
pub(super) fn operations(root: &Node, sink: &mut Sink) -> LcmOperations {
    let key = "lcm-operations-configuration";
    let mut given = root.list("df").iter().filter_map(|df| Some((df, df.get(key)?)));
    let Some((first, config)) = given.next() else { return LcmOperations::default() };
    for (df, other) in given {
        if other.to_json() != config.to_json() {
            sink.warn(
                &codes::YANG_VAGUE,
                other.at,
                format!(
                    "the flavours `{}` and `{}` configure operations differently; the first is used",
                    first.id(),
                    df.id()
                ),
                "give all flavours the same configuration",
            );
        }
    }
    let of = |name: &str| config.get(name);
    let flag = |name: &str, key: &str| of(name).and_then(|c| c.flag(key)).unwrap_or_default();
    let ticks = |name: &str, key: &str| of(name).and_then(|c| c.ticks(key));
    LcmOperations {
        min_graceful_termination_s: ticks("terminate-vnf-op-config", "min-graceful-termination"),
        max_recommended_graceful_termination_s: ticks(
            "terminate-vnf-op-config",
            "max-recommended-graceful-termination",
        ),
        min_graceful_stop_s: ticks("operate-vnf-op-config", "min-graceful-stop-timeout"),
        max_recommended_graceful_stop_s: ticks("operate-vnf-op-config", "max-recommended-graceful-stop-timeout"),
        scaling_by_more_than_one_step_supported: flag("scale-vnf-op-config", "scaling-by-more-than-one-step-supported"),
        arbitrary_target_levels_supported: flag("scale-vnf-to-level-op-config", "arbitrary-target-levels-supported"),
        heal_causes: of("heal-vnf-op-config").map(|c| c.words("cause")).unwrap_or_default(),
        target_scale_levels_supported: flag("instantiate-vnf-op-config", "target-scale-levels-supported"),
        configured: OPERATIONS.iter().filter(|(k, _)| of(k).is_some()).map(|(_, n)| (*n).to_owned()).collect(),
        raw: config.to_json(),
    }
}

/// The operation of the interface `Vnflcm` that an event of a script stands for.
fn operation(event: &str) -> String {
    let (stage, what) = match event.split_once('-') {
        Some(("start", what)) => ("_start", what),
        Some(("end", what)) => ("_end", what),
        _ => ("", event),
    };
    let name = match what {
        "instantiation" => "instantiate",
        "scaling" => "scale",
        "healing" => "heal",
        "termination" => "terminate",
        "vnf-flavour-change" => "change_flavour",
        "vnf-operation-change" => "operate",
        "vnf-ext-conn-change" => "change_external_connectivity",
        "vnfinfo-modification" => "modify_information",
        "vnf-snapshot-creation" => "create_snapshot",
        "vnf-snapshot-reverting-to" => "revert_to_snapshot",
        "change-current-vnf-package" => "change_current_package",
        other => return other.replace('-', "_"),
    };
    format!("{name}{stage}")
}

/// The scripts of the VNF: as artifacts, and as what implements the operations of `Vnflcm`.
pub(super) fn scripts(root: &Node, files: Files<'_>, sink: &mut Sink) -> (Vec<Interface>, Vec<Artifact>) {
    let given = root.list("lifecycle-management-script");
    let paths: Vec<Option<String>> = given
        .iter()
        .map(|s| s.get("script").map(|p| files.named(p.text().unwrap_or_default(), "the script", p.at, sink)))
        .collect();
    let artifacts: Vec<Artifact> = given
        .iter()
        .zip(&paths)
        .map(|(s, path)| Artifact {
            name: s.id(),
            artifact_type: s.word("script-dsl"),
            file: path.clone().unwrap_or_default(),
            properties: Value::Null,
            extra: others(s, &["id", "script", "script-dsl", "event"]),
        })
        .collect();
    let operations: Vec<Operation> = given
        .iter()
        .zip(&paths)
        .flat_map(|(s, path)| {
            s.words("event").into_iter().map(move |event| Operation {
                name: operation(&event),
                implementation: Some(s.id()),
                file: path.clone(),
                dependencies: Vec::new(),
                body: s.get("script-input").map(Node::to_json).unwrap_or_default(),
            })
        })
        .collect();
    if operations.is_empty() {
        return (Vec::new(), artifacts);
    }
    let kind = Some("tosca.interfaces.nfv.Vnflcm".to_owned());
    let interface = Interface {
        name: "Vnflcm".to_owned(),
        interface_type: kind.clone(),
        standard_type: kind,
        operations,
        ..Interface::default()
    };
    (vec![interface], artifacts)
}

/// Indicators of the VNF and of the flavour.
pub(super) fn indicators(root: &Node, df: &Node) -> Vec<Indicator> {
    let all = root.list("indicator").iter().chain(df.list("indicator"));
    all.map(|i| Indicator {
        name: i.id(),
        source: match i.word("source").as_deref() {
            Some("both") => "both_vnf_and_em".to_owned(),
            other => other.unwrap_or_default().to_owned(),
        },
        ..Indicator::default()
    })
    .collect()
}

pub(super) fn supported_interfaces(df: &Node) -> Vec<SupportedInterface> {
    df.list("supported-vnf-interfaces")
        .iter()
        .map(|i| {
            let name = i.word("name").unwrap_or_default();
            SupportedInterface {
                interface: name.replace('-', "_"),
                targets: i.words("cpd-id"),
                uri: None,
                specific: i.pairs("interface-details"),
                name,
            }
        })
        .collect()
}

pub(super) fn package_changes(root: &Node) -> Vec<PackageChange> {
    root.list("vnf-package-change-info")
        .iter()
        .map(|c| {
            let word = |key: &str| c.word(key).unwrap_or_default();
            let (source, destination, source_flavour) =
                (word("src-vnfd-id"), word("dst-vnfd-id"), word("src-flavour-id"));
            let mappings = c.list("component-mapping").iter().map(|m| ComponentMapping {
                component: m.word("type").unwrap_or_default(),
                source: m.word("source-desc-id").unwrap_or_default(),
                destination: m.word("dst-desc-id").unwrap_or_default(),
                description: m.word("description"),
            });
            PackageChange {
                name: format!("{source}.{destination}.{source_flavour}"),
                qualifier: c.words("modification-qualifier").first().cloned().unwrap_or_default(),
                description: c.words("additional-modification-description").first().cloned(),
                mappings: mappings.collect(),
                destination_flavour: c.word("dst-flavour-id"),
                actions: c.word("coordination-action-name").or_else(|| c.word("coordination-id")).into_iter().collect(),
                selectors: vec![ChangeSelector { source, destination, source_flavour }],
                ..PackageChange::default()
            }
        })
        .collect()
}

/// What a change of package says beyond its model, by the name of the change.
pub(super) fn package_change_rest(root: &Node) -> Vec<(String, Value)> {
    let taken = [
        "src-vnfd-id",
        "dst-vnfd-id",
        "src-flavour-id",
        "component-mapping",
        "dst-flavour-id",
        "coordination-action-name",
        "coordination-id",
    ];
    let names = package_changes(root).into_iter().map(|c| c.name);
    names.zip(root.list("vnf-package-change-info").iter().map(|c| others(c, &taken))).collect()
}

pub(super) fn coordination(root: &Node) -> Vec<CoordinationAction> {
    root.list("lcm-operations-coordination")
        .iter()
        .map(|c| {
            // Version 3.3.1 knows it by `id`.
            let action = c.word("coordination-action-name").unwrap_or_else(|| c.id());
            CoordinationAction {
                name: action.clone(),
                action,
                description: c.word("description"),
                endpoint: c.word("endpoint-type"),
                stage: c.word("coordination-stage"),
                inputs: c
                    .get("input-parameter")
                    .or_else(|| c.get("coordination-params"))
                    .map(Node::to_json)
                    .unwrap_or_default(),
                outputs: c.get("output-parameter").map(Node::to_json).unwrap_or_default(),
            }
        })
        .collect()
}

pub(super) fn coordinations(df: &Node) -> Vec<OperationCoordination> {
    df.list("supported-coordination-actions")
        .iter()
        .map(|c| {
            let operation = c.word("vnf-lcm-operation").unwrap_or_default();
            OperationCoordination {
                name: operation.clone(),
                operation,
                actions: c.word("coordination-action-name").into_iter().collect(),
                referenced_actions: Vec::new(),
            }
        })
        .collect()
}
