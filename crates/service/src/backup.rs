//! Backup and restore of a service's database.
//!
//! SQLite: a backup is a consistent copy made while the service runs or not; a restore puts it in the place of the database
//! of a stopped service. PostgreSQL has its own tools: the commands to use are printed.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use db::sqlx::{self, Connection, Executor, Row as _};
use db::{AnyConnection, AnyPool, Db};

use crate::config::BaseConfig;

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BackupError(String);

fn fail<T>(why: impl Into<String>) -> Result<T, BackupError> {
    Err(BackupError(why.into()))
}

/// Writes a consistent copy of the database to `file`, which must not exist, and checks it. What was done, in words; for
/// PostgreSQL the command that does it.
///
/// # Errors
/// What stood in the way; no file is left then.
pub async fn backup(base: &BaseConfig, file: &Path) -> Result<String, BackupError> {
    let Some(database) = sqlite_file(base) else {
        return Ok(format!(
            "PostgreSQL makes its own backups, while the service runs or not (password by PGPASSWORD or ~/.pgpass):\n  \
             pg_dump --format=custom --file={} {}",
            quoted(&file.display().to_string()),
            quoted(&without_password(&base.database).replace(":***@", "@")),
        ));
    };
    if !database.exists() {
        return fail(format!("there is no database {}", database.display()));
    }
    if file.exists() {
        return fail(format!("{} exists already, name another file", file.display()));
    }
    let partial = beside(file, "partial");
    let _ = fs::remove_file(&partial);
    // Made here so that nobody else can read it at any moment.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .map_err(|e| BackupError(format!("cannot write {}: {e}", partial.display())))?;
    let made = copy(base, &partial).await;
    let done = match made {
        Ok(()) => finish(&partial, file),
        Err(error) => Err(error),
    };
    if done.is_err() {
        let _ = fs::remove_file(&partial);
    }
    done?;
    let size = fs::metadata(file).map(|m| m.len()).unwrap_or(0);
    Ok(format!("{} holds {} ({size} bytes), checked", file.display(), database.display()))
}

async fn copy(base: &BaseConfig, to: &Path) -> Result<(), BackupError> {
    let db = Db::open(&base.database, &base.db).await.map_err(|e| BackupError(e.to_string()))?;
    let made = sqlx::query("VACUUM INTO $1").bind(to.display().to_string()).execute(&db.pool).await;
    db.close().await;
    made.map_err(|e| BackupError(format!("SQLite could not copy the database to {}: {e}", to.display())))?;
    check(to).await.map(drop)
}

/// Puts the backup `file` in the place of the database. The service must be stopped. A database that is there is replaced
/// only if `replace` says so, and kept beside as `NAME.before-restore`.
///
/// # Errors
/// What stood in the way; the database is as it was then.
pub async fn restore(base: &BaseConfig, file: &Path, replace: bool) -> Result<String, BackupError> {
    let Some(database) = sqlite_file(base) else {
        return Ok(format!(
            "PostgreSQL restores by its own tool, with the service stopped (password by PGPASSWORD or ~/.pgpass):\n  \
             pg_restore --clean --if-exists --single-transaction --dbname={} {}",
            quoted(&without_password(&base.database).replace(":***@", "@")),
            quoted(&file.display().to_string()),
        ));
    };
    let owner = check(file).await?;
    let mut kept = None;
    if database.exists() {
        let there = exclusive(&database).await?;
        if !replace {
            return fail(format!(
                "{} exists; --replace puts the backup in its place and keeps it as {}",
                database.display(),
                beside(&database, "before-restore").display()
            ));
        }
        if let (Some(there), Some(owner)) = (there, &owner)
            && there != *owner
        {
            return fail(format!("{} is a backup of {owner}, the database is one of {there}", file.display()));
        }
        kept = Some(beside(&database, "before-restore"));
    }
    let partial = beside(&database, "restoring");
    let put = || -> std::io::Result<()> {
        let _ = fs::remove_file(&partial);
        let mut from = File::open(file)?;
        let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        std::io::copy(&mut from, &mut to)?;
        to.sync_all()?;
        if let Some(kept) = &kept {
            fs::rename(&database, kept)?;
        }
        for ending in ["-wal", "-shm"] {
            let mut log = database.clone().into_os_string();
            log.push(ending);
            let _ = fs::remove_file(log);
        }
        fs::rename(&partial, &database)?;
        sync_directory(&database)
    };
    if let Err(error) = put() {
        let _ = fs::remove_file(&partial);
        if let Some(kept) = kept.filter(|_| !database.exists()) {
            let _ = fs::rename(kept, &database);
        }
        return fail(format!("cannot put {} in the place of {}: {error}", file.display(), database.display()));
    }
    let before = kept.map(|k| format!("; what was there is {}", k.display())).unwrap_or_default();
    Ok(format!("{} is restored from {}{before}", database.display(), file.display()))
}

fn finish(partial: &Path, file: &Path) -> Result<(), BackupError> {
    let done = || -> std::io::Result<()> {
        File::open(partial)?.sync_all()?;
        fs::rename(partial, file)?;
        sync_directory(file)
    };
    done().map_err(|e| BackupError(format!("cannot finish {}: {e}", file.display())))
}

fn sync_directory(file: &Path) -> std::io::Result<()> {
    match file.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.to_path_buf().into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Which file a SQLite URL names; `None` for PostgreSQL.
fn sqlite_file(base: &BaseConfig) -> Option<PathBuf> {
    base.database.strip_prefix("sqlite://").map(PathBuf::from)
}

async fn connect(file: &Path) -> Result<AnyConnection, BackupError> {
    sqlx::any::install_default_drivers();
    let file = fs::canonicalize(file).map_err(|e| BackupError(format!("cannot read {}: {e}", file.display())))?;
    AnyConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .map_err(|e| BackupError(format!("cannot open {}: {e}", file.display())))
}

/// Checks that `file` is a whole database of this stack, and says of which service.
async fn check(file: &Path) -> Result<Option<String>, BackupError> {
    let mut conn = connect(file).await?;
    let found = async {
        let said: String = conn.fetch_one("PRAGMA quick_check").await?.try_get(0)?;
        conn.fetch_one("SELECT COUNT(*) FROM schema_migrations").await?;
        Ok::<_, sqlx::Error>(said)
    }
    .await;
    let owner = owner(&mut conn).await;
    let _ = conn.close().await;
    match found {
        Ok(said) if said == "ok" => Ok(owner),
        Ok(said) => fail(format!("{} is damaged: {said}", file.display())),
        Err(error) => fail(format!("{} is no database of this stack: {error}", file.display())),
    }
}

async fn owner(conn: &mut AnyConnection) -> Option<String> {
    conn.fetch_optional("SELECT name FROM service_identity").await.ok().flatten()?.try_get(0).ok()
}

/// Makes sure that no process has the database open, folds its log into the file, and says of which service it is.
async fn exclusive(database: &Path) -> Result<Option<String>, BackupError> {
    let mut conn = connect(database).await?;
    let taken = async {
        // A process that has it open will not let go within any time that a person would wait.
        conn.execute("PRAGMA busy_timeout=300").await?;
        conn.execute("PRAGMA locking_mode=EXCLUSIVE").await?;
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        conn.execute("BEGIN EXCLUSIVE").await?;
        conn.execute("COMMIT").await
    }
    .await;
    let owner = owner(&mut conn).await;
    let _ = conn.close().await;
    match taken {
        Ok(_) => Ok(owner),
        Err(error) if db::is_busy(&error) => {
            fail(format!("a process has {} open: stop the service first", database.display()))
        }
        Err(error) => fail(format!("cannot lock {}: {error}", database.display())),
    }
}

/// Notes at the first start whose database this is, and refuses another service's.
pub(crate) async fn claim(db: &Db, service: &str) -> Result<(), String> {
    let claimed: Result<String, sqlx::Error> = async {
        sqlx::query("INSERT INTO service_identity (one, name) VALUES (1, $1) ON CONFLICT (one) DO NOTHING")
            .bind(service.to_owned())
            .execute(&db.pool)
            .await?;
        identity(&db.pool).await
    }
    .await;
    match claimed {
        Ok(name) if name == service => Ok(()),
        Ok(name) => Err(format!("{} is the database of {name}: every service has one of its own", db.url())),
        Err(error) => Err(format!("{}: {error}", db.url())),
    }
}

async fn identity(pool: &AnyPool) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT name FROM service_identity WHERE one = 1").fetch_one(pool).await
}

/// The URL with its password left out.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = match rest.split_once("password=") {
        Some((before, after)) => {
            let rest = after.split_once('&').map(|(_, r)| format!("&{r}")).unwrap_or_default();
            format!("{before}password=***{rest}")
        }
        None => rest.to_owned(),
    };
    match rest.rsplit_once('@').and_then(|(user, host)| user.split_once(':').map(|(name, _)| (name, host))) {
        Some((name, host)) => format!("{scheme}://{name}:***@{host}"),
        None => format!("{scheme}://{rest}"),
    }
}

/// For a line that a person copies into a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn service_database(dir: &Path, name: &str, service: &str) -> (BaseConfig, Db) {
        let base = BaseConfig { database: format!("sqlite://{}", dir.join(name).display()), ..BaseConfig::default() };
        let db = Db::open(&base.database, &base.db).await.unwrap();
        crate::store::migrate(&db).await.unwrap();
        claim(&db, service).await.unwrap();
        sqlx::query("CREATE TABLE IF NOT EXISTS note (body TEXT)").execute(&db.pool).await.unwrap();
        (base, db)
    }

    async fn note(db: &Db, body: &str) {
        sqlx::query("INSERT INTO note (body) VALUES ($1)").bind(body.to_owned()).execute(&db.pool).await.unwrap();
    }

    async fn notes(base: &BaseConfig) -> Vec<String> {
        let db = Db::open(&base.database, &base.db).await.unwrap();
        let notes = sqlx::query_scalar("SELECT body FROM note ORDER BY body").fetch_all(&db.pool).await.unwrap();
        db.close().await;
        notes
    }

    #[tokio::test]
    async fn a_backup_of_a_running_service_is_restored_into_a_stopped_one() {
        let dir = tempfile::tempdir().unwrap();
        let (base, db) = service_database(dir.path(), "a.db", "nfvo").await;
        note(&db, "before").await;
        let file = dir.path().join("a.backup");
        backup(&base, &file).await.unwrap();
        note(&db, "after").await;
        let running = restore(&base, &file, true).await.unwrap_err().to_string();
        assert!(running.contains("stop the service first"), "{running}");
        db.close().await;
        assert!(restore(&base, &file, false).await.unwrap_err().to_string().contains("--replace"));
        assert_eq!(notes(&base).await, ["after", "before"], "nothing was changed so far");
        let said = restore(&base, &file, true).await.unwrap();
        assert!(said.contains("a.db.before-restore"), "{said}");
        assert_eq!(notes(&base).await, ["before"]);
        let old = BaseConfig { database: format!("{}.before-restore", base.database), ..base.clone() };
        assert_eq!(notes(&old).await, ["after", "before"]);
        use std::os::unix::fs::PermissionsExt;
        for name in ["a.backup", "a.db"] {
            let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_no_backup_of_this_service_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (base, db) = service_database(dir.path(), "a.db", "nfvo").await;
        db.close().await;
        let (other, db) = service_database(dir.path(), "b.db", "vnfm").await;
        let foreign = dir.path().join("b.backup");
        backup(&other, &foreign).await.unwrap();
        assert!(claim(&db, "nfvo").await.unwrap_err().contains("database of vnfm"));
        db.close().await;
        let refused = restore(&base, &foreign, true).await.unwrap_err().to_string();
        assert!(refused.contains("backup of vnfm"), "{refused}");
        let garbage = dir.path().join("garbage");
        fs::write(&garbage, vec![b'x'; 5000]).unwrap();
        assert!(restore(&base, &garbage, true).await.is_err());
        assert!(backup(&base, &foreign).await.unwrap_err().to_string().contains("exists already"));
        let left: Vec<String> = fs::read_dir(dir.path())
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|n| n.contains("partial") || n.contains("restoring"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[tokio::test]
    async fn for_postgresql_the_command_is_told_without_the_password() {
        let base = BaseConfig { database: "postgres://nfvo:s3cret@db/nfvo".to_owned(), ..BaseConfig::default() };
        let said = backup(&base, Path::new("/tmp/it's")).await.unwrap();
        assert!(
            said.contains("pg_dump") && said.contains(r"'/tmp/it'\''s'") && said.contains("'postgres://nfvo@db/nfvo'"),
            "{said}"
        );
        assert!(restore(&base, Path::new("/tmp/x"), true).await.unwrap().contains("pg_restore"));
    }
}
