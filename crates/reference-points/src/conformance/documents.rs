//! The OpenAPI documents: which file speaks for which API, and how a request finds its operation in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use super::NoSchemas;
use super::deviations;

/// An API and the documents that define it, the first one that has the operation being the one that counts. SOL005 comes
/// before SOL003 where both define an API of the NFVO: what it gives OSS/BSS it gives the VNFM too.
struct Api {
    prefix: &'static str,
    files: &'static [&'static str],
}

const SOL003: &str = "SOL003/3.3.1";
const SOL005: &str = "SOL005/3.3.1-reconstructed";

/// Prefixes are written here, not read from the documents: that of VNF LCM says v1 where version 2.0.0 is v2.
const APIS: &[Api] = &[
    Api { prefix: "/vnflcm/v2", files: &["SOL003/3.3.1/SOL003-VNFLifecycleManagement-API.json"] },
    Api { prefix: "/grant/v1", files: &["SOL003/3.3.1/SOL003-VNFLifecycleOperationGranting-API.json"] },
    Api {
        prefix: "/vnfpkgm/v2",
        files: &[
            "SOL005/3.3.1-reconstructed/SOL005-vnfpkgm-v2.yaml",
            "SOL003/3.3.1/SOL003-VNFPackageManagement-API.json",
        ],
    },
    Api { prefix: "/nsd/v2", files: &["SOL005/3.3.1-reconstructed/SOL005-nsd-v2.yaml"] },
    Api { prefix: "/nslcm/v2", files: &["SOL005/3.3.1-reconstructed/SOL005-nslcm-v2.yaml"] },
    Api {
        prefix: "/vnffm/v1",
        files: &["SOL003/3.3.1/SOL003-VNFFaultManagement-API.json", "SOL002/3.3.1-reconstructed/SOL002-vnffm-v1.yaml"],
    },
    Api { prefix: "/vnfpm/v2", files: &["SOL003/3.3.1/SOL003-VNFPerformanceManagement-API.json"] },
    Api {
        prefix: "/vnfind/v1",
        files: &["SOL003/3.3.1/SOL003-VNFIndicator-API.json", "SOL002/3.3.1-reconstructed/SOL002-vnfind-v1.yaml"],
    },
    Api {
        prefix: "/vrqan/v1",
        files: &["SOL003/3.3.1/SOL003-VirtualisedResourcesQuotaAvailableNotification-API.json"],
    },
    Api {
        prefix: "/vnfsnapshotpkgm/v1",
        files: &[
            "SOL005/3.3.1-reconstructed/SOL005-vnfsnapshotpkgm-v1.yaml",
            "SOL003/3.3.1/SOL003-VNFSnapshotPackageManagement-API.json",
        ],
    },
    Api { prefix: "/nsfm/v1", files: &["SOL005/3.3.1-reconstructed/SOL005-nsfm-v1.yaml"] },
    Api { prefix: "/nspm/v2", files: &["SOL005/3.3.1-reconstructed/SOL005-nspm-v2.yaml"] },
    Api { prefix: "/nfvici/v1", files: &["SOL005/3.3.1-reconstructed/SOL005-nfvici-v1.yaml"] },
];

/// The document with the smallest schemas of what all APIs share (SOL013): `api_versions` and ProblemDetails.
const SHARED: &str = "SOL003/3.3.1/SOL003-VNFLifecycleOperationGranting-API.json";

fn api_of(resource: &str) -> Option<(&'static Api, &str)> {
    APIS.iter().find_map(|api| {
        let rest = resource.strip_prefix(api.prefix)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((api, rest))
    })
}

/// `/{api}/api_versions` and `/{api}/{major}/api_versions` of an API listed above.
fn is_api_versions(resource: &str) -> bool {
    resource.strip_suffix("/api_versions").is_some_and(|prefix| {
        APIS.iter()
            .any(|api| api.prefix == prefix || api.prefix.rsplit_once('/').is_some_and(|(name, _)| name == prefix))
    })
}

pub(super) fn is_etsi(resource: &str) -> bool {
    is_api_versions(resource) || api_of(resource).is_some()
}

/// The documents that define the API of `resource`, for messages.
pub(super) fn named(resource: &str) -> String {
    api_of(resource).map_or_else(String::new, |(api, _)| api.files.join(" or "))
}

/// One document, mended.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: &'static str,
    pub(super) body: Value,
    applied: Vec<&'static str>,
}

#[derive(Debug)]
pub(super) struct Library {
    folder: PathBuf,
    documents: Vec<(&'static str, OnceLock<Result<Document, String>>)>,
}

impl Library {
    pub(super) fn open(shared: &Path) -> Result<Self, NoSchemas> {
        let folder = shared.join("etsi/openapi");
        for part in [SOL003, SOL005] {
            let path = folder.join(part);
            if let Err(error) = fs::read_dir(&path) {
                return Err(NoSchemas { path, why: error.to_string() });
            }
        }
        let mut names: Vec<&'static str> = APIS.iter().flat_map(|api| api.files).copied().collect();
        names.sort_unstable();
        names.dedup();
        Ok(Self { folder, documents: names.into_iter().map(|name| (name, OnceLock::new())).collect() })
    }

    fn document(&self, name: &str) -> Result<&Document, String> {
        let (name, cell) =
            self.documents.iter().find(|(n, _)| *n == name).ok_or_else(|| format!("{name} is not in the list"))?;
        cell.get_or_init(|| read(name, &self.folder.join(name))).as_ref().map_err(Clone::clone)
    }

    /// The operation for `method` on `resource`; `None` when its API has none.
    pub(super) fn operation(&self, method: &str, resource: &str) -> Result<Option<Operation<'_>>, String> {
        let method = method.to_ascii_lowercase();
        if is_api_versions(resource) {
            return Ok(find(self.document(SHARED)?, &method, "/api_versions"));
        }
        let Some((api, rest)) = api_of(resource) else { return Ok(None) };
        for file in api.files {
            if let Some(operation) = find(self.document(file)?, &method, rest) {
                return Ok(Some(operation));
            }
        }
        Ok(None)
    }

    /// The schema of ProblemDetails with the document it is in.
    pub(super) fn problem_details(&self) -> Result<(&Document, &Value), String> {
        let document = self.document(SHARED)?;
        let operation = find(document, "post", "/grants").and_then(|o| o.response(400)?.schema);
        operation.map(|(schema, _)| (document, schema)).ok_or_else(|| format!("{SHARED} has no ProblemDetails"))
    }

    pub(super) fn idle_deviations(&self) -> Result<Vec<&'static str>, String> {
        let mut idle: Vec<&'static str> = deviations::all().map(|d| d.what).collect();
        for (name, _) in &self.documents {
            let document = self.document(name)?;
            idle.retain(|what| !document.applied.contains(what));
        }
        Ok(idle)
    }
}

fn read(name: &'static str, path: &Path) -> Result<Document, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let parsed: Result<Value, String> = if name.ends_with(".json") {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        // These files are large and known: the reader's limits on nodes are for input from outside.
        let options = serde_saphyr::options! { with_snippet: false, budget: None };
        serde_saphyr::from_str_with_options(&text, options).map_err(|error| error.to_string())
    };
    let mut body = parsed.map_err(|why| format!("{}: {why}", path.display()))?;
    let applied = deviations::mend(name, &mut body);
    Ok(Document { name, body, applied })
}

/// An operation of a document.
#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) document: &'a Document,
    key: String,
    body: &'a Value,
    /// Tasks of the rebuilt documents, which list no headers.
    location_by_rule: bool,
}

/// A response of an operation.
#[derive(Debug)]
pub(super) struct Response<'a> {
    /// JSON schema and its name.
    pub(super) schema: Option<(&'a Value, String)>,
    /// Content other than JSON is defined.
    pub(super) other_content: bool,
    /// A `Location` header is defined.
    pub(super) location: bool,
}

fn find<'a>(document: &'a Document, method: &str, rest: &str) -> Option<Operation<'a>> {
    let paths = document.body.get("paths")?.as_object()?;
    let best = paths
        .iter()
        .filter_map(|(template, item)| Some((matches(template, rest)?, template, item.get(method)?)))
        .max_by_key(|(literals, ..)| *literals);
    let (_, template, body) = best?;
    let task = document.name.contains("SOL005-nslcm") && template.starts_with("/ns_instances/{nsInstanceId}/");
    Some(Operation { document, key: format!("{method} {template}"), body, location_by_rule: task })
}

/// How many segments of the template are literal, when it matches. `{artifactPath}` stands for any number of segments.
fn matches(template: &str, path: &str) -> Option<usize> {
    let (mut template, mut path) = (template.split('/').skip(1), path.split('/').skip(1));
    let mut literals = 0;
    loop {
        match (template.next(), path.next()) {
            (None, None) => return Some(literals),
            (Some("{artifactPath}"), Some(_)) => return Some(literals),
            (Some(t), Some(p)) if t == p => literals += 1,
            (Some(t), Some(p)) if t.starts_with('{') && !p.is_empty() => {}
            _ => return None,
        }
    }
}

impl<'a> Operation<'a> {
    fn resolve(&self, value: &'a Value) -> &'a Value {
        resolve(&self.document.body, value)
    }

    fn request_body(&self) -> Option<&'a Value> {
        self.body.get("requestBody").map(|body| self.resolve(body))
    }

    pub(super) fn request_schema(&self) -> Option<(&'a Value, String)> {
        let schema = json_schema(self.request_body()?)?;
        Some((schema, format!("{} request", self.key)))
    }

    pub(super) fn request_is_required(&self) -> bool {
        self.request_body().and_then(|b| b.get("required")).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A request body of another kind than JSON is defined.
    pub(super) fn takes_other_content(&self) -> bool {
        self.request_body().is_some_and(has_other_content)
    }

    pub(super) fn response(&self, status: u16) -> Option<Response<'a>> {
        let response = self.resolve(self.body.get("responses")?.get(status.to_string())?);
        Some(Response {
            schema: json_schema(response).map(|schema| (schema, format!("{} {status}", self.key))),
            other_content: has_other_content(response),
            location: (self.location_by_rule && status == 202)
                || response.get("headers").is_some_and(|h| h.get("Location").is_some()),
        })
    }

    /// Statuses below 400 that the operation defines, for messages.
    pub(super) fn statuses(&self) -> String {
        let all = self.body.get("responses").and_then(Value::as_object);
        let good: Vec<&str> = all.into_iter().flat_map(|r| r.keys()).map(String::as_str).filter(|s| *s < "4").collect();
        good.join(", ")
    }
}

fn contents(body: &Value) -> impl Iterator<Item = (&String, &Value)> {
    body.get("content").and_then(Value::as_object).into_iter().flatten()
}

fn is_json(kind: &str) -> bool {
    kind.split(';').next().unwrap_or_default().trim().ends_with("json")
}

fn json_schema(body: &Value) -> Option<&Value> {
    contents(body).find(|(kind, _)| is_json(kind)).and_then(|(_, content)| content.get("schema"))
}

fn has_other_content(body: &Value) -> bool {
    contents(body).any(|(kind, _)| !is_json(kind))
}

/// Follows `$ref` inside the document, at most eight times.
pub(super) fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    for _ in 0..8 {
        let target = value.get("$ref").and_then(Value::as_str).and_then(|r| document.pointer(r.strip_prefix('#')?));
        match target {
            Some(target) => value = target,
            None => break,
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_segments_win_over_parameters() {
        assert_eq!(matches("/indicators/{vnfInstanceId}/{indicatorId}", "/indicators/subscriptions/7"), Some(1));
        assert_eq!(matches("/indicators/subscriptions/{id}", "/indicators/subscriptions/7"), Some(2));
        assert_eq!(matches("/vnf_instances/{id}", "/vnf_instances"), None);
        assert_eq!(matches("/vnf_instances/{id}", "/vnf_instances/"), None);
        assert_eq!(matches("/p/{id}/artifacts/{artifactPath}", "/p/1/artifacts/a/b/c"), Some(2));
    }

    #[test]
    fn only_the_prefix_of_a_whole_segment_is_an_api() {
        assert!(is_etsi("/vnflcm/v2/vnf_instances"));
        assert!(is_etsi("/vnflcm/api_versions"));
        assert!(is_etsi("/vnflcm/v2/api_versions"));
        assert!(!is_etsi("/vnflcm/v22/vnf_instances"));
        assert!(!is_etsi("/mano/v1/vims"));
        assert!(!is_etsi("/vims/api_versions"));
    }
}
