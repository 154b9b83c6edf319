//! Damaged descriptors: whatever is cut out, doubled or exchanged, reading ends, with a model or with reasons.

use std::time::{Duration, Instant};

use descriptors::diag::Diagnostics;

use crate::read::{NSD, PNFD, VNFD, VNFD_TYPES, changed_nsd, changed_pnfd, vnfd_of};

/// Numbers that look random and are the same in every run (a linear congruential generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Words that stand for others of every kind.
const WORDS: [&str; 12] = [
    "",
    "~",
    "-1",
    "99999999999999999999",
    "[ ]",
    "{ }",
    "[ [ a ] ]",
    "{ get_input: x }",
    "true",
    "SELF",
    "UNBOUNDED",
    "{ a: { b: c } }",
];

fn damaged(text: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(lines.len());
        match dice.below(5) {
            0 => {
                lines.remove(at);
            }
            1 => {
                let double = lines[at].clone();
                lines.insert(at, double);
            }
            2 => {
                let other = dice.below(lines.len());
                lines.swap(at, other);
            }
            3 => {
                // One value becomes another.
                if let Some((key, _)) = lines[at].clone().split_once(": ") {
                    lines[at] = format!("{key}: {}", WORDS[dice.below(WORDS.len())]);
                }
            }
            _ => {
                // One name becomes that of another line.
                let other =
                    lines[dice.below(lines.len())].trim().split([':', ' ', ',']).next().unwrap_or_default().to_owned();
                let words: Vec<&str> = lines[at].split(' ').collect();
                let from = words[dice.below(words.len())].to_owned();
                if !from.is_empty() {
                    lines[at] = lines[at].replacen(&from, &other, 1);
                }
            }
        }
    }
    lines.join("\n")
}

fn survive<M>(text: &str, rounds: u64, read: impl Fn(&str) -> Result<M, Diagnostics>) {
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..rounds {
        let damaged = damaged(text, &mut Dice(round));
        let start = Instant::now();
        match read(&damaged) {
            Ok(_) => accepted += 1,
            Err(found) => {
                assert!(found.has_errors(), "round {round}: refused without a reason");
                refused += 1;
            }
        }
        assert!(start.elapsed() < Duration::from_secs(10), "round {round} took {:?}", start.elapsed());
    }
    assert!(accepted > 0 && refused > 0, "{accepted} accepted, {refused} refused");
}

#[test]
fn damaged_vnfds_are_read_to_the_end() {
    survive(VNFD, 120, |text| vnfd_of(text, VNFD_TYPES));
}

#[test]
fn damaged_types_are_read_to_the_end() {
    survive(VNFD_TYPES, 120, |text| vnfd_of(VNFD, text));
}

#[test]
fn damaged_nsds_are_read_to_the_end() {
    survive(NSD, 120, |text| changed_nsd(|_| text.to_owned()));
}

#[test]
fn damaged_pnfds_are_read_to_the_end() {
    survive(PNFD, 200, |text| changed_pnfd(|_| text.to_owned()));
}
