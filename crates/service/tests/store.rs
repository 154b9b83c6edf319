//! Collections on both databases: concurrency by revision, paging, and lists that find what their filter says.
#![allow(clippy::unwrap_used, clippy::panic)]

use db::testing::TestDb;
use db::{Db, Migration};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::query::{Filter, ListQuery, Selection};
use service::store::{Collection, Document, Index, Noun, StoreError};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    kind: String,
    size: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lamp {
    id: Uuid,
    room: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    watts: Option<f64>,
    on: bool,
    bought: String,
    parts: Vec<Part>,
    note: String,
}

impl Document for Lamp {
    const NOUN: &'static Noun = &Noun {
        table: "lamp",
        what: "lamp",
        indexed: &[
            Index::text("room"),
            Index::number("watts"),
            Index::text("on"),
            Index::time("bought"),
            Index::text("parts/kind"),
            Index::number("parts/size"),
        ],
        selection: Selection { selectable: &["parts"], default_excluded: &["parts"] },
        attributes: &["id", "room", "watts", "on", "bought", "parts", "note"],
    };
}

const LAMPS: Collection<Lamp> = Collection::new();
const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "lamps", sql: service::collection_ddl!("lamp") }];

async fn prepared(db: &Db) {
    service::store::migrate(db).await.unwrap();
    db.migrate("test", MIGRATIONS).await.unwrap();
    LAMPS.prepare(db).await.unwrap();
}

fn lamp(room: &str) -> Lamp {
    Lamp {
        id: Uuid::new_v4(),
        room: room.to_owned(),
        watts: Some(5.0),
        on: true,
        bought: "2026-01-01T00:00:00Z".to_owned(),
        parts: Vec::new(),
        note: String::new(),
    }
}

async fn insert(db: &Db, lamp: Lamp, now: i64) {
    db::transaction!(db, |tx| { LAMPS.insert(tx, lamp.id, lamp.clone(), now).await }).unwrap();
}

/// A small generator of its own, so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }
}

const ROOMS: [&str; 6] = ["hall", "attic", "it's, (odd)", "2026-01-01T00:00:00Z", "7", ""];
const TIMES: [&str; 5] = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.5Z",
    "2026-01-01T01:00:00+01:00",
    "2026-02-03T04:05:06.000007Z",
    "no time",
];

fn random_lamp(dice: &mut Dice) -> Lamp {
    let long = "x".repeat(300);
    Lamp {
        id: Uuid::new_v4(),
        room: if dice.roll(12) == 0 { format!("{long}{}", dice.roll(2)) } else { dice.pick(&ROOMS).to_owned() },
        watts: (dice.roll(4) > 0).then(|| dice.roll(6) as f64 * 2.5),
        on: dice.roll(2) == 0,
        bought: dice.pick(&TIMES[..4]).to_owned(),
        parts: (0..dice.roll(4))
            .map(|_| Part { kind: dice.pick(&["bulb", "bulb", "shade", "cord"]).to_owned(), size: dice.roll(5) as f64 })
            .collect(),
        note: dice.pick(&["a", "b", "abc"]).to_owned(),
    }
}

fn random_filter(dice: &mut Dice) -> String {
    let long = format!("{}1", "x".repeat(300));
    let conditions: Vec<String> = (0..=dice.roll(3))
        .map(|_| {
            let path = dice.pick(&["room", "watts", "on", "bought", "parts/kind", "parts/size", "note", "id"]);
            let op = dice.pick(&["eq", "neq", "in", "nin", "gt", "gte", "lt", "lte", "cont", "ncont", "eq", "eq"]);
            let mut value = || -> String {
                let value = match path {
                    "room" if dice.roll(8) == 0 => long.as_str(),
                    "room" => dice.pick(&ROOMS),
                    "watts" | "parts/size" => dice.pick(&["0", "2.5", "5", "3", "1e1", "many"]),
                    "on" => dice.pick(&["true", "false", "yes"]),
                    "bought" => dice.pick(&TIMES),
                    "parts/kind" => dice.pick(&["bulb", "shade", "cord", "u"]),
                    _ => dice.pick(&["a", "b", "bc"]),
                };
                format!("'{}'", value.replace('\'', "''"))
            };
            let multiple = matches!(op, "in" | "nin" | "cont" | "ncont");
            let values = if multiple { format!("{},{}", value(), value()) } else { value() };
            format!("({op},{path},{values})")
        })
        .collect();
    conditions.join(";")
}

#[tokio::test]
async fn a_list_holds_exactly_what_its_filter_says_page_by_page() {
    for db in TestDb::all().await {
        prepared(&db).await;
        let mut dice = Dice(42);
        let mut all: Vec<(i64, Lamp)> = Vec::new();
        for n in 0..240 {
            let (lamp, created) = (random_lamp(&mut dice), (n / 3) as i64);
            insert(&db, lamp.clone(), created).await;
            all.push((created, lamp));
        }
        all.sort_by_key(|(created, lamp)| (*created, lamp.id.to_string()));
        let mut found_something = 0;
        for _ in 0..250 {
            let text = random_filter(&mut dice);
            let filter: Filter = text.parse().unwrap();
            let expected: Vec<Uuid> = all
                .iter()
                .filter(|(_, l)| filter.matches(&serde_json::to_value(l).unwrap()))
                .map(|(_, l)| l.id)
                .collect();
            let mut query = ListQuery { filter, page_size: 1 + dice.roll(40), ..ListQuery::default() };
            let mut got = Vec::new();
            loop {
                let page = LAMPS.list(&db, &query).await.unwrap();
                assert!(page.entries.len() <= query.page_size);
                assert!(
                    page.next.is_none() || page.entries.len() == query.page_size,
                    "only a full page has a next one"
                );
                got.extend(page.entries.iter().map(|e| e.stored.id));
                query.after = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            assert_eq!(got, expected, "{:?} {text}", db.dialect);
            found_something += usize::from(!expected.is_empty() && expected.len() < all.len());
        }
        assert!(found_something > 80, "the filters are worth something: {found_something}");
    }
}

#[tokio::test]
async fn a_stale_writer_is_refused_and_the_index_follows_the_document() {
    for db in TestDb::all().await {
        prepared(&db).await;
        let first = lamp("hall");
        let id = first.id;
        insert(&db, first, 1).await;
        let read = LAMPS.require(&db, id).await.unwrap();
        assert_eq!(read.etag(), "\"1\"");
        let moved = Lamp { room: "attic".to_owned(), ..read.document.clone() };
        let now = db::transaction!(db, |tx| { LAMPS.update(tx, &read, moved.clone(), 2).await }).unwrap();
        assert_eq!((now.revision, now.created_at, now.updated_at), (2, 1, 2));
        let stale = db::transaction!(db, |tx| { LAMPS.update(tx, &read, moved.clone(), 3).await });
        assert!(matches!(stale, Err(StoreError::Changed { revision: 1, .. })), "{stale:?}");
        let find = async |room: &str| {
            let filter = format!("(eq,room,{room})").parse().unwrap();
            LAMPS.list(&db, &ListQuery { filter, ..ListQuery::default() }).await.unwrap().entries.len()
        };
        assert_eq!((find("hall").await, find("attic").await), (0, 1));
        let wrong = db::transaction!(db, |tx| { LAMPS.delete(tx, id, Some(1)).await });
        assert!(matches!(wrong, Err(StoreError::Changed { .. })));
        assert!(db::transaction!(db, |tx| { LAMPS.delete(tx, id, Some(2)).await }).unwrap());
        assert!(!db::transaction!(db, |tx| { LAMPS.delete(tx, id, None).await }).unwrap());
        assert_eq!(find("attic").await, 0);
        assert!(matches!(LAMPS.require(&db, id).await, Err(StoreError::Missing { .. })));
        let rows: i64 =
            db::sqlx::query_scalar("SELECT COUNT(*) FROM attribute_index").fetch_one(&db.pool).await.unwrap();
        assert_eq!(rows, 0, "nothing of it stays in the index");
    }
}

#[tokio::test]
async fn eight_writers_of_one_document_lose_no_change() {
    for db in TestDb::all().await {
        prepared(&db).await;
        let first = Lamp { watts: Some(0.0), ..lamp("hall") };
        let id = first.id;
        insert(&db, first, 1).await;
        let writers = (0..8).map(|_| {
            let db: Db = (*db).clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    db::transaction!(db, |tx| {
                        LAMPS
                            .modify(tx, id, 5, |l| {
                                l.watts = l.watts.map(|w| w + 1.0);
                                Ok::<_, StoreError>(())
                            })
                            .await
                    })
                    .unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let read = LAMPS.require(&db, id).await.unwrap();
        assert_eq!((read.document.watts, read.revision), (Some(80.0), 81));
    }
}

#[tokio::test]
async fn a_taken_id_is_told() {
    for db in TestDb::all().await {
        prepared(&db).await;
        let one = lamp("hall");
        insert(&db, one.clone(), 1).await;
        let again = db::transaction!(db, |tx| { LAMPS.insert(tx, one.id, one.clone(), 2).await });
        assert!(matches!(again, Err(StoreError::Exists { .. })), "{again:?}");
    }
}

#[tokio::test]
async fn an_index_made_for_other_attributes_is_made_anew() {
    for db in TestDb::all().await {
        prepared(&db).await;
        for _ in 0..450 {
            insert(&db, lamp("hall"), 1).await;
        }
        db::sqlx::query("DELETE FROM attribute_index").execute(&db.pool).await.unwrap();
        db::sqlx::query("UPDATE attribute_index_state SET paths = 'old'").execute(&db.pool).await.unwrap();
        LAMPS.prepare(&db).await.unwrap();
        let query = ListQuery { filter: "(eq,room,hall)".parse().unwrap(), page_size: 1000, ..ListQuery::default() };
        assert_eq!(LAMPS.list(&db, &query).await.unwrap().entries.len(), 450);
    }
}

#[tokio::test]
async fn a_filter_on_an_attribute_that_does_not_exist_is_refused() {
    let db = TestDb::sqlite().await;
    prepared(&db).await;
    let query = ListQuery { filter: "(eq,rom,hall);(eq,note/x,1)".parse().unwrap(), ..ListQuery::default() };
    let error = LAMPS.list(&db, &query).await.unwrap_err();
    assert_eq!((error.problem.status, error.problem.faults.len()), (400, 1));
    assert_eq!(error.problem.faults[0].mend.as_deref(), Some("did you mean room?"));
}

#[tokio::test]
async fn the_answer_links_to_the_next_page_and_leaves_out_what_was_not_asked_for() {
    use axum::body::to_bytes;
    use axum::extract::FromRequestParts;
    let db = TestDb::sqlite().await;
    prepared(&db).await;
    for n in 0..3 {
        insert(&db, lamp("hall"), n).await;
    }
    let read = async |uri: &str| {
        let request = axum::http::Request::get(uri).header("host", "nfvo:8700").extension(service::query::PageSize(2));
        let mut parts = request.body(()).unwrap().into_parts().0;
        let query = ListQuery::from_request_parts(&mut parts, &()).await.unwrap();
        let answer = LAMPS.respond(&db, &query, |stored, r| r["_links"] = json!({"self": stored.id})).await.unwrap();
        let link = answer.headers().get("link").map(|l| l.to_str().unwrap().to_owned());
        let body: Value = serde_json::from_slice(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).unwrap();
        (body, link)
    };
    let (body, link) = read("/lamp/v1/lamps?filter=(eq,room,hall)").await;
    assert_eq!(body.as_array().unwrap().len(), 2);
    assert!(body[0].get("parts").is_none() && body[0].get("_links").is_some());
    let link = link.unwrap();
    assert!(
        link.starts_with("<http://nfvo:8700/lamp/v1/lamps?filter=(eq,room,hall)&nextpage_opaque_marker="),
        "{link}"
    );
    let next = link.trim_start_matches("<http://nfvo:8700").split('>').next().unwrap();
    let (body, link) = read(next).await;
    assert_eq!((body.as_array().unwrap().len(), link), (1, None));
    let (body, _) = read("/lamp/v1/lamps?all_fields").await;
    assert!(body[0].get("parts").is_some());
}
