//! Running a script of the VNF package, with the instance as it stands at that moment (SOL001 clause 6.7). A script runs
//! again when its operation is retried, and when the VNFM ended while it ran: it must bear that, and is told which try it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lcm::{Outcome, Problem, Step, StepCx, StepError};
use serde_json::{Map, Value, json};

use crate::ops::hooks::ScriptParams;
use crate::ops::params::OperationParams;
use crate::scripts::{Finished, Job, Runner, last_lines};

/// Lines of a script's output in its problem.
const LINES: usize = 12;
/// What a step has beyond the script's own time: for its files and its folder.
const SLACK: Duration = Duration::from_secs(60);

/// What the steps around an operation ask of the VNFM.
#[async_trait]
pub trait Surroundings: Send + Sync {
    /// The instance as it is now, after what the operation did so far: its record and its VNFCs.
    async fn instance(&self, cx: &StepCx) -> Result<Scene, StepError>;

    /// A script's files, by path: itself, those of its folder, and its dependencies.
    async fn files(&self, script: &ScriptParams) -> Result<BTreeMap<String, Vec<u8>>, StepError>;

    /// What a step keeps, beside the journal, for those who look at its operation.
    async fn kept(&self, cx: &StepCx) -> Result<Option<Value>, StepError>;

    /// Keeps it.
    async fn keep(&self, cx: &StepCx, value: Value) -> Result<(), StepError>;

    /// The time, in microseconds since the epoch.
    fn now(&self) -> i64;
}

/// An instance in the midst of an operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    /// Its record (SOL003 clause 5.5.2.2), without its VIM connections.
    pub record: Value,
    /// Its VNFCs with their addresses.
    pub vnfcs: Value,
    /// Names of VNFCs that the operation took away.
    pub gone: Vec<String>,
}

/// Runs a script.
pub struct RunScript {
    /// What runs it.
    pub runner: Arc<dyn Runner>,
    /// What it is told.
    pub around: Arc<dyn Surroundings>,
}

#[async_trait]
impl Step for RunScript {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: ScriptParams = cx.params_as()?;
        let operation: OperationParams = cx.operation_params_as()?;
        let files = self.around.files(&params).await?;
        let scene = self.around.instance(cx).await?;
        let job = job(cx, &params, operation.request, scene, files);
        let finished = self.runner.run(&job).await.map_err(StepError::Permanent)?;
        tracing::info!(script = %params.file, hook = %params.hook, exit_status = finished.exit_status, "a script ended");
        if finished.exit_status == 0 {
            return Ok(Outcome::Done(json!(finished)));
        }
        Err(failed(&params, &finished))
    }

    /// What a script did is its own: nothing is run to take it back.
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }

    fn time_limit(&self) -> Duration {
        self.runner.time_limit() + SLACK
    }
}

fn failed(params: &ScriptParams, finished: &Finished) -> StepError {
    let said = if finished.stderr.trim().is_empty() { &finished.stdout } else { &finished.stderr };
    let status = finished.exit_status;
    let signal = if status > 128 { format!(" (signal {})", status - 128) } else { String::new() };
    let text = format!("it ended with exit status {status}{signal}; mend its cause, then retry: it is run again");
    let problem = Problem::new(format!("The script {} of {} failed", params.file, params.hook), text);
    StepError::permanent(problem.status(500).resource(params.file.clone()).answered(last_lines(said, LINES)))
}

fn job(cx: &StepCx, params: &ScriptParams, mut request: Value, scene: Scene, files: BTreeMap<String, Vec<u8>>) -> Job {
    if let Value::Object(request) = &mut request {
        // Credentials of VIMs are none of the VNF's business.
        request.remove("vimConnectionInfo");
    }
    let mut variables: Map<String, Value> = params.inputs.clone();
    variables.extend(params.additional_params.clone());
    let input = json!({
        "operation": cx.operation_kind,
        "hook": params.hook,
        "attempt": cx.attempt,
        "vnfLcmOpOccId": cx.operation,
        "vnfInstanceId": cx.subject,
        "inputs": params.inputs,
        "additionalParams": params.additional_params,
        "request": request,
        "vnfInstance": scene.record,
        "vnfcs": scene.vnfcs,
    });
    Job {
        name: format!("{}-{}", cx.operation, cx.key.replace('/', "-")),
        kind: params.kind,
        network: params.network,
        file: params.file.clone(),
        files,
        input,
        variables,
        environment: vec![
            ("MANO_OPERATION", cx.operation_kind.clone()),
            ("MANO_HOOK", params.hook.clone()),
            ("MANO_ATTEMPT", cx.attempt.to_string()),
            ("MANO_OPERATION_ID", cx.operation.to_string()),
            ("MANO_VNF_INSTANCE_ID", cx.subject.clone()),
        ],
    }
}
