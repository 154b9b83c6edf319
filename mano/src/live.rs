//! Long work while it happens: one spinner per running step on a terminal, one line per change elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use reference_points::common::events::reconnect_pause;
use reference_points::os_ma_nfvo::mano::{OpEvent, OpProgress, OpStep, OpSummary, StepState};
use uuid::Uuid;

use crate::context::Context;
use crate::fail::Failure;

/// Connection attempts without any answer until watching is given up.
const PATIENCE: u32 = 12;

/// Shows the steps of an operation until it rests. Fails when it did not end well.
pub async fn watch(context: &Context, op: Uuid) -> Result<OpProgress, Failure> {
    let mut events = context.events(op).await?;
    let mut view = View::new();
    let mut failures = 0;
    let progress = loop {
        match events.next::<OpEvent>().await {
            Ok(event) => {
                failures = 0;
                match event.event {
                    OpEvent::Step { step } => view.step(&step, 0),
                    OpEvent::Operation { operation } if operation.rests() => {
                        // The stream replays the past: an earlier rest that somebody ended by a retry is not the end.
                        let now = context.steps(op).await?;
                        if now.operation.rests() {
                            break now;
                        }
                    }
                    OpEvent::Operation { operation } => {
                        view.say(&format!("{} {}", operation.operation, operation.state))
                    }
                }
            }
            Err(error) => {
                failures += 1;
                if failures > PATIENCE || error.status().is_some_and(|s| s < 500) {
                    return Err(error.into());
                }
                tokio::time::sleep(reconnect_pause(failures)).await;
            }
        }
    };
    for step in &progress.steps {
        view.step(step, 0);
    }
    view.end();
    verdict(&progress.operation)?;
    Ok(progress)
}

/// An operation that did not complete, as a failure with the commands that help.
fn verdict(operation: &OpSummary) -> Result<(), Failure> {
    if operation.state == "COMPLETED" {
        crate::output::note(&format!(
            "{} {} COMPLETED in {}",
            operation.operation,
            operation.id,
            took(operation.started_at, Some(operation.state_entered_at))
        ));
        return Ok(());
    }
    let mut problem = operation.problem.clone().unwrap_or_else(|| {
        reference_points::common::ProblemDetails::new(500, operation.state.clone(), "the operation tells no reason")
    });
    problem.title = Some(format!("{} {} is {}", operation.operation, operation.id, operation.state));
    if operation.state == "FAILED_TEMP" {
        let id = operation.id;
        let next = format!("mano op retry {id} --wait | mano op rollback {id} --wait | mano op show {id}");
        problem.next = Some(problem.next.map_or_else(|| next.clone(), |more| format!("{next}\n        {more}")));
    }
    problem.trace_id = problem.trace_id.or_else(|| operation.trace_id.clone());
    Err(Failure::problem(problem))
}

struct View {
    bars: MultiProgress,
    running: BTreeMap<String, ProgressBar>,
    shown: BTreeMap<String, StepState>,
    terminal: bool,
}

impl View {
    fn new() -> Self {
        let bars = MultiProgress::new();
        let terminal = !bars.is_hidden();
        Self { bars, running: BTreeMap::new(), shown: BTreeMap::new(), terminal }
    }

    fn say(&self, text: &str) {
        if !self.terminal || self.bars.println(text).is_err() {
            crate::output::note(text);
        }
    }

    fn step(&mut self, step: &OpStep, depth: usize) {
        let name = format!("{depth}/{}", step.key);
        if self.shown.insert(name.clone(), step.state) != Some(step.state) {
            self.changed(&name, step, depth);
        } else if let Some(bar) = self.running.get(&name) {
            bar.set_message(message(step, depth));
        }
        for part in &step.parts {
            let mut part = part.clone();
            part.key = format!("{}/{}", step.key, part.key);
            self.step(&part, depth + 1);
        }
    }

    fn changed(&mut self, name: &str, step: &OpStep, depth: usize) {
        let runs =
            matches!(step.state, StepState::Running | StepState::Waiting | StepState::Retrying | StepState::Undoing);
        if !runs {
            if let Some(bar) = self.running.remove(name) {
                bar.finish_and_clear();
            }
            if step.state != StepState::Pending {
                self.say(&message(step, depth));
            }
        } else if self.terminal {
            let bars = &self.bars;
            let bar = self.running.entry(name.to_owned()).or_insert_with(|| {
                let bar = bars.add(ProgressBar::new_spinner().with_style(style()));
                bar.enable_steady_tick(Duration::from_millis(120));
                bar
            });
            bar.set_message(message(step, depth));
        } else {
            self.say(&message(step, depth));
        }
    }

    fn end(&mut self) {
        for (_, bar) in std::mem::take(&mut self.running) {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn message(step: &OpStep, depth: usize) -> String {
    let mark = match step.state {
        StepState::Pending => "·",
        StepState::Running => "▸",
        StepState::Waiting => "…",
        StepState::Retrying => "↻",
        StepState::Done => "✓",
        StepState::Failed => "✗",
        StepState::Undoing => "◂",
        StepState::Undone => "↩",
    };
    let time =
        step.started_at.map(|from| step.ended_at.map_or_else(String::new, |to| format!("  {}", took(from, Some(to)))));
    let problem = step.problem.as_ref().map(|p| format!("  {p}"));
    let note = step
        .note
        .as_ref()
        .filter(|_| step.problem.is_none() && step.state != StepState::Done)
        .map(|n| format!("  {n}"));
    format!(
        "{:indent$}{mark} {}{}{}{}",
        "",
        step.title,
        time.unwrap_or_default(),
        note.unwrap_or_default(),
        problem.unwrap_or_default(),
        indent = depth * 2
    )
}

/// A span of microseconds as people read it.
pub fn took(from: i64, to: Option<i64>) -> String {
    let Some(to) = to else { return "-".to_owned() };
    let millis = (to - from).max(0) / 1000;
    if millis < 1000 { format!("{millis} ms") } else { format!("{:.1} s", millis as f64 / 1000.0) }
}
