//! Measures what the engine itself costs: operations of twenty steps that do nothing, as a chain and side by side, one at
//! a time and sixteen at once.
//!
//! ```sh
//! cargo run --release -p lcm --example overhead -- sqlite:///var/tmp/overhead.db
//! cargo run --release -p lcm --example overhead -- postgres://…
//! ```

use async_trait::async_trait;
use db::{Db, DbConfig, SystemClock};
use lcm::{Engine, EngineConfig, NewOperation, NoObserver, Outcome, Plan, Registry, Step, StepCx, StepError, StepSpec};
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const STEPS: usize = 20;

struct Nothing;

#[async_trait]
impl Step for Nothing {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::Done(json!({ "id": cx.key })))
    }
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Chain,
    SideBySide,
}

fn operation(shape: Shape) -> Result<NewOperation, Box<dyn Error>> {
    let steps = (0..STEPS)
        .map(|i| {
            let step = StepSpec::new(format!("step-{i}"), "nothing", format!("Do nothing, number {i}"))
                .params(json!({ "id": Uuid::new_v4(), "name": format!("thing-{i}") }));
            match (shape, i) {
                (Shape::Chain, 1..) => step.after(format!("step-{}", i - 1)),
                _ => step,
            }
        })
        .collect();
    Ok(NewOperation {
        id: Uuid::new_v4(),
        kind: "MEASURE".into(),
        subject: Uuid::new_v4().to_string(),
        params: json!({}),
        plan: Plan::new(steps)?,
        traceparent: None,
        automatic: false,
    })
}

async fn finished(
    engine: &Engine,
    id: Uuid,
    changes: &mut tokio::sync::broadcast::Receiver<Arc<lcm::ChangeEvent>>,
) -> Result<(), Box<dyn Error>> {
    loop {
        match changes.recv().await {
            Ok(change) if change.operation == id && change.state.is_final() => return Ok(()),
            Ok(_) => {}
            Err(_) if engine.get(id).await?.is_some_and(|op| op.state.is_final()) => return Ok(()),
            Err(_) => {}
        }
    }
}

/// Runs `each` operations in each of `side_by_side` tasks; returns the duration of all.
async fn measure(engine: &Engine, shape: Shape, side_by_side: usize, each: usize) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    let tasks = (0..side_by_side).map(|_| async {
        let mut changes = engine.watch();
        for _ in 0..each {
            let op = engine.submit(operation(shape)?).await?;
            finished(engine, op.id, &mut changes).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    });
    futures::future::try_join_all(tasks).await?;
    Ok(started.elapsed())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("name a database: sqlite:///path/file.db or postgres://…")?;
    let db = Db::open(&url, &DbConfig::default()).await?;
    let metrics = prometheus::Registry::new();
    let registry = Registry::new().with("nothing", Nothing);
    let engine = Engine::open(
        db,
        registry,
        Arc::new(NoObserver),
        EngineConfig::new("overhead"),
        Arc::new(SystemClock),
        &metrics,
    )
    .await?;
    engine.start();
    measure(&engine, Shape::Chain, 1, 3).await?;
    let writes = || {
        let families = metrics.gather();
        let family = families.iter().find(|f| f.name() == "lcm_journal_write_seconds");
        family.map_or(0, |f| f.get_metric().iter().map(|m| m.get_histogram().get_sample_count()).sum::<u64>())
    };
    println!("{:?}, {STEPS} steps per operation", engine);
    for shape in [Shape::Chain, Shape::SideBySide] {
        for (side_by_side, each) in [(1, 30), (16, 8)] {
            let before = writes();
            let took = measure(&engine, shape, side_by_side, each).await?;
            let operations = side_by_side * each;
            let per_operation = took.as_secs_f64() * 1e3 / operations as f64;
            println!(
                "{shape:?}, {side_by_side} at a time: {per_operation:.2} ms per operation, {:.3} ms per step, {:.1} journal writes per operation",
                per_operation / STEPS as f64,
                (writes() - before) as f64 / operations as f64,
            );
        }
    }
    engine.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
