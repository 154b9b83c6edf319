//! What a cloud answered, as the consumer is told: the service's own words and request id, the resource by name, and what
//! happens next. Pure.

use reference_points::common::{ProblemDetails, shortage};
use serde_json::Value;

use super::call::Service;
use crate::error::Failure;

/// What a request was for.
#[derive(Debug, Clone)]
pub struct Work {
    /// e.g. `make`, `delete`, `list`.
    pub verb: &'static str,
    /// What, by kind, name and identifier.
    pub what: String,
}

impl Work {
    /// Work on a resource.
    pub fn on(verb: &'static str, kind: &str, name: &str, id: impl std::fmt::Display) -> Self {
        Self { verb, what: format!("{kind} {name} ({id})") }
    }

    /// Other work.
    pub fn new(verb: &'static str, what: impl Into<String>) -> Self {
        Self { verb, what: what.into() }
    }
}

/// Why a request was not answered with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The service said so.
    Answer {
        /// HTTP status.
        status: u16,
        /// Its words.
        words: String,
        /// Its name for the request.
        request: Option<String>,
        /// Seconds that it asks to wait.
        retry_after: Option<u64>,
    },
    /// It could not be reached, or gave no answer.
    Silent {
        /// What the connection said.
        why: String,
        /// The request may have arrived.
        sent: bool,
    },
    /// The identity service does not know the credentials, or does not let them in.
    Locked(String),
    /// The cloud has no such service.
    Absent,
}

/// The words in an error's body, whatever the service's way of putting them.
pub fn words(body: &[u8]) -> String {
    let cut = |text: &str| text.trim().chars().take(2000).collect::<String>();
    let Ok(document) = serde_json::from_slice::<Value>(body) else {
        return cut(&without_markup(&String::from_utf8_lossy(body)));
    };
    spoken(&document).map_or_else(|| cut(&document.to_string()), |said| cut(&said))
}

fn spoken(document: &Value) -> Option<String> {
    match document {
        Value::Object(members) => ["message", "detail", "faultstring", "title"]
            .iter()
            .find_map(|key| members.get(*key).and_then(Value::as_str).filter(|text| !text.is_empty()))
            .map(str::to_owned)
            .or_else(|| members.values().find_map(spoken)),
        Value::Array(items) => items.iter().find_map(spoken),
        _ => None,
    }
}

/// Glance answers in HTML.
fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                plain.push(' ');
            }
            c if !inside => plain.push(c),
            _ => {}
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether words speak of a quota: such a refusal ends when something is freed or the limit is raised.
fn is_quota(words: &str) -> bool {
    let words = words.to_lowercase();
    ["quota", "overlimit", "limit exceeded", "exceeds"].iter().any(|word| words.contains(word))
}

/// The problem to tell.
pub fn failure(service: Service, work: &Work, told: &Told) -> Failure {
    problem(service, work, told).into()
}

/// The problem to tell, as a document.
pub fn problem(service: Service, work: &Work, told: &Told) -> ProblemDetails {
    let Work { verb, what } = work;
    let name = service.name();
    match told {
        Told::Answer { status, words, request, retry_after } => {
            let (code, title, next) = verdict(*status, words);
            let said = if words.is_empty() { format!("status {status}") } else { words.clone() };
            let id = request.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
            let mut problem =
                ProblemDetails::new(code, title, format!("{name} did not {verb} {what}, status {status}: {said}"))
                    .resource(what.clone())
                    .answer(format!("{said}{id}"))
                    .next(next);
            problem.retry_after = retry_after.filter(|_| matches!(code, 429 | 503));
            problem
        }
        Told::Silent { why, sent } => {
            let detail = if *sent {
                format!("{name} gave no answer when it was to {verb} {what}: {why}")
            } else {
                format!("{name} cannot be reached to {verb} {what}: {why}")
            };
            let next = if !*sent && why.contains("https://") {
                // The SDK does not tell a certificate that it does not believe from a service that is not there.
                "it is tried again with growing pauses; nothing was made. When the cloud's certificate is vouched for by an \
                 authority of its own, that has to be given: cacert in clouds.yaml, which is trustedCertificates here"
            } else if *sent {
                "it is looked for by its owner mark before it is asked for again; nothing is made twice"
            } else {
                "it is tried again with growing pauses; nothing was made"
            };
            ProblemDetails::unavailable(detail).resource(what.clone()).answer(why.clone()).next(next)
        }
        Told::Locked(why) => {
            let detail = format!("Keystone does not let this account in to {verb} {what}: {why}");
            ProblemDetails::unavailable(detail)
                .resource(what.clone())
                .answer(why.clone())
                .next("register the VIM's credentials again; what waits is then carried on")
        }
        Told::Absent => {
            let detail = format!("this cloud has no {name}, which is needed to {verb} {what}");
            ProblemDetails::unprocessable(detail, Vec::new()).resource(what.clone())
        }
    }
}

/// Status to tell, title, and what follows. A 4xx other than 429 will not change by asking again.
fn verdict(status: u16, words: &str) -> (u16, &'static str, &'static str) {
    match status {
        400..=499 if status != 429 && is_quota(words) => (
            422,
            shortage::QUOTA_EXCEEDED,
            "free something or have the quota raised, then retry; a rollback removes what was made so far",
        ),
        403 if words.contains("fixed_ips:ip_address") => (
            422,
            "Not allowed",
            "the network is another project's, on which Neutron chooses the addresses: leave the address out; or have the \
             account given the right, then retry",
        ),
        403 => (422, "Not allowed", "have the account given the right, then retry; or roll back"),
        404 => (422, "Not found in the VIM", "what it needs is gone there: roll back, or bring it back and retry"),
        409 => (409, "Conflict in the VIM", "retry when the other use has ended; or roll back"),
        429 => (429, "Too many requests", "it is tried again when the service allows"),
        400..=499 => (422, "Refused by the VIM", "correct what it refuses, then retry; or roll back"),
        501 => (422, "Not possible in the VIM", "roll back"),
        _ => (503, "VIM in trouble", "it is tried again with growing pauses; a rollback waits for the service too"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::is_refusal;

    #[test]
    fn the_words_are_found_however_a_service_puts_them() {
        let cases = [
            (r#"{"badRequest": {"code": 400, "message": "Flavor's disk is too small"}}"#, "Flavor's disk is too small"),
            (
                r#"{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port'].", "detail": ""}}"#,
                "Quota exceeded for resources: ['port'].",
            ),
            (
                r#"{"error": {"code": 401, "message": "The request you have made requires authentication."}}"#,
                "The request you have made requires authentication.",
            ),
            (
                r#"{"errors": [{"status": 403, "title": "Forbidden", "detail": "Access was denied"}]}"#,
                "Access was denied",
            ),
            (
                "<html><head><title>409 Conflict</title></head><body><h1>409 Conflict</h1>Image is in use</body></html>",
                "409 Conflict 409 Conflict Image is in use",
            ),
            ("", ""),
        ];
        for (body, expected) in cases {
            assert_eq!(words(body.as_bytes()), expected);
        }
    }

    fn answered(status: u16, words: &str) -> Told {
        Told::Answer { status, words: words.into(), request: Some("req-1".into()), retry_after: None }
    }

    #[test]
    fn a_refusal_names_the_resource_and_quotes_the_service_and_its_request() {
        let work = Work::on("make", "compute", "web", "1");
        let problem = problem(Service::Compute, &work, &answered(403, "Quota exceeded for cores: Requested 4"));
        assert_eq!((problem.status, problem.title.as_deref()), (422, Some("Quota exceeded")));
        assert!(problem.detail.contains("compute web (1)") && problem.detail.contains("Nova"), "{problem}");
        assert_eq!(problem.answer.unwrap(), "Quota exceeded for cores: Requested 4 (request req-1)");
        assert!(problem.next.unwrap().contains("rollback"));
    }

    #[test]
    fn who_chooses_an_address_on_anothers_network_is_told_to_leave_it_out() {
        let said = "((rule:create_port and (rule:create_port:fixed_ips:ip_address))) is disallowed by policy";
        let problem = problem(Service::Network, &Work::on("make", "port", "web", "1"), &answered(403, said));
        assert!(problem.next.unwrap().contains("leave the address out"));
    }

    #[test]
    fn only_what_will_not_change_is_a_refusal() {
        let work = Work::new("list", "servers");
        let refused = |told: &Told| is_refusal(&failure(Service::Compute, &work, told));
        for status in [400, 403, 404, 409, 413] {
            assert!(refused(&answered(status, "no")), "{status}");
        }
        for status in [429, 500, 502, 503, 504] {
            assert!(!refused(&answered(status, "later")), "{status}");
        }
        assert!(!refused(&Told::Silent { why: "reset".into(), sent: true }));
        assert!(!refused(&Told::Locked("401".into())));
        assert!(refused(&Told::Absent));
    }
}
