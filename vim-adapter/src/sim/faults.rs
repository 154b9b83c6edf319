//! Scripted faults of a simulated VIM.

use reference_points::common::{Fault, ProblemDetails};
use reference_points::or_vi::{SimFault, SimSpec};

use crate::error::Failure;

const RESOURCES: [&str; 7] = ["compute", "port", "network", "subnet", "volume", "image", "snapshot"];
const MOMENTS: [&str; 5] = ["create", "delete", "boot", "revert", "run"];

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The request is refused.
    Refuse,
    /// The request fails for the moment.
    Unavailable,
    /// The request is carried out and its answer does not arrive.
    Cut,
    /// The request is accepted and ends in an error.
    Error,
}

/// A fault that plays now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// What it does.
    pub effect: Effect,
    /// Words of the VIM.
    pub message: String,
}

impl Played {
    /// As a problem of the consumer's request, or of the resource.
    pub fn problem(&self, what: &str) -> ProblemDetails {
        let status = if self.effect == Effect::Unavailable { 503 } else { 422 };
        ProblemDetails::new(status, "Scripted fault", format!("{what}: {}", self.message)).answer(self.message.clone())
    }

    /// As the outcome of the consumer's request.
    pub fn failure(&self, what: &str) -> Failure {
        self.problem(what).into()
    }
}

/// Everything wrong with what a simulated VIM shall pretend.
pub fn faults_of(spec: &SimSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut bounded = |place: &str, value: u64, low: u64, high: u64| {
        if !(low..=high).contains(&value) {
            faults.push(Fault::new(format!("/kind/sim/{place}"), format!("{value} is outside {low} to {high}")));
        }
    };
    bounded("hosts", spec.hosts.into(), 1, 10_000);
    bounded("vcpusPerHost", spec.vcpus_per_host, 1, 1 << 20);
    bounded("memoryPerHost", spec.memory_per_host, 1 << 20, 1 << 50);
    bounded("diskPerHost", spec.disk_per_host, 1 << 20, 1 << 55);
    bounded("bootMs", spec.boot_ms, 0, 3_600_000);
    bounded("createMs", spec.create_ms, 0, 3_600_000);
    bounded("runMs", spec.run_ms, 0, 3_600_000);
    bounded("loadStepMs", spec.load_step_ms, 1, 3_600_000);
    bounded("bytesPerSecond", spec.bytes_per_second, 0, 1 << 40);
    bounded("cpuPercent", spec.cpu_percent.len() as u64, 1, 1000);
    for (i, percent) in spec.cpu_percent.iter().enumerate().take(1000) {
        bounded(&format!("cpuPercent/{i}"), u64::from(*percent), 0, 100);
    }
    bounded("faults", spec.faults.len() as u64, 0, 1000);
    for (i, fault) in spec.faults.iter().enumerate() {
        let mut one_of = |member: &str, value: &str, known: &[&str]| {
            if !known.contains(&value) {
                faults.push(
                    Fault::new(format!("/kind/sim/faults/{i}/{member}"), format!("{value:?} is not known here"))
                        .mend(format!("one of {}", known.join(", "))),
                );
            }
        };
        one_of("resource", &fault.resource, &RESOURCES);
        one_of("on", &fault.on, &MOMENTS);
        one_of("effect", &fault.effect, &["refuse", "unavailable", "cut", "error"]);
        if ["boot", "revert", "run"].contains(&fault.on.as_str()) {
            one_of("resource", &fault.resource, &["compute"]);
        }
    }
    faults
}

/// The script with how often each fault still plays.
#[derive(Debug)]
pub struct Script(Vec<(SimFault, Option<u32>)>);

impl Script {
    /// From the beginning.
    pub fn new(faults: &[SimFault]) -> Self {
        Self(faults.iter().map(|fault| (fault.clone(), fault.times)).collect())
    }

    /// The first fault that plays now, and counts it.
    pub fn play(&mut self, resource: &str, on: &str, name: &str) -> Option<Played> {
        let (fault, left) = self.0.iter_mut().find(|(fault, left)| {
            fault.resource == resource
                && fault.on == on
                && *left != Some(0)
                && fault.name_contains.as_ref().is_none_or(|part| name.contains(part.as_str()))
        })?;
        if let Some(left) = left {
            *left -= 1;
        }
        let effect = match fault.effect.as_str() {
            "unavailable" => Effect::Unavailable,
            "cut" => Effect::Cut,
            "error" => Effect::Error,
            _ => Effect::Refuse,
        };
        Some(Played { effect, message: fault.message.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(resource: &str, on: &str, name: Option<&str>, times: Option<u32>) -> SimFault {
        SimFault {
            resource: resource.into(),
            on: on.into(),
            name_contains: name.map(str::to_owned),
            times,
            effect: "refuse".into(),
            message: "no".into(),
        }
    }

    #[test]
    fn a_fault_plays_as_often_as_scripted_and_only_where_it_fits() {
        let mut script =
            Script::new(&[fault("port", "create", Some("web"), Some(2)), fault("port", "create", None, Some(1))]);
        assert!(script.play("port", "delete", "web-1").is_none());
        assert!(script.play("network", "create", "web-1").is_none());
        let played: Vec<bool> =
            ["web-1", "web-2", "web-3", "web-4"].iter().map(|n| script.play("port", "create", n).is_some()).collect();
        assert_eq!(played, [true, true, true, false], "twice for web, once for any");
    }

    #[test]
    fn a_script_with_unknown_words_is_refused_with_all_of_them() {
        let spec = SimSpec { hosts: 0, faults: vec![fault("prot", "boot", None, None)], ..SimSpec::default() };
        let places: Vec<String> = faults_of(&spec).into_iter().map(|fault| fault.location).collect();
        assert_eq!(places, ["/kind/sim/hosts", "/kind/sim/faults/0/resource", "/kind/sim/faults/0/resource"]);
        assert!(faults_of(&SimSpec::default()).is_empty());
    }
}
