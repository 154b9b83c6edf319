//! Change something and wait until it is in effect.
//!
//! Open vSwitch and OVN count: a client raises one number together with its change, and whoever has carried the change
//! out raises another to the same value (ovs-vswitchd.conf.db(5) `next_cfg`/`cur_cfg`, ovn-nb(5) `nb_cfg`/`sb_cfg`/`hv_cfg`).

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::monitor::{MonitorEvent, MonitorRequest};
use crate::op::{self, Mutator};
use crate::{Connection, Error, OpResult, Operation, Result};

/// How far a change must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// ovs-vswitchd has configured the switch (database `Open_vSwitch`).
    Switch,
    /// ovn-northd has written the southbound database (database `OVN_Northbound`).
    Southbound,
    /// ovn-controller of every host has carried it out (database `OVN_Northbound`).
    Hypervisors,
}

impl Level {
    /// Name of the database the level belongs to.
    pub fn database(self) -> &'static str {
        match self {
            Level::Switch => "Open_vSwitch",
            Level::Southbound | Level::Hypervisors => "OVN_Northbound",
        }
    }

    pub(crate) fn table(self) -> &'static str {
        match self {
            Level::Switch => "Open_vSwitch",
            Level::Southbound | Level::Hypervisors => "NB_Global",
        }
    }

    pub(crate) fn bump_column(self) -> &'static str {
        match self {
            Level::Switch => "next_cfg",
            Level::Southbound | Level::Hypervisors => "nb_cfg",
        }
    }

    pub(crate) fn wait_column(self) -> &'static str {
        match self {
            Level::Switch => "cur_cfg",
            Level::Southbound => "sb_cfg",
            Level::Hypervisors => "hv_cfg",
        }
    }

    pub(crate) fn who(self) -> &'static str {
        match self {
            Level::Switch => "ovs-vswitchd",
            Level::Southbound => "ovn-northd",
            Level::Hypervisors => "ovn-controller on every chassis",
        }
    }
}

/// Carries out `operations` and waits, at most `limit`, until they are in effect. Returns the results of the operations.
///
/// # Errors
/// [`Error::NotApplied`] if the change was committed but is not in effect yet; otherwise as [`Connection::transact`].
pub async fn transact_and_wait(
    connection: &Connection,
    level: Level,
    mut operations: Vec<Operation>,
    limit: Duration,
) -> Result<Vec<OpResult>> {
    let deadline = Instant::now() + limit;
    let (table, column) = (level.table(), level.wait_column());
    let mut monitor = connection.monitor(MonitorRequest::new(level.database()).table(table, &[column]));

    let asked = operations.len();
    operations.push(op::mutate(table).mutation(level.bump_column(), Mutator::Add, 1i64).into());
    operations.push(op::select(table).columns([level.bump_column()]).into());
    let mut results = connection.transact(level.database(), operations).await?;
    let wanted = match results.get(asked + 1).and_then(|select| select.rows().first()) {
        Some(row) => row.get::<i64>(level.bump_column())?,
        None => {
            return Err(Error::Protocol {
                endpoint: connection.endpoint().to_string(),
                what: format!("table {table} has no row; is the database initialised?"),
            });
        }
    };
    results.truncate(asked);

    let mut seen = i64::MIN;
    loop {
        match timeout_at(deadline, monitor.next()).await {
            Ok(Err(error)) => return Err(error),
            Ok(Ok(MonitorEvent::Lost(_))) => {}
            Ok(Ok(MonitorEvent::Synced(_) | MonitorEvent::Changed(_))) => {
                for (_, row) in monitor.table(table) {
                    seen = row.get(column)?;
                }
                if seen >= wanted {
                    return Ok(results);
                }
            }
            Err(_) => {
                return Err(Error::NotApplied {
                    endpoint: connection.endpoint().to_string(),
                    level,
                    wanted,
                    seen: seen.max(0),
                    after: limit,
                });
            }
        }
    }
}

/// Waits until everything committed so far is in effect.
pub async fn bump_and_wait(connection: &Connection, level: Level, limit: Duration) -> Result<()> {
    transact_and_wait(connection, level, Vec::new(), limit).await.map(|_| ())
}
