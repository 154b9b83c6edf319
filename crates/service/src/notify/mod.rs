//! Notifications to subscribers (SOL013 clause 5.9 and 6.5 and the subscription clauses of each SOL interface): who asked
//! for what, a transactional outbox, and a deliverer that keeps the order and tries again.
//!
//! A service enqueues in the transaction of the change it tells: the notification is there if and only if the change is.
//! Delivery is at least once, in order per subscription, under one identifier per notification. A subscriber that does
//! not answer holds back only its own queue; what is older than a day is dropped and logged.

mod authenticate;
mod deliver;
mod direct;
mod outbox;
mod secured;
mod subscription;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use db::{AnyConnection, Clock, Db, Migration, SystemClock};
use prometheus::IntCounterVec;
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::run::{BoxError, Setup};
use crate::store::StoreError;

pub use direct::Target;
pub use secured::Callers;
pub use subscription::{Asked, Subscribed, Subscription};

/// Tables of this module, in the database of every service that has subscriptions.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "subscriptions", sql: crate::collection_ddl!("notify_subscription") },
    Migration {
        version: 2,
        name: "outbox",
        sql: &[
            "CREATE TABLE notify_outbox (api TEXT NOT NULL, subscription TEXT NOT NULL, seq BIGINT NOT NULL, payload TEXT NOT NULL, \
             created_at BIGINT NOT NULL, attempts BIGINT NOT NULL, next_at BIGINT NOT NULL, \
             PRIMARY KEY (subscription, seq))",
            "CREATE TABLE notify_sequence (subscription TEXT PRIMARY KEY, seq BIGINT NOT NULL)",
        ],
    },
    Migration {
        version: 3,
        name: "leases",
        sql: &[
            "ALTER TABLE notify_outbox ADD COLUMN trace TEXT",
            "ALTER TABLE notify_sequence ADD COLUMN lease_owner TEXT",
            "ALTER TABLE notify_sequence ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE notify_sequence ADD COLUMN identity TEXT",
            "CREATE UNIQUE INDEX notify_sequence_identity ON notify_sequence (identity)",
            "CREATE INDEX notify_outbox_api ON notify_outbox (api, subscription, seq)",
        ],
    },
];

/// How long a notification is tried before it is dropped.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Longer than any transaction that leaves a notification.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(60);

/// Whether a subscription wants a notification: its filter, and what the notification tells of itself.
pub type Wants = fn(filter: &Value, attributes: &Value) -> bool;

/// What a subscription's `verbosity` makes of a payload: it may leave attributes out. `shown` are the members of the
/// subscription beside filter and address, see [`Asked::shown`].
pub type Shape = fn(shown: &Map<String, Value>, payload: &mut Value);

/// One event, to be told to every subscription that wants it.
#[derive(Debug, Clone)]
pub struct Notification {
    /// The notification's own identifier, the same for every subscriber and every try.
    pub id: Uuid,
    /// The body, a JSON object that holds this id; `subscriptionId` and `_links.subscription.href` are filled in for each
    /// subscriber.
    pub payload: Value,
    /// What filters look at.
    pub attributes: Value,
}

/// Subscriptions of one interface and their outbox. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Notifier {
    db: Db,
    api: &'static str,
    /// Address of the interface's subscriptions, without a trailing slash.
    url: Arc<str>,
    wants: Wants,
    shape: Shape,
    clock: Arc<dyn Clock>,
    callers: Callers,
    news: Arc<Notify>,
    /// When something was left last.
    left: Arc<Mutex<Option<Instant>>>,
    count: Option<IntCounterVec>,
    /// Subscribers of an older version of the interface, who are told the same in its form.
    older: Option<Arc<Notifier>>,
}

impl Notifier {
    /// Opens the subscriptions of the interface called `api` (unique within the service) at `url`, and starts delivering.
    ///
    /// # Errors
    /// What the database says.
    pub async fn start(setup: &Setup, api: &'static str, url: &str, wants: Wants) -> Result<Self, BoxError> {
        Self::start_shaped(setup, api, url, wants, |_, _| {}).await
    }

    /// The same, with payloads shaped for each subscription.
    ///
    /// # Errors
    /// What the database says.
    pub async fn start_shaped(
        setup: &Setup,
        api: &'static str,
        url: &str,
        wants: Wants,
        shape: Shape,
    ) -> Result<Self, BoxError> {
        let opened = Self::open(setup.db.clone(), Arc::new(SystemClock), api, url, wants, shape).await?;
        let notifier =
            Self { count: Some(setup.metrics.notifications.clone()), callers: setup.callers.clone(), ..opened };
        let (own, shutdown) = (notifier.clone(), setup.shutdown.clone());
        setup.spawn("notifications", async move { deliver::run(own, shutdown).await });
        Ok(notifier)
    }

    /// Opens the subscriptions without delivering; [`Notifier::deliver`] does that.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open(
        db: Db,
        clock: Arc<dyn Clock>,
        api: &'static str,
        url: &str,
        wants: Wants,
        shape: Shape,
    ) -> Result<Self, StoreError> {
        db.migrate("notify", MIGRATIONS).await?;
        subscription::SUBSCRIPTIONS.prepare(&db).await?;
        let url = url.trim_end_matches('/').into();
        Ok(Self {
            db,
            api,
            url,
            wants,
            shape,
            clock,
            callers: Callers::default(),
            news: Arc::default(),
            left: Arc::default(),
            count: None,
            older: None,
        })
    }

    /// The same, calling subscribers by `callers`.
    #[must_use]
    pub fn by(self, callers: Callers) -> Self {
        Self { callers, ..self }
    }

    /// Delivers until `shutdown` fires.
    pub async fn deliver(&self, shutdown: CancellationToken) {
        let Ok(()) = deliver::run(self.clone(), shutdown).await;
    }

    /// Leaves a notification for every subscription that wants it, in the caller's transaction. Call [`Notifier::kick`]
    /// after the commit. `now` in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// What the database says.
    pub async fn enqueue(
        &self,
        tx: &mut AnyConnection,
        notification: Notification,
        now: i64,
    ) -> Result<(), StoreError> {
        for subscription in self.of_this_api(tx).await? {
            let wanted =
                subscription.document.filter.as_ref().is_none_or(|f| (self.wants)(f, &notification.attributes));
            if wanted {
                let mut payload = self.addressed(&notification.payload, subscription.id);
                (self.shape)(&subscription.document.shown, &mut payload);
                self.leave(tx, subscription.id, &payload, now).await?;
            }
        }
        match &self.older {
            Some(older) => Box::pin(older.enqueue(tx, notification, now)).await,
            None => Ok(()),
        }
    }

    /// Leaves one notification for one subscription.
    async fn leave(&self, tx: &mut AnyConnection, id: Uuid, payload: &Value, now: i64) -> Result<(), StoreError> {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(outbox::put(tx, self.api, id, payload, now).await?)
    }

    /// The same, telling the subscribers of `older` too: those of an older version of the interface, whose [`Shape`]
    /// gives payloads its form.
    #[must_use]
    pub fn and(self, older: Self) -> Self {
        Self { older: Some(Arc::new(older)), ..self }
    }

    /// Something was committed: deliver. Whoever does not know whether it leaves notifications may call too: when none was
    /// left here for longer than any transaction takes, nothing is looked for.
    pub fn kick(&self) {
        let left = *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.is_some_and(|left| left.elapsed() < LONGEST_TRANSACTION) {
            self.news.notify_one();
        }
        if let Some(older) = &self.older {
            older.kick();
        }
    }

    /// Counts an attempt: `delivered`, `refused` or `dropped`.
    fn counted(&self, outcome: &str) {
        if let Some(count) = &self.count {
            count.with_label_values(&[self.api, outcome]).inc();
        }
    }

    fn addressed(&self, payload: &Value, subscription: Uuid) -> Value {
        let mut payload = payload.clone();
        if let Value::Object(members) = &mut payload {
            members.insert("subscriptionId".to_owned(), Value::String(subscription.to_string()));
            let links = members.entry("_links").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(links) = links {
                links.insert("subscription".to_owned(), serde_json::json!({ "href": self.location(subscription) }));
            }
        }
        payload
    }

    /// Address of a subscription.
    pub fn location(&self, id: Uuid) -> String {
        format!("{}/{id}", self.url)
    }
}
