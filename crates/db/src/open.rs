//! Opening a database from its URL.

use crate::config::{DbConfig, Durability};
use crate::error::{DbError, is_busy};
use crate::settle::Log;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, Connection};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Which database stands behind the `Any` driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded SQLite, one file, one writer at a time.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// An open database: a bounded pool of connections. Cloning shares the pool.
#[derive(Clone, Debug)]
pub struct Db {
    /// The connections. Reads may go straight to it.
    pub pool: AnyPool,
    /// Which database it is.
    pub dialect: Dialect,
    pub(crate) url: Arc<str>,
    pub(crate) writer: Option<Writer>,
    pub(crate) acquire_timeout: Duration,
}

/// How write transactions are made on SQLite, which runs one at a time.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    /// The one connection.
    pub(crate) pool: AnyPool,
    /// Whose turn it is.
    pub(crate) turn: Arc<Semaphore>,
    /// What a commit waits for, unless a power cut may take it back.
    pub(crate) log: Option<Arc<Log>>,
}

impl Db {
    /// Opens `sqlite:///path/file.db` or `postgres://user:password@host/database`.
    ///
    /// A SQLite file is made if it is missing (its directory is not), readable by this user only, and put into
    /// write-ahead mode. A PostgreSQL database must exist. One connection is made at once, so that a wrong URL is told
    /// here and not at the first request.
    pub async fn open(url: &str, config: &DbConfig) -> Result<Self, DbError> {
        check(config)?;
        sqlx::any::install_default_drivers();
        let shown = redacted(url);
        let dialect = dialect_of(url, &shown)?;
        let options: AnyConnectOptions =
            url.parse().map_err(|e: sqlx::Error| DbError::Url { url: shown.clone(), why: e.to_string() })?;
        let failed = |e: sqlx::Error| DbError::Open { url: shown.clone(), why: advice(&e, dialect) };

        let bounded =
            |connections| AnyPoolOptions::new().max_connections(connections).acquire_timeout(config.acquire_timeout());
        let (pool, writer) = match dialect {
            Dialect::Postgres => (bounded(config.max_connections).connect_with(options).await.map_err(failed)?, None),
            Dialect::Sqlite => {
                let path = sqlite_path(url, &shown)?;
                prepare_file(&path, &shown)?;
                write_ahead(&options, config).await.map_err(failed)?;
                let pool = kept(bounded(config.max_connections), pragmas(config, config.durability.pragma()));
                let writes = kept(bounded(1), pragmas(config, config.durability.of_writer()));
                let writer = Writer {
                    pool: writes.connect_with(options.clone()).await.map_err(failed)?,
                    turn: Arc::new(Semaphore::new(1)),
                    log: (config.durability == Durability::PowerLoss).then(|| Log::of(&path)),
                };
                (pool.connect_with(options).await.map_err(failed)?, Some(writer))
            }
        };
        Ok(Self { pool, dialect, url: shown.into(), writer, acquire_timeout: config.acquire_timeout() })
    }

    /// The URL it was opened with, without a password, for logs and messages.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Closes every connection, waiting for those in use. On SQLite the write-ahead log is folded into the file.
    pub async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.pool.close().await;
        }
        self.pool.close().await;
    }
}

/// SQLite's connections stay: the file does not go away like a server does.
fn kept(pool: AnyPoolOptions, pragmas: Vec<String>) -> AnyPoolOptions {
    pool.test_before_acquire(false).idle_timeout(None).max_lifetime(None).after_connect(move |conn, _| {
        let pragmas = pragmas.clone();
        Box::pin(async move {
            for pragma in pragmas {
                sqlx::query(sqlx::AssertSqlSafe(pragma)).execute(&mut *conn).await?;
            }
            Ok(())
        })
    })
}

fn check(config: &DbConfig) -> Result<(), DbError> {
    if !(1..=256).contains(&config.max_connections) {
        return Err(DbError::Config {
            setting: "max_connections",
            value: config.max_connections.to_string(),
            range: "1 to 256",
        });
    }
    if !(1..=600_000).contains(&config.busy_timeout_ms) {
        return Err(DbError::Config {
            setting: "busy_timeout_ms",
            value: config.busy_timeout_ms.to_string(),
            range: "1 to 600000",
        });
    }
    if !(1..=600_000).contains(&config.acquire_timeout_ms) {
        return Err(DbError::Config {
            setting: "acquire_timeout_ms",
            value: config.acquire_timeout_ms.to_string(),
            range: "1 to 600000",
        });
    }
    Ok(())
}

fn dialect_of(url: &str, shown: &str) -> Result<Dialect, DbError> {
    let refuse = |why: &str| Err(DbError::Url { url: shown.to_owned(), why: why.to_owned() });
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Dialect::Postgres);
    }
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return refuse("write sqlite:///path/to/file.db or postgres://user:password@host/database");
    };
    if rest.contains(":memory:") || rest.contains("mode=memory") {
        return refuse(
            "a database in memory is gone with the process, and with it the journal of what was made outside; name a file",
        );
    }
    if !rest.starts_with("///") {
        return refuse("name the file by its absolute path: sqlite:///path/to/file.db");
    }
    if rest.contains('?') {
        return refuse("a SQLite URL takes no parameters here; they are settings of the configuration");
    }
    Ok(Dialect::Sqlite)
}

fn sqlite_path(url: &str, shown: &str) -> Result<PathBuf, DbError> {
    let path = url.strip_prefix("sqlite://").unwrap_or_default();
    if path.len() < 2 || path.ends_with('/') {
        return Err(DbError::Url { url: shown.to_owned(), why: "it names no file".into() });
    }
    // sqlx decodes percent escapes; a path with one would be two different files for it and for us.
    if path.contains('%') {
        return Err(DbError::Url { url: shown.to_owned(), why: "the path must not contain '%'".into() });
    }
    Ok(PathBuf::from(path))
}

/// Makes the file if it is missing, with a mode that keeps other users out. SQLite gives its companions (`-wal`,
/// `-shm`) the same mode.
fn prepare_file(path: &Path, shown: &str) -> Result<(), DbError> {
    let open = |why: String| DbError::Open { url: shown.to_owned(), why };
    let made = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = match made {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let dir = path.parent().unwrap_or(Path::new("/"));
            return Err(open(format!("{e}: make the directory {} first", dir.display())));
        }
        Err(e) => return Err(open(format!("{e}: this process must be able to read and write {}", path.display()))),
    };
    let meta = file.metadata().map_err(|e| open(e.to_string()))?;
    if meta.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(|e| {
            open(format!("{e}: other users can read {} and its mode cannot be changed to 0600", path.display()))
        })?;
    }
    Ok(())
}

/// Puts the file into write-ahead mode, which it keeps. SQLite does not wait for locks here by itself, and two processes
/// may start at the same moment.
async fn write_ahead(options: &AnyConnectOptions, config: &DbConfig) -> Result<(), sqlx::Error> {
    let deadline = tokio::time::Instant::now() + Duration::from_millis(config.busy_timeout_ms);
    loop {
        let tried = async {
            let mut conn = AnyConnection::connect_with(options).await?;
            sqlx::query("PRAGMA journal_mode=WAL").execute(&mut conn).await?;
            conn.close().await
        }
        .await;
        match tried {
            Err(e) if is_busy(&e) && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
}

fn pragmas(config: &DbConfig, synchronous: &str) -> Vec<String> {
    vec![format!("PRAGMA busy_timeout={}", config.busy_timeout_ms), "PRAGMA foreign_keys=ON".into(), synchronous.into()]
}

fn advice(error: &sqlx::Error, dialect: Dialect) -> String {
    match (dialect, error) {
        (Dialect::Postgres, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) => {
            format!("{error}: is the server running, and is its address right?")
        }
        (Dialect::Sqlite, sqlx::Error::Database(e)) if e.code().as_deref() == Some("26") => {
            format!("{error}: the file exists and is something else")
        }
        _ => error.to_string(),
    }
}

/// The URL with its password replaced.
fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let hidden = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@{host}"),
            None => format!("{user}@{host}"),
        },
        None => rest.to_owned(),
    };
    // A password may also be a parameter.
    let shown = match hidden.split_once("password=") {
        Some((before, after)) => {
            let rest = after.split_once('&').map(|(_, r)| format!("&{r}")).unwrap_or_default();
            format!("{before}password=***{rest}")
        }
        None => hidden,
    };
    format!("{scheme}://{shown}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(redacted("postgres://mano:s3:cr@et@db:5432/nfvo"), "postgres://mano:***@db:5432/nfvo");
        assert_eq!(
            redacted("postgres://db/nfvo?user=a&password=x&sslmode=disable"),
            "postgres://db/nfvo?user=a&password=***&sslmode=disable"
        );
        assert_eq!(redacted("sqlite:///var/lib/x.db"), "sqlite:///var/lib/x.db");
    }

    #[tokio::test]
    async fn an_unusable_url_is_refused_with_what_would_be_right() {
        for (url, says) in [
            ("mysql://x/y", "postgres://user:password@host/database"),
            ("sqlite::memory:", "name a file"),
            ("sqlite://relative.db", "absolute path"),
            ("sqlite:///", "names no file"),
            ("sqlite:///nowhere/at/all.db", "make the directory /nowhere/at first"),
            ("sqlite:////tmp/x.db?mode=ro", "no parameters"),
        ] {
            let e = Db::open(url, &DbConfig::default()).await.expect_err(url).to_string();
            assert!(e.contains(says), "{url}: {e}");
        }
    }

    #[tokio::test]
    async fn the_file_is_private_and_in_write_ahead_mode_and_waits_for_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        std::fs::write(&path, b"").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let db = Db::open(&format!("sqlite://{}", path.display()), &DbConfig::default()).await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&db.pool).await.unwrap();
        let sync: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&db.pool).await.unwrap();
        assert_eq!((mode.as_str(), sync), ("wal", 2));
        sqlx::query("CREATE TABLE t (x BIGINT)").execute(&db.pool).await.unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
        db.close().await;
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_told_plainly() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        std::fs::write(&path, vec![b'x'; 4096]).unwrap();
        let e = Db::open(&format!("sqlite://{}", path.display()), &DbConfig::default())
            .await
            .expect_err("opened")
            .to_string();
        assert!(e.contains("something else"), "{e}");
    }
}
