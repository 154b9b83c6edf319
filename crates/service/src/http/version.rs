//! API versions (SOL013 clause 9): the `Version` header of requests and answers, and the `api_versions` resources.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use reference_points::common::{Fault, ProblemDetails};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::problem::ApiError;

static VERSION: HeaderName = HeaderName::from_static("version");

/// One API at one major version: `/{name}/{major}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// First part of the path, e.g. `nslcm`.
    pub name: &'static str,
    /// Second part of the path, e.g. `v2`.
    pub major: &'static str,
    /// Full versions served, the current one first, e.g. `["2.0.0"]`.
    pub versions: &'static [&'static str],
}

/// Answer of the `api_versions` resources (SOL013 clause 9.3.3, `ApiVersionInformation`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiVersionInfo {
    /// Path of the API under the root, e.g. `/nslcm/v2`; without the major version in the unversioned resource.
    pub uri_prefix: String,
    /// Versions served.
    pub api_versions: Vec<ApiVersion>,
}

/// One version served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiVersion {
    /// `major.minor.patch`.
    pub version: String,
    /// True when it will go in a later release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_deprecated: Option<bool>,
}

impl Api {
    /// Path under the root: `/{name}/{major}`.
    pub fn prefix(&self) -> String {
        format!("/{}/{}", self.name, self.major)
    }

    /// The version an answer is in when the caller names none.
    pub fn current(&self) -> &'static str {
        self.versions.first().copied().unwrap_or_default()
    }

    /// Nests `routes` (paths relative to the API, such as `/ns_instances`) under the API's prefix, checks the `Version`
    /// header of their requests and adds both `api_versions` resources. Several majors of one API: see [`api_versions`].
    pub fn mount<S: Clone + Send + Sync + 'static>(&self, routes: OpenApiRouter<S>) -> OpenApiRouter<S> {
        let checked = routes.layer(axum::middleware::from_fn_with_state(*self, check));
        OpenApiRouter::new().nest(&self.prefix(), checked).route(
            &format!("{}/api_versions", self.prefix()),
            versions_at(ApiVersionInfo { uri_prefix: self.prefix(), api_versions: listed(self) }),
        )
    }
}

/// The resource `/{name}/api_versions` over every major of one API.
pub fn api_versions<S: Clone + Send + Sync + 'static>(majors: &[Api]) -> OpenApiRouter<S> {
    let Some(first) = majors.first() else { return OpenApiRouter::new() };
    let info = ApiVersionInfo {
        uri_prefix: format!("/{}", first.name),
        api_versions: majors.iter().flat_map(listed).collect(),
    };
    OpenApiRouter::new().route(&format!("/{}/api_versions", first.name), versions_at(info))
}

fn listed(api: &Api) -> Vec<ApiVersion> {
    api.versions.iter().map(|v| ApiVersion { version: (*v).to_owned(), is_deprecated: None }).collect()
}

fn versions_at<S: Clone + Send + Sync + 'static>(info: ApiVersionInfo) -> axum::routing::MethodRouter<S> {
    get(move || async move { Json(info) })
}

/// In the extensions of every request when the configuration refuses requests without a `Version`.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequireVersion;

async fn check(State(api): State<Api>, request: Request, next: Next) -> Response {
    let served = || api.versions.join(", ");
    let asked = request.headers().get(&VERSION).map(|v| v.to_str().unwrap_or_default().trim().to_owned());
    let used = match asked.as_deref() {
        None if request.extensions().get::<RequireVersion>().is_some() => {
            let fault = Fault::new("header.Version", "is missing").mend(format!("send Version: {}", api.current()));
            return ApiError::faults("the request", vec![fault]).into_response();
        }
        None => api.current(),
        Some(asked) => match api.versions.iter().find(|v| fits(asked, v)) {
            Some(version) => version,
            None => {
                let detail = format!("{} is served in version {}, not {asked:?}", api.prefix(), served());
                let fault =
                    Fault::new("header.Version", detail.clone()).mend(format!("send Version: {}", api.current()));
                let problem =
                    ProblemDetails { faults: vec![fault], ..ProblemDetails::new(406, "Version not supported", detail) };
                return ApiError::new(problem).into_response();
            }
        },
    };
    let mut response = next.run(request).await;
    response.headers_mut().insert(&VERSION, HeaderValue::from_static(used));
    response
}

/// A caller names a full version, with `impl:` or other parameters behind it ignored; the same major and minor fit,
/// because patches never change an interface (SOL013 clause 9.1).
fn fits(asked: &str, served: &str) -> bool {
    fn minor(version: &str) -> Option<(u32, u32)> {
        let mut parts = version.split(['.', '-']);
        Some((parts.next()?.trim().parse().ok()?, parts.next()?.trim().parse().ok()?))
    }
    minor(asked).is_some_and(|a| Some(a) == minor(served))
}
