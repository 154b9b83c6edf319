//! Subscriptions: made after the call-back address has been tried, kept with their secrets, shown without them.

use axum::response::Response;
use db::AnyConnection;
use reference_points::common::{CallError, Fault};
use reference_points::or_vnfm::SubscriptionAuthentication;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Notifier, outbox};
use crate::http::{ApiError, ApiResult};
use crate::query::{Condition, ListQuery, Op, Selection, Step};
use crate::store::{Collection, Document, Index, Noun, StoreError, Stored};

pub(super) const SUBSCRIPTIONS: Collection<Subscription> = Collection::new();

/// Subscriptions of one interface at most: each costs work with every notification.
const MAX_SUBSCRIPTIONS: usize = 200;

/// A subscription as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Identifier.
    pub id: Uuid,
    /// Interface it belongs to.
    pub api: String,
    /// What is wanted, as the interface defines it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Value>,
    /// Where notifications go.
    pub callback_uri: String,
    /// Further members that the interface shows, e.g. `verbosity`.
    #[serde(default)]
    pub shown: serde_json::Map<String, Value>,
    /// How to authenticate there; never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

impl Document for Subscription {
    const NOUN: &'static Noun = &Noun {
        table: "notify_subscription",
        what: "subscription",
        indexed: &[Index::text("api"), Index::text("callbackUri")],
        selection: Selection::NONE,
        attributes: &["api", "id", "filter", "callbackUri", "verbosity"],
    };

    fn resource(&self) -> Result<Value, serde_json::Error> {
        let mut value = json!({ "id": self.id, "api": self.api, "callbackUri": self.callback_uri });
        if let Value::Object(members) = &mut value {
            members.extend(self.filter.clone().map(|f| ("filter".to_owned(), f)));
            members.extend(self.shown.clone());
        }
        Ok(value)
    }
}

/// A request to subscribe, read by the interface.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What is wanted.
    pub filter: Option<Value>,
    /// Where notifications shall go.
    pub callback_uri: String,
    /// Further members to show.
    pub shown: serde_json::Map<String, Value>,
    /// How to authenticate there.
    pub authentication: Option<SubscriptionAuthentication>,
}

impl Asked {
    /// A request without further members to show.
    ///
    /// # Errors
    /// When the filter cannot be written as JSON, which is a defect.
    pub fn new(
        filter: Option<impl Serialize>,
        callback_uri: String,
        authentication: Option<SubscriptionAuthentication>,
    ) -> ApiResult<Self> {
        let filter = filter.map(serde_json::to_value).transpose().map_err(|e| ApiError::internal(e.to_string()))?;
        Ok(Self { filter, callback_uri, shown: serde_json::Map::new(), authentication })
    }
}

/// What a request to subscribe brings.
#[derive(Debug, Clone, PartialEq)]
pub enum Subscribed {
    /// A new one, as it is shown.
    New(Uuid, Value),
    /// There is an equal one (answer 303 with its location).
    Existing(Uuid),
}

impl Notifier {
    /// Subscribes: the call-back address must answer a GET with 204 (SOL003 clause 5.4.20.3.2).
    ///
    /// # Errors
    /// 400 for an address that is none, 422 when it does not answer as it must, 503 when there are too many.
    pub async fn subscribe(&self, asked: Asked) -> ApiResult<Subscribed> {
        self.check(&asked)?;
        let identity = self.identity(&asked);
        if let Some(equal) = self.equal(&asked).await? {
            return Ok(Subscribed::Existing(equal));
        }
        self.try_address(&asked).await?;
        let id = Uuid::new_v4();
        let subscription = Subscription {
            id,
            api: self.api.to_owned(),
            filter: asked.filter,
            callback_uri: asked.callback_uri,
            shown: asked.shown,
            authentication: asked.authentication,
        };
        let now = self.clock.now_micros();
        let made = db::transaction!(self.db, |tx| {
            if self.of_this_api(tx).await?.len() >= MAX_SUBSCRIPTIONS {
                return Err(ApiError::unavailable(
                    format!(
                        "there are {MAX_SUBSCRIPTIONS} subscriptions, which is the most; delete one that is not needed"
                    ),
                    std::time::Duration::from_secs(60),
                ));
            }
            // Two equal requests at the same moment make one subscription.
            if let Some(equal) = outbox::admit(tx, id, &identity).await? {
                return Ok(Err(equal));
            }
            Ok::<_, ApiError>(Ok(SUBSCRIPTIONS.insert(&mut *tx, id, subscription.clone(), now).await?))
        })?;
        Ok(match made {
            Ok(stored) => Subscribed::New(id, self.show(&stored)),
            Err(equal) => Subscribed::Existing(equal),
        })
    }

    /// One subscription, as it is shown.
    ///
    /// # Errors
    /// 404 when this interface has none of this id.
    pub async fn subscription(&self, id: Uuid) -> ApiResult<Value> {
        match SUBSCRIPTIONS.get(&self.db, id).await?.filter(|s| s.document.api == self.api) {
            Some(stored) => Ok(self.show(&stored)),
            None => Err(ApiError::not_found(format!("subscription {id}"))),
        }
    }

    /// Ends a subscription and what is still to be delivered to it.
    ///
    /// # Errors
    /// 404 when this interface has none of this id.
    pub async fn unsubscribe(&self, id: Uuid) -> ApiResult<()> {
        self.subscription(id).await?;
        db::transaction!(self.db, |tx| {
            SUBSCRIPTIONS.delete(&mut *tx, id, None).await?;
            outbox::forget(&mut *tx, id).await?;
            Ok::<_, ApiError>(())
        })
    }

    /// Answers a list request.
    ///
    /// # Errors
    /// As [`Collection::respond`].
    pub async fn respond(&self, mut query: ListQuery) -> ApiResult<Response> {
        let own = Condition { op: Op::Eq, path: vec![Step::Name("api".to_owned())], values: vec![self.api.to_owned()] };
        query.filter.conditions.insert(0, own);
        SUBSCRIPTIONS.respond(&self.db, &query, |stored, shown| *shown = self.show(stored)).await
    }

    fn show(&self, stored: &Stored<Subscription>) -> Value {
        let mut shown = stored.document.resource().unwrap_or_default();
        if let Value::Object(members) = &mut shown {
            members.shift_remove("api");
            members.insert("_links".to_owned(), json!({ "self": { "href": self.location(stored.id) } }));
        }
        shown
    }

    pub(super) async fn of_this_api(&self, tx: &mut AnyConnection) -> Result<Vec<Stored<Subscription>>, StoreError> {
        // By the index: what belongs to other interfaces costs nothing.
        let rows = db::sqlx::query(
            "SELECT t.id, t.created_at, t.updated_at, t.revision, t.document \
             FROM attribute_index d JOIN notify_subscription t ON t.id = d.id \
             WHERE d.noun = 'notify_subscription' AND d.path = 'api' AND d.text_value = $1 ORDER BY d.created_at, d.id",
        )
        .bind(self.api)
        .fetch_all(tx)
        .await?;
        rows.iter().map(|row| SUBSCRIPTIONS.read(row)).collect()
    }

    async fn equal(&self, asked: &Asked) -> ApiResult<Option<Uuid>> {
        let mut tx = self.db.begin_read().await?;
        let all = self.of_this_api(&mut tx).await?;
        drop(tx);
        let same = |s: &Subscription| {
            s.callback_uri == asked.callback_uri && s.filter == asked.filter && s.shown == asked.shown
        };
        Ok(all.into_iter().find(|s| same(&s.document)).map(|s| s.id))
    }

    /// What makes two subscriptions equal, in a form of bounded length.
    fn identity(&self, asked: &Asked) -> String {
        let shown = Value::Object(asked.shown.clone());
        let filter = asked.filter.as_ref().map(canonical).unwrap_or_default();
        let text = format!("{}\n{}\n{filter}\n{}", self.api, asked.callback_uri, canonical(&shown));
        Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()).to_string()
    }

    pub(super) async fn tried(&self, asked: &Asked) -> ApiResult<()> {
        self.check(asked)?;
        self.try_address(asked).await
    }

    /// Whether an address can be called at all, in the way that is asked for.
    fn check(&self, asked: &Asked) -> ApiResult<()> {
        let mut faults: Vec<Fault> = super::authenticate::unusable(&asked.callback_uri)
            .map(|why| Fault::new("/callbackUri", why).mend("http://HOST:PORT/PATH or https://HOST:PORT/PATH"))
            .into_iter()
            .collect();
        let certified = self.callers.has_certificate();
        let told = |a| super::authenticate::faults(a, &asked.callback_uri, certified);
        faults.extend(asked.authentication.iter().flat_map(told));
        if faults.is_empty() { Ok(()) } else { Err(ApiError::faults("the subscription", faults)) }
    }

    async fn try_address(&self, asked: &Asked) -> ApiResult<()> {
        let headers = self.callers.headers(asked.authentication.as_ref(), self.clock.now_micros()).await;
        let answer = match headers {
            Ok(headers) => {
                self.callers.client(asked.authentication.as_ref()).probe(&asked.callback_uri, &headers).await
            }
            Err(error) => Err(error),
        };
        let why = match answer {
            Ok(204) => return Ok(()),
            Ok(status) => format!("it answers GET with {status} instead of 204"),
            Err(CallError::Refused { problem, .. }) => format!("it answers GET with {} instead of 204", problem.status),
            Err(other) => other.to_string(),
        };
        let fault =
            Fault::new("/callbackUri", why).mend("start the subscriber first; it must answer a GET there with 204");
        Err(ApiError::unprocessable("the call-back address does not work", vec![fault]))
    }
}

/// JSON with sorted names.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let inner: Vec<String> = members.iter().map(|(n, v)| format!("{n:?}:{}", canonical(v))).collect();
            format!("{{{}}}", inner.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        simple => simple.to_string(),
    }
}
