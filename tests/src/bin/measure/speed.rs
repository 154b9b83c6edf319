//! Time from request to COMPLETED, beside the raw script for the same machines.

use std::time::Instant;

use mano_tests::lab::{Lab, Wishes};
use mano_tests::samples;
use reference_points::os_ma_nfvo::mano::OpStep;

use crate::raw::Script;

/// Seconds that libvirt's define and start took so far, and how many machines were started.
async fn libvirt(lab: &Lab) -> (f64, f64) {
    let text = lab.metrics("nfvi-agent").await;
    let value = |name: &str, action: &str| {
        let head = format!("nfvi_action_duration_seconds_{name}{{action=\"{action}\"}}");
        let line = text.lines().find_map(|line| line.strip_prefix(&head));
        line.and_then(|v| v.trim().parse::<f64>().ok()).unwrap_or(0.0)
    };
    (value("sum", "define") + value("sum", "start"), value("count", "start"))
}

/// Steps without parts of their own, with begin and end in milliseconds after `zero`.
fn leaves(steps: &[OpStep], zero: i64, found: &mut Vec<(f64, f64, String)>) {
    for step in steps {
        if step.parts.is_empty() {
            if let (Some(begin), Some(end)) = (step.started_at, step.ended_at) {
                let ms = |at: i64| (at - zero) as f64 / 1e3;
                found.push((ms(begin), ms(end), step.title.clone()));
            }
        } else {
            leaves(&step.parts, zero, found);
        }
    }
}

/// Runs and prints.
pub async fn run(rounds: u32) {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-m-speed", &Wishes::default()).await else { return };
    let ns = lab.demo(&image).await;
    let mut script: Option<Script> = None;
    println!("two VNFs of one VNFC each, five ports, three networks; milliseconds\n");
    println!("round  accepted  COMPLETED  less libvirt  per VNF |   raw  less libvirt | ours/raw");
    let mut timeline = Vec::new();
    for round in 0..=rounds {
        let before = libvirt(&lab).await;
        let begun = Instant::now();
        let op = lab.instantiate(ns).await;
        let accepted = begun.elapsed().as_secs_f64() * 1e3;
        let summary = lab.rest(op).await;
        assert_eq!(summary.state, "COMPLETED", "{summary:#?}");
        let ours = (summary.state_entered_at - summary.started_at) as f64 / 1e3;
        let after = libvirt(&lab).await;
        let machines = after.1 - before.1;
        let create = (after.0 - before.0) * 1e3 / machines.max(1.0);
        let progress = lab.mano.steps(op).await.expect("steps");
        timeline.clear();
        leaves(&progress.steps, summary.started_at, &mut timeline);
        if script.is_none() {
            let topology = lab.mano.topology(ns).await.expect("a topology");
            let agent = lab.path().join("nfvi-agent");
            script = Some(Script::learn(lab.nfvi(), topology, &agent, &lab.path().join("raw")));
        }
        lab.completed(lab.terminate(ns).await).await;
        let Some(script) = &script else { return };
        let raw = script.up(lab.nfvi());
        script.down(lab.nfvi());
        // The first round has caches to warm on both sides.
        if round > 0 {
            println!(
                "{round:>5}  {accepted:>8.1}  {ours:>9.0}  {:>12.0}  {:>7.0} | {:>5.0}  {:>12.0} | {:>8.2}",
                ours - create,
                (ours - create) / machines.max(1.0),
                raw.total,
                raw.total - raw.create,
                ours / raw.total
            );
        }
    }
    let end = timeline.iter().map(|step| step.1).fold(0.0, f64::max);
    let work: f64 = timeline.iter().map(|step| step.1 - step.0).sum();
    println!("\nthe last round: {work:.0} ms of steps within {end:.0} ms, {:.1} side by side on average", work / end);
    timeline.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (begin, finish, title) in &timeline {
        let column = |at: f64| (at / end * 60.0).round() as usize;
        let bar = format!("{}{}", " ".repeat(column(*begin)), "█".repeat((column(*finish) - column(*begin)).max(1)));
        println!("{bar:<62} {begin:>5.0} … {finish:>5.0}  {title}");
    }
}
