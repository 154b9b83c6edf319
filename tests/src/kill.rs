//! When services are killed, the same in every run, and in what.

use reference_points::os_ma_nfvo::mano::{OpProgress, OpStep, StepState};

/// A number from a seed (splitmix64): the same moments every time.
pub fn seeded(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The steps that run, as words; those of the VNFM in place of the one that waits for them.
pub fn running(progress: &OpProgress) -> String {
    let titles: Vec<String> = progress.steps.iter().flat_map(titles).collect();
    if titles.is_empty() { "no step".to_owned() } else { titles.join(", ") }
}

fn titles(step: &OpStep) -> Vec<String> {
    let parts: Vec<String> = step.parts.iter().flat_map(titles).collect();
    let busy = matches!(step.state, StepState::Running | StepState::Waiting | StepState::Retrying);
    if parts.is_empty() && busy { vec![step.title.clone()] } else { parts }
}
