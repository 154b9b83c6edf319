//! How a database is opened: the part of a service's configuration that concerns its database, beside the URL.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of a database beside its URL. Every field has a default that suits a service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DbConfig {
    /// Most connections held at once, 1 to 256. Each SQLite connection costs a thread and about 100 kB.
    pub max_connections: u32,
    /// SQLite only: how long a statement waits for another process's lock, in milliseconds.
    pub busy_timeout_ms: u64,
    /// How long a caller waits for a free connection, or for its turn to write on SQLite, in milliseconds.
    pub acquire_timeout_ms: u64,
    /// SQLite only: what a committed transaction survives. PostgreSQL decides this itself.
    pub durability: Durability,
}

impl Default for DbConfig {
    fn default() -> Self {
        Self {
            max_connections: 8,
            busy_timeout_ms: 5_000,
            acquire_timeout_ms: 30_000,
            durability: Durability::PowerLoss,
        }
    }
}

impl DbConfig {
    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }
}

/// What a committed SQLite transaction survives.
///
/// SQLite's write-ahead log with `synchronous=NORMAL` never corrupts, but a power cut may take back the last committed
/// transactions. A journal whose entries say "about to create VM x" must not forget them, and an answer 202 must not be
/// for an operation that is gone after the reboot; so by default each commit waits for the disk: transactions together,
/// by one `fdatasync` for all that wait, and single statements each by `synchronous=FULL`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// Each commit is on the disk before it is acknowledged.
    #[default]
    PowerLoss,
    /// `synchronous=NORMAL`: a crash of the process loses nothing, a power cut may lose the last commits.
    ProcessCrash,
    /// `synchronous=OFF`: for throwaway databases of tests.
    None,
}

impl Durability {
    /// What a connection for single statements waits for.
    pub(crate) fn pragma(self) -> &'static str {
        match self {
            Self::PowerLoss => "PRAGMA synchronous=FULL",
            Self::ProcessCrash => "PRAGMA synchronous=NORMAL",
            Self::None => "PRAGMA synchronous=OFF",
        }
    }

    /// What the connection of write transactions waits for itself; see [`crate::settle`].
    pub(crate) fn of_writer(self) -> &'static str {
        match self {
            Self::PowerLoss | Self::ProcessCrash => "PRAGMA synchronous=NORMAL",
            Self::None => "PRAGMA synchronous=OFF",
        }
    }
}
