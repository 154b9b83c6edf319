//! The fuzz targets for a short fixed count: the same inputs every time. `examples/fuzz.rs` runs them long.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fuzzing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Unoptimised programs on a busy machine are some ten times slower than what [`fuzzing::LIMIT`] is for.
const LIMIT: Duration = fuzzing::LIMIT.saturating_mul(5);

/// Runs executions 0 to `count`. Some of their inputs must be accepted, and the others refused for so many kinds of faults:
/// otherwise they do not get far enough to try anything.
fn run(name: &str, count: u64, kinds: usize) {
    let target = fuzzing::target(name).unwrap();
    let (mut accepted, mut found) = (0, Vec::new());
    for at in 0..count {
        match catch_unwind(AssertUnwindSafe(|| fuzzing::execute(&*target, 1, at))) {
            Ok((good, took)) => {
                accepted += u64::from(good);
                if took > LIMIT {
                    found.push(format!("execution {at} took {took:?}"));
                }
            }
            Err(_) => found.push(format!("execution {at} ended in a panic")),
        }
    }
    assert!(
        found.is_empty(),
        "{}\nsee them again with: cargo run --profile fuzz -p descriptors --example fuzz -- --target {name} --seed 1 --at NUMBER",
        found.join("\n")
    );
    let told = fuzzing::kinds();
    println!("{name}: {count} executions, {accepted} accepted, {told} kinds of faults told");
    assert!(told >= kinds, "only {told} kinds of faults are told");
    assert!((1..count).contains(&accepted), "{accepted} of {count} accepted");
}

#[test]
fn archives_of_any_shape_are_answered() {
    run("archive", 600, 45);
}

#[test]
fn manifests_and_signatures_of_any_shape_are_answered() {
    run("manifest", 600, 24);
}

#[test]
fn templates_of_any_shape_are_answered() {
    run("tosca", 200, 30);
}

#[test]
fn instance_data_of_any_shape_are_answered() {
    run("sol006", 300, 20);
}

#[test]
fn appliances_of_any_shape_are_answered() {
    run("ovf", 800, 15);
}

#[test]
fn what_inputs_are_made_of_is_accepted() {
    for name in fuzzing::TARGETS {
        let target = fuzzing::target(name).unwrap();
        let refused: Vec<String> =
            target.seeds().iter().filter(|s| !target.read(s)).map(|s| format!("{name}: {}", s[0].0)).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}

#[test]
fn an_execution_has_the_same_input_every_time() {
    for name in fuzzing::TARGETS {
        let (one, other) = (fuzzing::target(name).unwrap(), fuzzing::target(name).unwrap());
        let input = |target: &dyn fuzzing::Target, seed, at| fuzzing::input(target, seed, at);
        for at in 0..20 {
            assert!(input(&*one, 7, at) == input(&*other, 7, at), "{name} {at}");
        }
        assert!((0..20).any(|at| input(&*one, 7, at) != input(&*one, 8, at)), "{name}: the seed changes nothing");
    }
}
