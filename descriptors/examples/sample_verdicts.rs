//! Prints a table over the packages of others: verdict strict, verdict lenient, faults (errors in bold).
//!
//! `MANO_SHARED=DIR cargo run -p descriptors --example sample_verdicts`
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/common/corpus.rs"]
mod corpus;

use descriptors::lint::Verdict;

fn main() {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED does not name the directory with the packages of others");
        return;
    };
    let word = |v: Verdict| if v == Verdict::Accepted { "accepted" } else { "refused" };
    let lines = corpus::lines(shared.as_ref());
    println!("| package | the name promises | strict | lenient | faults |\n| --- | --- | --- | --- | --- |");
    for line in &lines {
        println!(
            "| {} | {} | {} | {} | {} |",
            line.package,
            line.refused_for.map_or_else(|| "good".to_owned(), |code| format!("refused: {code}")),
            word(line.strict.verdict),
            word(line.lenient.verdict),
            line.faults()
        );
    }
    let accepted = lines.iter().filter(|l| l.lenient.verdict == Verdict::Accepted).count();
    println!("\n{} packages, {accepted} accepted leniently", lines.len());
}
