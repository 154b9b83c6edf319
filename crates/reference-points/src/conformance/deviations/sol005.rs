//! Deviations of the rebuilt SOL005 files.

use serde_json::{Value, json};

use super::{
    Deviation,
    Mend::{Everywhere, Once},
    has, has_all, list_of, names_of, properties, replace,
};

/// In no order that matters.
pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        what: "subscriptions to NS changes filter NS instances",
        why: "SOL005 clause 6.5.3.8; the rebuilt file has the VNF filter of SOL003 under the same name",
        file: "SOL005-nslcm",
        mend: Once(|document| {
            let states = names_of(document, "NsLcmOperationStateType");
            let operations = names_of(document, "NsLcmOpType");
            let text = json!({ "type": "array", "items": { "type": "string" } });
            let filter = json!({
                "type": "object",
                "properties": {
                    "nsInstanceSubscriptionFilter": {
                        "type": "object",
                        "properties": {
                            "nsdIds": text, "vnfdIds": text, "pnfdIds": text, "nsInstanceIds": text,
                            "nsInstanceNames": text,
                        },
                        "not": { "required": ["nsInstanceIds", "nsInstanceNames"] },
                    },
                    "notificationTypes": list_of(&json!([
                        "NsLcmOperationOccurrenceNotification", "NsIdentifierCreationNotification",
                        "NsIdentifierDeletionNotification", "NsChangeNotification",
                    ])),
                    "operationTypes": list_of(&operations),
                    "operationStates": list_of(&states),
                    "nsComponentTypes": list_of(&json!(["VNF", "PNF", "NS"])),
                },
            });
            replace(document, "LifecycleChangeNotificationsFilter", filter)
        }),
    },
    Deviation {
        what: "virtual links touched by an NS operation are those of the NS",
        why: "SOL005 clause 6.5.3.4; the rebuilt file has the AffectedVirtualLink of SOL003 under the same name",
        file: "SOL005-nslcm",
        mend: Once(|document| {
            let text = json!({ "type": "string" });
            let link = json!({
                "type": "object",
                "required": ["nsVirtualLinkInstanceId", "nsVirtualLinkDescId", "vlProfileId"],
                "properties": {
                    "nsVirtualLinkInstanceId": text, "nsVirtualLinkDescId": text, "vlProfileId": text,
                    "changeType": {
                        "type": "string", "enum": ["ADD", "DELETE", "MODIFY", "ADD_LINK_PORT", "REMOVE_LINK_PORT"],
                    },
                    "changeResult": { "type": "string", "enum": ["COMPLETED", "ROLLED_BACK", "FAILED"] },
                },
            });
            replace(document, "AffectedVirtualLink", link)
        }),
    },
    Deviation {
        what: "the VNF instances inside an NS instance are those of SOL003",
        why: "the NFVO hands on what the VNFM says: virtualStorageResourceInfo is its name there, zoneId and extManagedMultisiteVirtualLinkId are known, connection points and ports of a VNFC or link are optional",
        file: "SOL005-nslcm",
        mend: Everywhere(|node| {
            let mut changed = false;
            if let Some(properties) = properties(node) {
                if let Some(storage) = properties.remove("vnfVirtualStorageResourceInfo") {
                    properties.insert("virtualStorageResourceInfo".into(), storage);
                    changed = true;
                }
                if has_all(properties, &["vnfVirtualLinkDescId", "networkResource", "vnfLinkPorts"])
                    && !properties.contains_key("reservationId")
                {
                    let id = json!({ "type": "string" });
                    changed |= properties.insert("extManagedMultisiteVirtualLinkId".into(), id).is_none();
                }
                if ["computeResource", "networkResource", "storageResource"].iter().any(|r| properties.contains_key(*r))
                    && properties.contains_key("reservationId")
                {
                    changed |= properties.insert("zoneId".into(), json!({ "type": "string" })).is_none();
                }
            }
            for (names, optional) in
                [(["vduId", "computeResource"], "vnfcCpInfo"), (["networkResource", "reservationId"], "vnfLinkPorts")]
            {
                if has(node, &names)
                    && let Some(required) = node.get_mut("required").and_then(Value::as_array_mut)
                {
                    let before = required.len();
                    required.retain(|name| name != optional);
                    changed |= required.len() < before;
                }
            }
            changed
        }),
    },
    Deviation {
        what: "the products of a provider are vnfProducts",
        why: "SOL005 2.4.1 and SOL003 have it so; the rebuilt file repeats the outer name",
        file: "SOL005-vnfpkgm",
        mend: Everywhere(|node| {
            let Some(properties) = properties(node).filter(|p| p.contains_key("vnfProvider")) else { return false };
            let Some(products) = properties.remove("vnfProductsFromProviders") else { return false };
            properties.insert("vnfProducts".into(), products).is_none()
        }),
    },
    Deviation {
        what: "a merge patch is a document",
        why: "SOL005 clauses 5.4.3.3.4 and 9.4.3.3.4: the body is what the answer has; the rebuilt files say string",
        file: "reconstructed",
        mend: Everywhere(|node| {
            let answer =
                node.get("responses").and_then(|r| r.get("200")?.pointer("/content/application~1json/schema")).cloned();
            let schema = node.get_mut("requestBody").and_then(|b| {
                b.pointer_mut("/content/application~1merge-patch+json/schema").filter(|s| s["type"] == "string")
            });
            let (Some(schema), Some(answer)) = (schema, answer) else { return false };
            *schema = answer;
            true
        }),
    },
    Deviation {
        what: "a filter names the failure notification of NSDs as the notification does",
        why: "SOL005 clause 5.5.2.10 calls it NsdOnBoardingFailureNotification; the file's filter spells it otherwise",
        file: "SOL005-nsd",
        mend: Everywhere(|node| {
            let Some(names) = node.get_mut("enum").and_then(Value::as_array_mut) else { return false };
            let found = names.iter_mut().find(|name| *name == "NsdOnboardingFailureNotification");
            found.map(|name| *name = json!("NsdOnBoardingFailureNotification")).is_some()
        }),
    },
    Deviation {
        what: "a subscription to NSD changes links to itself",
        why: "every other subscription of SOL003 and SOL005 has self as mandatory; the rebuilt file lost it here",
        file: "SOL005-nsd",
        mend: Once(|document| {
            let links = document.pointer_mut("/components/schemas/NsdmSubscriptionLinks");
            let Some(links) = links.and_then(Value::as_object_mut) else { return false };
            !matches!(links.insert("required".into(), json!(["self"])), Some(Value::Array(_)))
        }),
    },
    Deviation {
        what: "part of an NSD archive is no ProblemDetails",
        why: "SOL005 clause 5.4.4.3.2: a 206 carries bytes; the rebuilt file has the schema of an error there",
        file: "SOL005-nsd",
        mend: Everywhere(|node| {
            let part = node.get_mut("206").and_then(Value::as_object_mut);
            part.is_some_and(|part| part.remove("content").is_some())
        }),
    },
    Deviation {
        what: "values of key-value pairs are of any type",
        why: "KeyValuePairs may hold strings, numbers, arrays and objects, as SOL003's files say in words; the rebuilt files say string",
        file: "reconstructed",
        mend: Everywhere(|node| {
            let strings = node.get("additionalProperties") == Some(&json!({ "type": "string" }));
            strings && node.insert("additionalProperties".into(), true.into()).is_some()
        }),
    },
];
