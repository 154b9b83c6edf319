//! Instantiate and terminate through everything that may happen to them, over the steps that the plans yield.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::VnfWorld;
use db::testing::TestDb;
use lcm::testkit::Harness;

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

async fn termination(db: &TestDb) {
    let own = (**db).clone();
    let harness = Harness::new((**db).clone(), move || VnfWorld::termination(own.clone()));
    println!("{}", harness.all().await);
}

#[tokio::test]
async fn termination_on_sqlite() {
    termination(&TestDb::sqlite().await).await;
}

#[tokio::test]
async fn termination_on_postgresql() {
    let Some(db) = TestDb::postgres().await else { return };
    termination(&db).await;
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
