//! The service as a process: its command line, its signals, its logs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod example;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use example::ExampleService;
use serde_json::Value;

/// The process under test is this test program itself, told by its environment to be the service. Untold, it is asked for a
/// configuration that does not exist.
#[test]
fn service_process() {
    let told = std::env::var("EXAMPLE_ARGUMENTS").ok();
    let arguments: Vec<String> = match &told {
        Some(arguments) => serde_json::from_str(arguments).unwrap(),
        None => ["example", "--config", "/nowhere.yaml"].map(str::to_owned).to_vec(),
    };
    let ended = service::cli::run_from::<ExampleService>(arguments.into_iter().map(Into::into));
    match told {
        Some(_) => std::process::exit(i32::from(ended != std::process::ExitCode::SUCCESS)),
        None => assert_eq!(ended, std::process::ExitCode::from(2)),
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut all = vec!["example"];
    all.extend(arguments);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "service_process", "--nocapture", "--test-threads=1"])
        .env("EXAMPLE_ARGUMENTS", serde_json::to_string(&all).unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> (Output, String) {
    let output = command(arguments).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, text)
}

fn config(dir: &Path, more: &str) -> String {
    let path = dir.join("example.yaml");
    let database = dir.join("example.db");
    let text = format!(
        "service:\n  listen: 127.0.0.1:0\n  database: sqlite://{}\n  shutdown_grace_secs: 2\n{more}",
        database.display()
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

struct Process {
    child: Child,
    lines: Vec<Value>,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Process {
    fn start(config: &str) -> Self {
        let mut child = command(&["--config", config]).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines: Vec::new(), stderr }
    }

    /// Reads the log until a line of which `message` is a part.
    fn until(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "no {message:?} in {:#?}", self.lines);
            let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
            self.lines.push(line.clone());
            if line["message"].as_str().is_some_and(|m| m.contains(message)) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn the_help_teaches_and_the_document_is_printed() {
    let (_, help) = run(&["--help"]);
    for says in ["It does nothing of use.", "--check-config", "openapi", "backup", "127.0.0.1:0", "SIGTERM"] {
        assert!(help.contains(says), "{says} in {help}");
    }
    let (_, document) = run(&["openapi"]);
    let json = &document[document.find('{').unwrap()..=document.rfind('}').unwrap()];
    assert_eq!(serde_json::from_str::<Value>(json).unwrap()["info"]["title"], "example");
}

#[test]
fn a_wrong_configuration_is_told_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = config(dir.path(), "  lgo: {level: info}\n  http: {max_body_bytes: many}\n");
    let (output, said) = run(&["--config", &path, "--check-config"]);
    assert!(!output.status.success());
    assert!(said.contains("2 faults") && said.contains("did you mean \"log\"?") && said.contains(":5:"), "{said}");
    let path = config(dir.path(), "  listen: 0.0.0.0:1\n");
    assert!(run(&["--config", &path, "--check-config"]).1.contains("listen"), "a key given twice");
    std::fs::write(&path, "service:\n  listen: 0.0.0.0:1\n").unwrap();
    let said = run(&["--config", &path, "--check-config"]).1;
    assert!(said.contains("allow_remote") && said.contains("/service/database"), "{said}");
    assert!(run(&["--config", "/nowhere.yaml"]).1.contains("--help shows a minimal one"));
    std::fs::write(&path, "service:\n  database: postgres://me:s3cret@h/d\n").unwrap();
    let (output, said) = run(&["--config", &path, "--print-config"]);
    assert!(output.status.success() && said.contains("max_body_bytes: 2097152") && !said.contains("s3cret"), "{said}");
}

#[tokio::test]
async fn a_process_serves_logs_with_the_trace_id_and_ends_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(&config(dir.path(), ""));
    let line = process.until("example serves");
    let base = format!("http://{}", line["address"].as_str().unwrap());
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let http = reqwest::Client::new();
    let header = format!("00-{trace}-b7ad6b7169203331-01");
    let answer = http.get(format!("{base}/example/v2/broken")).header("traceparent", header).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    let panic = process.until("panic: on purpose");
    assert_eq!(panic["trace_id"], trace, "also the line of a panic: {panic}");
    assert_eq!(process.until("answered")["trace_id"], trace);

    let backup = dir.path().join("copy.db").display().to_string();
    let path = dir.path().join("example.yaml").display().to_string();
    let (output, said) = run(&["--config", &path, "backup", &backup]);
    assert!(output.status.success() && Path::new(&backup).exists(), "{said}");
    let (output, said) = run(&["--config", &path, "restore", &backup, "--replace"]);
    assert!(!output.status.success() && said.contains("stop the service first"), "{said}");

    process.signal("TERM");
    process.until("stopping");
    let (code, _) = process.end();
    assert_eq!(code, Some(0));
    assert!(!dir.path().join("example.db-wal").exists(), "the log is folded into the database");
    let (output, said) = run(&["--config", &path, "restore", &backup, "--replace"]);
    assert!(output.status.success(), "{said}");
}

#[tokio::test]
async fn a_request_that_hangs_does_not_keep_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(&config(dir.path(), ""));
    let base = format!("http://{}", process.until("example serves")["address"].as_str().unwrap());
    let hangs = tokio::spawn(reqwest::get(format!("{base}/example/v2/slow")));
    let http = reqwest::Client::new();
    loop {
        let text = http.get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
        if text.contains("http_requests_in_flight 2") {
            break;
        }
    }
    let begun = std::time::Instant::now();
    process.signal("TERM");
    let (code, _) = process.end();
    assert_eq!(code, Some(0));
    let took = begun.elapsed();
    assert!(took >= std::time::Duration::from_millis(1900) && took < std::time::Duration::from_secs(15), "{took:?}");
    assert!(hangs.await.unwrap().is_err());
}

#[tokio::test]
async fn a_killed_process_starts_again_on_its_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = config(dir.path(), "");
    let mut process = Process::start(&path);
    process.until("example serves");
    process.signal("KILL");
    process.end();
    let mut process = Process::start(&path);
    process.until("example serves");
    process.signal("INT");
    assert_eq!(process.end().0, Some(0));
}
