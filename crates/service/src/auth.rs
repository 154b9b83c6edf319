//! Authorisation, as far as it exists: every route declares the OAuth2 scope it will need, and the OpenAPI document shows
//! it. Nothing enforces the scopes yet: `auth: none` is the only configuration accepted, which is why a service refuses
//! to listen beyond loopback unless told that the network is trusted.

/// An OAuth2 scope such as `nsd:v2:readonly` (SOL013 clause 8.3.4: `API name:version:what`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(pub &'static str);

/// The scope of the matched route, in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequiredScope(pub Scope);
