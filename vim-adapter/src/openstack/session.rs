//! The connection to one cloud: an account's token, renewed before it expires, and the catalogue. It is made with the first
//! request and again when the cloud does not know it any more; a request never fetches a token of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::Response;
use bytes::Bytes;
use openstack_sdk::api::{ApiError, AsyncClient, QueryAsync, raw, raw_with_body};
use openstack_sdk::types::{ApiVersion, BoxedAsyncRead};
use openstack_sdk::{AsyncOpenStack, AuthError, OpenStackError, RenewHandle, RestError};
use reference_points::or_vi::VimService;
use serde_json::Value;
use tokio::sync::RwLock;
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::access::Access;
use super::call::{Call, Service};
use super::errors::{self, Told, Work};
use super::limits::{Ended, Limits, again_after};
use crate::error::{Failure, Result};

/// Oldest version of Nova's interface that is understood (Rocky): server groups have one policy, servers show their flavour.
pub const OLDEST_NOVA: (u8, u8) = (2, 64);
/// Newest that is spoken.
const NEWEST_NOVA: (u8, u8) = (2, 79);
/// The longest that a request may take.
const ANSWER: Duration = Duration::from_secs(90);
/// The longest that an image may take to be taken in.
const UPLOAD: Duration = Duration::from_secs(6 * 3600);
/// A token is renewed this long before it expires, or in the last quarter of its life when that is shorter.
const MARGIN_MINUTES: i64 = 10;

/// What is known of a cloud since it was reached.
#[derive(Debug)]
pub struct Cloud {
    client: AsyncOpenStack,
    /// Project that everything is made in.
    pub project_id: String,
    /// Its name.
    pub project_name: String,
    /// Roles of the account in it.
    pub roles: Vec<String>,
    /// Regions of the catalogue.
    pub regions: Vec<String>,
    /// Version of Nova's interface that is spoken.
    pub nova: ApiVersion,
    /// Services that are there.
    pub services: BTreeMap<Service, VimService>,
    /// Extensions of Neutron.
    pub extensions: BTreeSet<String>,
    _renewal: Renewal,
}

struct Renewal(#[allow(dead_code, reason = "renews until it is dropped")] RenewHandle);

impl std::fmt::Debug for Renewal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renewal")
    }
}

impl Cloud {
    /// Whether Neutron has an extension.
    pub fn can(&self, extension: &str) -> bool {
        self.extensions.contains(extension)
    }
}

/// A successful answer.
#[derive(Debug)]
pub struct Reply {
    /// Its document; null when it has none.
    pub body: Value,
}

/// The connection to one cloud.
#[derive(Debug)]
pub struct Session {
    access: Access,
    cloud: RwLock<Option<Arc<Cloud>>>,
    limits: Limits,
    health: Mutex<BTreeMap<Service, String>>,
    sent: AtomicU64,
}

impl Session {
    /// A connection that is made when it is needed.
    pub fn new(access: Access) -> Self {
        Self {
            access,
            cloud: RwLock::default(),
            limits: Limits::default(),
            health: Mutex::default(),
            sent: AtomicU64::new(0),
        }
    }

    /// How the cloud is reached.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// How each service answered last: `ok`, or what was wrong.
    pub fn health(&self) -> BTreeMap<String, String> {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.iter().map(|(service, state)| (service.name().to_lowercase(), state.clone())).collect()
    }

    /// Requests sent since the adapter started.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The cloud, connected if it is not yet.
    ///
    /// # Errors
    /// 503 when it cannot be reached or does not let the account in, 422 when it cannot be used at all.
    pub async fn cloud(&self) -> Result<Arc<Cloud>> {
        if let Some(cloud) = self.cloud.read().await.as_ref() {
            return Ok(Arc::clone(cloud));
        }
        let mut slot = self.cloud.write().await;
        if let Some(cloud) = slot.as_ref() {
            return Ok(Arc::clone(cloud));
        }
        let cloud = Arc::new(self.connect().await?);
        *slot = Some(Arc::clone(&cloud));
        Ok(cloud)
    }

    /// Connects anew: what changed in the catalogue, the roles or the versions is seen.
    ///
    /// # Errors
    /// As [`Session::cloud`].
    pub async fn reconnect(&self) -> Result<Arc<Cloud>> {
        let cloud = Arc::new(self.connect().await?);
        *self.cloud.write().await = Some(Arc::clone(&cloud));
        Ok(cloud)
    }

    async fn connect(&self) -> Result<Cloud> {
        let work = Work::new("connect", "the account");
        let told = |service, told: &Told| {
            self.note(service, Some(told));
            errors::failure(service, &work, told)
        };
        let (config, _authorities) = self.access.config()?;
        let builder = AsyncOpenStack::builder(&config).disable_auth_cache(true).http_timeout(UPLOAD);
        self.sent.fetch_add(2, Ordering::Relaxed);
        let connecting = tokio::time::timeout(ANSWER, builder.connect());
        let client = match connecting.await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(told(Service::Identity, &denied(&error))),
            Err(_) => return Err(told(Service::Identity, &silent("no answer in time", true))),
        };
        self.note(Service::Identity, None);
        let looked = Service::ALL.into_iter().filter(|service| *service != Service::Identity).map(|service| {
            let client = &client;
            async move {
                self.sent.fetch_add(1, Ordering::Relaxed);
                let found = tokio::time::timeout(ANSWER, client.discover_service_endpoint(&service.kind())).await;
                (service, found.map_err(|_| "no answer in time".to_owned()))
            }
        });
        for (service, found) in futures::future::join_all(looked).await {
            if let Err(why) = found.and_then(|found| found.map_err(|error| chain(&error))) {
                self.note(service, Some(&silent(&why, true)));
                if matches!(service, Service::Compute | Service::Network | Service::Image) {
                    return Err(errors::failure(service, &work, &silent(&why, false)));
                }
            }
        }
        let services = self.services(&client).await;
        for needed in [Service::Compute, Service::Network, Service::Image] {
            if !services.contains_key(&needed) {
                return Err(told(needed, &Told::Absent));
            }
        }
        let nova = nova_version(&client).await?;
        let info = client.get_auth_info().map(|info| info.token);
        let project = info.as_ref().and_then(|token| token.project.clone());
        let roles = info.as_ref().and_then(|token| token.roles.clone()).unwrap_or_default();
        let margin = chrono::TimeDelta::minutes(MARGIN_MINUTES);
        let margin = info
            .as_ref()
            .and_then(|token| token.issued_at.map(|issued| (token.expires_at - issued) / 4))
            .map_or(margin, |quarter| quarter.min(margin));
        let renewal = Renewal(client.enable_auto_renew(margin));
        let mut cloud = Cloud {
            project_id: project.as_ref().and_then(|project| project.id.clone()).unwrap_or_default(),
            project_name: project.and_then(|project| project.name).unwrap_or_default(),
            roles: roles.into_iter().map(|role| role.name).collect(),
            regions: client.get_available_regions().unwrap_or_default(),
            nova,
            services,
            extensions: BTreeSet::new(),
            client,
            _renewal: renewal,
        };
        let list = Call::get(Service::Network, "extensions");
        let reply = self.send(&cloud, &list, None).await;
        let reply =
            reply.map_err(|told| errors::failure(Service::Network, &Work::new("list", "its extensions"), &told))?;
        let aliases = reply.body["extensions"].as_array().into_iter().flatten();
        cloud.extensions = aliases.filter_map(|found| found["alias"].as_str().map(str::to_owned)).collect();
        Ok(cloud)
    }

    async fn services(&self, client: &AsyncOpenStack) -> BTreeMap<Service, VimService> {
        let mut found = BTreeMap::new();
        let listed = client.get_token_catalog().unwrap_or_default();
        for service in Service::ALL {
            let word = service.kind().to_string();
            let known = |kind: &str| kind == word || (service == Service::Volume && kind.starts_with("volume"));
            if !listed.iter().any(|entry| known(&entry.service_type)) {
                continue;
            }
            let version = service.version();
            if let Ok(endpoint) = client.get_service_endpoint(&service.kind(), version.as_ref()).await {
                let micro = match (endpoint.min_version(), endpoint.max_version()) {
                    (Some(least), Some(most)) => format!(" ({least} to {most})"),
                    _ => String::new(),
                };
                let view = VimService {
                    service: service.name().to_owned(),
                    endpoint: endpoint.url_str().to_owned(),
                    version: format!("{}{micro}", endpoint.version()),
                };
                found.insert(service, view);
            }
        }
        found
    }

    /// Whether the cloud is known to lack a service; false until it was reached.
    pub fn lacks(&self, service: Service) -> bool {
        let cloud = self.cloud.try_read().ok();
        cloud.is_some_and(|cloud| cloud.as_ref().is_some_and(|cloud| !cloud.services.contains_key(&service)))
    }

    /// Whether the cloud has a service.
    ///
    /// # Errors
    /// As [`Session::cloud`].
    pub async fn has(&self, service: Service) -> Result<bool> {
        Ok(self.cloud().await?.services.contains_key(&service))
    }

    /// Asks; an answer that is no success is an error.
    ///
    /// # Errors
    /// The service's words, or that it cannot be reached.
    pub async fn ask(&self, work: &Work, call: Call) -> Result<Reply> {
        let service = call.service;
        self.tell(call).await?.map_err(|told| errors::failure(service, work, &told))
    }

    /// As [`Session::ask`]; what is not there is `None`.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn find(&self, work: &Work, call: Call) -> Result<Option<Reply>> {
        let service = call.service;
        match self.tell(call).await? {
            Ok(reply) => Ok(Some(reply)),
            Err(Told::Answer { status: 404, .. }) => Ok(None),
            Err(told) => Err(errors::failure(service, work, &told)),
        }
    }

    /// Removes; true when it was there.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub async fn remove(&self, work: &Work, service: Service, path: String) -> Result<bool> {
        Ok(self.find(work, Call::delete(service, path)).await?.is_some())
    }

    /// Asks as often as is right, and gives the outcome as the service told it.
    ///
    /// # Errors
    /// As [`Session::cloud`].
    pub async fn tell(&self, call: Call) -> Result<Result<Reply, Told>> {
        let mut cloud = self.cloud().await?;
        if !cloud.services.contains_key(&call.service) {
            return Ok(Err(Told::Absent));
        }
        let call = match call.service {
            Service::Compute => call.microversion(Some(cloud.nova)),
            _ => call,
        };
        let mut attempt = 1;
        let mut relogged = false;
        loop {
            let told = match self.send(&cloud, &call, None).await {
                Ok(reply) => return Ok(Ok(reply)),
                Err(told) => told,
            };
            // The SDK fetched another token already; perhaps the catalogue or the whole cloud is another.
            if matches!(told, Told::Locked(_)) && !relogged {
                relogged = true;
                cloud = self.reconnect().await?;
                continue;
            }
            let ended = match &told {
                Told::Answer { status, retry_after, .. } => Ended::Answered(*status, *retry_after),
                Told::Silent { sent: false, .. } => Ended::NotSent,
                Told::Silent { sent: true, .. } => Ended::Cut,
                Told::Locked(_) | Told::Absent => return Ok(Err(told)),
            };
            let Some(pause) = again_after(ended, attempt, call.repeatable()) else { return Ok(Err(told)) };
            attempt += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// Streams a file as the content of something.
    ///
    /// # Errors
    /// As [`Session::ask`]; 500 when the file cannot be read.
    pub async fn upload(&self, work: &Work, call: Call, file: &Path) -> Result<Reply> {
        let cloud = self.cloud().await?;
        let service = call.service;
        let unreadable = |error: std::io::Error| {
            let detail = format!("{} cannot be read: {error}", file.display());
            Failure::from(reference_points::common::ProblemDetails::new(500, "Unreadable", detail))
        };
        let body = BoxedAsyncRead::new(tokio::fs::File::open(file).await.map_err(unreadable)?.compat());
        self.send(&cloud, &call, Some(body)).await.map_err(|told| errors::failure(service, work, &told))
    }

    async fn send(&self, cloud: &Cloud, call: &Call, body: Option<BoxedAsyncRead>) -> Result<Reply, Told> {
        let _place = self.limits.place(call.service).await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let (limit, asked) = match body {
            Some(body) => (UPLOAD, raw_with_body(call.clone(), body)),
            None => (ANSWER, raw(call.clone())),
        };
        let asked = asked.skip_error_check(true);
        let outcome = match tokio::time::timeout(limit, asked.query_async(&cloud.client)).await {
            Ok(Ok(response)) => read(response),
            Ok(Err(error)) => Err(broken(error)),
            Err(_) => Err(silent("no answer in time", true)),
        };
        self.note(call.service, outcome.as_ref().err());
        outcome
    }

    fn note(&self, service: Service, told: Option<&Told>) {
        let state = match told {
            Some(Told::Answer { status: 500.., words, .. }) => words.clone(),
            Some(Told::Silent { why, .. } | Told::Locked(why)) => why.clone(),
            Some(Told::Absent) => "missing in this cloud".to_owned(),
            // It answers; that it refuses something is not its health.
            Some(Told::Answer { .. }) | None => "ok".to_owned(),
        };
        self.health.lock().unwrap_or_else(PoisonError::into_inner).insert(service, state);
    }
}

async fn nova_version(client: &AsyncOpenStack) -> Result<ApiVersion> {
    let service = Service::Compute;
    let endpoint = client.get_service_endpoint(&service.kind(), service.version().as_ref()).await;
    // Where a service tells its newest version only, the SDK has it as the version.
    let newest = endpoint.ok().map(|found| {
        let most = found.max_version().as_deref().and_then(|text| ApiVersion::from_apiver_str(text, false).ok());
        most.unwrap_or(*found.version())
    });
    let (oldest, preferred) =
        (ApiVersion::new(OLDEST_NOVA.0, OLDEST_NOVA.1), ApiVersion::new(NEWEST_NOVA.0, NEWEST_NOVA.1));
    match newest {
        Some(newest) if newest >= oldest => Ok(newest.min(preferred)),
        other => {
            let has = other.map_or_else(|| "none".to_owned(), |version| version.to_string());
            let detail = format!("Nova speaks microversions up to {has}; {oldest} is needed");
            Err(Failure::unprocessable(detail, Vec::new()))
        }
    }
}

fn silent(why: &str, sent: bool) -> Told {
    Told::Silent { why: why.to_owned(), sent }
}

/// An answer, with success or without.
fn read(response: Response<Bytes>) -> Result<Reply, Told> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    if response.status().is_success() {
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        return Ok(Reply { body });
    }
    let words = errors::words(response.body());
    if status == 401 {
        return Err(Told::Locked(words));
    }
    let request = header("x-openstack-request-id").or_else(|| header("x-compute-request-id"));
    let retry_after = header("retry-after").and_then(|text| text.trim().parse().ok());
    Err(Told::Answer { status, words, request, retry_after })
}

/// A request that the SDK could not bring to an answer.
fn broken(error: ApiError<RestError>) -> Told {
    match error {
        ApiError::Client { source: RestError::Communication { source } } => {
            let sent = !(source.is_connect() || source.is_builder());
            silent(&chain(&source), sent)
        }
        ApiError::Client { source: RestError::AuthError { source } } => Told::Locked(chain(&source)),
        ApiError::Catalog { source } => silent(&chain(&source), false),
        other => silent(&chain(&other), true),
    }
}

/// Why no session could be had.
fn denied(error: &OpenStackError) -> Told {
    match error {
        OpenStackError::AuthError { source: AuthError::Identity(_) } => Told::Locked(chain(error)),
        OpenStackError::AuthError { source } => {
            let why = chain(source);
            // A connection that fails while logging in is wrapped into an authentication error.
            let locked = ["401", "403", "404", "authentication", "domain"].iter().any(|word| why.contains(word));
            if locked { Told::Locked(why) } else { silent(&why, false) }
        }
        other => silent(&chain(other), false),
    }
}

/// An error with what caused it, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
