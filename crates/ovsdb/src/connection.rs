//! A connection that keeps itself up: it reconnects with a growing pause, and requests wait for it within their time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::monitor::{Monitor, MonitorRequest};
use crate::{Client, Endpoint, Error, OpResult, Operation, Options, Result, Schema};

/// Whether the connection stands.
#[derive(Debug, Clone)]
pub enum Status {
    /// No attempt has ended yet.
    Connecting,
    /// It stands.
    Up,
    /// It does not, and this is why; further attempts are under way.
    Down(Error),
}

/// A managed connection. Clones share it; with the last of them it ends.
#[derive(Debug, Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    endpoint: Endpoint,
    options: Options,
    state: watch::Receiver<State>,
    task: AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, Clone)]
enum State {
    Connecting,
    Up(Client),
    Down(Error),
}

impl Connection {
    /// Begins to connect and returns at once. Must be called within a tokio runtime.
    pub fn open(endpoint: Endpoint, options: Options) -> Connection {
        let (sender, state) = watch::channel(State::Connecting);
        let task = tokio::spawn(keep_up(endpoint.clone(), options.clone(), sender)).abort_handle();
        Connection { inner: Arc::new(Inner { endpoint, options, state, task }) }
    }

    /// Where it connects to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    /// Whether it stands now.
    pub fn status(&self) -> Status {
        match &*self.inner.state.borrow() {
            State::Connecting => Status::Connecting,
            State::Up(client) if client.is_open() => Status::Up,
            State::Up(_) => Status::Connecting,
            State::Down(error) => Status::Down(error.clone()),
        }
    }

    /// The session that stands, waiting for one at most `limit`.
    ///
    /// # Errors
    /// The last reason why no connection could be made.
    pub async fn client(&self, limit: Duration) -> Result<Client> {
        self.client_until(Instant::now() + limit, limit, "connect").await
    }

    async fn client_until(&self, deadline: Instant, limit: Duration, method: &str) -> Result<Client> {
        let mut state = self.inner.state.clone();
        let up = state.wait_for(|state| matches!(state, State::Up(client) if client.is_open()));
        if let Ok(Ok(found)) = timeout_at(deadline, up).await
            && let State::Up(client) = &*found
        {
            return Ok(client.clone());
        }
        match &*self.inner.state.borrow() {
            State::Down(error) => Err(error.clone()),
            _ => Err(Error::Timeout {
                endpoint: self.inner.endpoint.to_string(),
                method: method.to_owned(),
                after: limit,
                sent: false,
            }),
        }
    }

    /// The session that stands, however long it takes.
    pub(crate) async fn next_client(&self) -> Client {
        let mut state = self.inner.state.clone();
        loop {
            if let Ok(found) = state.wait_for(|state| matches!(state, State::Up(client) if client.is_open())).await {
                if let State::Up(client) = &*found {
                    return client.clone();
                }
                continue;
            }
            // The task lives as long as `self`, so its end means that the runtime is going down.
            std::future::pending::<()>().await;
        }
    }

    /// See [`Client::transact`]. Waits for the connection within [`Options::request_timeout`]; a transaction whose
    /// outcome is unknown is never sent again.
    pub async fn transact(&self, db: &str, operations: Vec<Operation>) -> Result<Vec<OpResult>> {
        let limit = self.inner.options.request_timeout;
        let deadline = Instant::now() + limit;
        let client = self.client_until(deadline, limit, "transact").await?;
        client.transact_within(db, operations, deadline.saturating_duration_since(Instant::now())).await
    }

    /// See [`Client::schema`].
    pub async fn schema(&self, db: &str) -> Result<Schema> {
        self.client(self.inner.options.request_timeout).await?.schema(db).await
    }

    /// See [`Client::list_dbs`].
    pub async fn list_dbs(&self) -> Result<Vec<String>> {
        self.client(self.inner.options.request_timeout).await?.list_dbs().await
    }

    /// Watches tables. Nothing is sent before the monitor is first asked for an event.
    pub fn monitor(&self, request: MonitorRequest) -> Monitor {
        Monitor::new(self.clone(), request)
    }
}

async fn keep_up(endpoint: Endpoint, options: Options, state: watch::Sender<State>) {
    let mut pause = options.backoff_min;
    loop {
        match Client::connect(&endpoint, options.clone()).await {
            Ok(client) => {
                let since = Instant::now();
                tracing::debug!(%endpoint, "OVSDB connected");
                let _ = state.send(State::Up(client.clone()));
                let reason = client.closed().await;
                tracing::warn!(%endpoint, %reason, "OVSDB connection lost, reconnecting");
                let _ = state.send(State::Down(reason));
                // Only a session that lasted earns a quick return: a peer that hangs up at once is not stormed.
                if since.elapsed() > options.backoff_max {
                    pause = options.backoff_min;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "OVSDB connect failed");
                let _ = state.send(State::Down(error));
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(options.backoff_max);
    }
}
