//! Connections to libvirt and the threads that hold them: workers that take jobs from a queue, and one that listens.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use virt::connect::Connect;
use virt::error::Error as VirtError;

use super::HypervisorEvent;
use super::events::{self, RawEvent, Watch};

/// Keep-alive: seconds between probes, and how many may stay unanswered.
const KEEP_ALIVE: (i32, u32) = (5, 3);
/// Longest pause between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Something to do on a worker's connection.
pub(super) type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// A worker's connection, opened when first needed and again when it has died.
pub(super) struct Worker {
    uri: String,
    connection: Option<Connect>,
}

/// Takes jobs until the queue ends.
pub(super) fn work(queue: &Mutex<Receiver<Job>>, uri: String) {
    let mut worker = Worker { uri, connection: None };
    loop {
        // Whoever holds the lock waits for the next job; the others wait for the lock.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut worker),
            Err(_) => break,
        }
    }
    worker.close();
}

impl Worker {
    /// The connection, opened if need be.
    ///
    /// # Errors
    /// What libvirt's client said.
    pub(super) fn connection(&mut self) -> std::result::Result<&Connect, VirtError> {
        if self.connection.as_ref().is_some_and(|connection| !connection.is_alive().unwrap_or(false)) {
            self.close();
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            empty => Ok(empty.insert(open(&self.uri)?)),
        }
    }

    fn close(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            let _ = connection.close();
        }
    }
}

fn open(uri: &str) -> std::result::Result<Connect, VirtError> {
    let connection = Connect::open(Some(uri))?;
    // Not every transport knows keep-alives; the close callback tells of most ends all the same.
    let _ = connection.set_keep_alive(KEEP_ALIVE.0, KEEP_ALIVE.1);
    Ok(connection)
}

/// Holds the connection for events.
pub(super) struct EventThread {
    pub(super) uri: String,
    pub(super) sender: Sender<RawEvent>,
    pub(super) events: broadcast::Sender<HypervisorEvent>,
    pub(super) trouble: Arc<Mutex<Option<String>>>,
}

impl EventThread {
    /// Listens until it is told to stop.
    pub(super) fn run(self, raw: &Receiver<RawEvent>) {
        let mut pause = Duration::from_millis(50);
        let mut told_lost = false;
        loop {
            match self.connect() {
                Ok((mut connection, watch)) => {
                    pause = Duration::from_millis(50);
                    self.set_trouble(None);
                    self.tell(HypervisorEvent::Back);
                    let reason = self.pump(raw);
                    watch.end(&connection);
                    let _ = connection.close();
                    let Some(reason) = reason else { return };
                    let why = format!("libvirtd closed the connection ({reason})");
                    self.set_trouble(Some(why.clone()));
                    self.tell(HypervisorEvent::Lost { why });
                    told_lost = true;
                }
                Err(error) => {
                    let why = error.message().to_owned();
                    self.set_trouble(Some(why.clone()));
                    if !told_lost {
                        self.tell(HypervisorEvent::Lost { why });
                        told_lost = true;
                    }
                }
            }
            // A stop may come while there is no connection; nothing else does.
            match raw.recv_timeout(pause) {
                Ok(RawEvent::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => return,
                _ => {}
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    fn connect(&self) -> std::result::Result<(Connect, Watch), VirtError> {
        let mut connection = open(&self.uri)?;
        match Watch::begin(&connection, &self.sender) {
            Ok(watch) => Ok((connection, watch)),
            Err(error) => {
                let _ = connection.close();
                Err(error)
            }
        }
    }

    /// Passes events on until the connection ends; `None` when the agent wants to stop.
    fn pump(&self, raw: &Receiver<RawEvent>) -> Option<i32> {
        loop {
            match raw.recv() {
                Ok(RawEvent::Lifecycle { id, event, detail }) => {
                    self.tell(HypervisorEvent::Domain { id, what: events::lifecycle_text(event, detail) });
                }
                Ok(RawEvent::Rebooted { id }) => self.tell(HypervisorEvent::Rebooted { id }),
                Ok(RawEvent::JobEnded { id }) => self.tell(HypervisorEvent::Domain { id, what: "job ended".into() }),
                Ok(RawEvent::Closed { reason }) => return Some(reason),
                Ok(RawEvent::Stop) | Err(_) => return None,
            }
        }
    }

    fn tell(&self, event: HypervisorEvent) {
        // Without a reader there is nobody to tell.
        let _ = self.events.send(event);
    }

    fn set_trouble(&self, why: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}
