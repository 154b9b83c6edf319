//! schemathesis, as others have it, against the VNFM's own OpenAPI document.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::lab::Lab;

/// Cases for each operation from which on those that cover its schema are made too: thousands.
const MANY: usize = 50;

/// What it found.
#[derive(Debug)]
pub struct Found {
    /// Requests that it made.
    pub cases: usize,
    /// Whether all answers kept to the document.
    pub clean: bool,
    /// All that it said.
    pub text: String,
}

/// The program; `None` when it is not installed, which is said.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("MANO_SCHEMATHESIS").map(PathBuf::from).filter(|p| p.exists());
    if path.is_none() {
        println!("SKIPPED: MANO_SCHEMATHESIS names no program; tests/run and tests/schemathesis install it");
    }
    path
}

/// Runs it with `examples` cases for each operation; with many of them, beside those that cover the schema. `known` gives path parameters
/// values that exist, so that what lies behind them is reached.
pub fn run(program: &Path, lab: &Lab, examples: usize, known: &[(&str, Vec<String>)]) -> Found {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vnfm/openapi.json");
    let text = std::fs::read_to_string(document).expect("the VNFM's document");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    for item in document["paths"].as_object_mut().expect("paths").values_mut() {
        for operation in item.as_object_mut().expect("an item").values_mut() {
            // Every status must be declared by its own name.
            operation["responses"].as_object_mut().expect("answers").remove("default");
            for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some((_, values)) = known.iter().find(|(name, _)| parameter["name"] == *name) {
                    parameter["schema"] = json!({ "type": "string", "enum": values });
                }
            }
        }
    }
    let file = lab.path().join("vnfm-openapi.json");
    std::fs::write(&file, document.to_string()).expect("a file");
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let phases = if examples < MANY { "examples,fuzzing" } else { "examples,coverage,fuzzing" };
    let out = Command::new(program)
        .args(["--no-color", "run"])
        .arg(&file)
        .args(["--url", &lab.services["vnfm"].url, "--checks", checks, "--phases", phases])
        .args(["--max-examples", &examples.to_string(), "--seed", "1", "--workers", "2", "--continue-on-failure"])
        .args([
            "--no-shrink",
            "--warnings",
            "off",
            "--suppress-health-check",
            "all",
            "--exclude-path-regex",
            "/events$",
        ])
        .current_dir(lab.path())
        .env("HOME", lab.path())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    let cases = text.lines().find_map(generated).unwrap_or_default();
    Found { cases, clean: out.status.success(), text }
}

/// The number before the word `generated`.
fn generated(line: &str) -> Option<usize> {
    let before = line.split_once(" generated")?.0;
    before.rsplit(' ').next()?.replace(',', "").parse().ok()
}
