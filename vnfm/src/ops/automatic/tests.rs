//! Tests of what is begun by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use descriptors::vnfd::{Aspect, Indicator};
use serde_json::json;

use super::*;

const NOW: i64 = 10 * HEAL_WINDOW_MICROS;

struct World {
    record: VnfInstance,
    flavour: Flavour,
    facts: Facts,
    faults: Vec<Fault>,
    indicators: Vec<VnfIndicator>,
    healed: BTreeMap<String, Vec<i64>>,
    rests_until: i64,
}

fn world(properties: Value, level: u32) -> World {
    let mut flavour = Flavour::default();
    flavour.scaling.aspects.insert("workers".into(), Aspect { max_scale_level: 2, ..Aspect::default() });
    let trigger = |name: &str, condition: Value, direction: &str| {
        let inputs = json!({ "type": direction, "aspect": { "value": "workers" } });
        let action = json!([{ "call_operation": { "operation": "Vnflcm.scale", "inputs": inputs } }]);
        Trigger { name: name.into(), condition, action, ..Trigger::default() }
    };
    let triggers = vec![
        trigger("busy", json!([{ "load": [{ "greater_or_equal": 80 }] }]), "scale_out"),
        trigger(
            "idle",
            json!([{ "load": [{ "less_than": 10 }] }, { "workers_scale_level": { "greater_than": 0 } }]),
            "scale_in",
        ),
    ];
    flavour.indicators.push(Indicator { name: "by_load".into(), triggers, ..Indicator::default() });
    let record = json!({
        "id": "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a2000", "vnfdId": "one", "vnfProvider": "test", "vnfProductName": "pair",
        "vnfSoftwareVersion": "1.0", "vnfdVersion": "1.0", "instantiationState": "INSTANTIATED",
        "vnfConfigurableProperties": properties,
    });
    let facts = json!({
        "flavourId": "simple", "scaleStatus": [{ "aspectId": "workers", "scaleLevel": level }], "maxScaleLevels": [],
        "request": { "flavourId": "simple" },
    });
    World {
        record: serde_json::from_value(record).unwrap(),
        flavour,
        facts: serde_json::from_value(facts).unwrap(),
        faults: Vec::new(),
        indicators: Vec::new(),
        healed: BTreeMap::new(),
        rests_until: 0,
    }
}

impl World {
    fn load(mut self, value: Value) -> Self {
        let id = self.record.id;
        self.indicators =
            vec![VnfIndicator { id: "i-1".into(), name: Some("load".into()), value, vnf_instance_id: id, links: None }];
        self
    }

    fn fault(mut self, vnfc: &str, severity: PerceivedSeverity) -> Self {
        self.faults.push(Fault { vnfcs: vec![vnfc.into()], of_resource: true, severity, since: NOW - 100 });
        self
    }

    fn decide(&self) -> Decision {
        let news = self.indicators.iter().map(|i| (i.id.clone(), 5)).collect();
        self.decide_of(&news)
    }

    fn decide_of(&self, news: &BTreeMap<String, i64>) -> Decision {
        decide(&Situation {
            record: &self.record,
            flavour: &self.flavour,
            facts: &self.facts,
            heal_causes: &[],
            faults: &self.faults,
            indicators: &self.indicators,
            news,
            patience: 50,
            healed: &self.healed,
            rests_until: self.rests_until,
            now: NOW,
        })
    }
}

fn scaling() -> Value {
    json!({ "is_autoscale_enabled": true })
}

fn scaled(decision: &Decision) -> Option<ScaleType> {
    match &decision.begin {
        Some(Begin::Scale(request)) => Some(request.r#type),
        _ => None,
    }
}

/// Nothing is done, and the news are no news any more.
fn seen() -> Decision {
    Decision { settled: BTreeMap::from([("i-1".to_owned(), 5)]), ..Decision::default() }
}

#[test]
fn a_trigger_that_holds_scales_while_there_is_room() {
    assert_eq!(scaled(&world(scaling(), 0).load(json!(80)).decide()), Some(ScaleType::ScaleOut));
    assert_eq!(scaled(&world(scaling(), 1).load(json!("9.5")).decide()), Some(ScaleType::ScaleIn));
    assert_eq!(world(scaling(), 2).load(json!(99)).decide(), seen(), "the largest level");
    assert_eq!(world(scaling(), 0).load(json!(5)).decide(), seen(), "the smallest level");
    assert_eq!(world(scaling(), 1).load(json!(50)).decide(), seen(), "neither");
}

#[test]
fn nothing_is_scaled_that_is_not_switched_on_or_not_new() {
    for properties in [json!({}), json!({ "is_autoscale_enabled": false }), json!({ "is_autoheal_enabled": true })] {
        assert_eq!(world(properties, 0).load(json!(90)).decide(), seen());
    }
    assert_eq!(
        scaled(&world(json!({ "isAutoscaleEnabled": "true" }), 0).load(json!(90)).decide()),
        Some(ScaleType::ScaleOut)
    );
    let old = world(scaling(), 0).load(json!(90));
    let other = BTreeMap::from([("other".to_owned(), 5)]);
    assert_eq!(old.decide_of(&other), Decision { settled: other, ..Decision::default() });
}

#[test]
fn after_a_scaling_it_rests() {
    let mut resting = world(scaling(), 0).load(json!(90));
    resting.rests_until = NOW + 5;
    assert_eq!(resting.decide(), Decision { again_at: Some(NOW + 5), ..Decision::default() }, "the news stay news");
}

#[test]
fn what_a_trigger_cannot_mean_is_told() {
    let mut odd = world(scaling(), 0).load(json!(90));
    odd.flavour.indicators[0].triggers[0].action =
        json!([{ "call_operation": { "operation": "Vnflcm.scale", "inputs": { "type": "sideways" } } }]);
    let decision = odd.decide();
    assert_eq!(decision.begin, None);
    assert!(decision.problems[0].contains("scale_out or scale_in"), "{decision:?}");
}

#[test]
fn vnfcs_at_fault_are_healed_a_few_times() {
    let on = json!({ "is_autoheal_enabled": true });
    let healed = |decision: &Decision| match &decision.begin {
        Some(Begin::Heal(request)) => request.vnfc_instance_id.clone(),
        _ => Vec::new(),
    };
    let broken = || world(on.clone(), 0).fault("worker-1", PerceivedSeverity::Critical);
    assert_eq!(healed(&broken().decide()), ["worker-1"]);
    let two = broken().fault("worker-2", PerceivedSeverity::Major).fault("worker-3", PerceivedSeverity::Minor);
    assert_eq!(healed(&two.decide()), ["worker-1", "worker-2"], "what is only minor is not made anew");
    assert_eq!(world(json!({}), 0).fault("worker-1", PerceivedSeverity::Critical).decide(), Decision::default());

    // A fault that has just come may go by itself; a healing leaves the news of indicators for the next decision.
    let mut young = broken();
    young.faults[0].since = NOW - 20;
    assert_eq!(young.decide(), Decision { again_at: Some(NOW + 30), ..Decision::default() });
    let mut both = world(json!({ "is_autoheal_enabled": true, "is_autoscale_enabled": true }), 0).load(json!(90));
    both.faults = broken().faults;
    assert!(!healed(&both.decide()).is_empty() && both.decide().settled.is_empty());

    let mut often = broken();
    let first = NOW - HEAL_WINDOW_MICROS + 7;
    often.healed.insert("worker-1".into(), vec![first, NOW - 20, NOW - 10]);
    let decision = often.decide();
    assert_eq!((healed(&decision), decision.again_at), (vec![], Some(first + HEAL_WINDOW_MICROS)));
    assert!(decision.problems[0].contains("worker-1"), "{decision:?}");
    often.healed.insert("worker-1".into(), vec![NOW - HEAL_WINDOW_MICROS, NOW - 20, NOW - 10]);
    assert_eq!(healed(&often.decide()), ["worker-1"], "an hour has passed since the first");
}

#[test]
fn a_trigger_heals_no_more_often_than_a_fault() {
    let mut asked = world(json!({ "is_autoheal_enabled": true }), 0).load(json!("stuck"));
    asked.flavour.indicators[0].triggers[0].condition = json!([{ "load": "stuck" }]);
    asked.flavour.indicators[0].triggers[0].action = json!([{ "call_operation": "Vnflcm.heal" }]);
    asked.record.instantiated_vnf_info = Some(
        serde_json::from_value(json!({
            "flavourId": "simple", "vnfState": "STARTED",
            "vnfcInfo": [{ "id": "worker-1", "vduId": "worker", "vnfcState": "STARTED" }],
        }))
        .unwrap(),
    );
    let decision = asked.decide();
    let Some(Begin::Heal(request)) = decision.begin else { panic!("{decision:?}") };
    assert_eq!(request.vnfc_instance_id, ["worker-1"]);
    asked.healed.insert("worker-1".into(), vec![NOW - 3, NOW - 2, NOW - 1]);
    let decision = asked.decide();
    assert!(decision.begin.is_none() && decision.problems[0].contains("worker-1"), "{decision:?}");
}
