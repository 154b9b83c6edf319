//! One request to a service, in the form that the SDK carries out: its session adds the address from the catalogue, the token
//! and the version. Bodies are documents that pure functions make.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use openstack_sdk::api::{BodyError, QueryParams, RestEndpoint};
use openstack_sdk::types::{ApiVersion, ServiceType};
use serde_json::Value;

/// A service of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Keystone.
    Identity,
    /// Nova.
    Compute,
    /// Neutron.
    Network,
    /// Glance.
    Image,
    /// Cinder.
    Volume,
    /// Placement.
    Placement,
}

impl Service {
    /// Every service, in the order in which they are looked at.
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Compute, Self::Network, Self::Image, Self::Volume, Self::Placement];

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "Keystone",
            Self::Compute => "Nova",
            Self::Network => "Neutron",
            Self::Image => "Glance",
            Self::Volume => "Cinder",
            Self::Placement => "Placement",
        }
    }

    /// As the catalogue calls it.
    pub fn kind(self) -> ServiceType {
        match self {
            Self::Identity => ServiceType::Identity,
            Self::Compute => ServiceType::Compute,
            Self::Network => ServiceType::Network,
            Self::Image => ServiceType::Image,
            Self::Volume => ServiceType::BlockStorage,
            Self::Placement => ServiceType::Placement,
        }
    }

    /// Version of the interface that is spoken; Placement has only one.
    pub fn version(self) -> Option<ApiVersion> {
        match self {
            Self::Identity => Some(ApiVersion::new(3, 0)),
            Self::Compute => Some(ApiVersion::new(2, 1)),
            Self::Network | Self::Image => Some(ApiVersion::new(2, 0)),
            Self::Volume => Some(ApiVersion::new(3, 0)),
            Self::Placement => None,
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// To whom.
    pub service: Service,
    /// What.
    pub method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, Vec<u8>)>,
    headers: HeaderMap,
    microversion: Option<ApiVersion>,
}

impl Call {
    fn new(service: Service, method: Method, path: impl Into<String>) -> Self {
        Self {
            service,
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            headers: HeaderMap::new(),
            microversion: None,
        }
    }

    /// Reads.
    pub fn get(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::GET, path)
    }

    /// Makes, or asks to act.
    pub fn post(service: Service, path: impl Into<String>, body: &Value) -> Self {
        Self::new(service, Method::POST, path).json(body)
    }

    /// Removes.
    pub fn delete(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::DELETE, path)
    }

    /// Changes what is at a path.
    pub fn put(service: Service, path: impl Into<String>, body: &Value) -> Self {
        Self::new(service, Method::PUT, path).json(body)
    }

    /// Takes a content of another kind than a document, which is streamed.
    pub fn upload(service: Service, path: impl Into<String>) -> Self {
        let mut call = Self::new(service, Method::PUT, path);
        call.headers
            .insert(HeaderName::from_static("content-type"), HeaderValue::from_static("application/octet-stream"));
        call
    }

    fn json(mut self, body: &Value) -> Self {
        self.body = Some(("application/json", body.to_string().into_bytes()));
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    /// Speaks a microversion.
    #[must_use]
    pub fn microversion(mut self, version: Option<ApiVersion>) -> Self {
        self.microversion = version;
        self
    }

    /// Whether doing it twice is as good as once.
    pub fn repeatable(&self) -> bool {
        self.method != Method::POST
    }
}

impl RestEndpoint for Call {
    fn method(&self) -> Method {
        self.method.clone()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn service_type(&self) -> ServiceType {
        self.service.kind()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        for (key, value) in &self.query {
            parameters.push(*key, value.as_str());
        }
        parameters
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        Ok(self.body.clone())
    }

    fn request_headers(&self) -> Option<&HeaderMap> {
        Some(&self.headers)
    }

    fn api_version(&self) -> Option<ApiVersion> {
        self.service.version()
    }

    fn min_version(&self) -> Option<ApiVersion> {
        self.microversion.or_else(|| self.service.version())
    }
}
