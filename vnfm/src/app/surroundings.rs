//! What steps around an operation are told: the instance as it is at that moment, and the files of its package.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use db::{Clock, Db};
use lcm::{Engine, Problem, StepCx, StepError};
use reference_points::common::{CallError, Uuid};
use reference_points::or_vi::Port;
use reference_points::or_vnfm::{InstantiationState, VnfInstance};
use serde_json::{Value, json};
use service::http::ApiError;

use super::packages::{Known, Packages};
use crate::foreign::Connections;
use crate::ops::hooks::ScriptParams;
use crate::ops::inventory::{Owned, Part, after};
use crate::ops::params::OperationParams;
use crate::ops::record::instantiated;
use crate::steps::{self, Scene, Surroundings};
use crate::store::{INSTANCES, resources, ve};

/// Files of a script at most.
const MAX_FILES: usize = 200;
/// Bytes of a script's files at most, together.
const MAX_BYTES: usize = 16 << 20;
/// Scripts whose files are kept in memory at most.
const KEPT: usize = 16;

type Files = Arc<BTreeMap<String, Vec<u8>>>;

/// From the VNFM's database and the NFVO's packages.
pub struct Around {
    db: Db,
    clock: Arc<dyn Clock>,
    packages: Arc<Packages>,
    engine: OnceLock<Arc<Engine>>,
    kept: Mutex<BTreeMap<(Uuid, String), Files>>,
}

impl Around {
    /// Over a database and the NFVO's packages.
    pub fn new(db: Db, clock: Arc<dyn Clock>, packages: Arc<Packages>) -> Self {
        Self { db, clock, packages, engine: OnceLock::new(), kept: Mutex::default() }
    }

    /// Tells the engine whose steps these are: it is made after them.
    pub fn engine(&self, engine: Arc<Engine>) {
        let _ = self.engine.set(engine);
    }

    async fn fetched(&self, known: &Known, script: &ScriptParams) -> Result<BTreeMap<String, Vec<u8>>, StepError> {
        let folder = script.file.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        let beside = known.listed.iter().filter(|path| {
            // The folder of a script at the top is the whole package: there it is alone.
            folder.as_ref().is_some_and(|folder| path.starts_with(folder.as_str()))
        });
        let named = std::iter::once(&script.file).chain(&script.dependencies);
        let wanted: BTreeSet<&String> = named.chain(beside).collect();
        if wanted.len() > MAX_FILES {
            return Err(unusable(
                script,
                format!("its folder has {} files, at most {MAX_FILES} are allowed", wanted.len()),
            ));
        }
        let (mut files, mut bytes) = (BTreeMap::new(), 0);
        for path in wanted {
            let found = self.packages.file(known, path).await.map_err(|e| unread(path, &e))?;
            let Some(content) = found else {
                return Err(unusable(script, format!("the package has no file {path}")));
            };
            bytes += content.len();
            if bytes > MAX_BYTES {
                return Err(unusable(script, format!("its files have more than {MAX_BYTES} bytes")));
            }
            files.insert(path.clone(), content);
        }
        Ok(files)
    }
}

fn unusable(script: &ScriptParams, detail: String) -> StepError {
    StepError::permanent(Problem::new("The script cannot be run", detail).status(422).resource(script.file.clone()))
}

fn unread(what: &str, error: &CallError) -> StepError {
    let problem = Problem::new("The NFVO's package could not be read", format!("{what}: {error}"));
    if error.is_transient() || error.is_unknown() {
        StepError::transient(problem)
    } else {
        StepError::permanent(problem)
    }
}

fn unknown(vnfd_id: &str, error: &ApiError) -> StepError {
    let detail = format!("{vnfd_id}: {}", error.problem);
    let problem = Problem::new("The NFVO's package could not be read", detail).status(error.problem.status);
    if error.problem.status >= 500 { StepError::transient(problem) } else { StepError::permanent(problem) }
}

fn stored(error: impl std::fmt::Display) -> StepError {
    StepError::transient(Problem::new("The database could not be read", error.to_string()))
}

#[async_trait]
impl steps::Known for Around {
    async fn connections(&self, instance: Uuid) -> Result<Connections, StepError> {
        Ok(INSTANCES.require(&self.db, instance).await.map_err(stored)?.document.0.vim_connection_info)
    }
}

#[async_trait]
impl Surroundings for Around {
    async fn instance(&self, cx: &StepCx) -> Result<Scene, StepError> {
        let id: Uuid = cx.subject.parse().map_err(|_| stored("the operation's subject is no VNF instance"))?;
        let params: OperationParams = cx.operation_params_as()?;
        let steps = match self.engine.get() {
            Some(engine) => engine.steps(cx.operation).await.map_err(stored)?,
            None => Vec::new(),
        };
        let record = INSTANCES.require(&self.db, id).await.map_err(stored)?.document.0;
        let had = resources::of(&self.db, id).await.map_err(stored)?;
        let names = |all: &[Owned]| -> BTreeSet<String> {
            all.iter().filter(|o| o.vnfc().is_some()).map(|o| o.name().to_owned()).collect()
        };
        let before = names(&had);
        let has = after(had, &steps);
        let gone = before.difference(&names(&has)).cloned().collect();
        let facts = match params.facts {
            Some(facts) => Some(facts),
            None => resources::facts(&self.db, id).await.map_err(stored)?,
        };
        let mut record = VnfInstance { vim_connection_info: BTreeMap::new(), ..record };
        if let Some(modified) = params.modified {
            record = VnfInstance { vim_connection_info: BTreeMap::new(), ..modified.0 };
        }
        if let Some(Value::Object(properties)) = params.properties {
            record.vnf_configurable_properties = properties;
        }
        record.instantiated_vnf_info = facts.filter(|_| !has.is_empty()).map(|facts| instantiated(&facts, &has));
        if !has.is_empty() {
            record.instantiation_state = InstantiationState::Instantiated;
        }
        Ok(Scene { record: json!(record), vnfcs: vnfcs(&has), gone })
    }

    async fn kept(&self, cx: &StepCx) -> Result<Option<Value>, StepError> {
        ve::kept(&self.db, cx.operation, &cx.key).await.map_err(stored)
    }

    async fn keep(&self, cx: &StepCx, value: Value) -> Result<(), StepError> {
        ve::keep(&self.db, cx.operation, &cx.key, &value).await.map_err(stored)
    }

    fn now(&self) -> i64 {
        self.clock.now_micros()
    }

    async fn files(&self, script: &ScriptParams) -> Result<BTreeMap<String, Vec<u8>>, StepError> {
        let package = self.packages.get(&script.vnfd_id).await.map_err(|e| unknown(&script.vnfd_id, &e))?;
        let key = (package.package, script.file.clone());
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(files) = known {
            return Ok(files.as_ref().clone());
        }
        let files = self.fetched(&package, script).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_first();
        }
        kept.insert(key, Arc::new(files.clone()));
        Ok(files)
    }
}

/// The VNFCs with their addresses, simpler than the record has them.
pub fn vnfcs(has: &[Owned]) -> Value {
    let port = |id: Uuid| has.iter().find(|o| o.id() == id && matches!(o.part, Part::Port(_)));
    let shown = |owned: &Owned| {
        let vnfc = owned.vnfc()?;
        let cps = vnfc.ports.iter().map(|part| {
            let found: Option<Port> = port(part.id).and_then(Owned::found_as);
            let ips = found.iter().flat_map(|p| &p.addresses).map(|a| a.ip.to_string());
            json!({
                "cpd": part.cpd,
                "network": part.on.network(),
                "mac": found.as_ref().map(|p| &p.mac),
                "addresses": ips.collect::<Vec<_>>(),
            })
        });
        Some(json!({
            "name": vnfc.name,
            "vdu": vnfc.vdu,
            "computeId": vnfc.id,
            "vimId": owned.at.vim,
            "stopped": owned.stopped,
            "cps": cps.collect::<Vec<_>>(),
        }))
    };
    Value::Array(has.iter().filter_map(shown).collect())
}
