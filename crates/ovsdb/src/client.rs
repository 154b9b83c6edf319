//! One session with an OVSDB server: requests and their answers, echo both ways, notifications (RFC 7047 section 4).
//!
//! A task of the session's own owns the socket. It ends when the socket does, when the server falls silent or breaks the
//! protocol, or when the last [`Client`] of the session is dropped; every request under way is then answered by an error.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::framing::Framer;
use crate::outcome::{self, Failure};
use crate::row::shortened;
use crate::{Endpoint, Error, OpResult, Operation, Result, Schema};

/// Limits and times of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long a connection attempt may take.
    pub connect_timeout: Duration,
    /// How long an answer may take; on a [`crate::Connection`] it includes waiting for the connection.
    pub request_timeout: Duration,
    /// After this long without a byte from the server an echo is sent; after twice as long the session ends.
    pub inactivity_probe: Duration,
    /// Largest message accepted from the server, in bytes.
    pub max_message_bytes: usize,
    /// Monitor updates that may wait for their reader; a reader that falls behind further gets a new snapshot.
    pub max_queued_updates: usize,
    /// First pause before a reconnect; it doubles with every failure.
    pub backoff_min: Duration,
    /// Longest pause before a reconnect.
    pub backoff_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            inactivity_probe: Duration::from_secs(10),
            max_message_bytes: 64 * 1024 * 1024,
            max_queued_updates: 1024,
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(5),
        }
    }
}

/// Requests that may wait for the socket.
const MAX_QUEUED_REQUESTS: usize = 256;
/// Bytes that may wait for the socket before no further request is taken up.
const MAX_UNSENT_BYTES: usize = 1024 * 1024;

type Answer = Result<Json, (String, String)>;

/// A session. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
    /// Ends the session's task when the last client goes.
    _keep: Arc<mpsc::Sender<()>>,
}

#[derive(Debug)]
struct Shared {
    endpoint: String,
    options: Options,
    requests: mpsc::Sender<Vec<u8>>,
    next_id: AtomicU64,
    pending: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    updates: Mutex<HashMap<String, mpsc::Sender<Update>>>,
    closed: watch::Receiver<Option<Error>>,
}

/// A notification for a monitor: its method and the table updates.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) method: String,
    pub(crate) tables: Json,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// Connects once.
    ///
    /// # Errors
    /// [`Error::Connect`] with what the operating system answered.
    pub async fn connect(endpoint: &Endpoint, options: Options) -> Result<Client> {
        let fail = |cause: String| Error::Connect { endpoint: endpoint.to_string(), cause };
        let limit = options.connect_timeout;
        let late = |_| fail(format!("no answer within {limit:?}"));
        match endpoint {
            Endpoint::Unix(path) => {
                let stream =
                    timeout(limit, UnixStream::connect(path)).await.map_err(late)?.map_err(|e| fail(e.to_string()))?;
                Ok(Client::over(stream, endpoint.to_string(), options))
            }
            Endpoint::Tcp(host, port) => {
                let connecting = TcpStream::connect((host.as_str(), *port));
                let stream = timeout(limit, connecting).await.map_err(late)?.map_err(|e| fail(e.to_string()))?;
                // Requests are small and answered one by one; waiting to fill a packet would only delay them.
                stream.set_nodelay(true).map_err(|e| fail(e.to_string()))?;
                Ok(Client::over(stream, endpoint.to_string(), options))
            }
        }
    }

    /// A session over a stream that is connected already; `endpoint` is how messages call it.
    pub fn over<S>(stream: S, endpoint: String, options: Options) -> Client
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (requests, queue) = mpsc::channel(MAX_QUEUED_REQUESTS);
        let (close, closed) = watch::channel(None);
        let (keep, dropped) = mpsc::channel::<()>(1);
        let shared = Arc::new(Shared {
            endpoint,
            options,
            requests,
            next_id: AtomicU64::new(1),
            pending: Mutex::default(),
            updates: Mutex::default(),
            closed,
        });
        tokio::spawn(run(stream, Arc::clone(&shared), queue, dropped, close));
        Client { shared, _keep: Arc::new(keep) }
    }

    /// How messages call the server.
    pub fn endpoint(&self) -> &str {
        &self.shared.endpoint
    }

    /// Waits until the session has ended and says why.
    pub async fn closed(&self) -> Error {
        let mut closed = self.shared.closed.clone();
        // The sender lives as long as the session's task, which always leaves a reason.
        match closed.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_else(|| self.lost("session", false)),
            Err(_) => self.lost("session", false),
        }
    }

    /// True while the session stands.
    pub fn is_open(&self) -> bool {
        self.shared.closed.borrow().is_none()
    }

    fn lost(&self, method: &str, sent: bool) -> Error {
        let cause = match &*self.shared.closed.borrow() {
            Some(Error::Disconnected { cause, .. }) => cause.clone(),
            Some(other) => other.to_string(),
            None => "the session ended".to_owned(),
        };
        Error::Disconnected { endpoint: self.shared.endpoint.clone(), method: method.to_owned(), cause, sent }
    }

    /// Sends a request and waits for its answer, at most `limit`.
    pub(crate) async fn request(&self, method: &str, params: Json, limit: Duration) -> Result<Json> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.shared.pending).insert(id, sender);
        // Whatever ends this request, nothing of it stays behind.
        let _forget = Forget { shared: &self.shared, id };
        let message = json!({"method": method, "params": params, "id": id}).to_string().into_bytes();
        let started = Instant::now();
        let queued = timeout(limit, self.shared.requests.send(message)).await;
        let timed_out = |sent| Error::Timeout {
            endpoint: self.shared.endpoint.clone(),
            method: method.to_owned(),
            after: limit,
            sent,
        };
        match queued {
            Err(_) => return Err(timed_out(false)),
            Ok(Err(_)) => return Err(self.lost(method, false)),
            Ok(Ok(())) => {}
        }
        match tokio::time::timeout_at(started + limit, answer).await {
            Err(_) => Err(timed_out(true)),
            Ok(Err(_)) => Err(self.lost(method, true)),
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err((error, details)))) => Err(Error::Refused {
                endpoint: self.shared.endpoint.clone(),
                method: method.to_owned(),
                error,
                details,
            }),
        }
    }

    /// Carries out operations as one transaction: all of them, or none (RFC 7047 section 4.1.3).
    ///
    /// # Errors
    /// [`Error::Operation`] names the operation that failed. [`Error::outcome_unknown`] tells whether the transaction
    /// may have been committed all the same.
    pub async fn transact(&self, db: &str, operations: Vec<Operation>) -> Result<Vec<OpResult>> {
        self.transact_within(db, operations, self.shared.options.request_timeout).await
    }

    pub(crate) async fn transact_within(
        &self,
        db: &str,
        operations: Vec<Operation>,
        limit: Duration,
    ) -> Result<Vec<OpResult>> {
        let params: Vec<Json> = std::iter::once(json!(db)).chain(operations.iter().map(Operation::to_json)).collect();
        let answer = self.request("transact", Json::Array(params), limit).await?;
        outcome::results(&operations, &answer).map_err(|failure| match failure {
            Failure::Operation(error) => Error::Operation(error),
            Failure::Protocol(what) => Error::Protocol { endpoint: self.shared.endpoint.clone(), what },
        })
    }

    /// Names of the databases the server holds (RFC 7047 section 4.1.1).
    pub async fn list_dbs(&self) -> Result<Vec<String>> {
        let answer = self.request("list_dbs", json!([]), self.shared.options.request_timeout).await?;
        serde_json::from_value(answer).map_err(|e| Error::Protocol {
            endpoint: self.shared.endpoint.clone(),
            what: format!("answer to list_dbs: {e}"),
        })
    }

    /// Schema of a database (RFC 7047 section 4.1.2).
    pub async fn schema(&self, db: &str) -> Result<Schema> {
        let answer = self.request("get_schema", json!([db]), self.shared.options.request_timeout).await?;
        Schema::from_json(&answer).ok_or_else(|| Error::Protocol {
            endpoint: self.shared.endpoint.clone(),
            what: format!("answer to get_schema is no schema: {}", shortened(&answer)),
        })
    }

    /// Starts a monitor on the server. Updates go to the receiver; dropping the subscription ends the monitor.
    pub(crate) async fn subscribe(
        &self,
        method: &str,
        db: &str,
        tables: Json,
    ) -> Result<(Json, Subscription, mpsc::Receiver<Update>)> {
        let id = format!("m{}", self.shared.next_id.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = mpsc::channel(self.shared.options.max_queued_updates.max(1));
        lock(&self.shared.updates).insert(id.clone(), sender);
        let subscription = Subscription { shared: Arc::clone(&self.shared), id: id.clone() };
        let initial = self.request(method, json!([db, id, tables]), self.shared.options.request_timeout).await?;
        Ok((initial, subscription, receiver))
    }
}

/// Removes a request from the table of those under way.
struct Forget<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(&self.shared.pending).remove(&self.id);
    }
}

/// Ends a monitor when dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    shared: Arc<Shared>,
    id: String,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        lock(&self.shared.updates).remove(&self.id);
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let message = json!({"method": "monitor_cancel", "params": [self.id], "id": id}).to_string().into_bytes();
        // If the queue is full the server goes on telling about this monitor, and nobody listens: harmless.
        let _ = self.shared.requests.try_send(message);
    }
}

/// The session's task: moves bytes until the session ends, then answers whatever is still open.
async fn run<S: AsyncRead + AsyncWrite>(
    stream: S,
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Vec<u8>>,
    dropped: mpsc::Receiver<()>,
    close: watch::Sender<Option<Error>>,
) {
    let reason = talk(stream, &shared, queue, dropped).await;
    tracing::debug!(endpoint = %shared.endpoint, %reason, "OVSDB session ended");
    let _ = close.send(Some(reason));
    lock(&shared.pending).clear();
    lock(&shared.updates).clear();
}

async fn talk<S: AsyncRead + AsyncWrite>(
    stream: S,
    shared: &Shared,
    mut queue: mpsc::Receiver<Vec<u8>>,
    mut dropped: mpsc::Receiver<()>,
) -> Error {
    let ended = |cause: String| Error::Disconnected {
        endpoint: shared.endpoint.clone(),
        method: "session".to_owned(),
        cause,
        sent: false,
    };
    let protocol = |what: String| Error::Protocol { endpoint: shared.endpoint.clone(), what };
    let (reader, writer) = tokio::io::split(stream);
    tokio::pin!(reader, writer);
    let mut framer = Framer::new(shared.options.max_message_bytes);
    let mut incoming = vec![0u8; 16 * 1024];
    let mut unsent: Vec<u8> = Vec::new();
    let mut heard = Instant::now();
    let mut probed = false;
    loop {
        let patience = shared.options.inactivity_probe * if probed { 2 } else { 1 };
        tokio::select! {
            read = reader.read(&mut incoming) => match read {
                Ok(0) => return ended("the server closed the connection".to_owned()),
                Err(e) => return ended(e.to_string()),
                Ok(count) => {
                    heard = Instant::now();
                    probed = false;
                    framer.push(&incoming[..count]);
                    loop {
                        match framer.next() {
                            Ok(Some(message)) => if let Err(what) = dispatch(shared, message, &mut unsent) {
                                return protocol(what);
                            },
                            Ok(None) => break,
                            Err(what) => return protocol(what),
                        }
                    }
                    // A peer that asks and asks without reading the answers would fill our memory.
                    if unsent.len() > 4 * MAX_UNSENT_BYTES {
                        return protocol("it sends requests and does not read the answers".to_owned());
                    }
                }
            },
            request = queue.recv(), if unsent.len() < MAX_UNSENT_BYTES => match request {
                Some(message) => unsent.extend_from_slice(&message),
                None => return ended("the session was given up".to_owned()),
            },
            written = writer.write(&unsent), if !unsent.is_empty() => match written {
                Ok(count) => { unsent.drain(..count); }
                Err(e) => return ended(e.to_string()),
            },
            () = sleep_until(heard + patience) => {
                if probed {
                    return ended(format!("the server has been silent for {patience:?}, an echo included"));
                }
                probed = true;
                unsent.extend_from_slice(br#"{"method":"echo","params":[],"id":"probe"}"#);
            },
            _ = dropped.recv() => return ended("the session was given up".to_owned()),
        }
    }
}

/// Hands a message to whoever waits for it; the error says why it is none.
fn dispatch(shared: &Shared, mut message: Json, unsent: &mut Vec<u8>) -> Result<(), String> {
    let id = message.get("id").cloned().unwrap_or(Json::Null);
    if let Some(method) = message.get("method") {
        let Some(method) = method.as_str() else { return Err("a method that is no string".to_owned()) };
        match method {
            "echo" => {
                let params = message.get("params").cloned().unwrap_or(Json::Null);
                let answer = json!({"result": params, "error": null, "id": id});
                unsent.extend_from_slice(answer.to_string().as_bytes());
            }
            "update" | "update2" => {
                let method = method.to_owned();
                let Some([monitor, tables]) =
                    message.get_mut("params").and_then(Json::as_array_mut).map(Vec::as_mut_slice)
                else {
                    return Err(format!("{method} without its two parameters"));
                };
                let Some(monitor) = monitor.as_str().map(str::to_owned) else {
                    return Err(format!("{method} for a monitor that is not ours"));
                };
                let tables = tables.take();
                let mut updates = lock(&shared.updates);
                let full = updates.get(&monitor).is_some_and(|to| to.try_send(Update { method, tables }).is_err());
                if full {
                    // Its reader sees the channel end while the session stands, and asks for a new snapshot.
                    updates.remove(&monitor);
                }
            }
            _ => {}
        }
        return Ok(());
    }
    // Answers to probes and cancelled monitors carry ids nobody waits for.
    let Some(waiting) = id.as_u64().and_then(|id| lock(&shared.pending).remove(&id)) else { return Ok(()) };
    let answer = match message.get("error") {
        None | Some(Json::Null) => Ok(message.get_mut("result").map(Json::take).unwrap_or(Json::Null)),
        Some(Json::String(text)) => Err((text.clone(), String::new())),
        Some(error) => {
            let text = |name: &str| error.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            match text("error") {
                empty if empty.is_empty() => Err((shortened(error), String::new())),
                named => Err((named, text("details"))),
            }
        }
    };
    let _ = waiting.send(answer);
    Ok(())
}

/// Tables to monitor with their columns, as a JSON object.
pub(crate) fn tables_json(tables: &BTreeMap<String, Json>) -> Json {
    Json::Object(tables.iter().map(|(name, body)| (name.clone(), json!([body]))).collect())
}
