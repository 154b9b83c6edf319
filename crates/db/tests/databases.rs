//! What every store relies on, tried on both databases: concurrent writers, rollback, migrations, errors told apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use db::testing::TestDb;
use db::{Db, DbError, Migration, Retryable, is_unique_violation};
use std::sync::Arc;

const COUNTER: &[Migration] = &[Migration {
    version: 1,
    name: "counter",
    sql: &[
        "CREATE TABLE counter (name TEXT PRIMARY KEY, n BIGINT NOT NULL)",
        "CREATE TABLE entry (writer BIGINT NOT NULL, n BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (writer, n))",
        "INSERT INTO counter (name, n) VALUES ('all', 0)",
    ],
}];

/// Reads, decides in the program, writes: a lost update would show.
async fn count_up(db: &Db, writer: i64, n: i64) -> Result<i64, DbError> {
    db::transaction!(db, |tx| {
        let at: i64 =
            sqlx::query_scalar("UPDATE counter SET n = n WHERE name = 'all' RETURNING n").fetch_one(&mut *tx).await?;
        sqlx::query("INSERT INTO entry (writer, n, at) VALUES ($1, $2, $3)")
            .bind(writer)
            .bind(n)
            .bind(at + 1)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE counter SET n = $1 WHERE name = 'all'").bind(at + 1).execute(&mut *tx).await?;
        Ok(at + 1)
    })
}

async fn eight_writers(dbs: Vec<Db>, each: i64) {
    let mut tasks = Vec::new();
    for writer in 0..8 {
        let db = dbs[writer as usize % dbs.len()].clone();
        tasks.push(tokio::spawn(async move {
            for n in 0..each {
                count_up(&db, writer, n).await.unwrap_or_else(|e| panic!("writer {writer}, transaction {n}: {e}"));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let n: i64 = sqlx::query_scalar("SELECT n FROM counter").fetch_one(&dbs[0].pool).await.unwrap();
    let entries: i64 =
        sqlx::query_scalar("SELECT COUNT(DISTINCT at) FROM entry").fetch_one(&dbs[0].pool).await.unwrap();
    assert_eq!((n, entries), (8 * each, 8 * each), "a transaction was lost or ran twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_writers_of_one_process_all_succeed_and_none_is_lost() {
    for db in TestDb::all().await {
        db.migrate("t", COUNTER).await.unwrap();
        let started = std::time::Instant::now();
        eight_writers(vec![db.clone()], 100).await;
        println!("{:?}: 8 writers x 100 transactions in {:?}", db.dialect, started.elapsed());
    }
}

/// Each pool queues only its own writers, so that they meet in the database as those of several processes do.
#[tokio::test(flavor = "multi_thread")]
async fn eight_writers_of_several_processes_all_succeed_and_none_is_lost() {
    for db in TestDb::all().await {
        db.migrate("t", COUNTER).await.unwrap();
        let mut dbs = vec![db.clone()];
        for _ in 1..8 {
            dbs.push(db.reopen().await);
        }
        let started = std::time::Instant::now();
        eight_writers(dbs, 25).await;
        println!("{:?}: 8 pools x 25 transactions in {:?}", db.dialect, started.elapsed());
    }
}

#[tokio::test]
async fn an_error_undoes_the_whole_transaction_and_is_not_tried_again() {
    for db in TestDb::all().await {
        db.migrate("t", COUNTER).await.unwrap();
        let mut runs = 0;
        let e = db::transaction!(*db, |tx| {
            runs += 1;
            sqlx::query("UPDATE counter SET n = 7").execute(&mut *tx).await?;
            sqlx::query("INSERT INTO counter (name, n) VALUES ('all', 1)").execute(&mut *tx).await?;
            Ok::<_, DbError>(())
        })
        .expect_err("a second row of one key");
        assert!(matches!(&e, DbError::Sql(e) if is_unique_violation(e)), "{e}");
        assert!(!e.is_retryable());
        assert_eq!(runs, 1);
        let n: i64 = sqlx::query_scalar("SELECT n FROM counter").fetch_one(&db.pool).await.unwrap();
        assert_eq!(n, 0);
    }
}

/// An executor that is stopped drops its transaction wherever it stands.
#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_and_blocks_nobody() {
    for db in TestDb::all().await {
        db.migrate("t", COUNTER).await.unwrap();
        for _ in 0..20 {
            let mut tx = db.begin_write().await.unwrap();
            sqlx::query("UPDATE counter SET n = 99").execute(&mut *tx).await.unwrap();
            drop(tx);
        }
        assert_eq!(count_up(&db, 0, 0).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_read_transaction_sees_one_moment() {
    for db in TestDb::all().await {
        db.migrate("t", COUNTER).await.unwrap();
        let mut read = db.begin_read().await.unwrap();
        let before: i64 = sqlx::query_scalar("SELECT n FROM counter").fetch_one(&mut *read).await.unwrap();
        count_up(&db, 0, 0).await.unwrap();
        let after: i64 = sqlx::query_scalar("SELECT n FROM counter").fetch_one(&mut *read).await.unwrap();
        assert_eq!((before, after), (0, 0));
        drop(read);
        let now: i64 = sqlx::query_scalar("SELECT n FROM counter").fetch_one(&db.pool).await.unwrap();
        assert_eq!(now, 1);
    }
}

const V1: Migration = Migration {
    version: 1,
    name: "blobs",
    sql: &["CREATE TABLE blobs (id BIGINT PRIMARY KEY, body {{BLOB}} NOT NULL)"],
};
const V2: Migration = Migration {
    version: 2,
    name: "more",
    sql: &["ALTER TABLE blobs ADD COLUMN note TEXT", "CREATE INDEX blobs_note ON blobs (note)"],
};
const V2_OTHER: Migration = Migration { version: 2, name: "more", sql: &["ALTER TABLE blobs ADD COLUMN remark TEXT"] };
const V3_BAD: Migration =
    Migration { version: 3, name: "bad", sql: &["CREATE TABLE fine (x BIGINT)", "CREATE TABLE broken ("] };

#[tokio::test]
async fn migrations_apply_in_order_once_and_per_component() {
    for db in TestDb::all().await {
        assert_eq!(db.migrate("a", &[V1]).await.unwrap(), [1]);
        assert_eq!(db.migrate("a", &[V1, V2]).await.unwrap(), [2]);
        assert_eq!(db.migrate("a", &[V1, V2]).await.unwrap(), Vec::<i64>::new());
        assert_eq!(db.migrate("b", COUNTER).await.unwrap(), [1]);
        let body = vec![0_u8, 255, 7];
        sqlx::query("INSERT INTO blobs (id, body, note) VALUES (1, $1, $2)")
            .bind(body.clone())
            .bind(None::<String>)
            .execute(&db.pool)
            .await
            .unwrap();
        let back: Vec<u8> = sqlx::query_scalar("SELECT body FROM blobs").fetch_one(&db.pool).await.unwrap();
        assert_eq!(back, body);
    }
}

#[tokio::test]
async fn a_database_of_a_newer_or_different_program_is_refused() {
    for db in TestDb::all().await {
        db.migrate("a", &[V1, V2]).await.unwrap();
        let newer = db.migrate("a", &[V1]).await.expect_err("a newer database");
        assert!(matches!(newer, DbError::Newer { found: 2, known: 1, .. }), "{newer}");
        assert!(newer.to_string().contains("run that release"), "{newer}");
        let changed = db.migrate("a", &[V1, V2_OTHER]).await.expect_err("a changed migration");
        assert!(matches!(changed, DbError::Changed { version: 2, .. }), "{changed}");
        let gap = db.migrate("c", &[V2]).await.expect_err("a gap");
        assert!(gap.to_string().contains("without gaps"), "{gap}");
    }
}

#[tokio::test]
async fn a_failed_migration_leaves_the_database_as_it_was() {
    for db in TestDb::all().await {
        db.migrate("a", &[V1]).await.unwrap();
        let e = db.migrate("a", &[V1, V2, V3_BAD]).await.expect_err("a broken statement");
        assert!(matches!(e, DbError::Migrate { version: 3, statement: 2, .. }), "{e}");
        assert_eq!(db.migrate("a", &[V1, V2]).await.unwrap(), [2], "version 2 was undone with 3");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_migrate_once() {
    for db in TestDb::all().await {
        let db = Arc::new(db);
        let mut tasks = Vec::new();
        for _ in 0..6 {
            let other = db.reopen().await;
            tasks.push(tokio::spawn(async move { other.migrate("t", COUNTER).await.unwrap().len() }));
        }
        let mut applied = 0;
        for task in tasks {
            applied += task.await.unwrap();
        }
        assert_eq!(applied, 1);
    }
}

/// A transaction must be usable from handlers, whose futures are sent between threads.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_borrows_can_be_spawned() {
    let db = TestDb::sqlite().await;
    db.migrate("t", COUNTER).await.unwrap();
    let shared = db.clone();
    let task = tokio::spawn(async move {
        let names = vec!["x".to_owned(), "y".to_owned()];
        let borrowed: &[String] = &names;
        db::transaction!(shared, |tx| {
            for name in borrowed {
                sqlx::query("INSERT INTO counter (name, n) VALUES ($1, 0)")
                    .bind(name.as_str())
                    .execute(&mut *tx)
                    .await?;
            }
            Ok::<_, DbError>(borrowed.len())
        })
    });
    assert_eq!(task.await.unwrap().unwrap(), 2);
}
