//! OVSDB client after RFC 7047: Open vSwitch's own database and OVN's northbound database are spoken to with it.
//!
//! - [`Endpoint`] says where a database server listens (`unix:PATH`, `tcp:HOST:PORT`).
//! - [`Client`] is one session over one socket; when the socket goes, the client is closed for good.
//! - [`Connection`] keeps a session up: it reconnects with backoff, and its [`Monitor`]s resynchronise by themselves.
//! - [`op`] builds operations, [`Value`] and [`Atom`] are the values they carry, [`Row`] is what comes back.
//! - [`sync`] changes something and waits until the switch, or OVN's hosts, have taken it over.
//!
//! ```no_run
//! # async fn example() -> Result<(), ovsdb::Error> {
//! use ovsdb::{Connection, Options, op};
//! let nb = Connection::open("unix:/run/ovn/ovnnb_db.sock".parse()?, Options::default());
//! let results = nb
//!     .transact("OVN_Northbound", vec![op::insert("Logical_Switch").uuid_name("ls").set("name", "blue").into()])
//!     .await?;
//! let uuid = results[0].uuid();
//! # let _ = uuid; Ok(()) }
//! ```

mod client;
mod connection;
mod endpoint;
mod error;
mod framing;
mod monitor;
pub mod op;
mod outcome;
mod row;
mod schema;
pub mod sync;
mod value;

pub use client::{Client, Options};
pub use connection::{Connection, Status};
pub use endpoint::Endpoint;
pub use error::{Error, OperationError, Result};
pub use monitor::{Change, Monitor, MonitorEvent, MonitorRequest, TableRequest, Tables};
pub use op::{Condition, Function, Mutator, Operation};
pub use outcome::OpResult;
pub use row::Row;
pub use schema::{ColumnType, Schema};
pub use value::{Atom, Value};
