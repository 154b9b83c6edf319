//! The HTTP server as SOL013 wants it: ProblemDetails for every error, versions, merge patches, trace context, events.

pub mod events;
pub mod json;
pub mod negotiate;
pub mod older;
pub mod openapi;
pub mod patch;
pub mod problem;
pub mod record;
pub mod server;
pub mod upload;
pub mod version;

mod contain;
mod observe;

pub use contain::NotNegotiated;
pub use events::{After, Wake, event_stream, numbered, pass_events};
pub use json::ApiJson;
pub use older::Older;
pub use openapi::{router_with_scope, scoped};
pub use patch::{IfMatch, MergePatch, merge};
pub use problem::{ApiError, ApiResult};
pub use upload::Upload;
pub use version::{Api, ApiVersionInfo};
