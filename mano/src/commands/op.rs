//! `mano op`: operations of network services and of VNFs, their steps, and what can be done about them.

use reference_points::common::CallError;
use reference_points::or_vnfm::{CancelMode, CancelModeType};
use reference_points::os_ma_nfvo::mano::{OpProgress, OpStep};
use uuid::Uuid;

use crate::cli::{Op, Task};
use crate::context::Context;
use crate::fail::Failure;
use crate::lists;
use crate::live::{self, took};
use crate::output::{self, Format};

pub async fn run(context: &Context, command: Op) -> Result<(), Failure> {
    match command {
        Op::List { vnf, list } => {
            if vnf {
                let columns = [
                    ("id", "/id"),
                    ("operation", "/operation"),
                    ("state", "/operationState"),
                    ("vnf", "/vnfInstanceId"),
                    ("started", "/startTime"),
                ];
                output::list(
                    context.format,
                    &lists::all(&list, |query| async move { context.vnfs.list_op_occs(&query).await }).await?,
                    &columns,
                )
            } else {
                let columns = [
                    ("id", "/id"),
                    ("operation", "/lcmOperationType"),
                    ("state", "/operationState"),
                    ("ns", "/nsInstanceId"),
                    ("started", "/startTime"),
                ];
                output::list(
                    context.format,
                    &lists::all(&list, |query| async move { context.ns.list_op_occs(&query).await }).await?,
                    &columns,
                )
            }
        }
        Op::Show { op } => show(context, op).await,
        Op::Watch { op } => live::watch(context, op).await.map(drop),
        Op::Retry(task) => {
            match context.ns.retry(task.op).await {
                Err(error) if unknown(&error) => context.vnfs.retry(task.op).await.map(drop)?,
                other => other.map(drop)?,
            }
            follow(context, &task).await
        }
        Op::Rollback(task) => {
            match context.ns.rollback(task.op).await {
                Err(error) if unknown(&error) => context.vnfs.rollback(task.op).await.map(drop)?,
                other => other.map(drop)?,
            }
            follow_to(context, &task, "ROLLED_BACK").await
        }
        Op::Fail(task) => {
            match context.ns.fail(task.op).await {
                Err(error) if unknown(&error) => context.vnfs.fail(task.op).await.map(drop)?,
                other => other.map(drop)?,
            }
            show(context, task.op).await
        }
        Op::Cancel { task, force } => {
            let mode =
                CancelMode { cancel_mode: if force { CancelModeType::Forceful } else { CancelModeType::Graceful } };
            match context.ns.cancel(task.op, &mode).await {
                Err(error) if unknown(&error) => context.vnfs.cancel(task.op, &mode).await.map(drop)?,
                other => other.map(drop)?,
            }
            if task.wait { live::watch(context, task.op).await.map(drop) } else { show(context, task.op).await }
        }
    }
}

/// The NFVO does not know this operation: it may be one of the VNFM.
fn unknown(error: &CallError) -> bool {
    error.status() == Some(404)
}

async fn follow(context: &Context, task: &Task) -> Result<(), Failure> {
    if task.wait { live::watch(context, task.op).await.map(drop) } else { show(context, task.op).await }
}

/// Waits for an end that is not COMPLETED.
async fn follow_to(context: &Context, task: &Task, wanted: &str) -> Result<(), Failure> {
    if !task.wait {
        return show(context, task.op).await;
    }
    let watched = live::watch(context, task.op).await;
    let progress = context.steps(task.op).await?;
    if progress.operation.state == wanted {
        output::note(&format!("{} is {wanted}", task.op));
        return Ok(());
    }
    watched.map(drop)
}

async fn show(context: &Context, op: Uuid) -> Result<(), Failure> {
    let progress = context.steps(op).await?;
    if context.format != Format::Table {
        return output::document(context.format, &serde_json::to_value(&progress)?);
    }
    let OpProgress { operation, steps } = &progress;
    let time = took(operation.started_at, Some(operation.state_entered_at));
    let whose = if operation.automatic { ", automatic: begun by the manager itself" } else { "" };
    output::line(&format!("{} {} {} after {time}{whose}", operation.operation, operation.id, operation.state))?;
    let mut rows = Vec::new();
    let start = operation.started_at;
    for step in steps {
        row(step, 0, start, &mut rows);
    }
    output::table(&["step", "state", "from", "took", "tries", "problem"], rows)?;
    for step in steps.iter().flat_map(|s| std::iter::once(s).chain(&s.parts)) {
        if let Some(printed) = &step.output {
            output::line(&format!("{} printed:", step.title))?;
            for line in printed.lines() {
                output::line(&format!("  {line}"))?;
            }
        }
    }
    if let Some(problem) = &operation.problem {
        output::note(&Failure::problem(problem.clone()).to_string());
    }
    Ok(())
}

fn row(step: &OpStep, depth: usize, start: i64, rows: &mut Vec<Vec<String>>) {
    let state = serde_json::to_value(step.state).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    rows.push(vec![
        format!("{:indent$}{}", "", step.title, indent = depth * 2),
        state,
        step.started_at.map_or_else(|| "-".to_owned(), |from| format!("+{}", took(start, Some(from)))),
        step.started_at.map_or_else(|| "-".to_owned(), |from| took(from, step.ended_at)),
        step.attempts.to_string(),
        step.problem.as_ref().map_or_else(String::new, ToString::to_string),
    ]);
    for part in &step.parts {
        row(part, depth + 1, start, rows);
    }
}
