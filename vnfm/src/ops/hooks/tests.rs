//! Which scripts run when, and with what.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use descriptors::network::{Artifact, Trigger};

use super::*;

fn artifact(name: &str, artifact_type: &str, file: &str) -> Artifact {
    Artifact {
        name: name.into(),
        artifact_type: Some(artifact_type.into()),
        file: file.into(),
        properties: Value::Null,
        extra: Value::Null,
    }
}

fn operation(name: &str, implementation: &str, file: Option<&str>, body: Value) -> Operation {
    Operation {
        name: name.into(),
        implementation: Some(implementation.into()),
        file: file.map(str::to_owned),
        dependencies: vec!["lib".into()],
        body,
    }
}

fn flavour(operations: Vec<Operation>) -> Flavour {
    Flavour {
        artifacts: vec![
            artifact("flow", "tosca.artifacts.Implementation.Python", "Scripts/flow"),
            artifact("lib", "tosca.artifacts.File", "Scripts/lib.tar"),
        ],
        interfaces: vec![Interface {
            name: "Vnflcm".into(),
            standard_type: Some(VNFLCM.into()),
            inputs: json!({ "mode": "fast", "size": { "type": "integer", "default": 3 } }),
            operations,
            ..Interface::default()
        }],
        ..Flavour::default()
    }
}

fn keys(steps: &[StepSpec]) -> Vec<&str> {
    steps.iter().map(|s| s.key.as_str()).collect()
}

#[test]
fn a_script_gets_what_its_descriptor_and_the_request_say() {
    let body = json!({ "inputs": { "mode": "slow", "additional_parameters": { "why": "" } } });
    let flavour = flavour(vec![operation("heal_end", "flow", Some("Scripts/flow"), body)]);
    let given: KeyValuePairs = [("why".to_owned(), json!("so"))].into_iter().collect();
    let hooks = scripts(&Vnfd::default(), &flavour, kinds::HEAL, &given).unwrap();
    assert!(hooks.before.is_empty());
    let params: ScriptParams = serde_json::from_value(hooks.after[0].params.clone()).unwrap();
    assert_eq!((params.kind, params.file.as_str()), (ScriptKind::Python, "Scripts/flow"));
    assert_eq!(params.dependencies, ["Scripts/lib.tar"]);
    assert_eq!(json!(params.inputs), json!({ "mode": "slow", "size": 3 }));
    assert_eq!(json!(params.additional_params), json!({ "why": "so" }));
    assert!(!params.network);
    assert_eq!(scripts(&Vnfd::default(), &flavour, kinds::SCALE, &given).unwrap(), Hooks::default());

    let names: Vec<String> = declared_parameters(&flavour, kinds::HEAL).into_iter().collect();
    assert_eq!(names, ["mode", "size", "why"]);
    assert!(undeclared(&flavour, kinds::HEAL, &given).is_empty());
    let fault = &undeclared(&flavour, kinds::SCALE, &given)[0];
    assert_eq!((fault.location.as_str(), fault.mend.as_deref()), ("/additionalParams/why", Some("leave it out")));
}

#[test]
fn what_cannot_be_run_is_told_at_once() {
    let odd = json!({ "inputs": { "where": { "get_property": ["SELF", "place"] } } });
    let flavour = flavour(vec![
        operation("heal_start", "https://elsewhere/flow.sh", None, Value::Null),
        operation("heal", "lib", Some("Scripts/lib.tar"), Value::Null),
        operation("heal_end", "flow", Some("Scripts/flow"), odd),
    ]);
    let faults = scripts(&Vnfd::default(), &flavour, kinds::HEAL, &KeyValuePairs::new()).unwrap_err();
    let told: Vec<&str> = faults.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("is no file of the package"), "{told:?}");
    assert!(told[1].contains("nothing says what runs Scripts/lib.tar"), "{told:?}");
    assert!(told[2].contains("TOSCA function"), "{told:?}");
}

#[test]
fn a_change_of_the_package_runs_what_its_policy_calls() {
    let mut flavour = flavour(vec![operation("change_current_package_end", "flow", Some("Scripts/flow"), Value::Null)]);
    let own = |name: &str, file: Option<&str>| Operation {
        implementation: file.map(|_| "flow".to_owned()),
        ..operation(name, "flow", file, Value::Null)
    };
    flavour.interfaces.push(Interface {
        name: "Change".into(),
        operations: vec![own("prepare", Some("Scripts/flow")), own("convert", Some("Scripts/flow")), own("rest", None)],
        ..Interface::default()
    });
    let trigger = |name: &str, event: &str, calls: &[&str]| Trigger {
        name: name.into(),
        event: Some(event.into()),
        calls: calls.iter().map(|c| (*c).to_owned()).collect(),
        ..Trigger::default()
    };
    let mut change = PackageChange {
        name: "from_1".into(),
        triggers: vec![
            trigger("last", "change_current_package_end_notification", &["Change.prepare"]),
            trigger(
                "first",
                "tosca.interfaces.nfv.Vnflcm.change_current_package_start",
                &["Change.prepare", "Change.rest"],
            ),
            trigger("it self", "change_current_package_notification", &["Change.convert", "Change.convert"]),
        ],
        ..PackageChange::default()
    };
    let given = KeyValuePairs::new();
    let mut hooks = scripts(&Vnfd::default(), &flavour, kinds::CHANGE_VNFPKG, &given).unwrap();
    triggered(&mut hooks, &Vnfd::default(), &flavour, &change, &given).unwrap();
    assert_eq!(keys(&hooks.before), ["script/first/1"], "what nothing implements is not run");
    let after = ["script/it_self/1", "script/it_self/2", "script/change_current_package_end", "script/last/1"];
    assert_eq!(keys(&hooks.after), after);
    assert_eq!(hooks.after[0].params["hook"], "Change.convert");

    change.triggers.push(trigger("odd", "x", &["Chance.convert", "convert"]));
    let told = triggered(&mut Hooks::default(), &Vnfd::default(), &flavour, &change, &given).unwrap_err();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].message.contains("no such interface") && told[0].mend.as_deref().unwrap().contains("Change"));
}

#[test]
fn steps_around_a_plan_wait_for_the_grant_and_for_everything() {
    let step = |key: &str| StepSpec::new(key, "k", key);
    let plan = Plan::new(vec![
        step(GRANT).starting(),
        step("link").after(GRANT),
        step("port").after(GRANT).after("link"),
        step("volume").after(GRANT),
    ])
    .unwrap();
    let hooks = Hooks { before: vec![step("a"), step("b")], after: vec![step("y"), step("z")] };
    let around = hooks.around(plan.clone()).unwrap();
    assert_eq!(keys(around.steps()), [GRANT, "a", "b", "link", "port", "volume", "y", "z"]);
    let after = |key: &str| around.steps().iter().find(|s| s.key == key).unwrap().after.clone();
    assert_eq!(after("a"), [GRANT]);
    assert_eq!(after("b"), ["a"]);
    assert_eq!(after("link"), [GRANT, "b"]);
    assert_eq!(after("port"), [GRANT, "link"], "it waits through the link");
    assert_eq!(after("volume"), [GRANT, "b"]);
    assert_eq!(after("y"), ["port", "volume"]);
    assert_eq!(after("z"), ["y"]);
    assert_eq!(Hooks::default().around(plan.clone()).unwrap(), plan);

    // A plan without a grant, and one with nothing to do.
    let record = Plan::new(vec![step("record")]).unwrap();
    let around = Hooks { before: vec![step("a")], after: vec![step("z")] }.around(record).unwrap();
    assert_eq!(keys(around.steps()), ["a", "record", "z"]);
    let nothing = Plan::new(vec![step(GRANT).starting()]).unwrap();
    let around = Hooks { before: vec![step("a")], after: vec![step("z")] }.around(nothing).unwrap();
    let last = around.steps().last().unwrap();
    assert_eq!((last.key.as_str(), last.after.as_slice()), ("z", &["a".to_owned()][..]));
}
