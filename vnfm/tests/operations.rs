//! Instantiate and terminate through everything that may happen to them, over the steps that the plans yield.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Instance, VnfWorld};
use db::testing::TestDb;
use lcm::testkit::Harness;
use serde_json::json;

#[tokio::test]
async fn instantiation_on_sqlite() {
    let db = TestDb::sqlite().await;
    println!("{}", Harness::new((*db).clone(), || async { VnfWorld::instantiation() }).all().await);
}

#[tokio::test]
async fn instantiation_on_postgresql() {
    let Some(db) = TestDb::postgres().await else { return };
    println!("{}", Harness::new((*db).clone(), || async { VnfWorld::instantiation() }).all().await);
}

/// Everything that may happen to an operation on a running instance.
async fn on_a_running_instance(db: &TestDb, operation: fn(Instance) -> VnfWorld) {
    let own = (**db).clone();
    let harness = Harness::new((**db).clone(), move || {
        let own = own.clone();
        async move { operation(Instance::running(own).await) }
    });
    println!("{}", harness.all().await);
}

/// A test of an operation on each database.
macro_rules! on_both_databases {
    ($($name:ident: $operation:expr;)*) => {
        mod on_sqlite {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                on_a_running_instance(&TestDb::sqlite().await, $operation).await;
            })*
        }

        mod on_postgresql {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let Some(db) = TestDb::postgres().await else { return };
                on_a_running_instance(&db, $operation).await;
            })*
        }
    };
}

on_both_databases! {
    termination: Instance::terminating;
    scaling_out: Instance::scaling_out;
    scaling_in: Instance::scaling_in;
    healing_what_was_lost: Instance::healing;
    stopping: Instance::stopping;
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
