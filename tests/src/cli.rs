//! `mano` as its user runs it.

use std::process::{Command, Output};

use serde_json::Value;

use crate::lab::Lab;
use crate::process::binaries;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Lab {
    /// Runs `mano` against this lab.
    pub fn cli(&self, args: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = Command::new(binaries().join("mano"))
            .args(args)
            .env("MANO_NFVO", &self.services["nfvo"].url)
            .env("MANO_VNFM", &self.services["vnfm"].url)
            .output()
            .expect("mano runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// As [`Lab::cli`], for what must succeed: what it printed.
    pub fn mano(&self, args: &[&str]) -> String {
        let ran = self.cli(args);
        assert_eq!(ran.code, Some(0), "mano {args:?}: {ran:#?}");
        ran.out
    }

    /// As [`Lab::mano`], with JSON.
    pub fn mano_json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["-o", "json"]);
        let out = self.mano(&all);
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("mano {args:?}: {e}: {out}"))
    }
}
