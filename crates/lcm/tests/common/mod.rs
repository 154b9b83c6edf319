//! A small world outside: networks, ports, machines that take a while, and a service that is busy at first. Everything
//! is made by id and carries its operation as owner.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod script;

use async_trait::async_trait;
use db::{AnyConnection, Db, Migration, sqlx};
use lcm::testkit::World;
use lcm::{
    Change, Engine, Lookup, NewOperation, Observer, ObserverError, OperationState, OperationView, Outcome, Plan,
    Problem, Registry, Step, StepCx, StepError, StepSpec, StepView,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    Building,
    Ready,
    Deleting,
}

#[derive(Clone, Debug)]
pub struct Thing {
    pub owner: Uuid,
    pub phase: Phase,
    pub polls: u32,
    pub needs: Vec<String>,
}

/// What is there.
#[derive(Debug, Default)]
pub struct Outside {
    pub things: Mutex<BTreeMap<String, Thing>>,
    pub refusals: Mutex<BTreeSet<String>>,
}

impl Outside {
    pub fn ids(&self) -> BTreeSet<String> {
        self.things.lock().unwrap().keys().cloned().collect()
    }

    fn ensure(&self, cx: &StepCx, phase: Phase) {
        let id = cx.params["id"].as_str().unwrap().to_owned();
        let needs: Vec<String> =
            cx.params["needs"].as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect();
        let mut things = self.things.lock().unwrap();
        for need in &needs {
            assert!(
                things.get(need).is_some_and(|t| t.phase == Phase::Ready),
                "{id} was begun before {need} was ready"
            );
        }
        things.entry(id).or_insert(Thing { owner: cx.operation, phase, polls: 0, needs });
    }

    fn remove(&self, cx: &StepCx) {
        let id = cx.params["id"].as_str().unwrap();
        let mut things = self.things.lock().unwrap();
        if let Some(user) = things.iter().find(|(_, t)| t.needs.iter().any(|n| n == id)) {
            panic!("{id} was removed while {} needs it", user.0);
        }
        things.remove(id);
    }
}

fn id(cx: &StepCx) -> String {
    cx.params["id"].as_str().unwrap().to_owned()
}

/// Made and removed at once.
pub struct Make(pub Arc<Outside>);

#[async_trait]
impl Step for Make {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        tokio::task::yield_now().await;
        self.0.ensure(cx, Phase::Ready);
        tokio::task::yield_now().await;
        Ok(Outcome::Done(json!({ "made": id(cx) })))
    }
    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        tokio::task::yield_now().await;
        self.0.remove(cx);
        Ok(Outcome::done())
    }
    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        Ok(match self.0.ids().contains(&id(cx)) {
            true => Lookup::Done(json!({ "made": id(cx) })),
            false => Lookup::NotDone,
        })
    }
}

/// Takes a while, in both directions, and says when it is ready.
pub struct Build(pub Arc<Outside>);

#[async_trait]
impl Step for Build {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let port = cx.params["after"].as_str().unwrap();
        if cx.output(port).is_none() {
            return Err(StepError::permanent(Problem::new("No port", format!("{port} has no output"))));
        }
        self.0.ensure(cx, Phase::Building);
        tokio::task::yield_now().await;
        let ready = {
            let mut things = self.0.things.lock().unwrap();
            let thing = things.get_mut(&id(cx)).unwrap();
            thing.polls += 1;
            if cx.memo.is_some() && thing.polls > 3 {
                thing.phase = Phase::Ready;
            }
            thing.phase == Phase::Ready
        };
        if ready {
            return Ok(Outcome::Done(json!({ "made": id(cx) })));
        }
        Ok(Outcome::park(format!("ready/{}", id(cx)), Duration::from_secs(30), "waits for the machine")
            .remember(json!({"job": 1})))
    }
    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let deleting = {
            let mut things = self.0.things.lock().unwrap();
            match things.get_mut(&id(cx)) {
                None => return Ok(Outcome::done()),
                Some(t) if t.phase == Phase::Deleting => true,
                Some(t) => {
                    t.phase = Phase::Deleting;
                    false
                }
            }
        };
        tokio::task::yield_now().await;
        if deleting {
            self.0.remove(cx);
            return Ok(Outcome::done());
        }
        Ok(Outcome::park(format!("gone/{}", id(cx)), Duration::from_secs(5), "waits for the machine to go"))
    }
}

/// Refuses the first time.
pub struct Flaky(pub Arc<Outside>);

#[async_trait]
impl Step for Flaky {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        if self.0.refusals.lock().unwrap().insert(cx.key.clone()) {
            return Err(StepError::transient(Problem::new("Busy", "503")));
        }
        Make(self.0.clone()).run(cx).await
    }
    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        Make(self.0.clone()).undo(cx).await
    }
}

/// Decided once, and kept in the journal.
pub struct Grant;

#[async_trait]
impl Step for Grant {
    async fn run(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::Done(json!({ "zone": Uuid::new_v4() })))
    }
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }
}

pub fn registry(outside: &Arc<Outside>) -> Registry {
    Registry::new()
        .with("grant", Grant)
        .with("make", Make(outside.clone()))
        .with("build", Build(outside.clone()))
        .with("flaky", Flaky(outside.clone()))
}

pub fn operation(plan: Plan) -> NewOperation {
    NewOperation {
        id: Uuid::new_v4(),
        kind: "INSTANTIATE".into(),
        subject: Uuid::new_v4().to_string(),
        params: json!({"flavour": "small"}),
        plan,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        automatic: false,
    }
}

fn step(key: &str, kind: &str, tag: Uuid, needs: &[&str]) -> StepSpec {
    let ids: Vec<String> = needs.iter().map(|n| format!("{n}-{tag}")).collect();
    StepSpec::new(key, kind, format!("Make {key}"))
        .params(json!({ "id": format!("{key}-{tag}"), "needs": ids, "after": needs.first() }))
        .after_all(needs.iter().copied())
}

/// Two networks, two ports, two machines, an application; a grant before.
pub fn plan() -> Plan {
    let tag = Uuid::new_v4();
    Plan::new(vec![
        StepSpec::new("grant", "grant", "Ask for a grant").starting(),
        step("net-a", "make", tag, &[]),
        step("net-b", "make", tag, &[]),
        step("port-1", "make", tag, &["net-a"]),
        step("port-2", "flaky", tag, &["net-b", "net-a"]),
        step("vm-1", "build", tag, &["port-1"]),
        step("vm-2", "build", tag, &["port-2"]),
        step("app", "make", tag, &["vm-1", "vm-2"]),
    ])
    .unwrap()
}

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "notifications",
    sql: &[
        "CREATE TABLE IF NOT EXISTS notification (op TEXT NOT NULL, n BIGINT NOT NULL, state TEXT NOT NULL, made BIGINT NOT NULL, PRIMARY KEY (op, n))",
    ],
}];

/// Writes a notification with each transition, and how many outputs there were.
pub struct Outbox;

#[async_trait]
impl Observer for Outbox {
    async fn on_transition(
        &self,
        tx: &mut AnyConnection,
        op: &OperationView,
        change: &Change,
    ) -> Result<(), ObserverError> {
        let made = change.steps.iter().filter(|s| s.output.is_some()).count() as i64;
        sqlx::query(
            "INSERT INTO notification (op, n, state, made) SELECT $1, COUNT(*), $2, $3 FROM notification WHERE op = $1",
        )
        .bind(op.id.to_string())
        .bind(change.to.as_str())
        .bind(made)
        .execute(&mut *tx)
        .await?;
        Ok(())
    }
}

pub async fn notifications(db: &Db, op: Uuid) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT state, made FROM notification WHERE op = $1 ORDER BY n")
        .bind(op.to_string())
        .fetch_all(&db.pool)
        .await
        .unwrap()
}

pub async fn prepare(db: &Db) {
    db.migrate("fake", MIGRATIONS).await.unwrap();
}

/// The world as the harness sees it.
pub struct FakeWorld {
    pub db: Db,
    pub outside: Arc<Outside>,
}

impl FakeWorld {
    pub async fn new(db: Db) -> Self {
        prepare(&db).await;
        Self { db, outside: Arc::default() }
    }
}

#[async_trait]
impl World for FakeWorld {
    fn registry(&self) -> Registry {
        registry(&self.outside)
    }
    fn operation(&self) -> NewOperation {
        operation(plan())
    }
    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(Outbox)
    }
    /// The first machine tells when it is ready; the second has to be polled. Both tell when they are gone.
    async fn nudge(&self, engine: &Engine) -> bool {
        let event = self.outside.things.lock().unwrap().iter_mut().find_map(|(id, t)| match t.phase {
            Phase::Building if id.starts_with("vm-1") => {
                t.phase = Phase::Ready;
                Some(format!("ready/{id}"))
            }
            _ => None,
        });
        match event {
            Some(key) => {
                engine.wake(&key).await.unwrap();
                true
            }
            None => false,
        }
    }
    async fn assert_completed(&self, op: &OperationView, steps: &[StepView]) {
        let expected: BTreeSet<String> =
            steps.iter().filter_map(|s| s.params["id"].as_str().map(str::to_owned)).collect();
        assert_eq!(self.outside.ids(), expected);
        assert!(self.outside.things.lock().unwrap().values().all(|t| t.phase == Phase::Ready && t.owner == op.id));
        assert_eq!(op.error, None);
        let told = notifications(&self.db, op.id).await;
        assert_eq!(told.first().unwrap().0, "STARTING");
        assert_eq!(told.last().unwrap(), &("COMPLETED".to_owned(), 8));
        assert_eq!(told.iter().filter(|(s, _)| s == "COMPLETED").count(), 1);
    }
    async fn assert_nothing_left(&self, op: &OperationView, _: &[StepView]) {
        assert_eq!(self.outside.ids(), BTreeSet::new());
        let told = notifications(&self.db, op.id).await;
        assert_eq!(told.last().unwrap(), &("ROLLED_BACK".to_owned(), 0));
    }
}

/// Waits, in real time, until an operation is no longer at work.
pub async fn settled(engine: &Engine, id: Uuid) -> OperationView {
    let mut changes = engine.watch();
    loop {
        let op = engine.get(id).await.unwrap().expect("the operation");
        if !op.state.is_active() {
            return op;
        }
        tokio::time::timeout(Duration::from_secs(30), changes.recv()).await.expect("nothing happens any more").ok();
    }
}

pub fn value(v: &Value) -> String {
    v.to_string()
}

pub const FAILED_TEMP: OperationState = OperationState::FailedTemp;
