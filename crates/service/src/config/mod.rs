//! Configuration of a service: one YAML file, read once at start, every fault told at once with file and line.

mod load;
mod secret;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use reference_points::common::Fault;
use serde::{Deserialize, Serialize};

pub use load::{ConfigError, load, parse};
pub use secret::{SecretError, SecretFile};

/// What every service's configuration holds, under the key `service`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BaseConfig {
    /// Address to serve on; port 0 takes a free one. Without it the service's own port on 127.0.0.1.
    pub listen: Option<SocketAddr>,
    /// Allows an address beyond loopback. Calls are not authenticated yet, so anybody who reaches it may do anything.
    pub allow_remote: bool,
    /// `sqlite:///absolute/path.db` or `postgres://user:password@host/name`.
    pub database: String,
    /// Settings of the database beside its URL.
    pub db: db::DbConfig,
    /// What is logged, to standard error.
    pub log: LogConfig,
    /// Limits of the HTTP server.
    pub http: HttpConfig,
    /// How callers prove who they are.
    pub auth: AuthConfig,
    /// How subscribers are called.
    pub callbacks: CallbackConfig,
    /// Seconds that running requests and tasks are given at shutdown, 0 to 600.
    pub shutdown_grace_secs: u64,
    /// Threads that run the service's tasks, 1 to 64.
    pub worker_threads: usize,
}

impl Default for BaseConfig {
    fn default() -> Self {
        Self {
            listen: None,
            allow_remote: false,
            database: String::new(),
            db: db::DbConfig::default(),
            log: LogConfig::default(),
            http: HttpConfig::default(),
            auth: AuthConfig::default(),
            callbacks: CallbackConfig::default(),
            shutdown_grace_secs: 10,
            worker_threads: 2,
        }
    }
}

impl BaseConfig {
    /// The address to serve on.
    pub fn listen_on(&self, default_port: u16) -> SocketAddr {
        self.listen.unwrap_or_else(|| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), default_port))
    }

    /// Time given to running requests and tasks at shutdown.
    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_secs.min(600))
    }

    /// Everything that reads well and cannot be used; empty when all is well.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(address) = self.listen.filter(|a| !a.ip().is_loopback() && !self.allow_remote) {
            faults.push(
                Fault::new(
                    "/service/listen",
                    format!("{address} is reachable from other machines, and callers are not authenticated"),
                )
                .mend("listen on 127.0.0.1 or [::1], or set allow_remote: true if the network is trusted"),
            );
        }
        if self.database.is_empty() {
            faults.push(
                Fault::new("/service/database", "is missing")
                    .mend("add database: sqlite:///var/lib/NAME/NAME.db, or postgres://user:password@host/name"),
            );
        }
        let mut range = |at: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                faults.push(
                    Fault::new(format!("/service/{at}"), format!("{value} is out of range"))
                        .mend(format!("{low} to {high}")),
                );
            }
        };
        range("shutdown_grace_secs", self.shutdown_grace_secs, 0, 600);
        range("worker_threads", self.worker_threads as u64, 1, 64);
        range("http/max_body_bytes", self.http.max_body_bytes as u64, 1024, 64 << 20);
        range("http/request_timeout_secs", self.http.request_timeout_secs, 1, 3600);
        range("http/upload_idle_timeout_secs", self.http.upload_idle_timeout_secs, 1, 3600);
        range("http/page_size", self.http.page_size as u64, 1, 1000);
        range("http/max_in_flight", self.http.max_in_flight as u64, 1, 100_000);
        if let Some(tls) = &self.callbacks.tls
            && tls.cert_file.is_some() != tls.key_file.is_some()
        {
            let fault = Fault::new("/service/callbacks/tls", "names a certificate without a key, or a key without one");
            faults.push(fault.mend("give both cert_file and key_file, or neither"));
        }
        if let Err(why) = crate::telemetry::filter(&self.log.level) {
            faults.push(Fault::new("/service/log/level", why).mend("e.g. info, or info,sqlx=warn"));
        }
        faults
    }
}

/// What is logged and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`, with exceptions by module: `info,sqlx=warn`.
    pub level: String,
    /// Form of a line.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json }
    }
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Text,
}

/// Limits of the HTTP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Largest request body held in memory, in bytes. Uploads stream and are not concerned.
    pub max_body_bytes: usize,
    /// Seconds a request may take to be answered. Uploads and event streams are not concerned.
    pub request_timeout_secs: u64,
    /// Seconds without a byte after which an upload is given up.
    pub upload_idle_timeout_secs: u64,
    /// Requests worked on at once; more are answered 503 with Retry-After.
    pub max_in_flight: usize,
    /// Entries of one page of a list, 1 to 1000 (SOL013 clause 5.4).
    pub page_size: usize,
    /// Refuse requests without the `Version` header (SOL013 clause 9.3) instead of taking them as the current version.
    pub require_version: bool,
    /// Appends every exchange as a JSON line to this file: for conformance tests, not for production.
    pub record_exchanges: Option<PathBuf>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 2 * 1024 * 1024,
            request_timeout_secs: 60,
            upload_idle_timeout_secs: 60,
            max_in_flight: 256,
            page_size: crate::query::DEFAULT_PAGE_SIZE,
            require_version: false,
            record_exchanges: None,
        }
    }
}

/// How callers prove who they are. Only `none` exists so far: routes declare their OAuth2 scope, nothing checks it yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthConfig {
    /// Callers are not asked.
    #[default]
    None,
}

/// How subscribers are called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallbackConfig {
    /// Files for https:// call-backs. Without them the machine's own trusted authorities are believed.
    pub tls: Option<TlsConfig>,
}

/// Files for TLS, in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// Certificates of the authorities that are believed; no others are.
    pub ca_file: Option<PathBuf>,
    /// The service's own certificate, with intermediate ones behind it: shown to subscribers that ask for TLS_CERT.
    pub cert_file: Option<PathBuf>,
    /// Its private key, in PKCS #8; not readable by everybody.
    pub key_file: Option<SecretFile>,
}
