//! Servers as documents: what Nova is asked for to make a compute, and what its answer means. Pure.

use axum::http::Uri;
use base64::Engine as _;
use reference_points::common::{Fault, ProblemDetails, shortage};
use reference_points::nf_vi::{DesiredPower, MachineState, PowerAction};
use reference_points::or_vi::{Compute, ComputeRoot, ComputeSpec};
use serde_json::{Map, Value, json};

use super::marks::Mark;
use super::networks::text;

/// Largest value of metadata that Nova takes, in characters.
const MAX_META: usize = 255;
/// Largest user data that Nova takes, in bytes as it is sent.
const MAX_USER_DATA: usize = 65_535;

/// What Nova calls the parts of a compute.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Flavour.
    pub flavour: String,
    /// Image that it boots from.
    pub image: Option<String>,
    /// Volume that it boots from.
    pub root: Option<String>,
    /// Further volumes.
    pub volumes: Vec<String>,
    /// Ports.
    pub ports: Vec<String>,
    /// Server group.
    pub group: Option<String>,
    /// Key pair.
    pub key: Option<String>,
    /// Nova takes a host name beside the name.
    pub hostname: bool,
}

/// What of a compute Nova cannot take.
pub fn faults_of(spec: &ComputeSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Some(boot) = &spec.boot_data else { return faults };
    for (key, value) in &boot.meta {
        if key.chars().count() > MAX_META || value.chars().count() > MAX_META {
            let why = format!("Nova takes {MAX_META} characters, this has {}", value.chars().count());
            faults.push(Fault::new(format!("/bootData/meta/{key}"), why).mend("hand it over in the user data"));
        }
    }
    if let Some(data) = &boot.user_data {
        let size = data.len().div_ceil(3) * 4;
        if size > MAX_USER_DATA {
            let why = format!("takes {size} bytes as Nova is sent it, at most {MAX_USER_DATA} are accepted");
            faults.push(Fault::new("/bootData/userData", why).mend("let the guest fetch the rest"));
        }
    }
    if boot.public_keys.len() > 1 {
        let why = format!("Nova gives a server one key pair, {} keys are asked for", boot.public_keys.len());
        faults.push(Fault::new("/bootData/publicKeys", why).mend("give one key, or hand them over in the user data"));
    }
    if boot.layout == reference_points::nf_vi::ConfigDriveLayout::Nocloud {
        faults.push(Fault::new("/bootData/layout", "Nova writes config drives of layout openstack only"));
    }
    faults
}

/// The name that Nova knows a server by.
pub fn name(spec: &ComputeSpec, hostnames: bool) -> String {
    let hostname = spec.boot_data.as_ref().and_then(|boot| boot.hostname.clone());
    hostname.filter(|_| !hostnames).unwrap_or_else(|| spec.name.clone())
}

/// The request that makes a server.
pub fn document(compute: &Compute, parts: &Parts, mark: &Mark) -> Value {
    let spec = &compute.spec;
    let boot = spec.boot_data.clone().unwrap_or_default();
    let mut metadata = mark.metadata();
    metadata.extend(boot.meta.iter().map(|(key, value)| (key.clone(), json!(value))));
    let networks: Value = if parts.ports.is_empty() {
        json!("none")
    } else {
        parts.ports.iter().map(|port| json!({ "port": port })).collect()
    };
    let mut server = json!({
        "name": name(spec, parts.hostname), "flavorRef": parts.flavour, "networks": networks, "metadata": metadata,
        "config_drive": true,
    });
    let member = |key: &str, value: Option<Value>, server: &mut Value| {
        if let Some(value) = value {
            server[key] = value;
        }
    };
    member("imageRef", parts.image.clone().map(Value::from), &mut server);
    member("availability_zone", spec.zone.clone().map(Value::from), &mut server);
    member("key_name", parts.key.clone().map(Value::from), &mut server);
    member("hostname", boot.hostname.filter(|_| parts.hostname).map(Value::from), &mut server);
    let data = boot.user_data.map(|data| base64::engine::general_purpose::STANDARD.encode(data));
    member("user_data", data.map(Value::from), &mut server);
    member("block_device_mapping_v2", disks(parts), &mut server);
    let mut request = Map::from_iter([("server".to_owned(), server)]);
    if let Some(group) = &parts.group {
        request.insert("os:scheduler_hints".to_owned(), json!({ "group": group }));
    }
    Value::Object(request)
}

fn disks(parts: &Parts) -> Option<Value> {
    let volume = |id: &String, index: i32| {
        json!({ "uuid": id, "source_type": "volume", "destination_type": "volume", "boot_index": index,
            "delete_on_termination": false })
    };
    let mut disks: Vec<Value> = parts.root.iter().map(|root| volume(root, 0)).collect();
    if let (Some(image), false) = (&parts.image, parts.volumes.is_empty()) {
        disks.push(json!({ "uuid": image, "source_type": "image", "destination_type": "local", "boot_index": 0,
            "delete_on_termination": true }));
    }
    disks.extend(parts.volumes.iter().map(|id| volume(id, -1)));
    (!disks.is_empty()).then_some(Value::Array(disks))
}

/// What Nova says of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its identifier.
    pub id: String,
    /// Its status, e.g. `ACTIVE`.
    pub status: String,
    /// Nova is at it.
    pub busy: bool,
    /// It ran at least once.
    pub launched: bool,
    /// Last change, microseconds since the epoch by Nova's clock.
    pub at: i64,
    /// Why it failed.
    pub fault: Option<String>,
    /// Host; where the account may not see it, what Nova calls it towards the project.
    pub host: Option<String>,
    /// Zone.
    pub zone: Option<String>,
}

/// Reads a server as Nova shows it.
pub fn seen(server: &Value) -> Option<Seen> {
    let field = |key: &str| text(server, key).filter(|value| !value.is_empty());
    let fault = server.get("fault").and_then(|fault| {
        let message = text(fault, "message")?;
        let code = fault["code"].as_u64().map(|code| format!(" (code {code})")).unwrap_or_default();
        Some(format!("{message}{code}"))
    });
    Some(Seen {
        id: text(server, "id")?,
        status: text(server, "status")?,
        busy: !server["OS-EXT-STS:task_state"].is_null(),
        launched: !server["OS-SRV-USG:launched_at"].is_null(),
        at: field("updated").and_then(|at| micros(&at)).unwrap_or(0),
        fault,
        host: field("OS-EXT-SRV-ATTR:host").or_else(|| field("hostId")),
        zone: field("OS-EXT-AZ:availability_zone"),
    })
}

/// A time as Nova writes it, in microseconds since the epoch.
fn micros(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros())
}

/// What a status means; `None` when there is no such server any more.
pub fn state(seen: &Seen) -> Option<MachineState> {
    match seen.status.as_str() {
        "ACTIVE" | "PASSWORD" | "RESCUE" => Some(MachineState::Running),
        "MIGRATING" => Some(MachineState::Running),
        "SHUTOFF" | "SUSPENDED" | "PAUSED" | "SHELVED" | "SHELVED_OFFLOADED" => Some(MachineState::Stopped),
        "ERROR" | "UNKNOWN" => Some(MachineState::Error),
        "DELETED" | "SOFT_DELETED" => None,
        _ => Some(MachineState::Building),
    }
}

/// Why a compute does not run, in Nova's words.
pub fn problem(compute: &Compute, seen: &Seen) -> Option<ProblemDetails> {
    let what = format!("compute {} ({})", compute.spec.name, compute.id);
    match seen.status.as_str() {
        "ERROR" => {
            let said = seen.fault.clone().unwrap_or_else(|| "Nova says nothing about why".to_owned());
            let (title, next) = if said.contains("No valid host") {
                (
                    shortage::NO_VALID_HOST,
                    "no host of the cloud can take it as it is wanted: free capacity, ask for less or relax its groups, then \
                     retry, which makes it anew; a rollback removes it",
                )
            } else {
                ("Server failed", "retry makes it anew when it never ran, else starts it again; a rollback removes it")
            };
            let detail = format!("Nova could not run {what}, server {}: {said}", seen.id);
            Some(ProblemDetails::new(500, title, detail).resource(what).answer(said).next(next))
        }
        "UNKNOWN" => {
            let detail = format!("Nova does not know how {what} is: the host it is on does not answer");
            Some(ProblemDetails::new(503, "Host is silent", detail).resource(what))
        }
        status @ ("SUSPENDED" | "PAUSED" | "SHELVED" | "SHELVED_OFFLOADED") => {
            let detail = format!("{what} was {} in Nova by somebody else", status.to_lowercase());
            Some(ProblemDetails::conflict(detail).resource(what).next("stop and start it, or resume it there"))
        }
        _ => None,
    }
}

/// What Nova is asked to do to a server for a power request.
pub fn power(action: PowerAction) -> Value {
    match action {
        PowerAction::Start => json!({ "os-start": null }),
        PowerAction::Stop | PowerAction::StopGraceful => json!({ "os-stop": null }),
        PowerAction::Reboot => json!({ "reboot": { "type": "HARD" } }),
        PowerAction::RebootGraceful => json!({ "reboot": { "type": "SOFT" } }),
    }
}

/// What Nova is asked to do so that a server's power state is the wanted one.
pub fn power_change(seen: &Seen, wanted: DesiredPower) -> Option<Value> {
    match (seen.status.as_str(), wanted) {
        ("SHUTOFF", DesiredPower::Running) => Some(power(PowerAction::Start)),
        ("SUSPENDED", DesiredPower::Running) => Some(json!({ "resume": null })),
        ("PAUSED", DesiredPower::Running) => Some(json!({ "unpause": null })),
        ("ACTIVE", DesiredPower::Stopped) => Some(power(PowerAction::Stop)),
        _ => None,
    }
}

/// What a list of servers is narrowed to by a name; Nova takes it as a regular expression.
pub fn name_pattern(name: &str) -> String {
    let mut pattern = String::from("^");
    for c in name.chars() {
        if !c.is_alphanumeric() && !" -_".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('$');
    pattern
}

/// Whether the root of a compute is a volume of its own.
pub fn root_volume(spec: &ComputeSpec) -> Option<uuid::Uuid> {
    match spec.root {
        ComputeRoot::Volume { volume_id } => Some(volume_id),
        ComputeRoot::Image { .. } => None,
    }
}

/// Whether a console's address is one that a browser can open.
pub fn is_address(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| uri.scheme().is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::or_vi::BootData;
    use uuid::Uuid;

    use super::*;
    use crate::fixtures;

    fn compute() -> Compute {
        fixtures::compute(Uuid::from_u128(5))
    }

    fn mark() -> Mark {
        Mark::of("compute", Uuid::from_u128(5), Uuid::nil(), &compute().spec.owner)
    }

    #[test]
    fn what_the_guest_gets_on_its_first_boot_is_in_the_request() {
        let mut wanted = compute();
        wanted.spec.zone = Some("nova".into());
        wanted.spec.boot_data = Some(BootData {
            hostname: Some("www".into()),
            user_data: Some("#!/bin/sh".into()),
            meta: [("role".to_owned(), "web".to_owned())].into(),
            ..BootData::default()
        });
        let parts = Parts {
            flavour: "f".into(),
            image: Some("i".into()),
            ports: vec!["p0".into(), "p1".into()],
            group: Some("g".into()),
            hostname: true,
            ..Parts::default()
        };
        let request = document(&wanted, &parts, &mark());
        let server = &request["server"];
        assert_eq!(server["networks"], json!([{ "port": "p0" }, { "port": "p1" }]));
        assert_eq!(server["user_data"], "IyEvYmluL3No");
        assert_eq!((&server["metadata"]["role"], &server["hostname"]), (&json!("web"), &json!("www")));
        assert_eq!(super::super::marks::on(server).unwrap(), mark());
        assert_eq!(request["os:scheduler_hints"]["group"], "g");
        assert!(server.get("block_device_mapping_v2").is_none());
        assert_eq!(name(&wanted.spec, false), "www");
        assert_eq!(document(&compute(), &Parts::default(), &mark())["server"]["networks"], "none");
    }

    #[test]
    fn disks_stand_in_the_order_in_which_the_guest_sees_them() {
        let volumes = vec!["v1".to_owned(), "v2".to_owned()];
        let parts = Parts { root: Some("r".into()), volumes: volumes.clone(), ..Parts::default() };
        let disks = disks(&parts).unwrap();
        let order: Vec<&str> = disks.as_array().unwrap().iter().map(|disk| disk["uuid"].as_str().unwrap()).collect();
        assert_eq!(order, ["r", "v1", "v2"]);
        assert!(disks.as_array().unwrap().iter().all(|disk| disk["delete_on_termination"] == false));
        let parts = Parts { image: Some("i".into()), volumes, ..Parts::default() };
        let disks = super::disks(&parts).unwrap();
        assert_eq!((&disks[0]["destination_type"], &disks[0]["boot_index"]), (&json!("local"), &json!(0)));
    }

    #[test]
    fn an_error_quotes_nova_and_says_what_a_retry_does() {
        let server = json!({ "id": "s", "status": "ERROR", "updated": "2026-01-02T03:04:05Z", "OS-EXT-STS:task_state": null,
            "OS-SRV-USG:launched_at": null, "fault": { "code": 500, "message": "No valid host was found." } });
        let seen = seen(&server).unwrap();
        assert_eq!(state(&seen), Some(MachineState::Error));
        assert!(!seen.launched && !seen.busy && seen.at == 1_767_323_045_000_000);
        let problem = problem(&compute(), &seen).unwrap();
        assert_eq!(problem.answer.as_deref(), Some("No valid host was found. (code 500)"));
        assert!(problem.resource.unwrap().contains("web") && problem.next.unwrap().contains("free capacity"));
    }

    #[test]
    fn every_status_means_something() {
        let at = |status: &str| seen(&json!({ "id": "s", "status": status })).map(|seen| state(&seen)).unwrap();
        assert_eq!(at("ACTIVE"), Some(MachineState::Running));
        assert_eq!(at("SHUTOFF"), Some(MachineState::Stopped));
        assert_eq!(at("VERIFY_RESIZE"), Some(MachineState::Building));
        assert_eq!(at("DELETED"), None);
    }

    #[test]
    fn what_nova_cannot_take_is_named() {
        let mut wanted = compute();
        wanted.spec.boot_data = Some(BootData {
            user_data: Some("x".repeat(60_000)),
            public_keys: vec!["a".into(), "b".into()],
            meta: [("long".to_owned(), "v".repeat(256))].into(),
            ..BootData::default()
        });
        let at: Vec<String> = faults_of(&wanted.spec).into_iter().map(|fault| fault.location).collect();
        assert_eq!(at, ["/bootData/meta/long", "/bootData/userData", "/bootData/publicKeys"]);
        assert_eq!(name_pattern("web.a-1"), "^web\\.a-1$");
    }

    #[test]
    fn power_is_changed_only_when_it_is_another() {
        let seen = |status: &str| seen(&json!({ "id": "s", "status": status })).unwrap();
        assert!(power_change(&seen("ACTIVE"), DesiredPower::Running).is_none());
        assert_eq!(power_change(&seen("SHUTOFF"), DesiredPower::Running), Some(json!({ "os-start": null })));
        assert_eq!(power_change(&seen("ACTIVE"), DesiredPower::Stopped), Some(json!({ "os-stop": null })));
        assert!(power_change(&seen("BUILD"), DesiredPower::Stopped).is_none());
    }
}
