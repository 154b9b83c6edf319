//! Steps written as closures, and an engine around them.

use async_trait::async_trait;
use db::{Clock, Db, SystemClock};
use futures::future::BoxFuture;
use lcm::{
    Engine, EngineConfig, Lookup, NoObserver, Observer, Outcome, Plan, Registry, RetryPolicy, Step, StepCx, StepError,
    StepSpec,
};
use std::sync::Arc;
use std::time::Duration;

type Call<T> = Arc<dyn Fn(StepCx) -> BoxFuture<'static, Result<T, StepError>> + Send + Sync>;

/// A step of closures; undoing and looking up are as forgiving as can be unless said otherwise.
#[derive(Clone)]
pub struct Script {
    run: Call<Outcome>,
    undo: Call<Outcome>,
    lookup: Call<Lookup>,
    limit: Duration,
}

impl Script {
    pub fn new<F, Fut>(run: F) -> Self
    where
        F: Fn(StepCx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Outcome, StepError>> + Send + 'static,
    {
        Self {
            run: Arc::new(move |cx| Box::pin(run(cx))),
            undo: Arc::new(|_| Box::pin(async { Ok(Outcome::done()) })),
            lookup: Arc::new(|_| Box::pin(async { Ok(Lookup::RunAgain) })),
            limit: Duration::from_secs(600),
        }
    }

    pub fn lookup<F, Fut>(mut self, lookup: F) -> Self
    where
        F: Fn(StepCx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Lookup, StepError>> + Send + 'static,
    {
        self.lookup = Arc::new(move |cx| Box::pin(lookup(cx)));
        self
    }

    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

#[async_trait]
impl Step for Script {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        (self.run)(cx.clone()).await
    }
    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        (self.undo)(cx.clone()).await
    }
    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        (self.lookup)(cx.clone()).await
    }
    fn time_limit(&self) -> Duration {
        self.limit
    }
}

pub fn quick(owner: &str) -> EngineConfig {
    let mut config = EngineConfig::new(owner);
    config.retry = RetryPolicy { max_attempts: 4, base: Duration::from_millis(1), cap: Duration::from_millis(5) };
    config
}

pub async fn engine(db: &Db, config: EngineConfig, registry: Registry) -> Engine {
    engine_with(db, config, registry, Arc::new(NoObserver), Arc::new(SystemClock)).await
}

pub async fn engine_with(
    db: &Db,
    config: EngineConfig,
    registry: Registry,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
) -> Engine {
    Engine::open(db.clone(), registry, observer, config, clock, &prometheus::Registry::new()).await.unwrap()
}

/// Steps of kind `script`, named, each after those given.
pub fn steps(all: &[(&str, &[&str])]) -> Plan {
    let spec = |(key, after): &(&str, &[&str])| {
        StepSpec::new(*key, "script", format!("Do {key}")).after_all(after.iter().copied())
    };
    Plan::new(all.iter().map(spec).collect()).unwrap()
}

pub fn script(script: Script) -> Registry {
    Registry::new().with("script", script)
}
