//! Reading and writing the documents of one noun.

use std::marker::PhantomData;

use db::sqlx::{AssertSqlSafe, Row as _};
use db::{AnyConnection, AnyRow, Db, sqlx};
use uuid::Uuid;

use super::{Document, Noun, StoreError, Stored, index};

/// Documents read at once while the index is made anew.
const REINDEX_BATCH: i64 = 200;

/// The stored documents of one kind. It holds nothing: make it a constant.
#[derive(Debug)]
pub struct Collection<T>(PhantomData<fn() -> T>);

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Collection<T> {}

impl<T: Document> Default for Collection<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Document> Collection<T> {
    /// The collection of `T`.
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    /// What it holds.
    pub fn noun(self) -> &'static Noun {
        T::NOUN
    }

    /// Makes the index anew when the indexed attributes are not those it was made for. Call it at start, after the
    /// service's migrations.
    ///
    /// # Errors
    /// The database, or a stored document that cannot be read.
    pub async fn prepare(self, db: &Db) -> Result<(), StoreError> {
        let wanted = index::fingerprint(T::NOUN);
        let made: Option<String> = sqlx::query_scalar("SELECT paths FROM attribute_index_state WHERE noun = $1")
            .bind(T::NOUN.table)
            .fetch_optional(&db.pool)
            .await?;
        if made.as_deref() == Some(wanted.as_str()) {
            return Ok(());
        }
        db::transaction!(db, |tx| {
            sqlx::query("DELETE FROM attribute_index WHERE noun = $1").bind(T::NOUN.table).execute(&mut *tx).await?;
            let sql = format!(
                "SELECT id, created_at, updated_at, revision, document FROM {} WHERE id > $1 ORDER BY id LIMIT {REINDEX_BATCH}",
                T::NOUN.table
            );
            let mut last = String::new();
            loop {
                let rows = sqlx::query(AssertSqlSafe(sql.clone())).bind(last.clone()).fetch_all(&mut *tx).await?;
                for row in &rows {
                    let stored: Stored<T> = self.read(row)?;
                    last = row.try_get(0)?;
                    let rows = self.index_of(stored.id, &stored.document)?;
                    index::write(&mut *tx, T::NOUN, stored.id, stored.created_at, &rows).await?;
                }
                if (rows.len() as i64) < REINDEX_BATCH {
                    break;
                }
            }
            sqlx::query(
                "INSERT INTO attribute_index_state (noun, paths) VALUES ($1, $2) \
                 ON CONFLICT (noun) DO UPDATE SET paths = excluded.paths",
            )
            .bind(T::NOUN.table)
            .bind(wanted.clone())
            .execute(&mut *tx)
            .await?;
            Ok::<_, StoreError>(())
        })
    }

    /// Stores a new document. `now` in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the id is taken (the transaction cannot go on then), or the database.
    pub async fn insert(
        self,
        tx: &mut AnyConnection,
        id: Uuid,
        document: T,
        now: i64,
    ) -> Result<Stored<T>, StoreError> {
        let text = self.write(id, &document)?;
        let rows = self.index_of(id, &document)?;
        let sql = format!(
            "INSERT INTO {} (id, created_at, updated_at, revision, document) VALUES ($1, $2, $2, 1, $3)",
            T::NOUN.table
        );
        sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(now).bind(text).execute(&mut *tx).await.map_err(
            |error| {
                if db::is_unique_violation(&error) {
                    StoreError::Exists { what: T::NOUN.what, id }
                } else {
                    error.into()
                }
            },
        )?;
        index::write(tx, T::NOUN, id, now, &rows).await?;
        Ok(Stored { id, created_at: now, updated_at: now, revision: 1, document })
    }

    /// The document, when there is one.
    ///
    /// # Errors
    /// The database, or a document that cannot be read.
    pub async fn get(self, db: &Db, id: Uuid) -> Result<Option<Stored<T>>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(self.select())).bind(id.to_string()).fetch_optional(&db.pool).await?;
        row.map(|row| self.read(&row)).transpose()
    }

    /// The document.
    ///
    /// # Errors
    /// [`StoreError::Missing`], the database, or a document that cannot be read.
    pub async fn require(self, db: &Db, id: Uuid) -> Result<Stored<T>, StoreError> {
        self.get(db, id).await?.ok_or(StoreError::Missing { what: T::NOUN.what, id })
    }

    /// The document as a transaction sees it, without a lock.
    ///
    /// # Errors
    /// The database, or a document that cannot be read.
    pub async fn get_in(self, tx: &mut AnyConnection, id: Uuid) -> Result<Option<Stored<T>>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(self.select())).bind(id.to_string()).fetch_optional(tx).await?;
        row.map(|row| self.read(&row)).transpose()
    }

    /// Locks the document against other writers until the transaction ends, and reads it: what is decided on it holds.
    ///
    /// # Errors
    /// [`StoreError::Missing`], the database, or a document that cannot be read.
    pub async fn lock(self, tx: &mut AnyConnection, id: Uuid) -> Result<Stored<T>, StoreError> {
        let sql = format!("UPDATE {} SET revision = revision WHERE id = $1", T::NOUN.table);
        sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).execute(&mut *tx).await?;
        self.get_in(tx, id).await?.ok_or(StoreError::Missing { what: T::NOUN.what, id })
    }

    /// Replaces the document that was read as `old`. `now` in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when somebody else changed it meanwhile, [`StoreError::Missing`], or the database.
    pub async fn update(
        self,
        tx: &mut AnyConnection,
        old: &Stored<T>,
        document: T,
        now: i64,
    ) -> Result<Stored<T>, StoreError> {
        let id = old.id;
        let text = self.write(id, &document)?;
        let sql = format!(
            "UPDATE {} SET document = $1, updated_at = $2, revision = revision + 1 WHERE id = $3 AND revision = $4",
            T::NOUN.table
        );
        let done = sqlx::query(AssertSqlSafe(sql))
            .bind(text)
            .bind(now)
            .bind(id.to_string())
            .bind(old.revision)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(self.stale(tx, id, old.revision).await?);
        }
        let (before, mut rows) = (self.index_of(id, &old.document)?, self.index_of(id, &document)?);
        let changed = index::changed(T::NOUN, &before, &rows);
        if !changed.is_empty() {
            rows.retain(|row| changed.contains(&row.path));
            index::erase(&mut *tx, T::NOUN, id, &changed).await?;
            index::write(&mut *tx, T::NOUN, id, old.created_at, &rows).await?;
        }
        Ok(Stored { id, created_at: old.created_at, updated_at: now, revision: old.revision + 1, document })
    }

    /// Locks the document, lets `change` work on it and stores the result.
    ///
    /// # Errors
    /// What `change` says, [`StoreError::Missing`], or the database.
    pub async fn modify<E>(
        self,
        tx: &mut AnyConnection,
        id: Uuid,
        now: i64,
        change: impl FnOnce(&mut T) -> Result<(), E>,
    ) -> Result<Stored<T>, E>
    where
        T: Clone,
        E: From<StoreError>,
    {
        let old = self.lock(tx, id).await?;
        let mut document = old.document.clone();
        change(&mut document)?;
        Ok(self.update(tx, &old, document, now).await?)
    }

    /// Removes the document, at any revision or at the one given. False when there was none.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is at another revision, or the database.
    pub async fn delete(self, tx: &mut AnyConnection, id: Uuid, revision: Option<i64>) -> Result<bool, StoreError> {
        let sql = format!("DELETE FROM {} WHERE id = $1 AND ($2 = 0 OR revision = $2)", T::NOUN.table);
        let done =
            sqlx::query(AssertSqlSafe(sql)).bind(id.to_string()).bind(revision.unwrap_or(0)).execute(&mut *tx).await?;
        if done.rows_affected() == 0 {
            return match revision {
                None => Ok(false),
                Some(revision) => match self.stale(tx, id, revision).await? {
                    StoreError::Missing { .. } => Ok(false),
                    changed => Err(changed),
                },
            };
        }
        let paths: Vec<&str> = T::NOUN.indexed.iter().map(|index| index.path).collect();
        index::erase(tx, T::NOUN, id, &paths).await?;
        Ok(true)
    }

    async fn stale(self, tx: &mut AnyConnection, id: Uuid, revision: i64) -> Result<StoreError, StoreError> {
        let what = T::NOUN.what;
        Ok(match self.get_in(tx, id).await? {
            Some(_) => StoreError::Changed { what, id, revision },
            None => StoreError::Missing { what, id },
        })
    }

    fn select(self) -> String {
        format!("SELECT id, created_at, updated_at, revision, document FROM {} WHERE id = $1", T::NOUN.table)
    }

    pub(crate) fn read(self, row: &AnyRow) -> Result<Stored<T>, StoreError> {
        let id: String = row.try_get(0)?;
        let id = id.parse::<Uuid>().map_err(|e| StoreError::Db(sqlx::Error::Decode(Box::new(e)).into()))?;
        let text: String = row.try_get(4)?;
        let document = serde_json::from_str(&text).map_err(|e| StoreError::Unreadable {
            what: T::NOUN.what,
            id,
            attempt: "read",
            why: e.to_string(),
        })?;
        Ok(Stored { id, created_at: row.try_get(1)?, updated_at: row.try_get(2)?, revision: row.try_get(3)?, document })
    }

    fn write(self, id: Uuid, document: &T) -> Result<String, StoreError> {
        serde_json::to_string(document).map_err(|e| self.unwritable(id, &e))
    }

    fn index_of(self, id: Uuid, document: &T) -> Result<Vec<index::Row>, StoreError> {
        let resource = document.resource().map_err(|e| self.unwritable(id, &e))?;
        Ok(index::rows(T::NOUN, &resource))
    }

    pub(super) fn unwritable(self, id: Uuid, error: &serde_json::Error) -> StoreError {
        StoreError::Unreadable { what: T::NOUN.what, id, attempt: "written", why: error.to_string() }
    }
}
