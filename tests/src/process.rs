//! A service as a process: started with a configuration of its own, killed without warning, started again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Folder of the built binaries: `MANO_BIN`, or where this test was built.
pub fn binaries() -> PathBuf {
    std::env::var_os("MANO_BIN").map_or_else(
        || {
            let own = std::env::current_exe().expect("the path of this test");
            own.ancestors().nth(2).expect("target/debug").to_path_buf()
        },
        PathBuf::from,
    )
}

/// A service process. It ends with the test.
pub struct Process {
    pub name: String,
    pub url: String,
    program: &'static str,
    config: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// Writes the configuration; nothing runs yet.
    pub fn new(program: &'static str, name: &str, port: u16, dir: &Path, config: &str) -> Self {
        let path = dir.join(format!("{name}.yaml"));
        std::fs::write(&path, config).expect("a configuration file");
        let log = dir.join(format!("{name}.log"));
        let (name, url) = (name.to_owned(), format!("http://127.0.0.1:{port}"));
        Self { name, url, program, config: path, log, child: None }
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(&self.log).expect("a log file");
        let program = binaries().join(self.program);
        let child = Command::new(&program)
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
        self.child = Some(child);
        let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let begun = Instant::now();
        loop {
            if let Ok(answer) = client.get(format!("{}/readyz", self.url)).send().await
                && answer.status().is_success()
            {
                return;
            }
            let ended = self.child.as_mut().and_then(|c| c.try_wait().ok().flatten());
            assert!(ended.is_none(), "{} ended with {ended:?}:\n{}", self.name, self.tail());
            assert!(begun.elapsed() < Duration::from_secs(60), "{} is not ready:\n{}", self.name, self.tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// SIGKILL, at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("reaped");
        }
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("── end of the log of {} ──\n{}", self.name, self.tail());
        }
        self.kill();
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
