//! Throwaway databases for tests: a SQLite file, or a database of a PostgreSQL server that lives as long as the test.

mod postgres;

use crate::{Db, DbConfig, DbError, Durability};

/// A database that is gone when this is dropped. Dereferences to [`Db`].
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    url: String,
    // What is removed when this is dropped: one of the two.
    _file: Option<tempfile::TempDir>,
    _database: Option<postgres::Database>,
}

impl TestDb {
    /// A new SQLite database in a temporary directory.
    pub async fn sqlite() -> Self {
        Self::try_sqlite().await.unwrap_or_else(|e| fail("a SQLite database", &e))
    }

    /// A new PostgreSQL database, or `None` after a line `SKIPPED: …` on standard output if there is no server to be had.
    ///
    /// The server is the one `MANO_TEST_PG_URL` names (its user must be allowed to create databases), else one of this
    /// test process's own, started on a Unix socket with the programs found in PATH or `/usr/lib/postgresql`; it is
    /// gone, files and all, shortly after the process, however that ends.
    pub async fn postgres() -> Option<Self> {
        let database = match postgres::Database::create().await {
            Ok(database) => database,
            Err(postgres::Unavailable::Missing(why)) => {
                println!("SKIPPED: PostgreSQL: {why}");
                return None;
            }
            Err(postgres::Unavailable::Broken(why)) => fail("a PostgreSQL database", &why),
        };
        let url = database.url().to_owned();
        let db = Db::open(&url, &config()).await.unwrap_or_else(|e| fail("a PostgreSQL database", &e));
        Some(Self { db, url, _file: None, _database: Some(database) })
    }

    /// One database of each kind that can be had: what a test of a store runs over.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite().await];
        all.extend(Self::postgres().await);
        all
    }

    /// A second, independent pool on the same database, as another process would have.
    pub async fn reopen(&self) -> Db {
        Db::open(&self.url, &config()).await.unwrap_or_else(|e| fail("the database again", &e))
    }

    /// The URL, for a program that is to open the database itself.
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn try_sqlite() -> Result<Self, DbError> {
        let open = |e: std::io::Error| DbError::Open { url: "a temporary directory".into(), why: e.to_string() };
        let dir = tempfile::Builder::new().prefix("mano-db-").tempdir().map_err(open)?;
        let url = format!("sqlite://{}", dir.path().join("test.db").display());
        let db = Db::open(&url, &config()).await?;
        Ok(Self { db, url, _file: Some(dir), _database: None })
    }
}

impl std::ops::Deref for TestDb {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

/// Starts a PostgreSQL server that lives as long as this process and returns its URL, for `MANO_TEST_PG_URL` of a whole
/// run of tests: a server for each test process costs half a second each.
pub async fn postgres_server() -> Result<String, String> {
    match postgres::server().await {
        Ok(url) => Ok(url.to_owned()),
        Err(postgres::Unavailable::Missing(why) | postgres::Unavailable::Broken(why)) => Err(why),
    }
}

fn config() -> DbConfig {
    DbConfig { durability: Durability::None, ..DbConfig::default() }
}

/// A test that cannot have its database has failed.
#[expect(clippy::panic, reason = "this module is only for tests")]
fn fail(what: &str, why: &dyn std::fmt::Display) -> ! {
    panic!("cannot make {what}: {why}")
}
