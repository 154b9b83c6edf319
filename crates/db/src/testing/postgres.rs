//! A PostgreSQL server for the tests of one process.
//!
//! PostgreSQL refuses to run as root, so that a test run by root hands the server to the user `postgres` or `nobody`. The
//! server hangs on a watchdog, a shell that waits for the end of its standard input: when the test process is gone, for
//! whatever reason, the pipe closes, and the watchdog stops the server and removes its files.

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Names a server to use instead of one of our own.
const URL_VAR: &str = "MANO_TEST_PG_URL";

/// $1 is the directory to remove, the rest is the server's command line. Nothing of it comes from outside.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
dir=$1; shift
"$@" </dev/null >"$dir/log" 2>&1 &
pid=$!
cat >/dev/null
kill -QUIT "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
rm -rf -- "$dir"
"#;

/// Why there is no PostgreSQL.
pub(super) enum Unavailable {
    /// Nothing to start: the test is to be skipped.
    Missing(String),
    /// It should have worked: the test is to fail.
    Broken(String),
}

/// One database, dropped with this.
#[derive(Debug)]
pub(super) struct Database {
    url: String,
    name: String,
    server: &'static str,
    shared: bool,
}

#[derive(Debug)]
struct Server {
    url: String,
    // Holds the pipe that the watchdog waits on. Statics are not dropped: the pipe closes with the process.
    _watchdog: Option<Child>,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();
static NOT_HERE: OnceLock<String> = OnceLock::new();

/// The URL of this process's server, started if it is not running.
pub(super) async fn server() -> Result<&'static str, Unavailable> {
    Ok(&running().await?.url)
}

async fn running() -> Result<&'static Server, Unavailable> {
    if let Some(why) = NOT_HERE.get() {
        return Err(Unavailable::Missing(why.clone()));
    }
    SERVER.get_or_try_init(start).await.inspect_err(|e| {
        if let Unavailable::Missing(why) = e {
            let _ = NOT_HERE.set(why.clone());
        }
    })
}

impl Database {
    pub(super) async fn create() -> Result<Self, Unavailable> {
        let server = running().await?;
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        let broken = |e: sqlx::Error| Unavailable::Broken(format!("CREATE DATABASE: {e}"));
        execute(&server.url, &format!("CREATE DATABASE {name}")).await.map_err(broken)?;
        let url = with_database(&server.url, &name).map_err(Unavailable::Broken)?;
        Ok(Self { url, name, server: &server.url, shared: server._watchdog.is_none() })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server of our own goes away whole.
        if !self.shared {
            return;
        }
        let (url, name) = (self.server, self.name.clone());
        let dropping = std::thread::spawn(move || {
            let Ok(rt) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            if let Err(e) = rt.block_on(execute(url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))) {
                eprintln!("the test database {name} remains: {e}");
            }
        });
        let _ = dropping.join();
    }
}

async fn execute(url: &str, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = url.parse()?;
    let mut conn = AnyConnection::connect_with(&options).await?;
    sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut conn).await?;
    conn.close().await
}

/// Replaces the path of a `postgres://` URL.
fn with_database(url: &str, name: &str) -> Result<String, String> {
    let (before, query) = match url.split_once('?') {
        Some((before, query)) => (before, format!("?{query}")),
        None => (url, String::new()),
    };
    let (scheme, rest) = before.split_once("://").ok_or_else(|| format!("{URL_VAR} is not a URL"))?;
    let host = rest.split('/').next().unwrap_or_default();
    Ok(format!("{scheme}://{host}/{name}{query}"))
}

async fn start() -> Result<Server, Unavailable> {
    if let Ok(url) = std::env::var(URL_VAR) {
        return Ok(Server { url, _watchdog: None });
    }
    let bin = programs().ok_or_else(|| {
        Unavailable::Missing(
            "neither PATH nor /usr/lib/postgresql has `postgres` and `initdb` (package postgresql)".into(),
        )
    })?;
    let user = unprivileged().map_err(Unavailable::Missing)?;
    // A Unix socket's path has room for some hundred characters, so the directory's name is short.
    let dir = tempfile::Builder::new()
        .prefix("mano-pg-")
        .tempdir_in(short_temp_dir())
        .map_err(|e| Unavailable::Broken(format!("a temporary directory: {e}")))?;
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid))
            .map_err(|e| Unavailable::Broken(format!("handing {} to user {uid}: {e}", dir.path().display())))?;
    }
    init(&bin, dir.path(), user).map_err(Unavailable::Broken)?;
    // From here on the watchdog removes the directory.
    let dir = dir.keep();
    let watchdog = watch(&bin, &dir, user).map_err(Unavailable::Broken)?;
    let url = format!("postgres://postgres@localhost/postgres?host={}", dir.display());
    ready(&url, &dir).await.map_err(Unavailable::Broken)?;
    Ok(Server { url, _watchdog: Some(watchdog) })
}

fn short_temp_dir() -> PathBuf {
    let dir = std::env::temp_dir();
    if dir.as_os_str().len() < 60 { dir } else { PathBuf::from("/tmp") }
}

/// The directory that holds `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let here = |dir: &Path| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("bin"))
        .filter(|dir| here(dir))
        .collect();
    versions.sort_by_key(|dir| {
        dir.parent().and_then(Path::file_name).and_then(|v| v.to_str()).and_then(|v| v.parse::<u32>().ok())
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions.pop().or_else(|| std::env::split_paths(&path).find(|dir| here(dir)))
}

/// Whom to run the server as: ourselves, or when we are root, `postgres` or `nobody`.
fn unprivileged() -> Result<Option<(u32, u32)>, String> {
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
    if !root {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd").map_err(|e| format!("/etc/passwd: {e}"))?;
    for wanted in ["postgres", "nobody"] {
        for line in passwd.lines() {
            let mut fields = line.split(':');
            if fields.next() == Some(wanted) {
                let mut numbers = fields.skip(1).map_while(|f| f.parse::<u32>().ok());
                if let (Some(uid), Some(gid)) = (numbers.next(), numbers.next()) {
                    return Ok(Some((uid, gid)));
                }
            }
        }
    }
    Err("it does not run as root, and there is neither a user `postgres` nor `nobody`".into())
}

fn init(bin: &Path, dir: &Path, user: Option<(u32, u32)>) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(bin.join("initdb"));
    command
        .args([
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
        ])
        .arg("--pgdata")
        .arg(dir.join("data"))
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    let out = command.output().map_err(|e| format!("initdb: {e}"))?;
    if out.status.success() {
        return Ok(());
    }
    Err(format!("initdb ended with {}: {}", out.status, String::from_utf8_lossy(&out.stderr).trim()))
}

fn watch(bin: &Path, dir: &Path, user: Option<(u32, u32)>) -> Result<Child, String> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", WATCHDOG, "watchdog"]).arg(dir).arg(bin.join("postgres")).arg("-D").arg(dir.join("data"));
    for setting in [
        "listen_addresses=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "shared_buffers=16MB",
        "max_connections=200",
        "autovacuum=off",
        "logging_collector=off",
    ] {
        command.arg("-c").arg(setting);
    }
    command.arg("-c").arg(format!("unix_socket_directories={}", dir.display()));
    // A group of its own: what ends the test's group must not end the one that cleans up.
    command.process_group(0).current_dir("/").env_clear().env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.spawn().map_err(|e| format!("/bin/sh: {e}"))
}

async fn ready(url: &str, dir: &Path) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match execute(url, "SELECT 1").await {
            Ok(()) => return Ok(()),
            Err(e) if Instant::now() > deadline => {
                let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
                return Err(format!("the server does not answer: {e}\n{log}"));
            }
            // There is nothing to wait on but the server's answer.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
