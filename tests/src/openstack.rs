//! The OpenStack client with its NFV plugin, as others have it, run as a program.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The client; `None` when it is not installed, which is said.
pub fn client() -> Option<PathBuf> {
    let path = std::env::var_os("MANO_OPENSTACK").map(PathBuf::from).filter(|p| p.exists());
    if path.is_none() {
        println!("SKIPPED: MANO_OPENSTACK names no client; tests/run installs it");
    }
    path
}

/// The client against one service of a lab.
#[derive(Debug, Clone)]
pub struct Openstack {
    program: PathBuf,
    endpoint: String,
    /// Value of `--os-tacker-api-version`: `1` or `2`.
    version: &'static str,
    home: PathBuf,
}

impl Openstack {
    /// The client against the service at `endpoint`, with version 2 of the APIs, and `home` as its home folder; `None` when
    /// it is not installed, which is said.
    pub fn at(endpoint: &str, home: &Path) -> Option<Self> {
        Some(Self { program: client()?, endpoint: endpoint.to_owned(), version: "2", home: home.to_owned() })
    }

    /// The same against version `version` of the APIs.
    #[must_use]
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// Whether a command succeeded, and all that it said.
    pub fn ran(&self, args: &[&str]) -> (bool, String) {
        let (done, out, err) = self.run(args);
        (done, out + &err)
    }

    /// What a command that must succeed says.
    pub fn does(&self, args: &[&str]) -> String {
        let (done, text) = self.ran(args);
        assert!(done, "openstack {args:?}: {text}");
        text
    }

    /// What a command that must succeed prints as JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["-f", "json"]);
        let (done, out, err) = self.run(&all);
        assert!(done, "openstack {args:?}: {out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("openstack {args:?}: {e}: {out}{err}"))
    }

    fn run(&self, args: &[&str]) -> (bool, String, String) {
        let out = Command::new(&self.program)
            .args(["--os-auth-type", "none", "--os-endpoint", &self.endpoint, "--os-tacker-api-version", self.version])
            .args(args)
            .env("HOME", &self.home)
            .output()
            .expect("the client runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.success(), text(&out.stdout), text(&out.stderr))
    }
}

/// Writes a request for the client into a file of `dir`; its path.
pub fn written(dir: &Path, name: &str, content: &Value) -> String {
    let path = dir.join(name);
    std::fs::write(&path, content.to_string()).expect("a file");
    path.to_str().expect("a path in UTF-8").to_owned()
}
