//! Deviations of the files about fault and performance management.

use serde_json::{Value, json};

use super::{
    Deviation,
    Mend::{Everywhere, Once},
    as_list, has, of_any_type, properties, without_header,
};

/// In no order that matters.
pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        what: "an indicator's value may be of any type",
        why: "SOL003 clause 8.5.2.2 leaves its form to the VNFD; the file says object",
        file: "SOL003-VNFIndicator",
        mend: Everywhere(|node| of_any_type(node, "value", &["vnfInstanceId"])),
    },
    Deviation {
        what: "a filter of indicators may name several types of notifications",
        why: "SOL003 clause 8.5.3.2 gives notificationTypes the cardinality 0..N; the file has a single text",
        file: "SOL003-VNFIndicator",
        mend: Everywhere(|node| as_list(node, "notificationTypes")),
    },
    Deviation {
        what: "a list of subscriptions to indicators has no Location",
        why: "SOL013 clause 6.4: Location tells where something was created; the file wants it of the list too",
        file: "SOL003-VNFIndicator",
        mend: Once(|document| without_header(document, "Subscriptions.Get.200", "Location")),
    },
    Deviation {
        what: "a subscription to indicators is answered by itself",
        why: "SOL003 clause 8.4.5.3.1 answers 201 with one VnfIndicatorSubscription; the file has a list of them",
        file: "SOL003-VNFIndicator",
        mend: Once(|document| {
            let answer = document.pointer("/paths/~1subscriptions/post/responses/201/$ref").and_then(Value::as_str);
            let Some(place) = answer.and_then(|a| a.strip_prefix('#')).map(str::to_owned) else { return false };
            let schema = document.pointer_mut(&format!("{place}/content/application~1json/schema"));
            let Some(schema) = schema.filter(|s| s["type"] == "array") else { return false };
            *schema = schema["items"].take();
            true
        }),
    },
    Deviation {
        what: "an alarm may name the VNFCs that it affects",
        why: "SOL002 clause 7.5.2.4; one resource of the VNFM serves both reference points",
        file: "SOL003-VNFFaultManagement",
        mend: Everywhere(|node| {
            if !has(node, &["managedObjectId", "perceivedSeverity", "isRootCause"]) {
                return false;
            }
            let ids = json!({ "type": "array", "items": { "type": "string" } });
            properties(node).is_some_and(|p| p.insert("vnfcInstanceIds".into(), ids).is_none())
        }),
    },
    Deviation {
        what: "escalating an alarm answers 204",
        why: "SOL002 clause 7.4.3.3.1, and the description beside it; the rebuilt file counts it as 200",
        file: "SOL002-vnffm",
        mend: Once(|document| {
            let answers = document.pointer_mut("/paths/~1alarms~1{alarmId}~1escalate/post/responses");
            let Some(answers) = answers.and_then(Value::as_object_mut) else { return false };
            let Some(done) = answers.remove("200") else { return false };
            answers.insert("204".into(), done).is_none()
        }),
    },
    Deviation {
        what: "numbers without a sign and floating point numbers go beyond 1024",
        why: "SOL003 clause 4.4.1.1 bounds neither; the file lends both the bounds of an example",
        file: "SOL003-VNFPerformanceManagement",
        mend: Everywhere(|node| node.get("maximum") == Some(&json!(1024)) && node.remove("maximum").is_some()),
    },
    Deviation {
        what: "a measured value may be a number",
        why: "SOL003 clause 6.5.2.10 leaves its type to the measurement; the file says object",
        file: "SOL003-VNFPerformanceManagement",
        mend: Everywhere(|node| of_any_type(node, "value", &["timeStamp"])),
    },
    Deviation {
        what: "an entry of a report need not have values, which are called performanceValues",
        why: "SOL003 clause 6.5.2.10 gives performanceValues the cardinality 0..N; the file demands performanceValue, which is not among its attributes",
        file: "SOL003-VNFPerformanceManagement",
        mend: Everywhere(|node| {
            let required = has(node, &["performanceMetric", "performanceValues"]).then(|| node.get_mut("required"));
            let Some(required) = required.flatten().and_then(Value::as_array_mut) else { return false };
            let before = required.len();
            required.retain(|name| name != "performanceValue");
            required.len() < before
        }),
    },
    Deviation {
        what: "asking for thresholds creates none",
        why: "SOL013 clause 6.4: Location tells where something was created; the file wants it of the list too",
        file: "SOL003-VNFPerformanceManagement",
        mend: Once(|document| without_header(document, "Thresholds.Get.200", "Location")),
    },
    Deviation {
        what: "a job has any number of reports",
        why: "SOL003 clause 6.5.2.7 gives reports the cardinality 0..N; the file has one",
        file: "SOL003-VNFPerformanceManagement",
        mend: Everywhere(|node| as_list(node, "reports")),
    },
    Deviation {
        what: "modifying a job or threshold takes a body",
        why: "SOL003 clauses 6.4.3.3.4 and 6.4.6.3.4; the file lost it",
        file: "SOL003-VNFPerformanceManagement",
        mend: Once(|document| {
            let mut changed = false;
            for path in ["/pm_jobs/{pmJobId}", "/thresholds/{thresholdId}"] {
                let place = format!("/paths/{}/patch", path.replace('/', "~1"));
                let answer = document.pointer(&format!("{place}/responses/200")).cloned().unwrap_or_default();
                let answer = match answer.get("$ref").and_then(Value::as_str) {
                    Some(at) => document.pointer(at.trim_start_matches('#')).cloned().unwrap_or_default(),
                    None => answer,
                };
                let schema = answer.pointer("/content/application~1json/schema").cloned();
                let (Some(schema), Some(patch)) = (schema, document.pointer_mut(&place).and_then(Value::as_object_mut))
                else {
                    continue;
                };
                let content = json!({ "application/merge-patch+json": { "schema": schema } });
                let body = json!({ "required": true, "content": content });
                changed |= patch.insert("requestBody".into(), body).is_none();
            }
            changed
        }),
    },
    Deviation {
        what: "a modification has its call-back address, its authentication, or both",
        why: "SOL003 clauses 6.5.2.11 and 6.5.2.12; credentials are not shown in the answer. The file demands exactly one",
        file: "SOL003-VNFPerformanceManagement",
        mend: Everywhere(|node| {
            has(node, &["callbackUri", "authentication"])
                && node.get("properties").and_then(Value::as_object).is_some_and(|p| p.len() == 2)
                && node.remove("oneOf").is_some()
        }),
    },
];
