//! Fuzzing on the stable toolchain: inputs made by changing real ones, read as a service would read them.
//!
//! Execution `at` of seed `seed` always has the same input, so a finding is named by two numbers. Inputs are changed in the
//! way of their format (lines and blocks, trees, fields of archives, values of DER), so that most of them get past the
//! parsers into what lies behind; some are only noise. There is no feedback from coverage, which would make inputs depend
//! on what went before. What counts as a finding: a panic (with overflow and debug assertions on), a refusal without a
//! reason, a report without end, an execution beyond its time, memory beyond its bound.
#![allow(dead_code)]

pub mod archive;
pub mod der;
pub mod emit;
pub mod manifest;
pub mod ovf;
pub mod rng;
pub mod sol006;
pub mod tapes;
pub mod text;
pub mod tosca;
pub mod tree;
pub mod words;
pub mod zips;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use descriptors::diag::Diagnostics;
use rng::Rng;

/// Names of all targets.
pub const TARGETS: [&str; 5] = ["archive", "manifest", "tosca", "sol006", "ovf"];

/// Longest time of one execution. On an idle machine none takes a hundredth of it.
pub const LIMIT: Duration = Duration::from_secs(2);

/// Most findings of one report: each of a handful of readers stops at its own bound of 500.
const MAX_FINDINGS: usize = 3000;

/// Files that are read together, each with its name.
pub type Input = Vec<(String, Vec<u8>)>;

/// A reader with the inputs it is tried on.
pub trait Target {
    /// The inputs that all others are made of.
    fn seeds(&self) -> Vec<Input>;
    /// Makes the input of one execution; all choices come from `rng`.
    fn make(&self, rng: &mut Rng) -> Input;
    /// Reads the input. A panic is a finding. The answer tells whether it was accepted.
    fn read(&self, input: &Input) -> bool;
}

/// The target of a name.
pub fn target(name: &str) -> Option<Box<dyn Target>> {
    Some(match name {
        "archive" => Box::new(archive::Archives::new()),
        "manifest" => Box::new(manifest::Manifests::new()),
        "tosca" => Box::new(tosca::Templates::new()),
        "sol006" => Box::new(sol006::Instances::new()),
        "ovf" => Box::new(ovf::Appliances::new()),
        _ => return None,
    })
}

/// The input of one execution.
pub fn input(target: &dyn Target, seed: u64, at: u64) -> Input {
    target.make(&mut Rng::of(seed, at))
}

/// One execution: whether its input was accepted, and how long the reading took. What seems to take beyond [`LIMIT`] is read
/// again, for a busy machine makes everybody wait; what is slow is slow every time.
pub fn execute(target: &dyn Target, seed: u64, at: u64) -> (bool, Duration) {
    let input = input(target, seed, at);
    let timed = || {
        let start = Instant::now();
        (target.read(&input), start.elapsed())
    };
    let (accepted, mut took) = timed();
    for _ in 0..2 {
        if took > LIMIT {
            took = took.min(timed().1);
        }
    }
    (accepted, took)
}

thread_local! {
    static TOLD: RefCell<BTreeSet<Cow<'static, str>>> = const { RefCell::new(BTreeSet::new()) };
}

/// How many kinds of faults this thread's executions were told of: how deep they got.
pub fn kinds() -> usize {
    TOLD.with(|told| told.borrow().len())
}

/// What every report must be: bounded, with a reason for each finding, printable.
fn sound(found: &Diagnostics) {
    assert!(found.len() <= MAX_FINDINGS, "{} findings", found.len());
    for d in found.iter() {
        assert!(!d.message.is_empty() && d.line != Some(0) && d.column != Some(0), "a finding tells nothing: {d:?}");
        assert!(d.message.len() < 20_000, "a message of {} bytes", d.message.len());
    }
    TOLD.with(|told| told.borrow_mut().extend(found.iter().map(|d| d.code.clone())));
    let text = found.to_string();
    assert!(text.len() < 8 << 20, "a report of {} bytes", text.len());
}

/// As [`sound`], for what was refused: one of the findings must be an error.
fn refused(found: &Diagnostics) {
    assert!(found.has_errors(), "refused without a reason: {found}");
    sound(found);
}
