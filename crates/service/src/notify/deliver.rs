//! Delivery: the oldest of each subscription, side by side, again with growing pauses until it is taken.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use base64::Engine as _;
use futures::future::join_all;
use reference_points::common::{CallError, Client};
use reference_points::or_vnfm::{AuthType, SubscriptionAuthentication};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::outbox::{self, Waiting};
use super::subscription::SUBSCRIPTIONS;
use super::{MAX_AGE, Notifier};

/// Longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How often the outbox is looked at when nobody rings: another replica may have written.
const LOOK: Duration = Duration::from_secs(30);

/// Delivers until the service ends.
pub(super) async fn run(notifier: Notifier, shutdown: CancellationToken) -> Result<(), Infallible> {
    let mut clients = BTreeMap::new();
    loop {
        let pause = match round(&notifier, &mut clients).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!("the outbox cannot be read, trying again: {error}");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = notifier.news.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Delivers all that is due; returns how long nothing will be.
async fn round(notifier: &Notifier, clients: &mut BTreeMap<Uuid, Client>) -> Result<Duration, db::DbError> {
    loop {
        let now = notifier.clock.now_micros();
        let heads = outbox::heads(&notifier.db, notifier.api).await?;
        let (due, later): (Vec<_>, Vec<_>) = heads.into_iter().partition(|w: &Waiting| w.next_at <= now);
        if due.is_empty() {
            let next = later.iter().map(|w| w.next_at).min();
            return Ok(next.map_or(LOOK, |at| micros(at - now).min(LOOK)));
        }
        for waiting in &due {
            clients.entry(waiting.subscription).or_insert_with(|| Client::new("subscriber", ""));
        }
        let sent = due.iter().map(|waiting| one(notifier, clients.get(&waiting.subscription), waiting));
        join_all(sent).await.into_iter().collect::<Result<(), _>>()?;
    }
}

async fn one(notifier: &Notifier, client: Option<&Client>, waiting: &Waiting) -> Result<(), db::DbError> {
    let Some(client) = client else { return Ok(()) };
    let Ok(subscription) = SUBSCRIPTIONS.get(&notifier.db, waiting.subscription).await else { return Ok(()) };
    let Some(subscription) = subscription else { return outbox::delivered(&notifier.db, waiting).await };
    let target = &subscription.document.callback_uri;
    let sent = match headers(client, subscription.document.authentication.as_ref()).await {
        Ok(headers) => client.send_text(target, &headers, waiting.payload.clone()).await,
        Err(error) => Err(error),
    };
    let now = notifier.clock.now_micros();
    let error = match sent {
        Ok(()) => return outbox::delivered(&notifier.db, waiting).await,
        Err(error) => error,
    };
    if micros(now - waiting.created_at) > MAX_AGE {
        tracing::error!(subscription = %waiting.subscription, target, "a notification is dropped after a day of trying: {error}");
        return outbox::delivered(&notifier.db, waiting).await;
    }
    let doubled = Duration::from_millis(100u64 << waiting.attempts.clamp(0, 12));
    let pause = doubled.min(MAX_PAUSE);
    tracing::warn!(subscription = %waiting.subscription, target, ?pause, "a notification is not delivered yet: {error}");
    let pause = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
    outbox::later(&notifier.db, waiting, now.saturating_add(pause)).await
}

fn micros(count: i64) -> Duration {
    Duration::from_micros(u64::try_from(count).unwrap_or(0))
}

/// The headers that authenticate a call-back (SOL013 clause 8.3).
pub(super) async fn headers(
    client: &Client,
    authentication: Option<&SubscriptionAuthentication>,
) -> Result<Vec<(String, String)>, CallError> {
    let Some(authentication) = authentication else { return Ok(Vec::new()) };
    if authentication.auth_type.contains(&AuthType::Basic)
        && let Some(basic) = &authentication.params_basic
    {
        let user = basic.user_name.as_deref().unwrap_or_default();
        let password = basic.password.as_deref().unwrap_or_default();
        return Ok(vec![("authorization".to_owned(), basic_header(user, password))]);
    }
    if authentication.auth_type.contains(&AuthType::Oauth2ClientCredentials)
        && let Some(oauth) = &authentication.params_oauth2_client_credentials
    {
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
        }
        let id = oauth.client_id.as_deref().unwrap_or_default();
        let own =
            [("authorization".to_owned(), basic_header(id, oauth.client_password.as_deref().unwrap_or_default()))];
        let endpoint = oauth.token_endpoint.as_deref().unwrap_or_default();
        let token: Token = client.form(endpoint, &own, &[("grant_type", "client_credentials")]).await?;
        return Ok(vec![("authorization".to_owned(), format!("Bearer {}", token.access_token))]);
    }
    Ok(Vec::new())
}

fn basic_header(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
