//! Operations that wait for room, on both databases: told in time, told just before they rest, told twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use db::testing::TestDb;
use uuid::Uuid;
use vnfm::store::quotas::{self, Kept, MIGRATIONS, Told};

const HERE: Uuid = Uuid::from_u128(1);
const ELSEWHERE: Uuid = Uuid::from_u128(2);

fn words(made_at: i64) -> Told {
    Told { words: "VIM x".to_owned(), made_at }
}

async fn told(db: &db::Db, notification: &str, vim: Option<Uuid>, made_at: i64, now: i64) -> Option<Vec<Uuid>> {
    db::transaction!(db, |tx| { quotas::told(tx, notification, vim, &words(made_at), now).await }).unwrap()
}

async fn wait(db: &db::Db, operation: Uuid, vim: Uuid, since: i64) {
    db::transaction!(db, |tx| { quotas::wait(tx, operation, vim, since).await }).unwrap();
}

async fn of(db: &db::Db, operation: Uuid) -> Option<Told> {
    quotas::of(&mut db.pool.acquire().await.unwrap(), operation).await.unwrap()
}

#[tokio::test]
async fn who_waits_is_told_once_for_each_notification_of_its_vim() {
    for test in TestDb::all().await {
        let db: &db::Db = &test;
        db.migrate("vnfm_quotas", MIGRATIONS).await.unwrap();
        let [one, two] = [Uuid::from_u128(11), Uuid::from_u128(12)];
        wait(db, one, HERE, 10).await;
        wait(db, two, ELSEWHERE, 10).await;
        assert!(quotas::anybody_waits(db).await.unwrap() && quotas::ready(db).await.unwrap().is_empty());
        assert_eq!(told(db, "a", Some(HERE), 20, 21).await, Some(vec![one]));
        assert_eq!((of(db, one).await, of(db, two).await), (Some(words(20)), None));
        assert_eq!(told(db, "a", Some(HERE), 20, 22).await, None, "it was told before");
        assert_eq!(quotas::ready(db).await.unwrap(), [one]);

        // It was tried again and failed after that: it waits for the next.
        db::transaction!(db, |tx| { quotas::forget(tx, one).await }).unwrap();
        wait(db, one, HERE, 30).await;
        assert_eq!(of(db, one).await, None);
        // One that failed before it was told is told at once.
        let late = Uuid::from_u128(13);
        wait(db, late, HERE, 21).await;
        assert_eq!(of(db, late).await, Some(words(20)));
        db::transaction!(db, |tx| { quotas::forget(tx, late).await }).unwrap();

        // What names no VIM is told to all.
        assert_eq!(told(db, "b", None, 40, 41).await, Some(vec![one, two]));
        assert_eq!(quotas::ready(db).await.unwrap(), [one, two]);
        assert!(!quotas::anybody_waits(db).await.unwrap());
    }
}

#[tokio::test]
async fn one_subscription_is_kept() {
    for test in TestDb::all().await {
        let db: &db::Db = &test;
        db.migrate("vnfm_quotas", MIGRATIONS).await.unwrap();
        let kept = async || quotas::subscription(&mut db.pool.acquire().await.unwrap()).await.unwrap();
        assert_eq!(kept().await, None);
        for id in ["1", "2"] {
            let ours = Kept { id: id.to_owned(), callback: "http://vnfm".to_owned() };
            quotas::put_subscription(db, &ours).await.unwrap();
            assert_eq!(kept().await, Some(ours));
        }
    }
}
