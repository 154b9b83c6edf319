//! What Nova tells by itself: oslo.messaging's notifications over AMQP 0-9-1, where a broker is registered with the VIM. They
//! say when to look at what, nothing is believed for them alone: while they are heard, servers under way are looked at when
//! something came of them, and only now and then else.
//!
//! The queue is this adapter's own and ends with its connection, so that others who listen lose nothing. Both forms are
//! understood, the versioned one and the one before it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use lapin::options::{BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::tcp::OwnedTLSConfig;
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ExchangeKind};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::OpenstackVim;
use crate::store::computes::ComputeRow;

/// The exchange of Nova's notifications, unless its operator gave it another `control_exchange`.
const EXCHANGE: &str = "nova";
/// What is listened to there: every priority of both forms.
const KEYS: [&str; 2] = ["versioned_notifications.*", "notifications.*"];
/// Whether the broker is still there is asked this often, in seconds, unless the address says otherwise.
const HEARTBEAT: u16 = 20;
/// After this time without an answer the broker is told as lost.
const CONNECT: Duration = Duration::from_secs(15);
/// Between two attempts: at first, and at most.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MOST: Duration = Duration::from_secs(60);
/// The longest message that is read, in bytes.
const MESSAGE: usize = 1 << 20;
/// Servers that something came of and that nobody asked for yet.
const UNASKED: usize = 10_000;

/// What came, and whether anything can come.
#[derive(Debug, Default)]
pub struct Notifications {
    heard: Mutex<Heard>,
    /// Rung when something came.
    pub bell: Notify,
}

#[derive(Debug, Default)]
struct Heard {
    state: State,
    /// Since it is heard nobody looked: what came about before was not told.
    missed: bool,
    /// By Nova's identifier of a server: whether it is gone.
    servers: BTreeMap<String, bool>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum State {
    #[default]
    Off,
    Heard,
    Lost(String),
}

impl Notifications {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what happens to servers is told.
    pub fn are_heard(&self) -> bool {
        self.lock().state == State::Heard
    }

    /// For the VIM's health; `None` where no broker is registered.
    pub fn health(&self) -> Option<String> {
        match &self.lock().state {
            State::Off => None,
            State::Heard => Some("ok".to_owned()),
            State::Lost(why) => Some(why.clone()),
        }
    }

    /// Takes what came of the servers of computes: whether anything did or may have, and whether one of them is gone.
    pub fn take(&self, computes: &[ComputeRow]) -> (bool, bool) {
        let mut heard = self.lock();
        let missed = std::mem::take(&mut heard.missed);
        let mut taken = Vec::new();
        for row in computes {
            taken.extend(row.compute.vim_resource_id.as_deref().and_then(|server| heard.servers.remove(server)));
        }
        (missed || !taken.is_empty(), taken.contains(&true))
    }

    fn note(&self, state: State) {
        let mut heard = self.lock();
        heard.missed |= state == State::Heard;
        heard.state = state;
        drop(heard);
        self.bell.notify_one();
    }

    fn came(&self, news: News) {
        let mut heard = self.lock();
        // Of the project's other servers nobody asks.
        if heard.servers.len() >= UNASKED {
            heard.servers.clear();
        }
        let gone = heard.servers.entry(news.server).or_default();
        *gone |= news.gone;
        drop(heard);
        self.bell.notify_one();
    }
}

/// A server that something ended of.
#[derive(Debug, PartialEq, Eq)]
struct News {
    server: String,
    gone: bool,
}

/// The envelope of oslo.messaging, version 2.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "oslo.message")]
    message: String,
}

/// Reads a message: what ended of a server, well or badly, of this project or of one that is not named.
fn news(body: &[u8], project: &str) -> Option<News> {
    if body.len() > MESSAGE {
        return None;
    }
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    let message: Value = serde_json::from_str(&envelope.message).ok()?;
    let event = message["event_type"].as_str()?;
    let ended = event.rsplit('.').next().is_some_and(|last| matches!(last, "end" | "error"));
    // The form before has no phase in what a scheduler could not place.
    if !ended && event != "compute_task.build_instances" {
        return None;
    }
    let payload = match &message["payload"]["nova_object.data"] {
        Value::Null => &message["payload"],
        versioned => versioned,
    };
    if payload["tenant_id"].as_str().is_some_and(|tenant| tenant != project) {
        return None;
    }
    let server = ["uuid", "instance_uuid", "instance_id"].iter().find_map(|key| payload[key].as_str())?;
    Some(News { server: server.to_owned(), gone: event.ends_with("delete.end") })
}

/// The brokers that an address names, as AMQP or as oslo.messaging's `transport_url` has them.
///
/// # Errors
/// What is wrong with it, without the password.
pub fn brokers(url: &str) -> Result<Vec<AMQPUri>, String> {
    let (scheme, rest) = url.split_once("://").ok_or("it is no address: rabbit://USER:PASSWORD@HOST:5672/")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let pairs = || query.split('&').filter_map(|pair| pair.split_once('='));
    let tls = pairs().any(|(key, value)| key == "ssl" && matches!(value.to_ascii_lowercase().as_str(), "1" | "true"));
    let heartbeat = pairs().find(|(key, _)| *key == "heartbeat").and_then(|(_, value)| value.parse().ok());
    let scheme = match scheme {
        "rabbit" | "amqp" if !tls => "amqp",
        "rabbit" | "amqp" | "amqps" => "amqps",
        other => return Err(format!("{other}:// is not understood: rabbit://, amqp:// and amqps:// are")),
    };
    let (hosts, vhost) = rest.split_once('/').unwrap_or((rest, ""));
    let vhost = match vhost.trim_matches('/') {
        "" => "%2f",
        vhost => vhost,
    };
    let read = |host: &str| {
        if host.contains('[') {
            return Err("an IPv6 address is not understood: give the broker's host name".to_owned());
        }
        let mut uri: AMQPUri = format!("{scheme}://{host}/{vhost}").parse()?;
        uri.query.heartbeat = Some(heartbeat.unwrap_or(HEARTBEAT));
        Ok(uri)
    };
    hosts.split(',').map(read).collect()
}

/// Listens until it is dropped; at once at an end where no broker is registered.
pub async fn run(vim: Arc<OpenstackVim>) {
    let account = &vim.session.access().account;
    let Some(url) = account.notifications_url.as_ref().map(|url| url.reveal()).filter(|url| !url.is_empty()) else {
        return;
    };
    // What cannot be read was refused when it was registered.
    let brokers = brokers(url).unwrap_or_default();
    let mut pause = RETRY;
    for broker in brokers.iter().cycle() {
        let host = format!("{}:{}", broker.authority.host, broker.authority.port);
        let begun = Instant::now();
        let why = match listen(&vim, broker.clone()).await {
            Ok(()) => "it ended the connection".to_owned(),
            Err(why) => why,
        };
        tracing::warn!(vim = %vim.ledger.vim, host, why, "Nova's notifications are not heard");
        vim.notifications.note(State::Lost(format!("the message broker at {host}: {why}")));
        pause = if begun.elapsed() > RETRY_MOST { RETRY } else { (pause * 2).min(RETRY_MOST) };
        tokio::time::sleep(pause).await;
    }
}

async fn listen(vim: &OpenstackVim, broker: AMQPUri) -> Result<(), String> {
    let project = vim.session.cloud().await.map_err(|failure| failure.to_string())?.project_id.clone();
    let host = broker.authority.host.clone();
    let opening = open(vim, broker);
    tokio::pin!(opening);
    // An attempt that is given up would live on below: there is one at a time, however long it takes.
    let opened = match tokio::time::timeout(CONNECT, &mut opening).await {
        Ok(opened) => opened,
        Err(_) => {
            let why = format!("the message broker at {host}: no answer for {} s", CONNECT.as_secs());
            vim.notifications.note(State::Lost(why));
            opening.await
        }
    };
    let (_connection, mut consumer) = opened.map_err(|error| error.to_string())?;
    tracing::info!(vim = %vim.ledger.vim, "Nova's notifications are heard");
    vim.notifications.note(State::Heard);
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery.map_err(|error| error.to_string())?;
        if let Some(news) = news(&delivery.data, &project) {
            vim.notifications.came(news);
        }
    }
    Ok(())
}

async fn open(vim: &OpenstackVim, broker: AMQPUri) -> lapin::Result<(Connection, lapin::Consumer)> {
    let trusted = &vim.session.access().interface.trusted_certificates;
    let tls = OwnedTLSConfig { identity: None, cert_chain: (!trusted.is_empty()).then(|| trusted.join("\n")) };
    let named = ConnectionProperties::default().with_connection_name("vim-adapter".into());
    let runtime = lapin::runtime::default_runtime()?;
    let connection = Connection::connect_uri_with_config(broker, named, tls, runtime).await?;
    let channel = connection.create_channel().await?;
    let there = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, there, FieldTable::default()).await?;
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), own, FieldTable::default()).await?;
    for key in KEYS {
        let bind = QueueBindOptions::default();
        channel.queue_bind(queue.name().clone(), EXCHANGE.into(), key.into(), bind, FieldTable::default()).await?;
    }
    let unacknowledged = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let consumer =
        channel.basic_consume(queue.name().clone(), "".into(), unacknowledged, FieldTable::default()).await?;
    Ok((connection, consumer))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::fixtures;
    use crate::store::computes::Phase;

    fn told(message: &Value) -> Option<News> {
        let envelope = json!({ "oslo.version": "2.0", "oslo.message": message.to_string() });
        news(envelope.to_string().as_bytes(), "ours")
    }

    fn versioned(event: &str, data: &Value) -> Option<News> {
        told(&json!({ "event_type": event, "payload": { "nova_object.name": "x", "nova_object.data": data } }))
    }

    fn of(server: &str, gone: bool) -> Option<News> {
        Some(News { server: server.to_owned(), gone })
    }

    #[test]
    fn the_end_of_what_is_done_to_a_server_is_news_in_both_forms() {
        let ours = json!({ "uuid": "s", "tenant_id": "ours", "state": "active" });
        assert_eq!(versioned("instance.create.end", &ours), of("s", false));
        assert_eq!(versioned("instance.create.error", &ours), of("s", false));
        assert_eq!(versioned("instance.delete.end", &ours), of("s", true));
        assert_eq!(versioned("instance.create.start", &ours), None);
        assert_eq!(versioned("instance.update", &ours), None);
        assert_eq!(versioned("compute_task.build_instances.error", &json!({ "instance_uuid": "s" })), of("s", false));
        let legacy = json!({ "event_type": "compute.instance.power_off.end", "payload":
            { "instance_id": "s", "tenant_id": "ours" } });
        assert_eq!(told(&legacy), of("s", false));
        let unplaced = json!({ "event_type": "compute_task.build_instances", "payload": { "instance_uuid": "s" } });
        assert_eq!(told(&unplaced), of("s", false));
    }

    #[test]
    fn what_is_of_another_project_or_cannot_be_read_is_none() {
        assert_eq!(versioned("instance.create.end", &json!({ "uuid": "s", "tenant_id": "theirs" })), None);
        assert_eq!(versioned("keypair.import.end", &json!({ "tenant_id": "ours" })), None);
        assert_eq!(news(b"{}", "ours"), None);
        assert_eq!(news(b"\xff\x00", "ours"), None);
        assert_eq!(news(&vec![b' '; MESSAGE + 1], "ours"), None);
    }

    #[test]
    fn what_came_is_taken_once_by_who_knows_the_server() {
        let notifications = Notifications::default();
        notifications.came(News { server: "a".to_owned(), gone: false });
        notifications.came(News { server: "b".to_owned(), gone: true });
        notifications.came(News { server: "b".to_owned(), gone: false });
        let rows = |servers: &[&str]| -> Vec<ComputeRow> {
            let row = |server: &&str| {
                let mut row = fixtures::row(uuid::Uuid::nil(), Phase::Settled, None);
                row.compute.vim_resource_id = Some((*server).to_owned());
                row
            };
            servers.iter().map(row).collect()
        };
        assert_eq!(notifications.take(&rows(&["c"])), (false, false));
        assert_eq!(notifications.take(&rows(&["a", "c"])), (true, false));
        assert_eq!(notifications.take(&rows(&["a", "b"])), (true, true));
        assert_eq!(notifications.take(&rows(&["a", "b"])), (false, false));
        notifications.note(State::Heard);
        assert_eq!(notifications.take(&rows(&["a"])), (true, false), "what came about before it was heard");
    }

    #[test]
    fn brokers_are_read_as_both_kinds_of_address_have_them() {
        let one = &brokers("rabbit://openstack:s3%40x@192.0.2.1:5672/").unwrap()[0];
        assert_eq!((one.authority.host.as_str(), one.authority.port, one.vhost.as_str()), ("192.0.2.1", 5672, "/"));
        assert_eq!(one.authority.userinfo.password, "s3@x");
        let both = brokers("rabbit://u:p@a:5672,u:p@b/cloud?ssl=1").unwrap();
        let seen: Vec<_> =
            both.iter().map(|b| (b.authority.host.as_str(), b.authority.port, b.vhost.as_str())).collect();
        assert_eq!(seen, [("a", 5672, "cloud"), ("b", 5671, "cloud")]);
        assert_eq!(brokers("amqps://u:p@a//").unwrap()[0].vhost, "/");
        assert_eq!(brokers("amqp://u:p@a/?heartbeat=5").unwrap()[0].query.heartbeat, Some(5));
        for wrong in ["a:5672", "kafka://a:9092/", "amqp://u:secret@:99999/", "amqp://u:secret@[2001:db8::5]/"] {
            let why = brokers(wrong).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
