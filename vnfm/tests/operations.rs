//! Instantiate and terminate through everything that may happen to them, over the steps that the plans yield.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Changing, Instance, VnfWorld, elsewhere};
use db::testing::TestDb;
use lcm::testkit::Harness;
use serde_json::json;
use vnfm::ops::converge::Order;
use vnfm::ops::revert;

#[tokio::test]
async fn instantiation_on_sqlite() {
    let db = TestDb::sqlite().await;
    instantiation(&db).await;
}

#[tokio::test]
async fn instantiation_on_postgresql() {
    let Some(db) = TestDb::postgres().await else { return };
    instantiation(&db).await;
}

async fn instantiation(db: &TestDb) {
    let report = Harness::new((**db).clone(), || async { VnfWorld::instantiation() }).all().await;
    println!("testkit: instantiation on {:?}: {report}", db.dialect);
}

/// Everything that may happen to an operation on a running instance.
async fn on_a_running_instance(db: &TestDb, name: &str, operation: fn(Instance) -> VnfWorld) {
    let own = (**db).clone();
    let harness = Harness::new((**db).clone(), move || {
        let own = own.clone();
        async move { operation(Instance::running(own).await) }
    });
    println!("testkit: {} on {:?}: {}", name.replace('_', " "), db.dialect, harness.all().await);
}

/// A test of an operation on each database. The engine writes the same on both, and PostgreSQL takes three times as long:
/// the operations in the second list run on it with the long tests only.
macro_rules! on_both_databases {
    ({ $($name:ident: $operation:expr;)* } { $($long:ident: $long_operation:expr;)* }) => {
        mod on_sqlite {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                on_a_running_instance(&TestDb::sqlite().await, stringify!($name), $operation).await;
            })*
            $(#[tokio::test]
            async fn $long() {
                on_a_running_instance(&TestDb::sqlite().await, stringify!($long), $long_operation).await;
            })*
        }

        mod on_postgresql {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let Some(db) = TestDb::postgres().await else { return };
                on_a_running_instance(&db, stringify!($name), $operation).await;
            })*
        }

        mod soak_on_postgresql {
            use super::*;
            $(#[tokio::test]
            #[ignore = "long: tests/run --soak"]
            async fn $long() {
                let Some(db) = TestDb::postgres().await else { return };
                on_a_running_instance(&db, stringify!($long), $long_operation).await;
            })*
        }
    };
}

on_both_databases! {{
    termination: Instance::terminating;
    scaling_in: Instance::scaling_in;
    reconnecting: Instance::reconnecting;
    reverting_to_a_snapshot: Instance::reverting;
} {
    scaling_out: Instance::scaling_out;
    scaling_out_with_the_vnf: Instance::scaling_out_with_the_vnf;
    healing_what_was_lost: Instance::healing;
    stopping: Instance::stopping;
    changing_flavour: Instance::changing_flavour;
    changing_package_node_by_node: Instance::rolling;
    changing_package_beside: Instance::blue_green;
    taking_a_snapshot: Instance::snapshotting;
}}

#[tokio::test]
async fn a_change_touches_only_what_differs() {
    let instance = Instance::running((*TestDb::sqlite().await).clone()).await;
    let (_, moved) = instance.changed(&Changing { links: elsewhere(), ..Changing::default() }).unwrap();
    let changed: Vec<&str> = moved.change.iter().map(|c| c.old.name()).collect();
    assert_eq!(changed, ["pair-node-1"], "the second node stays on its link");
    let gone: Vec<&str> = moved.remove.iter().map(|o| o.name()).collect();
    assert_eq!((moved.ports.len(), gone), (1, vec!["pair-node-1-outside"]));
    assert!(moved.add.vnfcs.is_empty() && moved.add.links.is_empty() && !moved.change[0].anew);

    let (_, nothing) = instance.changed(&Changing::default()).unwrap();
    assert!(nothing.is_empty(), "{nothing:#?}");

    let (_, less) = instance.changed(&Changing { nodes: 1, ..Changing::default() }).unwrap();
    assert!(less.remove.iter().any(|o| o.name() == "pair-node-2") && less.change.is_empty());
}

#[tokio::test]
async fn a_vnf_returns_only_to_a_snapshot_that_fits_it() {
    let instance = Instance::running((*TestDb::sqlite().await).clone()).await;
    let (id, returns) = instance.captured();
    let mut snapshot = instance.snapshot(id, &returns);
    let fits = revert::returns(&snapshot, &instance.has, None).unwrap();
    assert_eq!(fits, returns);
    let one = revert::returns(&snapshot, &instance.has, Some("pair-node-2")).unwrap();
    assert_eq!((one.len(), one[0].vnfc.name()), (1, "pair-node-2"));
    let unknown = revert::returns(&snapshot, &instance.has, Some("node-9")).unwrap_err();
    assert_eq!((unknown[0].location.as_str(), unknown.len()), ("/vnfcInstanceId", 1), "{unknown:#?}");

    let fewer: Vec<_> = instance.has.iter().filter(|o| o.name() != "pair-node-2").cloned().collect();
    let gone = revert::returns(&snapshot, &fewer, None).unwrap_err();
    assert!(gone.len() == 1 && gone[0].message.contains("pair-node-2") && gone[0].mend.is_some(), "{gone:#?}");

    snapshot.vnfc_snapshots[0].storage_snapshot_resources.pop();
    let removed = snapshot.vnfc_snapshots.pop().unwrap();
    let faults = revert::returns(&snapshot, &instance.has, None).unwrap_err();
    let told: Vec<&str> = faults.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(told[0].contains("other volumes") && told[1].contains(&removed.vnfc_instance_id), "{told:?}");
}

#[tokio::test]
async fn a_change_that_would_lose_something_is_refused() {
    let instance = Instance::running((*TestDb::sqlite().await).clone()).await;
    let mut changing = Changing::default();
    let data = changing.vnfd.flavours[0].storages.iter_mut().find(|s| s.name == "data").unwrap();
    data.size_bytes *= 2;
    let faults = instance.changed(&changing).unwrap_err();
    assert_eq!((faults.len(), faults[0].location.as_str()), (2, "VNFC pair-node-1"), "{faults:#?}");
    assert!(faults[0].message.contains("pair-node-1-data would be another one"), "{faults:#?}");

    let beside = Changing { order: Order::NewFirst, other_image: true, ..Changing::default() };
    let faults = instance.changed(&beside).unwrap_err();
    assert!(faults[0].message.contains("has address 203.0.113.9 until the new one is there"), "{faults:#?}");
}

#[test]
fn resources_wait_only_for_what_they_need() {
    let world = VnfWorld::instantiation();
    let steps = world.plan().steps();
    let titled = |title: &str| steps.iter().find(|s| s.title == title).unwrap_or_else(|| panic!("no step {title:?}"));
    assert_eq!(titled("Create port outside of pair-node-1").after, ["grant"], "an external port waits for no link");
    let (first, second) = (titled("Run pair-node-1"), titled("Run pair-node-2"));
    let of_second: Vec<&str> =
        steps.iter().filter(|s| s.title.contains("pair-node-2")).map(|s| s.key.as_str()).collect();
    assert!(!first.after.iter().any(|k| of_second.contains(&k.as_str())), "the first node waits for the second");
    assert!(!second.after.contains(&first.key), "the second node waits for the first");
    assert_eq!(first.after.len(), 1 + 2 + 2 + 1, "grant, two ports, two volumes, one group: {:?}", first.after);
}

#[tokio::test]
async fn a_scaling_names_what_comes_and_what_goes() {
    let instance = Instance::running((*TestDb::sqlite().await).clone()).await;
    let out = instance.scaled(json!({"type": "SCALE_OUT", "aspectId": "nodes", "numberOfSteps": 2})).unwrap();
    let names: Vec<&str> = out.add.vnfcs.iter().map(|v| v.name.as_str()).collect();
    assert_eq!((names, out.add.volumes.len(), out.remove.len()), (vec!["pair-node-3", "pair-node-4"], 4, 0));
    assert_eq!((out.add.links.len(), out.add.groups.len()), (0, 0), "what is there is used");
    let group = instance.has.iter().find(|o| o.name() == "apart").unwrap().id();
    assert!(out.add.vnfcs.iter().all(|v| v.groups == [group]), "the new ones keep apart too");
    assert_eq!(out.facts.scale_status[0].scale_level, 2);

    let in_ = instance.levelled(json!({"scaleInfo": [{"aspectId": "nodes", "scaleLevel": 0}]})).unwrap();
    assert!(in_.remove.is_empty() && in_.add.vnfcs.is_empty(), "it is at that level");
    let far = instance.scaled(json!({"type": "SCALE_OUT", "aspectId": "nodes", "numberOfSteps": 3})).unwrap_err();
    assert_eq!(far[0].location, "/numberOfSteps");
    assert!(far[0].message.contains("at scale level 0 of 0..=2"), "{far:?}");
    let below = instance.scaled(json!({"type": "SCALE_IN", "aspectId": "nodes"})).unwrap_err();
    assert!(below[0].message.contains("1 down"), "{below:?}");
    let unknown = instance.scaled(json!({"type": "SCALE_IN", "aspectId": "node", "numberOfSteps": 0})).unwrap_err();
    assert_eq!((unknown.len(), unknown[1].mend.as_deref()), (2, Some("one of nodes")));
    let both = json!({"instantiationLevelId": "x", "scaleInfo": [{"aspectId": "nodes", "scaleLevel": 1}]});
    assert!(instance.levelled(both).unwrap_err()[0].message.starts_with("either"));
    let level = instance.levelled(json!({"instantiationLevelId": "x"})).unwrap_err();
    assert_eq!(level[0].location, "/instantiationLevelId");
}
