//! Subscriptions and notifications against a real subscriber over sockets, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use db::testing::TestDb;
use db::{Clock, Db, ManualClock};
use reference_points::common::TraceContext;
use reference_points::or_vnfm::SubscriptionAuthentication;
use serde_json::{Value, json};
use service::http::ApiError;
use service::notify::{Asked, Notification, Notifier, Subscribed};
use service::query::ListQuery;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A subscriber: answers as it is told, and keeps what it took.
#[derive(Clone)]
struct Subscriber {
    url: String,
    taken: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    tries: watch::Sender<usize>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    test_answer: Arc<Mutex<u16>>,
}

impl Subscriber {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let me = Self {
            url: format!("http://{}/callback", listener.local_addr().unwrap()),
            taken: Arc::default(),
            tries: watch::Sender::new(0),
            answers: Arc::default(),
            test_answer: Arc::new(Mutex::new(204)),
        };
        let router = Router::new()
            .route("/callback", post(Self::take).get(Self::test))
            .route("/token", post(Self::token))
            .route("/never", get(std::future::pending::<StatusCode>).post(std::future::pending::<StatusCode>))
            .with_state(me.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        me
    }

    async fn test(State(me): State<Self>) -> StatusCode {
        StatusCode::from_u16(*me.test_answer.lock().unwrap()).unwrap()
    }

    async fn token(headers: HeaderMap, body: Bytes) -> (StatusCode, axum::Json<Value>) {
        // client:secret
        if headers["authorization"] != "Basic Y2xpZW50OnNlY3JldA==" || body != "grant_type=client_credentials" {
            return (StatusCode::UNAUTHORIZED, axum::Json(json!({"error": "invalid_client"})));
        }
        (StatusCode::OK, axum::Json(json!({"access_token": "t0ken", "token_type": "bearer"})))
    }

    async fn take(State(me): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let answer = me.answers.lock().unwrap().pop_front().unwrap_or(204);
        if answer == 204 {
            me.taken.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
        }
        me.tries.send_modify(|n| *n += 1);
        StatusCode::from_u16(answer).unwrap()
    }

    async fn tried(&self, times: usize) {
        let mut tries = self.tries.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(20), tries.wait_for(|n| *n >= times)).await;
        assert!(waited.is_ok(), "tried {} times instead of {times}", *self.tries.borrow());
    }

    fn numbers(&self) -> Vec<i64> {
        self.taken.lock().unwrap().iter().map(|(_, body)| body["n"].as_i64().unwrap()).collect()
    }
}

fn wants(filter: &Value, attributes: &Value) -> bool {
    filter["kind"] == attributes["kind"]
}

fn shape(shown: &serde_json::Map<String, Value>, payload: &mut Value) {
    if shown.get("verbosity").is_some_and(|v| v == "SHORT") {
        payload.as_object_mut().unwrap().remove("details");
    }
}

async fn notifier(db: &Db, clock: &ManualClock) -> Notifier {
    service::store::migrate(db).await.unwrap();
    let clock = Arc::new(clock.clone());
    Notifier::open(db.clone(), clock, "vnflcm", "http://vnfm/vnflcm/v2/subscriptions", wants, shape).await.unwrap()
}

/// A delivery that runs beside the test.
struct Delivering {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Delivering {
    /// Ends it, and waits until it has: what it would still do must not see what the test does next.
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn delivering(notifier: &Notifier) -> Delivering {
    let (notifier, stop) = (notifier.clone(), CancellationToken::new());
    let shutdown = stop.clone();
    let task = tokio::spawn(async move { notifier.deliver(shutdown).await });
    Delivering { stop, task }
}

async fn tell(notifier: &Notifier, db: &Db, clock: &ManualClock, n: i64, kind: &str) -> Uuid {
    let id = Uuid::new_v4();
    let payload = json!({"id": id, "n": n, "details": ["much"], "_links": {"vnfInstance": {"href": "x"}}});
    db::transaction!(db, |tx| {
        let notification = Notification { id, payload: payload.clone(), attributes: json!({"kind": kind}) };
        notifier.enqueue(tx, notification, clock.now_micros()).await?;
        Ok::<_, ApiError>(())
    })
    .unwrap();
    notifier.kick();
    id
}

async fn subscribed(notifier: &Notifier, asked: Asked) -> Uuid {
    match notifier.subscribe(asked).await.unwrap() {
        Subscribed::New(id, _) => id,
        Subscribed::Existing(id) => panic!("there was {id}"),
    }
}

fn asked(subscriber: &Subscriber) -> Asked {
    Asked { callback_uri: subscriber.url.clone(), ..Asked::default() }
}

#[tokio::test]
async fn notifications_arrive_in_order_after_failures_and_restarts() {
    for db in TestDb::all().await {
        let clock = ManualClock::new(1_000_000_000);
        let one = notifier(&db, &clock).await;
        let subscriber = Subscriber::start().await;
        let id = subscribed(&one, asked(&subscriber)).await;
        subscriber.answers.lock().unwrap().extend([500, 503]);
        let stop = delivering(&one);
        let context = TraceContext::random();
        let first = context.scope(tell(&one, &db, &clock, 1, "a")).await;
        subscriber.tried(1).await;
        for n in 2..=30 {
            tell(&one, &db, &clock, n, "a").await;
        }
        // The first stands before all others: until its time has come nothing is tried.
        while clock.next_sleeper().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!((*subscriber.tries.borrow(), subscriber.numbers().len()), (1, 0));
        clock.advance(Duration::from_millis(100));
        subscriber.tried(2).await;
        // The process ends here and another one goes on where it was.
        stop.end().await;
        clock.advance(Duration::from_secs(120));
        let again = notifier(&db.reopen().await, &clock).await;
        let stop = delivering(&again);
        subscriber.tried(32).await;
        assert_eq!(subscriber.numbers(), (1..=30).collect::<Vec<_>>(), "{:?}", db.dialect);
        let (headers, body) = subscriber.taken.lock().unwrap()[0].clone();
        assert_eq!(body["id"], json!(first), "the id stays the same over all attempts");
        assert_eq!(body["subscriptionId"], json!(id));
        assert_eq!(body["_links"]["subscription"]["href"], format!("http://vnfm/vnflcm/v2/subscriptions/{id}"));
        assert_eq!(body["_links"]["vnfInstance"]["href"], "x");
        let trace: TraceContext = headers["traceparent"].to_str().unwrap().parse().unwrap();
        assert_eq!(trace.trace_id(), context.trace_id());
        stop.end().await;
    }
}

#[tokio::test]
async fn a_subscriber_that_hangs_does_not_hold_up_another() {
    let db = TestDb::sqlite().await;
    let clock = ManualClock::new(1_000_000_000);
    let notifier = notifier(&db, &clock).await;
    let (good, hung) = (Subscriber::start().await, Subscriber::start().await);
    let id = subscribed(&notifier, asked(&hung)).await;
    subscribed(&notifier, asked(&good)).await;
    // Its address is turned to one that never answers, after the test it had to pass.
    let url = hung.url.replace("/callback", "/never");
    db::sqlx::query("UPDATE notify_subscription SET document = REPLACE(document, $1, $2) WHERE id = $3")
        .bind(hung.url.clone())
        .bind(url)
        .bind(id.to_string())
        .execute(&db.pool)
        .await
        .unwrap();
    let stop = delivering(&notifier);
    for n in 1..=5 {
        tell(&notifier, &db, &clock, n, "a").await;
        good.tried(usize::try_from(n).unwrap()).await;
    }
    assert_eq!(good.numbers(), [1, 2, 3, 4, 5]);
    stop.end().await;
}

#[tokio::test]
async fn what_is_rolled_back_is_not_told_and_what_is_too_old_is_dropped() {
    for db in TestDb::all().await {
        let clock = ManualClock::new(1_000_000_000);
        let notifier = notifier(&db, &clock).await;
        let subscriber = Subscriber::start().await;
        subscribed(&notifier, asked(&subscriber)).await;
        let undone: Result<(), ApiError> = db::transaction!(db, |tx| {
            let payload = json!({"n": 0});
            let notification = Notification { id: Uuid::new_v4(), payload, attributes: Value::Null };
            notifier.enqueue(tx, notification, 1).await?;
            Err(ApiError::conflict("undone"))
        });
        assert!(undone.is_err());
        tell(&notifier, &db, &clock, 1, "a").await;
        clock.advance(Duration::from_secs(25 * 3600));
        tell(&notifier, &db, &clock, 2, "a").await;
        subscriber.answers.lock().unwrap().push_back(500);
        let stop = delivering(&notifier);
        subscriber.tried(2).await;
        assert_eq!(subscriber.numbers(), [2], "the first was a day old and not taken at its last attempt");
        stop.end().await;
    }
}

#[tokio::test]
async fn replicas_on_one_database_deliver_each_notification_once() {
    let Some(db) = TestDb::postgres().await else { return };
    let clock = ManualClock::new(1_000_000_000);
    let subscriber = Subscriber::start().await;
    let first = notifier(&db, &clock).await;
    subscribed(&first, asked(&subscriber)).await;
    let mut stops = vec![delivering(&first)];
    let mut all = vec![first];
    for _ in 0..2 {
        let other = notifier(&db.reopen().await, &clock).await;
        stops.push(delivering(&other));
        all.push(other);
    }
    for n in 1..=60 {
        tell(&all[usize::try_from(n).unwrap() % 3], &db, &clock, n, "a").await;
    }
    // A replica without the lease leaves the work to the one that has it, and looks again when told.
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        while *subscriber.tries.borrow() < 60 {
            all.iter().for_each(Notifier::kick);
            tokio::task::yield_now().await;
        }
    });
    told.await.expect("all are delivered");
    assert_eq!(subscriber.numbers(), (1..=60).collect::<Vec<_>>());
    for stop in stops {
        stop.end().await;
    }
}

#[tokio::test]
async fn filters_choose_and_verbosity_shapes() {
    let db = TestDb::sqlite().await;
    let clock = ManualClock::new(1_000_000_000);
    let notifier = notifier(&db, &clock).await;
    let (all, short) = (Subscriber::start().await, Subscriber::start().await);
    subscribed(&notifier, asked(&all)).await;
    let shown = [("verbosity".to_owned(), json!("SHORT"))].into_iter().collect();
    subscribed(&notifier, Asked { filter: Some(json!({"kind": "b"})), shown, ..asked(&short) }).await;
    let stop = delivering(&notifier);
    tell(&notifier, &db, &clock, 1, "a").await;
    tell(&notifier, &db, &clock, 2, "b").await;
    all.tried(2).await;
    short.tried(1).await;
    assert_eq!((all.numbers(), short.numbers()), (vec![1, 2], vec![2]));
    assert_eq!(all.taken.lock().unwrap()[1].1["details"], json!(["much"]));
    assert!(short.taken.lock().unwrap()[0].1.get("details").is_none());
    stop.end().await;
}

#[tokio::test]
async fn an_address_that_does_not_answer_204_is_refused_and_an_equal_subscription_is_found() {
    for db in TestDb::all().await {
        let clock = ManualClock::new(1_000_000_000);
        let notifier = notifier(&db, &clock).await;
        let subscriber = Subscriber::start().await;
        *subscriber.test_answer.lock().unwrap() = 200;
        let refused = notifier.subscribe(asked(&subscriber)).await.unwrap_err();
        assert_eq!((refused.problem.status, refused.problem.faults[0].location.as_str()), (422, "/callbackUri"));
        assert!(refused.problem.faults[0].message.contains("200"), "{refused:?}");
        *subscriber.test_answer.lock().unwrap() = 204;
        for wrong in ["nothing", "mailto:someone@example.org", "http://user:pw@127.0.0.1/", "ftp://x/y"] {
            let asked = Asked { callback_uri: wrong.to_owned(), ..Asked::default() };
            assert_eq!(notifier.subscribe(asked).await.unwrap_err().problem.status, 400, "{wrong}");
        }
        let with = |filter: Value| Asked { filter: Some(filter), ..asked(&subscriber) };
        let id = subscribed(&notifier, with(json!({"kind": "a", "more": 1}))).await;
        let equal = notifier.subscribe(with(json!({"more": 1, "kind": "a"}))).await.unwrap();
        assert_eq!(equal, Subscribed::Existing(id));
        // Equal requests at the same moment make one as well.
        let racing = (0..6).map(|_| notifier.subscribe(with(json!({"kind": "race"}))));
        let outcomes = futures::future::join_all(racing).await;
        let new = outcomes.iter().filter(|o| matches!(o, Ok(Subscribed::New(..)))).count();
        assert!(new == 1 && outcomes.iter().all(Result::is_ok), "{outcomes:?}");

        let shown = notifier.subscription(id).await.unwrap();
        assert_eq!(shown["_links"]["self"]["href"], format!("http://vnfm/vnflcm/v2/subscriptions/{id}"));
        assert!(shown.get("api").is_none() && shown["callbackUri"] == json!(subscriber.url));
        let filter = format!("(eq,callbackUri,{})", subscriber.url).parse().unwrap();
        let answer = notifier.respond(ListQuery { filter, ..ListQuery::default() }).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert_eq!(serde_json::from_slice::<Vec<Value>>(&body).unwrap().len(), 2);
        tell(&notifier, &db, &clock, 1, "a").await;
        notifier.unsubscribe(id).await.unwrap();
        assert_eq!(notifier.unsubscribe(id).await.unwrap_err().problem.status, 404);
        let left: i64 = db::sqlx::query_scalar("SELECT COUNT(*) FROM notify_outbox").fetch_one(&db.pool).await.unwrap();
        assert_eq!(left, 0, "what was not delivered goes with its subscription");
    }
}

#[tokio::test]
async fn credentials_are_presented_and_never_shown() {
    let db = TestDb::sqlite().await;
    let clock = ManualClock::new(1_000_000_000);
    let notifier = notifier(&db, &clock).await;
    let read = |value: Value| -> Option<SubscriptionAuthentication> { Some(serde_json::from_value(value).unwrap()) };
    let basic = Subscriber::start().await;
    let authentication =
        read(json!({"authType": ["BASIC"], "paramsBasic": {"userName": "nfvo", "password": "s3cret"}}));
    let id = subscribed(&notifier, Asked { authentication, ..asked(&basic) }).await;
    assert!(!notifier.subscription(id).await.unwrap().to_string().contains("s3cret"));
    let oauth = Subscriber::start().await;
    let endpoint = oauth.url.replace("/callback", "/token");
    let params = |password: &str| json!({"clientId": "client", "clientPassword": password, "tokenEndpoint": endpoint});
    let with = |password: &str| {
        read(json!({"authType": ["OAUTH2_CLIENT_CREDENTIALS"], "paramsOauth2ClientCredentials": params(password)}))
    };
    let wrong = Asked { authentication: with("wrong"), ..asked(&oauth) };
    assert_eq!(notifier.subscribe(wrong).await.unwrap_err().problem.status, 422);
    subscribed(&notifier, Asked { authentication: with("secret"), ..asked(&oauth) }).await;
    for unusable in [json!({"authType": ["TLS_CERT"]}), json!({"authType": ["BASIC"]}), json!({"authType": []})] {
        let asked = Asked { authentication: read(unusable.clone()), ..asked(&basic) };
        assert_eq!(notifier.subscribe(asked).await.unwrap_err().problem.status, 400, "{unusable}");
    }
    let stop = delivering(&notifier);
    tell(&notifier, &db, &clock, 1, "a").await;
    basic.tried(1).await;
    oauth.tried(1).await;
    // nfvo:s3cret
    assert_eq!(basic.taken.lock().unwrap()[0].0["authorization"], "Basic bmZ2bzpzM2NyZXQ=");
    assert_eq!(oauth.taken.lock().unwrap()[0].0["authorization"], "Bearer t0ken");
    stop.end().await;
}
