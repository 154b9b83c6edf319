//! What every reference point shares: ProblemDetails, owner marks, trace context, the HTTP client and the event stream
//! (SOL013).

pub mod events;
pub mod http;
pub mod owner;
pub mod problem;
pub mod shortage;
pub mod trace;

pub use events::{EventStream, Sequenced};
pub use http::{BadTls, CallError, Client, Reply, Tls};
pub use owner::{Owner, OwnerKind};
pub use problem::{Fault, ProblemDetails};
pub use trace::TraceContext;

/// An identifier minted by this stack (SOL013 `Identifier`), chosen before the thing exists.
pub use uuid::Uuid;

/// SOL003/SOL005 `KeyValuePairs`: a JSON object whose meaning the package or the VIM defines.
pub type KeyValuePairs = serde_json::Map<String, serde_json::Value>;
