//! Deviations of the SOL003 files, and of what they share with those of SOL005.

use serde_json::{Value, json};

use super::{
    Deviation,
    Mend::{Everywhere, Once},
    exclude, has, properties,
};

/// Schema of an attribute of a coordination.
fn of_coordination(name: &str) -> Value {
    match name {
        "delay" => json!({ "type": "integer" }),
        "startTime" | "endTime" | "rejectionTime" => json!({ "type": "string", "format": "date-time" }),
        "coordinationResult" => json!({ "type": "string", "enum": ["CONTINUE", "ABORT", "CANCELLED"] }),
        _ => json!({ "type": "string" }),
    }
}

/// In no order that matters.
pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        what: "ProblemDetails may carry more",
        why: "RFC 7807 clause 3.2 and SOL013 clause 6.3 allow additional attributes",
        file: "",
        mend: Everywhere(|node| {
            has(node, &["type", "title", "status", "detail", "instance"])
                && node.insert("additionalProperties".into(), true.into()).is_none()
        }),
    },
    Deviation {
        what: "an occurrence tells its coordinations",
        why: "SOL003 v3.5.1 clause 5.5.2.13 has them, with the LCM coordination interface; the file is of v3.3.1",
        file: "SOL003-VNFLifecycleManagement",
        mend: Everywhere(|node| {
            if !has(node, &["operationState", "isCancelPending", "operationParams"]) {
                return false;
            }
            let Some(properties) = properties(node) else { return false };
            let list = |required: &[&str], more: &[&str]| {
                let all = required.iter().chain(more).map(|name| ((*name).to_owned(), of_coordination(name)));
                let properties: serde_json::Map<String, Value> = all.collect();
                json!({ "type": "array", "items": { "type": "object", "properties": properties, "required": required } })
            };
            let begun = list(
                &["id", "coordinationActionName", "startTime", "endpointType"],
                &["coordinationResult", "endTime", "delay"],
            );
            let rejected = list(&["coordinationActionName", "rejectionTime", "endpointType", "delay"], &[]);
            properties.insert("lcmCoordinations".into(), begun);
            properties.insert("rejectedLcmCoordinations".into(), rejected).is_none()
        }),
    },
    Deviation {
        what: "the internal virtual links of a VNF are vnfVirtualLinkResourceInfo, and there is vnfcInfo",
        why: "SOL003 clause 5.5.2.2; SOL002 and SOL005 of the same version have both. The file has an older name",
        file: "SOL003-VNFLifecycleManagement",
        mend: Everywhere(|node| {
            let Some(properties) = properties(node) else { return false };
            let Some(links) = properties.remove("virtualLinkResourceInfo") else { return false };
            properties.insert("vnfVirtualLinkResourceInfo".into(), links);
            properties.insert("vnfcInfo".into(), vnfc_info());
            true
        }),
    },
    Deviation {
        what: "heal and operate may name the VNFCs that are meant",
        why: "SOL002 clauses 5.5.2.9 and 5.5.2.10; one resource of the VNFM serves both reference points",
        file: "SOL003-VNFLifecycleManagement",
        mend: Everywhere(|node| {
            let heal = has(node, &["cause", "additionalParams"]);
            if !heal && !has(node, &["changeStateTo", "stopType"]) {
                return false;
            }
            let Some(properties) = properties(node).filter(|p| !heal || p.len() == 2) else { return false };
            let ids = json!({ "type": "array", "items": { "type": "string" } });
            properties.insert("vnfcInstanceId".into(), ids).is_none()
        }),
    },
    Deviation {
        what: "a snapshot is asked for with vnfSnapshotInfoId, and may be one of a VNFC",
        why: "SOL003 clause 5.5.2.21: the file demands a name (vnfSnapshotResId) that is none. SOL002 clauses 5.5.2.21 and 5.5.2.26 have vnfcInstanceId; one resource of the VNFM serves both reference points",
        file: "SOL003-VNFLifecycleManagement",
        mend: Everywhere(|node| {
            if !has(node, &["vnfSnapshotInfoId", "additionalParams"]) {
                return false;
            }
            if has(node, &["userDefinedData"]) {
                node.insert("required".into(), json!(["vnfSnapshotInfoId"]));
            }
            let Some(properties) = properties(node) else { return false };
            properties.insert("vnfcSnapshotInfoId".into(), json!({ "type": "string" }));
            properties.insert("vnfcInstanceId".into(), json!({ "type": "string" })).is_none()
        }),
    },
    Deviation {
        what: "what a snapshot requires are attributes that it has",
        why: "SOL003 clauses 5.5.2.23 and 5.5.3.19; the file demands triggeredAt, vnfInfo and vnfcResourceId, which are none",
        file: "SOL003-VNFLifecycleManagement",
        mend: Everywhere(|node| {
            let required = if has(node, &["vnfcSnapshots", "vnfInstanceId"]) {
                json!(["id", "vnfInstanceId", "vnfdId", "vnfInstance", "vnfcSnapshots"])
            } else if has(node, &["vnfcInstanceId", "computeSnapshotResource"]) {
                json!(["id", "vnfcInstanceId", "vnfcResourceInfoId"])
            } else {
                return false;
            };
            node.insert("required".into(), required).is_some()
        }),
    },
    Deviation {
        what: "reading one snapshot answers with one",
        why: "SOL003 clause 5.4.24.3.2; the file says a list",
        file: "SOL003-VNFLifecycleManagement",
        mend: Once(|document| {
            let operation = "/paths/~1vnf_snapshots~1{vnfSnapshotInfoId}/get/responses/200".to_owned();
            let place = document.pointer(&format!("{operation}/$ref")).and_then(Value::as_str);
            let answer = place.and_then(|p| p.strip_prefix('#')).map_or(operation, str::to_owned);
            let schema = document.pointer_mut(&format!("{answer}/content/application~1json/schema"));
            let Some(schema) = schema.filter(|schema| schema["type"] == "array") else { return false };
            *schema = schema["items"].take();
            true
        }),
    },
    Deviation {
        what: "what is accepted for processing answers without a body",
        why: "SOL003 clause 5.4.3.3.4 and the description beside it say that the body is empty; the file gives it a schema",
        file: "SOL003-VNFLifecycleManagement",
        mend: Everywhere(|node| {
            let said = node
                .get("description")
                .and_then(Value::as_str)
                .is_some_and(|d| d.starts_with("202 ACCEPTED") && d.contains("response body shall be empty"));
            said && node.remove("content").is_some()
        }),
    },
    Deviation {
        what: "what excludes what among IP addresses is judged per entry of ipAddresses",
        why: "SOL003 clauses 4.4.1.10c and 5.5.3.10; the file asks it of the object around, which has none of these attributes",
        file: "SOL003",
        mend: Everywhere(|node| {
            if !has(node, &["macAddress", "ipAddresses"]) || node.remove("oneOf").is_none() {
                return false;
            }
            let entry = properties(node).and_then(|p| p.get_mut("ipAddresses")).and_then(|a| a.get_mut("items"));
            let Some(entry) = entry.and_then(Value::as_object_mut) else { return false };
            let names: &[&str] = if has(entry, &["fixedAddresses"]) {
                &["fixedAddresses", "numDynamicAddresses", "addressRange"]
            } else {
                &["addresses", "addressRange"]
            };
            let each: Vec<Value> = names.iter().map(|name| json!({ "required": [name] })).collect();
            entry.insert("oneOf".into(), each.into());
            true
        }),
    },
    Deviation {
        what: "an operation occurrence may have neither changedInfo nor modificationsTriggeredByVnfPkgChange",
        why: "SOL003 clause 5.5.2.13 makes both optional and allows at most one; the file demands exactly one",
        file: "SOL003-VNFLifecycleManagement",
        mend: Everywhere(|node| {
            has(node, &["changedInfo", "modificationsTriggeredByVnfPkgChange"])
                && node.remove("oneOf").is_some()
                && exclude(node, &[["changedInfo", "modificationsTriggeredByVnfPkgChange"]])
        }),
    },
    Deviation {
        what: "a subscription filter need not name VNF instances",
        why: "SOL003 clause 4.4.1.5 makes all four attributes optional, two and two excluding each other; the file demands one, and one by a name (vnfdId) that is none",
        file: "SOL003",
        mend: Everywhere(|node| {
            has(node, &["vnfdIds", "vnfInstanceIds"])
                && node.remove("anyOf").is_some()
                && exclude(node, &[["vnfdIds", "vnfProductsFromProviders"], ["vnfInstanceIds", "vnfInstanceNames"]])
        }),
    },
    Deviation {
        what: "a modification names a VNFD",
        why: "what the operation occurrence reports as changed is vnfdId, in the same file; the request kept the older vnfPkgId",
        file: "SOL003-VNFLifecycleManagement",
        mend: Everywhere(|node| {
            if !has(node, &["vnfPkgId", "vnfInstanceName", "metadata"]) {
                return false;
            }
            let Some(properties) = properties(node) else { return false };
            let Some(id) = properties.remove("vnfPkgId") else { return false };
            properties.insert("vnfdId".into(), id).is_none()
        }),
    },
    Deviation {
        what: "cancelling takes a CancelMode",
        why: "SOL003 clause 5.4.17.3.1; the file lost the request body",
        file: "SOL003-VNFLifecycleManagement",
        mend: Once(|document| {
            let schema = json!({
                "type": "object",
                "required": ["cancelMode"],
                "properties": { "cancelMode": { "type": "string", "enum": ["GRACEFUL", "FORCEFUL"] } },
            });
            let cancel = document.pointer_mut("/paths/~1vnf_lcm_op_occs~1{vnfLcmOpOccId}~1cancel/post");
            let Some(cancel) = cancel.and_then(Value::as_object_mut) else { return false };
            let body = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
            cancel.insert("requestBody".into(), body).is_none()
        }),
    },
    Deviation {
        what: "checksums are objects",
        why: "a checksum is an algorithm and a hash, as SOL005 of the same version has it; the file says string",
        file: "SOL003-VNFPackageManagement",
        mend: Everywhere(|node| {
            let Some(checksum) = properties(node).and_then(|p| p.get_mut("checksum")) else { return false };
            if checksum.get("type") != Some(&json!("string")) {
                return false;
            }
            let text = json!({ "type": "string" });
            *checksum = json!({
                "type": "object",
                "required": ["algorithm", "hash"],
                "properties": { "algorithm": text, "hash": text },
            });
            true
        }),
    },
    Deviation {
        what: "a package always has an onboardingState",
        why: "SOL003 clause 10.5.2.2 and SOL005; the file makes it optional",
        file: "SOL003-VNFPackageManagement",
        mend: Everywhere(|node| {
            let state = json!("onboardingState");
            let required = if has(node, &["onboardingState"]) { node.get_mut("required") } else { None };
            let required = required.and_then(Value::as_array_mut).filter(|required| !required.contains(&state));
            required.map(|required| required.push(state)).is_some()
        }),
    },
    Deviation {
        what: "vnfmInfo of a package, and what a filter has of states, are lists",
        why: "SOL003 clauses 10.5.2.2 and 10.5.3.4 give them cardinality 1..N and 0..N; the file says one",
        file: "SOL003-VNFPackageManagement",
        mend: Everywhere(|node| {
            let Some(properties) = properties(node) else { return false };
            let filter = properties.contains_key("notificationTypes");
            let names: &[&str] = if filter { &["operationalState", "usageState"] } else { &["vnfmInfo"] };
            let mut changed = false;
            for name in names {
                if let Some(one) = properties.get_mut(*name).filter(|one| one.get("type") == Some(&json!("string"))) {
                    *one = json!({ "type": "array", "items": one.clone() });
                    changed = true;
                }
            }
            changed
        }),
    },
    Deviation {
        what: "a package filter need not name packages",
        why: "SOL003 clause 10.5.3.4 makes all attributes optional; the file demands exactly one of three",
        file: "SOL003-VNFPackageManagement",
        mend: Everywhere(|node| has(node, &["vnfPkgId", "vnfProductsFromProviders"]) && node.remove("anyOf").is_some()),
    },
    Deviation {
        what: "creating a package subscription answers with one",
        why: "SOL003 clause 10.4.7.3.1; the file says a list",
        file: "SOL003-VNFPackageManagement",
        mend: Everywhere(|node| {
            let created = node.get("description").and_then(Value::as_str).is_some_and(|d| d.starts_with("201 CREATED"));
            let schema = node.get_mut("content").and_then(|c| c.get_mut("application/json")?.get_mut("schema"));
            let Some(schema) = schema.filter(|_| created) else { return false };
            let Some(one) = schema.get("items").cloned() else { return false };
            *schema = one;
            true
        }),
    },
    Deviation {
        what: "asking for all of a kind answers with a list",
        why: "SOL003 clauses 5.4.12.3.2 and 5.4.18.3.2, SOL005 alike; the files have one object in some of these answers",
        file: "SOL00",
        mend: Once(|document| {
            let lists = ["/alarms", "/vnf_lcm_op_occs", "/ns_lcm_op_occs", "/ns_instances", "/subscriptions"];
            let answers = lists.iter().map(|path| {
                let path = path.replace('/', "~1");
                let operation = format!("/paths/{path}/get/responses/200");
                // Either written there or referred to.
                let place = document.pointer(&format!("{operation}/$ref")).and_then(Value::as_str);
                place.and_then(|p| p.strip_prefix('#')).map_or(operation, str::to_owned)
            });
            let answers: Vec<String> = answers.collect();
            let mut changed = false;
            for answer in answers {
                let schema = document.pointer_mut(&format!("{answer}/content/application~1json/schema"));
                if let Some(schema) = schema.filter(|schema| schema["type"] != "array") {
                    *schema = json!({ "type": "array", "items": schema.take() });
                    changed = true;
                }
            }
            changed
        }),
    },
];

/// `VnfcInfo`, as SOL002 and SOL005 of the same version have it.
fn vnfc_info() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["id", "vduId", "vnfcState"],
            "properties": {
                "id": text, "vduId": text, "vnfcResourceInfoId": text,
                "vnfcState": { "type": "string", "enum": ["STARTED", "STOPPED"] },
                "vnfcConfigurableProperties": { "type": "object" },
            },
        },
    })
}
