//! A real ovsdb-server on sockets in a temporary directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ovsdb::{Connection, Endpoint, Options};

pub const NB_SCHEMA: &str = "/usr/share/ovn/ovn-nb.ovsschema";
pub const VSWITCH_SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// A server that can be stopped and started again over the same database.
pub struct Server {
    pub dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Server {
    /// `None`, with a line that says why, where the programs or the schema are not installed.
    pub fn start(schema: &str) -> Option<Server> {
        for needed in ["/usr/sbin/ovsdb-server", "/usr/bin/ovsdb-tool", schema] {
            if !Path::new(needed).exists() {
                println!("SKIPPED: {needed} is not installed");
                return None;
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let made = Command::new("ovsdb-tool").arg("create").arg(dir.path().join("db")).arg(schema).status().unwrap();
        assert!(made.success());
        let mut server = Server { dir, child: None };
        server.up();
        Some(server)
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("sock")
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Unix(self.socket())
    }

    /// Starts the server; it listens on the Unix socket and on a TCP port of its choice.
    pub fn up(&mut self) {
        let child = Command::new("ovsdb-server")
            .arg(format!("--remote=punix:{}", self.socket().display()))
            .arg("--remote=ptcp:0:127.0.0.1")
            .arg(format!("--unixctl={}", self.dir.path().join("ctl").display()))
            .arg(format!("--log-file={}", self.dir.path().join("log").display()))
            .arg(self.dir.path().join("db"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.socket());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    pub fn connection(&self) -> Connection {
        Connection::open(self.endpoint(), quick())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
    }
}

pub fn quick() -> Options {
    Options { backoff_min: Duration::from_millis(5), backoff_max: Duration::from_millis(50), ..Options::default() }
}
