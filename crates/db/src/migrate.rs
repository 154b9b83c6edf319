//! Migrations: each component brings its numbered list, and a database remembers which of them it has seen.

use crate::error::DbError;
use crate::open::{Db, Dialect};
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, AssertSqlSafe, Row};

/// One step of a component's schema. An applied migration is never edited; a change is the next version.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place in the order, from 1, without gaps.
    pub version: i64,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// The statements, in order. `{{BLOB}}` stands for the binary column type of the database.
    pub sql: &'static [&'static str],
}

/// Key of the PostgreSQL advisory lock under which migrations run. Any constant would do.
const LOCK: i64 = 0x6d61_6e6f_5f64_6201;

impl Db {
    /// Brings the tables of `component` to the newest version of `migrations`, all or nothing, and returns the versions
    /// applied now. Several processes may call it at once; the database is locked meanwhile. Several components
    /// may live in one database; each has its own numbers.
    ///
    /// Refused with [`DbError::Newer`] if the database has seen later migrations than these.
    pub async fn migrate(&self, component: &str, migrations: &[Migration]) -> Result<Vec<i64>, DbError> {
        check(component, migrations)?;
        crate::transaction!(self, |tx| { self.apply(tx, component, migrations).await })
    }

    async fn apply(
        &self,
        tx: &mut AnyConnection,
        component: &str,
        migrations: &[Migration],
    ) -> Result<Vec<i64>, DbError> {
        if self.dialect == Dialect::Postgres {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
        }
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS schema_migrations (component TEXT NOT NULL, version BIGINT NOT NULL, \
             name TEXT NOT NULL, checksum TEXT NOT NULL, PRIMARY KEY (component, version))",
        )
        .execute(&mut *tx)
        .await?;
        let rows = sqlx::query("SELECT version, checksum FROM schema_migrations WHERE component = $1 ORDER BY version")
            .bind(component)
            .fetch_all(&mut *tx)
            .await?;
        let mut seen = 0;
        for row in &rows {
            let (version, checksum): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            seen = seen.max(version);
            let Some(m) = migrations.iter().find(|m| m.version == version) else {
                let known = migrations.last().map_or(0, |m| m.version);
                return Err(DbError::Newer {
                    component: component.to_owned(),
                    found: version.max(rows.len() as i64),
                    known,
                });
            };
            if checksum != sum(m) {
                return Err(DbError::Changed { component: component.to_owned(), version, name: m.name.to_owned() });
            }
        }
        let mut applied = Vec::new();
        for m in migrations.iter().filter(|m| m.version > seen) {
            for (i, sql) in m.sql.iter().enumerate() {
                let sql = sql.replace("{{BLOB}}", self.dialect.blob());
                // The text is a constant of the program; only the type name was put in.
                sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.map_err(|source| DbError::Migrate {
                    component: component.to_owned(),
                    version: m.version,
                    name: m.name.to_owned(),
                    statement: i + 1,
                    source,
                })?;
            }
            sqlx::query("INSERT INTO schema_migrations (component, version, name, checksum) VALUES ($1, $2, $3, $4)")
                .bind(component)
                .bind(m.version)
                .bind(m.name)
                .bind(sum(m))
                .execute(&mut *tx)
                .await?;
            applied.push(m.version);
        }
        if !applied.is_empty() {
            tracing::info!(component, versions = ?applied, database = self.url(), "database migrated");
        }
        Ok(applied)
    }
}

impl Dialect {
    /// The type of a binary column.
    pub fn blob(self) -> &'static str {
        match self {
            Self::Sqlite => "BLOB",
            Self::Postgres => "BYTEA",
        }
    }
}

fn check(component: &str, migrations: &[Migration]) -> Result<(), DbError> {
    let refuse = |why: String| Err(DbError::Migrations { component: component.to_owned(), why });
    for (i, m) in migrations.iter().enumerate() {
        let due = i as i64 + 1;
        if m.version != due {
            return refuse(format!(
                "'{}' is number {} where {due} is due: versions count from 1 without gaps",
                m.name, m.version
            ));
        }
        if m.sql.is_empty() {
            return refuse(format!("'{}' has no statement", m.name));
        }
    }
    Ok(())
}

fn sum(m: &Migration) -> String {
    let mut h = Sha256::new();
    for sql in m.sql {
        h.update((sql.len() as u64).to_be_bytes());
        h.update(sql.as_bytes());
    }
    hex::encode(h.finalize())
}
