//! Holds recorded exchanges against the schemas that ETSI publishes for SOL003 and SOL005 (v3.3.1): the operation exists,
//! bodies validate, no property is unknown, statuses and headers are those of SOL013.
//!
//! The schemas are not part of this project: [`Schemas::load`] is told where they are. Places where the published files
//! contradict the specification they belong to are listed, with the reason, in [`deviations`].

pub mod deviations;
mod documents;
mod exchange;
mod strict;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use documents::{Document, Library, Operation};
pub use exchange::Exchange;

/// Longest text of one violation, in characters.
const MAX_WHY: usize = 400;

/// The schemas could not be found.
#[derive(Debug, thiserror::Error)]
#[error("no ETSI OpenAPI documents in {}: {why}", path.display())]
pub struct NoSchemas {
    /// Where they were expected.
    pub path: PathBuf,
    /// What is missing there.
    pub why: String,
}

/// Which side of an exchange is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The consumer's request.
    Request,
    /// The producer's response.
    Response,
}

/// Which rule an exchange breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The document that should say is missing or unreadable.
    Document,
    /// The API has no such resource and method.
    Operation,
    /// The operation has no such status.
    Status,
    /// A header is missing or has a value that SOL013 does not allow.
    Header,
    /// A body is missing, is there though none is defined, or does not validate.
    Body,
    /// A body has a property that the schema does not know.
    UnknownProperty,
}

/// One way in which an exchange departs from the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The exchange: service, method and path.
    pub exchange: String,
    /// Who is at fault.
    pub side: Side,
    /// Which rule is broken.
    pub rule: Rule,
    /// JSON pointer into the body; empty for the whole.
    pub pointer: String,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Request => "request",
            Side::Response => "response",
        };
        write!(
            f,
            "{}: {side}{}{}: {}",
            self.exchange,
            if self.pointer.is_empty() { "" } else { " " },
            self.pointer,
            self.why
        )
    }
}

/// The ETSI documents, read when first needed.
#[derive(Debug)]
pub struct Schemas {
    library: Library,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schemas {
    /// Schemas under `shared` (a folder with `etsi/openapi/SOL003/3.3.1` and `etsi/openapi/SOL005/3.3.1-reconstructed`).
    ///
    /// # Errors
    /// One of those folders is missing.
    pub fn load(shared: &Path) -> Result<Self, NoSchemas> {
        Ok(Self { library: Library::open(shared)?, compiled: Mutex::default() })
    }

    /// True when SOL003 or SOL005 define the API that the exchange belongs to. [`Schemas::check`] finds nothing in others.
    pub fn covers(&self, exchange: &Exchange) -> bool {
        documents::is_etsi(exchange.resource())
    }

    /// Everything in which `exchange` departs from the specification; empty when nothing does, or when it belongs to no
    /// SOL003 or SOL005 API. The body of a refused request (status 4xx) is not checked: it may be meant to be wrong.
    pub fn check(&self, exchange: &Exchange) -> Vec<Violation> {
        let mut found = Findings { exchange, violations: Vec::new() };
        if !self.covers(exchange) {
            return found.violations;
        }
        let operation = match self.library.operation(&exchange.method, exchange.resource()) {
            Ok(operation) => operation,
            Err(why) => {
                found.add(Side::Request, Rule::Document, "", why);
                return found.violations;
            }
        };
        if exchange.status < 400 {
            match &operation {
                Some(operation) => {
                    self.request(&mut found, operation);
                    self.success(&mut found, operation);
                }
                None => {
                    let why =
                        format!("no {} on this resource in {}", exchange.method, documents::named(exchange.resource()));
                    found.add(Side::Request, Rule::Operation, "", why);
                }
            }
        } else {
            self.problem(&mut found);
        }
        found.versions();
        found.violations
    }

    fn request(&self, found: &mut Findings<'_>, operation: &Operation<'_>) {
        let sent = found.exchange.request.as_ref().filter(|body| !body.is_null());
        match (operation.request_schema(), sent) {
            (Some((schema, key)), Some(body)) => {
                self.validate(found, Side::Request, operation.document, schema, &key, body)
            }
            (Some(_), None) if operation.request_is_required() && !found.exchange.has_unrecorded_request() => {
                found.add(Side::Request, Rule::Body, "", "a body is required".to_owned());
            }
            (None, Some(_)) if !operation.takes_other_content() => {
                found.add(Side::Request, Rule::Body, "", "the operation defines no request body".to_owned());
            }
            _ => {}
        }
    }

    fn success(&self, found: &mut Findings<'_>, operation: &Operation<'_>) {
        let exchange = found.exchange;
        let Some(response) = operation.response(exchange.status) else {
            if exchange.status != 303 && exchange.status != 304 {
                let why = format!("status {} is not one of {}", exchange.status, operation.statuses());
                found.add(Side::Response, Rule::Status, "", why);
            }
            return;
        };
        let body = exchange.response.as_ref().filter(|body| !body.is_null());
        match (response.schema, body) {
            (Some((schema, key)), Some(body)) => {
                self.validate(found, Side::Response, operation.document, schema, &key, body);
            }
            (Some(_), None) if !exchange.has_unrecorded_response() => {
                found.add(Side::Response, Rule::Body, "", "the response has no body".to_owned());
            }
            (None, Some(_)) if !response.other_content => {
                found.add(Side::Response, Rule::Body, "", format!("status {} defines no body", exchange.status));
            }
            _ => {}
        }
        if (exchange.status == 201 || response.location) && exchange.lacks_response_header("location") {
            found.add(Side::Response, Rule::Header, "", format!("status {} without Location", exchange.status));
        }
    }

    /// An error response: RFC 7807, by the document of the oldest API, which has the same schema as all the others.
    fn problem(&self, found: &mut Findings<'_>) {
        let exchange = found.exchange;
        let kind = exchange.response_header("content-type").unwrap_or_default();
        match exchange.response.as_ref().filter(|body| !body.is_null()) {
            None if exchange.response_headers.is_some() && kind.is_empty() => {
                found.add(Side::Response, Rule::Body, "", format!("status {} without ProblemDetails", exchange.status));
            }
            None => {}
            Some(body) => {
                if exchange.response_headers.is_some() && !kind.starts_with("application/problem+json") {
                    let why = format!("an error in {kind:?} where it must be application/problem+json");
                    found.add(Side::Response, Rule::Header, "", why);
                }
                match self.library.problem_details() {
                    Ok((document, schema)) => {
                        self.validate(found, Side::Response, document, schema, "ProblemDetails", body);
                        if body.get("status").and_then(Value::as_u64).is_some_and(|s| s != u64::from(exchange.status)) {
                            let why = format!("status in the body differs from the response's {}", exchange.status);
                            found.add(Side::Response, Rule::Body, "/status", why);
                        }
                    }
                    Err(why) => found.add(Side::Response, Rule::Document, "", why),
                }
            }
        }
        let needed = match exchange.status {
            401 => "www-authenticate",
            405 => "allow",
            503 => "retry-after",
            _ => return,
        };
        if exchange.lacks_response_header(needed) {
            found.add(Side::Response, Rule::Header, "", format!("status {} without {needed}", exchange.status));
        }
    }

    fn validate(
        &self,
        found: &mut Findings<'_>,
        side: Side,
        document: &Document,
        schema: &Value,
        key: &str,
        body: &Value,
    ) {
        match self.validator(document, schema, key) {
            Ok(validator) => {
                for error in validator.iter_errors(body) {
                    let unknown = matches!(error.kind(), ValidationErrorKind::AdditionalProperties { .. });
                    let rule = if unknown { Rule::UnknownProperty } else { Rule::Body };
                    let why = error.to_string().chars().take(MAX_WHY).collect();
                    found.add(side, rule, error.instance_path().as_str(), why);
                }
            }
            Err(why) => found.add(side, Rule::Document, "", why),
        }
    }

    fn validator(&self, document: &Document, schema: &Value, key: &str) -> Result<Arc<Validator>, String> {
        let key = format!("{} {key}", document.name);
        if let Some(validator) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(validator));
        }
        let validator = Arc::new(strict::compile(schema, &document.body).map_err(|why| format!("{key}: {why}"))?);
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&validator));
        Ok(validator)
    }

    /// The schema of a request, or of the response with `status`, with everything it refers to: a JSON Schema (draft 4)
    /// that refuses unknown properties. `None` when there is none.
    ///
    /// # Errors
    /// A document cannot be read.
    pub fn schema(&self, method: &str, resource: &str, side: Side, status: u16) -> Result<Option<Value>, String> {
        let Some(operation) = self.library.operation(method, resource)? else { return Ok(None) };
        let schema = match side {
            Side::Request => operation.request_schema(),
            Side::Response => operation.response(status).and_then(|response| response.schema),
        };
        Ok(schema.map(|(schema, _)| strict::convert_all(schema, &operation.document.body)))
    }

    /// Names of the deviations that found nothing to mend: the documents changed, or the entry is stale.
    ///
    /// # Errors
    /// A document cannot be read.
    pub fn idle_deviations(&self) -> Result<Vec<&'static str>, String> {
        self.library.idle_deviations()
    }
}

struct Findings<'a> {
    exchange: &'a Exchange,
    violations: Vec<Violation>,
}

impl Findings<'_> {
    fn add(&mut self, side: Side, rule: Rule, pointer: &str, why: String) {
        let exchange = format!(
            "{} {} {} -> {}",
            self.exchange.service, self.exchange.method, self.exchange.path, self.exchange.status
        );
        self.violations.push(Violation { exchange, side, rule, pointer: pointer.to_owned(), why });
    }

    /// The `Version` header (SOL013 clause 9.3): both sides name the version, except on the `api_versions` resources.
    fn versions(&mut self) {
        if self.exchange.resource().ends_with("/api_versions") {
            return;
        }
        // A consumer without a version is refused, which is the right answer to it.
        if self.exchange.status < 400 && self.exchange.lacks_request_header("version") {
            self.add(Side::Request, Rule::Header, "", "no Version header".to_owned());
        }
        if self.exchange.status < 400 && self.exchange.lacks_response_header("version") {
            self.add(Side::Response, Rule::Header, "", "no Version header".to_owned());
        }
    }
}
