//! The OpenAPI document: every route declares its OAuth2 scope, every operation its problems, and a golden file holds it.

use std::path::Path;

use axum::Extension;
use axum::http::StatusCode;
use reference_points::common::ProblemDetails;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ClientCredentials, Flow, OAuth2, Scopes, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::auth::{RequiredScope, Scope};

const SCHEME: &str = "oauth2";

/// Declares the scope that callers of these routes need: in the document, and in the request's extensions.
pub fn scoped<S: Clone + Send + Sync + 'static>(scope: Scope, routes: UtoipaMethodRouter<S>) -> UtoipaMethodRouter<S> {
    let (schemas, mut paths, methods) = routes;
    for item in paths.paths.values_mut() {
        operations(item).for_each(|(_, operation)| require(operation, scope));
    }
    (schemas, paths, methods.layer(Extension(RequiredScope(scope))))
}

/// Declares one scope for every route of `router` that has none yet.
pub fn router_with_scope<S: Clone + Send + Sync + 'static>(
    scope: Scope,
    mut router: OpenApiRouter<S>,
) -> OpenApiRouter<S> {
    for item in router.get_openapi_mut().paths.paths.values_mut() {
        for (_, operation) in operations(item).filter(|(_, o)| o.security.is_none()) {
            require(operation, scope);
        }
    }
    router.layer(axum::middleware::from_fn(
        move |mut request: axum::extract::Request, next: axum::middleware::Next| async move {
            if request.extensions().get::<RequiredScope>().is_none() {
                request.extensions_mut().insert(RequiredScope(scope));
            }
            next.run(request).await
        },
    ))
}

fn require(operation: &mut Operation, scope: Scope) {
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, [scope.0])]);
}

/// Completes a document: title and version, the OAuth2 scheme with every scope used, and ProblemDetails as the answer of
/// every operation that fails.
#[must_use]
pub fn finish(mut document: OpenApi, title: &str, version: &str, description: &str) -> OpenApi {
    document.info.title = title.to_owned();
    document.info.version = version.to_owned();
    document.info.description = Some(description.to_owned());
    document.info.license = None;
    document.info.contact = None;
    let mut scopes = std::collections::BTreeSet::new();
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            scopes.extend(scopes_of(operation));
            operation.responses.responses.entry("default".to_owned()).or_insert(RefOr::T(problem()));
            for status in refusals(method, operation) {
                let refused = RefOr::Ref(Ref::from_response_name(PROBLEM));
                operation.responses.responses.entry(status.to_owned()).or_insert(refused);
            }
            operation.responses.responses.iter_mut().for_each(described);
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    components.responses.insert(PROBLEM.to_owned(), RefOr::T(problem()));
    let mut schemas = vec![("ProblemDetails".to_owned(), ProblemDetails::schema())];
    ProblemDetails::schemas(&mut schemas);
    for (name, schema) in schemas {
        components.schemas.entry(name).or_insert(schema);
    }
    let scopes = Scopes::from_iter(scopes.into_iter().map(|s| (s, String::new())));
    let flow = Flow::ClientCredentials(ClientCredentials::new("/token", scopes));
    components.security_schemes.insert(SCHEME.to_owned(), RefOr::T(SecurityScheme::OAuth2(OAuth2::new([flow]))));
    document
}

/// OpenAPI demands a description of every answer: where the route has none, it is what the status means.
fn described((status, response): (&String, &mut RefOr<utoipa::openapi::Response>)) {
    if let RefOr::T(response) = response
        && response.description.is_empty()
    {
        let meaning = status.parse::<StatusCode>().ok().and_then(|status| status.canonical_reason());
        response.description = meaning.unwrap_or("Answer").to_owned();
    }
}

/// Name of the answer that every refusal is.
const PROBLEM: &str = "Problem";

fn problem() -> utoipa::openapi::Response {
    ResponseBuilder::new()
        .description("What went wrong (SOL013 clause 6.3)")
        .content(
            super::problem::PROBLEM_JSON,
            ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("ProblemDetails")))).build(),
        )
        .build()
}

/// With what an operation may be refused (SOL013 clause 6.4), beside what it declares itself.
fn refusals(method: &str, operation: &Operation) -> Vec<&'static str> {
    let mut statuses = vec!["400", "406", "414", "431", "500", "502", "503"];
    if operation.parameters.as_ref().is_some_and(|p| !p.is_empty()) {
        statuses.push("404");
    }
    if operation.request_body.is_some() {
        statuses.extend(["404", "408", "413", "415", "422"]);
    }
    match method {
        "get" | "head" => statuses.push("416"),
        _ => statuses.extend(["409", "412"]),
    }
    statuses
}

fn scopes_of(operation: &Operation) -> Vec<String> {
    // The requirement's map is private; its JSON form is the standard's.
    let requirements = operation.security.iter().flatten().filter_map(|r| serde_json::to_value(r).ok());
    requirements
        .filter_map(|r| r.get(SCHEME)?.as_array().cloned())
        .flatten()
        .filter_map(|s| s.as_str().map(str::to_owned))
        .collect()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
        ("head", &mut item.head),
        ("options", &mut item.options),
        ("trace", &mut item.trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|o| (method, o)))
}

/// Every operation without a scope, as `METHOD path`. A service's test asserts that there is none.
pub fn without_scope(document: &OpenApi) -> Vec<String> {
    let mut document = document.clone();
    let mut bare = Vec::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            if scopes_of(operation).is_empty() {
                bare.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    bare
}

/// The document as text, in the form of the golden files.
pub fn text(document: &OpenApi) -> String {
    serde_json::to_string_pretty(document).map(|t| t + "\n").unwrap_or_default()
}

/// For tests: the document is what the golden file at `path` holds, and every route declares a scope. With
/// `UPDATE_GOLDEN=1` in the environment the file is written instead.
///
/// # Errors
/// The first line that differs, or what is wrong with the file.
pub fn check_golden(document: &OpenApi, path: &Path) -> Result<(), String> {
    let bare = without_scope(document);
    if !bare.is_empty() {
        return Err(format!("routes without a scope: {}", bare.join(", ")));
    }
    let now = text(document);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| v == "1") {
        return std::fs::write(path, now).map_err(|e| format!("cannot write {}: {e}", path.display()));
    }
    let held = std::fs::read_to_string(path)
        .map_err(|e| format!("cannot read {}: {e}; run the test with UPDATE_GOLDEN=1", path.display()))?;
    if held == now {
        return Ok(());
    }
    let differs = held.lines().zip(now.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or_else(|| held.lines().count().min(now.lines().count()));
    Err(format!(
        "{}:{}: the golden file has {:?}, the service {:?}; if the change is meant, run the test with UPDATE_GOLDEN=1",
        path.display(),
        line + 1,
        held.lines().nth(line).unwrap_or("nothing"),
        now.lines().nth(line).unwrap_or("nothing"),
    ))
}

/// [`check_golden`] for tests.
///
/// # Panics
/// When the document differs from the golden file or a route has no scope.
#[allow(clippy::panic)]
#[track_caller]
pub fn assert_golden(document: &OpenApi, path: impl AsRef<Path>) {
    if let Err(why) = check_golden(document, path.as_ref()) {
        panic!("{why}");
    }
}
