//! Which alarms follow from what a VIM tells (SOL003 clause 7), and which of them are about the same fault. Pure.

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{Compute, ComputeState, Host, Port, ResourceState, Volume};
use reference_points::or_vnfm::{EventType, FaultyResourceInfo, FaultyResourceType, PerceivedSeverity, ResourceHandle};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::inventory::{Owned, Part, volumes_of};
use super::record::handle;
use crate::vi::VimRef;

/// Details kept of a fault, at most, and the length of each in characters.
const MAX_DETAILS: usize = 8;
const MAX_DETAIL: usize = 1000;

/// A fault that is there: what an alarm says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Names the fault: while it lasts there is one alarm of this key.
    pub key: String,
    /// The VNF instance.
    pub instance: Uuid,
    /// Its VNFCs that are affected.
    pub vnfcs: Vec<String>,
    /// The resource of the instance that is at fault, by its id in the VIM; the alarm goes when the instance has it no more.
    pub resource: Option<Uuid>,
    /// What is at fault.
    pub faulty: Option<FaultyResourceInfo>,
    /// How bad it is.
    pub severity: PerceivedSeverity,
    /// What kind of event it is.
    pub event: EventType,
    /// A stable word.
    pub fault: String,
    /// What probably causes it.
    pub cause: String,
    /// More, for people.
    pub details: Vec<String>,
    /// What other faults may follow from.
    pub about: Option<String>,
    /// What this fault may follow from.
    pub depends: Vec<String>,
}

/// What was found of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is at fault.
    Fault(Box<Condition>),
    /// It is as it shall be.
    Well,
    /// It is between two states: an alarm that is there stays, and none is raised.
    Between,
}

/// Key of a compute's alarm.
pub fn compute_key(id: Uuid) -> String {
    format!("compute/{id}")
}

/// What others say when they depend on a host.
fn host_word(at: &VimRef, host: &str) -> String {
    format!("host/{}/{host}", at.vim)
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_DETAIL).collect()
}

fn told(problem: Option<&ProblemDetails>) -> Vec<String> {
    let Some(problem) = problem else { return Vec::new() };
    [Some(&problem.detail), problem.answer.as_ref(), problem.next.as_ref()]
        .into_iter()
        .flatten()
        .map(|t| cut(t))
        .collect()
}

fn condition(instance: Uuid, owned: &Owned, kind: FaultyResourceType, key: String) -> Condition {
    Condition {
        key,
        instance,
        vnfcs: Vec::new(),
        resource: Some(owned.id()),
        faulty: Some(FaultyResourceInfo { faulty_resource: handle(owned), faulty_resource_type: kind }),
        severity: PerceivedSeverity::Critical,
        event: EventType::EquipmentAlarm,
        fault: String::new(),
        cause: String::new(),
        details: Vec::new(),
        about: None,
        depends: Vec::new(),
    }
}

/// A compute as the VIM has it now; `None` when it has none.
pub fn of_compute(instance: Uuid, owned: &Owned, found: Option<&Compute>) -> Verdict {
    let Some(vnfc) = owned.vnfc() else { return Verdict::Well };
    let (fault, cause, severity) = match found.map(|c| c.state) {
        Some(ComputeState::Active) => return Verdict::Well,
        Some(ComputeState::Stopped) if owned.stopped => return Verdict::Well,
        Some(ComputeState::Building) => return Verdict::Between,
        Some(ComputeState::Stopped) => {
            ("COMPUTE_STOPPED", "the compute was stopped by somebody else", PerceivedSeverity::Major)
        }
        Some(ComputeState::Error) => ("COMPUTE_FAILED", "the compute failed", PerceivedSeverity::Critical),
        Some(ComputeState::Deleting) | None => {
            ("COMPUTE_GONE", "the compute was removed by somebody else", PerceivedSeverity::Critical)
        }
    };
    let key = compute_key(vnfc.id);
    Verdict::Fault(Box::new(Condition {
        vnfcs: vec![vnfc.name.clone()],
        severity,
        fault: fault.to_owned(),
        cause: cause.to_owned(),
        details: told(found.and_then(|c| c.problem.as_ref())),
        about: Some(key.clone()),
        depends: found.and_then(|c| c.host.as_ref()).map(|host| host_word(&owned.at, host)).into_iter().collect(),
        ..condition(instance, owned, FaultyResourceType::Compute, key)
    }))
}

/// A compute that had ended by itself and was started again: over when it is told.
pub fn of_repair(instance: Uuid, owned: &Owned, detail: &str) -> Option<Condition> {
    let vnfc = owned.vnfc()?;
    Some(Condition {
        vnfcs: vec![vnfc.name.clone()],
        severity: PerceivedSeverity::Major,
        event: EventType::ProcessingErrorAlarm,
        fault: "COMPUTE_RESTARTED".to_owned(),
        cause: "the compute ended without being told to, and was started again".to_owned(),
        details: vec![cut(detail)],
        depends: vec![compute_key(vnfc.id)],
        ..condition(instance, owned, FaultyResourceType::Compute, format!("restarted/{}", vnfc.id))
    })
}

/// A port as the VIM has it now.
pub fn of_port(instance: Uuid, owned: &Owned, all: &[Owned], found: Option<&Port>) -> Verdict {
    let Part::Port(part) = &owned.part else { return Verdict::Well };
    let vnfc = all.iter().filter_map(Owned::vnfc).find(|v| v.id == part.vnfc);
    let stopped = all.iter().any(|o| o.stopped && o.id() == part.vnfc);
    match found {
        Some(port) if port.state == ResourceState::Building => return Verdict::Between,
        Some(port) if port.state == ResourceState::Active && (port.up || stopped) => return Verdict::Well,
        // Nothing uses it now: what that means is told by the compute.
        Some(port) if port.state == ResourceState::Active && port.compute_id.is_none() => return Verdict::Between,
        _ => {}
    }
    let (fault, cause, severity) = match found {
        Some(_) => ("PORT_DOWN", "the network forwards nothing for the port", PerceivedSeverity::Major),
        None => ("PORT_GONE", "the port was removed by somebody else", PerceivedSeverity::Critical),
    };
    Verdict::Fault(Box::new(Condition {
        vnfcs: vnfc.map(|v| v.name.clone()).into_iter().collect(),
        severity,
        event: EventType::CommunicationsAlarm,
        fault: fault.to_owned(),
        cause: cause.to_owned(),
        details: told(found.and_then(|p| p.problem.as_ref())),
        depends: vec![compute_key(part.vnfc)],
        ..condition(instance, owned, FaultyResourceType::Network, format!("port/{}", owned.id()))
    }))
}

/// A volume as the VIM has it now.
pub fn of_volume(instance: Uuid, owned: &Owned, all: &[Owned], found: Option<&Volume>) -> Verdict {
    let (fault, cause) = match found.map(|v| v.state) {
        Some(ResourceState::Active) => return Verdict::Well,
        Some(ResourceState::Building) => return Verdict::Between,
        Some(ResourceState::Error) => ("VOLUME_FAILED", "the volume failed"),
        Some(ResourceState::Deleting) | None => ("VOLUME_GONE", "the volume was removed by somebody else"),
    };
    let users = all.iter().filter_map(Owned::vnfc).filter(|v| volumes_of(v).any(|id| id == owned.id()));
    Verdict::Fault(Box::new(Condition {
        vnfcs: users.map(|v| v.name.clone()).collect(),
        fault: fault.to_owned(),
        cause: cause.to_owned(),
        details: told(found.and_then(|v| v.problem.as_ref())),
        ..condition(instance, owned, FaultyResourceType::Storage, format!("volume/{}", owned.id()))
    }))
}

/// What can be wrong with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostTrouble {
    /// Word of the event that tells it.
    lost: &'static str,
    /// Word of the event that tells that it is over.
    back: &'static str,
    /// Part in the host's health that shows it; empty for the host's not answering.
    part: &'static str,
    fault: &'static str,
    cause: &'static str,
    severity: PerceivedSeverity,
    event: EventType,
    kind: FaultyResourceType,
}

/// Everything that can be wrong with a host.
pub const HOST_TROUBLES: &[HostTrouble] = &[
    HostTrouble {
        lost: "host_lost",
        back: "host_back",
        part: "",
        fault: "HOST_LOST",
        cause: "the host does not answer",
        severity: PerceivedSeverity::Critical,
        event: EventType::EquipmentAlarm,
        kind: FaultyResourceType::Compute,
    },
    HostTrouble {
        lost: "hypervisor_lost",
        back: "hypervisor_back",
        part: "hypervisor",
        fault: "HYPERVISOR_LOST",
        cause: "the host's hypervisor does not answer",
        severity: PerceivedSeverity::Major,
        event: EventType::ProcessingErrorAlarm,
        kind: FaultyResourceType::Compute,
    },
    HostTrouble {
        lost: "switch_lost",
        back: "switch_back",
        part: "switch",
        fault: "SWITCH_LOST",
        cause: "the host's virtual switch does not answer",
        severity: PerceivedSeverity::Critical,
        event: EventType::CommunicationsAlarm,
        kind: FaultyResourceType::Network,
    },
    HostTrouble {
        lost: "bridge_lost",
        back: "bridge_back",
        part: "bridge",
        fault: "BRIDGE_LOST",
        cause: "the host's integration bridge is gone",
        severity: PerceivedSeverity::Critical,
        event: EventType::CommunicationsAlarm,
        kind: FaultyResourceType::Network,
    },
    HostTrouble {
        lost: "disk_low",
        back: "disk_ok",
        part: "disk",
        fault: "HOST_DISK_LOW",
        cause: "the host's disk is running full",
        severity: PerceivedSeverity::Warning,
        event: EventType::EnvironmentalAlarm,
        kind: FaultyResourceType::Storage,
    },
];

impl HostTrouble {
    /// What an event's word means: the trouble, and whether it is there.
    pub fn of(word: &str) -> Option<(&'static Self, bool)> {
        HOST_TROUBLES.iter().find_map(|trouble| {
            (trouble.lost == word).then_some((trouble, true)).or((trouble.back == word).then_some((trouble, false)))
        })
    }

    /// Whether a host has it now, and in whose words. What a host that does not answer is otherwise is not known.
    pub fn in_host(&self, host: &Host) -> Option<String> {
        if self.part.is_empty() {
            return (!host.reachable).then(|| host.problem.as_ref().map(|p| p.detail.clone()).unwrap_or_default());
        }
        let health = host.reachable.then_some(host.info.as_ref()?).map(|info| &info.health)?;
        health.iter().find(|(part, state)| part.starts_with(self.part) && *state != "ok").map(|(_, s)| s.clone())
    }

    /// It is that the host does not answer; all else can be told only while it does.
    pub fn of_host_itself(&self) -> bool {
        self.part.is_empty()
    }

    /// How the keys of its alarms begin.
    pub fn keys(&self, at: &VimRef, host: &str) -> String {
        format!("{}/{}/{host}/", self.fault, at.vim)
    }

    /// What it is for an instance that has these VNFCs there.
    pub fn of_instance(&self, at: &VimRef, host: &str, instance: Uuid, vnfcs: Vec<String>, detail: &str) -> Condition {
        let resource = ResourceHandle {
            vim_connection_id: Some(at.vim.to_string()),
            resource_provider_id: None,
            resource_id: host.to_owned(),
            vim_level_resource_type: Some("host".to_owned()),
        };
        Condition {
            key: format!("{}{instance}", self.keys(at, host)),
            instance,
            vnfcs,
            resource: None,
            faulty: Some(FaultyResourceInfo { faulty_resource: resource, faulty_resource_type: self.kind }),
            severity: self.severity,
            event: self.event,
            fault: self.fault.to_owned(),
            cause: self.cause.to_owned(),
            details: Some(cut(detail)).filter(|d| !d.is_empty()).into_iter().collect(),
            about: Some(host_word(at, host)),
            depends: Vec::new(),
        }
    }
}

/// A fault of an instance as a whole, in which no resource has a part.
fn of_whole(instance: Uuid, key: String, fault: &str, cause: String, details: Vec<String>) -> Condition {
    Condition {
        key,
        instance,
        vnfcs: Vec::new(),
        resource: None,
        faulty: None,
        severity: PerceivedSeverity::Warning,
        event: EventType::ProcessingErrorAlarm,
        fault: fault.to_owned(),
        cause,
        details: details.iter().map(|d| cut(d)).take(MAX_DETAILS).collect(),
        about: None,
        depends: Vec::new(),
    }
}

/// An operation that rests in FAILED_TEMP until somebody decides.
pub fn of_operation(instance: Uuid, kind: &str, op: Uuid, mut details: Vec<String>) -> Condition {
    details.insert(0, format!("operation {op} waits for retry, rollback or fail"));
    let whole = of_whole(instance, operation_key(instance), "LCM_OPERATION_FAILED", format!("{kind} failed"), details);
    Condition { severity: PerceivedSeverity::Major, ..whole }
}

/// The indicators of an instance cannot be read at their source.
pub fn of_indicators(instance: Uuid, details: Vec<String>) -> Condition {
    let cause = "the VNF or its element manager does not tell its indicators".to_owned();
    let whole = of_whole(instance, indicators_key(instance), "INDICATORS_UNAVAILABLE", cause, details);
    Condition { event: EventType::CommunicationsAlarm, ..whole }
}

/// Key of the alarm about an instance's indicators.
pub fn indicators_key(instance: Uuid) -> String {
    format!("indicators/{instance}")
}

/// What the VNFM would do by itself and cannot.
pub fn of_automatic(instance: Uuid, problems: &[String]) -> Condition {
    let cause = "the VNFM shall heal or scale this VNF by itself, and cannot".to_owned();
    of_whole(instance, automatic_key(instance), "AUTOMATIC_OPERATION_IMPOSSIBLE", cause, problems.to_vec())
}

/// Key of the alarm about what the VNFM cannot do by itself.
pub fn automatic_key(instance: Uuid) -> String {
    format!("automatic/{instance}")
}

/// Key of the alarm about an instance's operation; an instance has one operation at a time.
pub fn operation_key(instance: Uuid) -> String {
    format!("operation/{instance}")
}

/// An open alarm, as far as its kinship with others goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kin<'a> {
    /// The alarm.
    pub id: Uuid,
    /// What others may follow from.
    pub about: Option<&'a str>,
    /// What it may follow from.
    pub depends: &'a [String],
}

/// Of every open alarm of an instance: whether it is a root cause, and the alarms about the same fault.
pub fn correlate(all: &[Kin<'_>]) -> Vec<(bool, Vec<Uuid>)> {
    let follows = |what: &Kin<'_>, from: &Kin<'_>| {
        what.id != from.id && from.about.is_some_and(|about| what.depends.iter().any(|d| d == about))
    };
    all.iter()
        .map(|own| {
            let is_root = !all.iter().any(|other| follows(own, other));
            let kin = all.iter().filter(|other| follows(own, other) || follows(other, own)).map(|k| k.id).collect();
            (is_root, kin)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn owned(kind: &str, part: serde_json::Value) -> Owned {
        let at = json!({ "endpoint": "http://a", "vim": Uuid::from_u128(9) });
        serde_json::from_value(json!({ "kind": kind, "part": part, "at": at })).unwrap()
    }

    fn vnfc() -> Owned {
        owned(
            "compute",
            json!({ "id": Uuid::from_u128(1), "vdu": "web", "number": 1, "name": "web-1",
                "flavour": { "vcpus": 1, "memoryBytes": 1 << 28 }, "root": { "volume": Uuid::from_u128(2) },
                "volumes": [], "ports": [], "groups": [], "boot": {} }),
        )
    }

    fn compute(state: &str) -> Compute {
        serde_json::from_value(json!({ "id": Uuid::from_u128(1), "state": state, "host": "h1", "changedAt": 0,
            "problem": { "status": 500, "detail": "qemu died" },
            "spec": { "name": "web-1", "owner": { "kind": "vnf_instance", "id": Uuid::nil() },
                "flavour": { "vcpus": 1, "memoryBytes": 1 << 28 },
                "root": { "from": "volume", "volumeId": Uuid::from_u128(2) } } }))
        .unwrap()
    }

    fn fault(verdict: Verdict) -> Condition {
        match verdict {
            Verdict::Fault(condition) => *condition,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_compute_that_does_not_run_as_it_shall_is_at_fault() {
        let (id, own) = (Uuid::from_u128(7), vnfc());
        let judge = |state: &str| of_compute(id, &own, Some(&compute(state)));
        assert_eq!(judge("active"), Verdict::Well);
        assert_eq!(judge("building"), Verdict::Between);
        let failed = fault(judge("error"));
        assert_eq!((failed.fault.as_str(), failed.severity), ("COMPUTE_FAILED", PerceivedSeverity::Critical));
        assert_eq!((failed.vnfcs, failed.details), (vec!["web-1".to_owned()], vec!["qemu died".to_owned()]));
        assert_eq!(fault(judge("stopped")).fault, "COMPUTE_STOPPED");
        assert_eq!(fault(of_compute(id, &own, None)).fault, "COMPUTE_GONE");
        let told = Owned { stopped: true, ..own.clone() };
        assert_eq!(of_compute(id, &told, Some(&compute("stopped"))), Verdict::Well, "an operation stopped it");
    }

    #[test]
    fn words_of_hosts_come_in_pairs() {
        let (lost, raised) = HostTrouble::of("disk_low").unwrap();
        let (back, still) = HostTrouble::of("disk_ok").unwrap();
        assert!(lost == back && raised && !still);
        assert!(HostTrouble::of("machine_repaired").is_none());
        let at = VimRef { endpoint: "http://a".into(), vim: Uuid::from_u128(9) };
        let condition = lost.of_instance(&at, "h1", Uuid::from_u128(7), vec!["web-1".into()], "3 MiB left");
        assert!(condition.key.starts_with(&lost.keys(&at, "h1")));
        assert_eq!(condition.severity, PerceivedSeverity::Warning);
    }

    #[test]
    fn what_follows_from_a_host_has_it_as_root_cause() {
        let (host, compute, other) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let on_host = ["host/h1".to_owned()];
        let all = [
            Kin { id: host, about: Some("host/h1"), depends: &[] },
            Kin { id: compute, about: Some("compute/c"), depends: &on_host },
            Kin { id: other, about: None, depends: &[] },
        ];
        assert_eq!(correlate(&all), [(true, vec![compute]), (false, vec![host]), (true, vec![])]);
    }
}
