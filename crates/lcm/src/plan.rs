//! A plan: the steps of an operation and the order among them, checked before anything of it is stored.
//!
//! A service's pure `plan()` makes it. Every id that will name something outside (a VM, a port, a volume) is minted there
//! and put into the step's parameters, so that the journal knows it before anything of that name exists.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most steps of one operation.
pub const MAX_STEPS: usize = 2_000;
/// Most bytes of one step's or operation's parameters, or of a step's output, as JSON.
pub const MAX_JSON_BYTES: usize = 1024 * 1024;
/// Most bytes of a step's key.
pub const MAX_KEY_BYTES: usize = 200;
/// Most bytes of a step's title.
pub const MAX_TITLE_BYTES: usize = 500;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSpec {
    /// Names the step within its operation, for example `port/web-1/eth0`. Letters, digits and `. _ - / : @`.
    pub key: String,
    /// Name in the [`Registry`](crate::Registry) of the code that does it.
    pub kind: String,
    /// What that code is given; includes every id it will create something under.
    pub params: Value,
    /// What it does, for people: "Create port eth0 of web".
    pub title: String,
    /// Keys of the steps that must be done before.
    pub after: Vec<String>,
    /// Belongs to the preparation: runs in STARTING, before every step that does not (SOL003 clause 5.6.2).
    pub starting: bool,
}

impl StepSpec {
    /// A step without parameters and predecessors.
    pub fn new(key: impl Into<String>, kind: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            kind: kind.into(),
            params: Value::Null,
            title: title.into(),
            after: Vec::new(),
            starting: false,
        }
    }

    /// With parameters.
    #[must_use]
    pub fn params(mut self, params: Value) -> Self {
        self.params = params;
        self
    }

    /// After another step, which may be called several times.
    #[must_use]
    pub fn after(mut self, key: impl Into<String>) -> Self {
        self.after.push(key.into());
        self
    }

    /// After several other steps.
    #[must_use]
    pub fn after_all<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.after.extend(keys.into_iter().map(Into::into));
        self
    }

    /// As part of the preparation.
    #[must_use]
    pub fn starting(mut self) -> Self {
        self.starting = true;
        self
    }
}

/// A checked plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    steps: Vec<StepSpec>,
}

/// Everything that is wrong with a plan, at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan is not usable: {}", .0.join("; "))]
pub struct PlanFaults(pub Vec<String>);

impl Plan {
    /// Checks the steps: unique and well-formed keys, known predecessors, no circle, no preparing step that waits for one
    /// that is not, bounded sizes. All faults are named.
    pub fn new(steps: Vec<StepSpec>) -> Result<Self, PlanFaults> {
        let mut faults = Vec::new();
        if steps.is_empty() {
            faults.push("it has no step".to_owned());
        }
        if steps.len() > MAX_STEPS {
            faults.push(format!("it has {} steps, at most {MAX_STEPS} are allowed", steps.len()));
            return Err(PlanFaults(faults));
        }
        let mut index = BTreeMap::new();
        for (i, step) in steps.iter().enumerate() {
            check_step(step, &mut faults);
            if index.insert(step.key.as_str(), i).is_some() {
                faults.push(format!("step '{}' exists twice", step.key));
            }
        }
        let mut graph = DiGraph::<usize, ()>::new();
        let nodes: Vec<NodeIndex> = (0..steps.len()).map(|i| graph.add_node(i)).collect();
        for (i, step) in steps.iter().enumerate() {
            for before in step.after.iter().collect::<BTreeSet<_>>() {
                let Some(&j) = index.get(before.as_str()) else {
                    faults.push(format!("step '{}' is after '{before}', which does not exist", step.key));
                    continue;
                };
                if step.starting && !steps[j].starting {
                    faults.push(format!(
                        "step '{}' belongs to the preparation but is after '{before}', which does not",
                        step.key
                    ));
                }
                graph.add_edge(nodes[j], nodes[i], ());
            }
        }
        for group in kosaraju_scc(&graph) {
            let circle = group.len() > 1 || group.first().is_some_and(|n| graph.contains_edge(*n, *n));
            if circle {
                let mut keys: Vec<_> = group.iter().map(|n| format!("'{}'", steps[graph[*n]].key)).collect();
                keys.sort();
                faults.push(format!("steps {} wait for each other in a circle", keys.join(", ")));
            }
        }
        if faults.is_empty() { Ok(Self { steps }) } else { Err(PlanFaults(faults)) }
    }

    /// The steps, in the order they were given.
    pub fn steps(&self) -> &[StepSpec] {
        &self.steps
    }

    /// The names of the code that the plan needs.
    pub fn kinds(&self) -> BTreeSet<&str> {
        self.steps.iter().map(|s| s.kind.as_str()).collect()
    }
}

fn check_step(step: &StepSpec, faults: &mut Vec<String>) {
    let well_formed = |c: char| c.is_ascii_alphanumeric() || ".-_/:@".contains(c);
    if step.key.is_empty() || step.key.len() > MAX_KEY_BYTES || !step.key.chars().all(well_formed) {
        let shown: String = step.key.chars().take(60).collect();
        faults.push(format!("step key '{shown}' is not 1 to {MAX_KEY_BYTES} letters, digits and '.-_/:@'"));
    }
    if step.title.is_empty() || step.title.len() > MAX_TITLE_BYTES {
        faults.push(format!("the title of step '{}' is not 1 to {MAX_TITLE_BYTES} bytes long", step.key));
    }
    let bytes = json_bytes(&step.params);
    if bytes > MAX_JSON_BYTES {
        faults.push(format!(
            "the parameters of step '{}' have {bytes} bytes, at most {MAX_JSON_BYTES} are allowed",
            step.key
        ));
    }
}

/// Size of a value as JSON, without making the text.
pub(crate) fn json_bytes(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
            self.0 += buf.len();
            Ok(buf.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn step(key: &str) -> StepSpec {
        StepSpec::new(key, "k", key)
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let mut untitled = step("e");
        untitled.title.clear();
        let faults = Plan::new(vec![
            step("a").after("b"),
            step("b").after("a"),
            step("c").after("nowhere"),
            step("c"),
            step("d").starting().after("c"),
            untitled,
            step("f").after("f"),
            step("g h"),
            step("i").params(Value::String("x".repeat(MAX_JSON_BYTES))),
        ])
        .expect_err("accepted");
        let all = faults.to_string();
        for part in [
            "'a', 'b' wait for each other",
            "'c' is after 'nowhere'",
            "'c' exists twice",
            "'d' belongs to the preparation but is after 'c'",
            "title of step 'e'",
            "'f' wait for each other",
            "'g h'",
            "parameters of step 'i'",
        ] {
            assert!(all.contains(part), "{part} is missing in: {all}");
        }
    }

    #[test]
    fn an_empty_plan_and_a_huge_one_are_refused() {
        assert!(Plan::new(vec![]).is_err());
        let huge = (0..=MAX_STEPS).map(|i| step(&i.to_string())).collect();
        assert!(Plan::new(huge).expect_err("accepted").to_string().contains("2001 steps"));
    }

    #[test]
    fn a_diamond_with_a_preparing_step_is_accepted() {
        let plan = Plan::new(vec![
            step("grant").starting(),
            step("a"),
            step("b").after("a"),
            step("c").after("a"),
            step("d").after_all(["b", "c"]),
        ])
        .unwrap();
        assert_eq!(plan.steps().len(), 5);
    }
}
