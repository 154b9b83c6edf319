//! Event streams between services: server-sent events with durable sequence numbers, resumed after a broken connection,
//! so that nobody has to poll.

use std::time::Duration;

use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::http::{CallError, Client};

/// Longest single event accepted, in bytes.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// An event with its place in the producer's durable order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sequenced<T> {
    /// Position, counted from 1 and never reused. A consumer asks for what comes `after` the last one it handled.
    pub seq: i64,
    /// The event.
    #[serde(flatten)]
    pub event: T,
}

/// A resuming reader of one event stream. A producer keeps a bounded history: when `after` is older than that (or the
/// producer was wiped) it says so by an event of its own kind, and the consumer reads the whole state anew.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    path: String,
    after: i64,
    open: Option<Lines>,
}

impl EventStream {
    /// Reads `path` (without a query) starting behind sequence number `after`.
    pub fn new(client: Client, path: impl Into<String>, after: i64) -> Self {
        Self { client, path: path.into(), after, open: None }
    }

    /// Sequence number of the last event handed out.
    pub fn position(&self) -> i64 {
        self.after
    }

    /// Starts again behind `after`, over a new connection.
    pub fn restart(&mut self, after: i64) {
        self.after = after;
        self.open = None;
    }

    /// Makes the connection when there is none. Returns true when a new one was made: the consumer may have missed
    /// nothing, but a producer that restarted may have news that are no event.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn connect(&mut self) -> Result<bool, CallError> {
        if self.open.is_some() {
            return Ok(false);
        }
        let response = self.client.open_stream(&format!("{}?after={}", self.path, self.after)).await?;
        self.open = Some(Lines::new(response));
        Ok(true)
    }

    /// The next event. Cancel safe: an event is handed out once.
    ///
    /// # Errors
    /// A [`CallError`] when the connection cannot be made or breaks; calling again reconnects behind the last event.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Sequenced<T>, CallError> {
        self.connect().await?;
        let Some(lines) = self.open.as_mut() else { return Err(self.broken("the stream closed")) };
        let told = match lines.next_data().await {
            Ok(Some(data)) => match serde_json::from_str::<Sequenced<T>>(&data) {
                Ok(event) => {
                    self.after = event.seq;
                    return Ok(event);
                }
                Err(error) => CallError::Garbled {
                    peer: self.client.base().to_owned(),
                    url: self.path.clone(),
                    why: format!("event {}: {error}", data.chars().take(200).collect::<String>()),
                },
            },
            Ok(None) => self.broken("the stream ended"),
            Err(why) => self.broken(&why),
        };
        self.open = None;
        Err(told)
    }

    fn broken(&self, why: &str) -> CallError {
        CallError::NotSent { peer: self.client.base().to_owned(), url: self.path.clone(), why: why.to_owned() }
    }
}

/// Pause before reconnection attempt `n` (counted from 0): 50 ms doubling up to 5 s.
pub fn reconnect_pause(n: u32) -> Duration {
    Duration::from_millis((50u64 << n.min(7)).min(5_000))
}

struct Lines {
    body: futures::stream::BoxStream<'static, Result<bytes::Bytes, reqwest::Error>>,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("buffered", &self.buffer.len()).finish_non_exhaustive()
    }
}

impl Lines {
    fn new(response: reqwest::Response) -> Self {
        Self { body: response.bytes_stream().boxed(), buffer: Vec::new() }
    }

    /// The `data` of the next event; comments (keep-alives) are passed over.
    async fn next_data(&mut self) -> Result<Option<String>, String> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|w| w == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let text = String::from_utf8_lossy(&block);
                let data: Vec<&str> =
                    text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
                if !data.is_empty() {
                    return Ok(Some(data.join("\n")));
                }
            }
            if self.buffer.len() > MAX_EVENT_BYTES {
                return Err(format!("an event is larger than {MAX_EVENT_BYTES} bytes"));
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => return Err(error.to_string()),
                None => return Ok(None),
            }
        }
    }
}
