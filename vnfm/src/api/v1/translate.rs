//! Between `vnflcm/v1` (SOL003 v2.6.1) and `vnflcm/v2` (v3.3.1). In version 1 VIM connections are a list whose entries
//! carry their `id`, the configurations of an external connection point are a list whose entries may name the instance of
//! it (`cpInstanceId`), internal virtual links are called `virtualLinkResourceInfo`, and there is nothing of snapshots.

use std::collections::BTreeMap;

use reference_points::common::Fault;
use reference_points::or_vnfm::{ExtVirtualLinkData, VnfInstance};
use serde_json::{Map, Value, json};
use service::http::{ApiError, ApiResult, older};
use service::query::{ListQuery, Selectors, Step};

/// Path of the current version.
pub const CURRENT: &str = "/vnflcm/v2/";
/// Path of this version.
pub const OWN: &str = "/vnflcm/v1/";

const CONNECTIONS: &str = "vimConnectionInfo";
const GONE: &str = "vimConnectionInfoDeleteIds";
const LINKS: &str = "vnfVirtualLinkResourceInfo";
const LINKS_V1: &str = "virtualLinkResourceInfo";

/// Attributes whose content no specification defines: what is in them stays as it is.
const FREE: [&str; 9] = [
    "additionalParams",
    "metadata",
    "extensions",
    "vnfConfigurableProperties",
    "vnfcConfigurableProperties",
    "interfaceInfo",
    "accessInfo",
    "extra",
    "error",
];

/// Attributes that version 1 does not have.
const NEW: [&str; 5] = ["currentVnfExtCpData", "verbosity", "createSnapshot", "revertToSnapshot", "vnfSnapshot"];

/// Name of the `n`th configuration (from 1) of a connection point in a request that does not name its instance.
fn nth(n: usize) -> String {
    format!("cp-{n:03}")
}

/// Makes a request of version 1 one of version 2; what stands in the way.
pub fn newer(request: &mut Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Value::Object(members) = request else { return faults };
    if let Some(Value::Array(connections)) = members.get(CONNECTIONS) {
        let mut by_id = Map::new();
        for (i, connection) in connections.iter().enumerate() {
            let mut connection = connection.clone();
            let id = connection.as_object_mut().and_then(|c| c.shift_remove("id"));
            let at = format!("/{CONNECTIONS}/{i}/id");
            match id {
                Some(Value::String(id)) if by_id.contains_key(&id) => {
                    faults.push(Fault::new(at, format!("{id:?} stands in the list twice")).mend("give each its own"));
                }
                Some(Value::String(id)) => drop(by_id.insert(id, connection)),
                _ => faults.push(Fault::new(at, "is missing").mend("name the connection")),
            }
        }
        members.insert(CONNECTIONS.to_owned(), Value::Object(by_id));
    }
    if let Some(gone) = members.shift_remove(GONE) {
        let ids: Option<Vec<&str>> = gone.as_array().and_then(|ids| ids.iter().map(Value::as_str).collect());
        match (ids, members.entry(CONNECTIONS).or_insert_with(|| json!({}))) {
            (Some(ids), Value::Object(connections)) => {
                for id in ids {
                    connections.insert(id.to_owned(), Value::Null);
                }
            }
            _ => faults.push(Fault::new(format!("/{GONE}"), "is no list of identifiers")),
        }
    }
    let links = members.get_mut("extVirtualLinks").and_then(Value::as_array_mut);
    for (i, link) in links.into_iter().flatten().enumerate() {
        let cps = link.get_mut("extCps").and_then(Value::as_array_mut);
        for (j, cp) in cps.into_iter().flatten().enumerate() {
            let Some(configs @ Value::Array(_)) = cp.get_mut("cpConfig") else { continue };
            *configs = keyed(configs, &format!("/extVirtualLinks/{i}/extCps/{j}/cpConfig"), &mut faults);
        }
    }
    faults
}

/// The configurations of a connection point by name: that of the instance, or where it stands in the list.
fn keyed(configs: &Value, at: &str, faults: &mut Vec<Fault>) -> Value {
    let mut by_name = Map::new();
    for (n, config) in configs.as_array().into_iter().flatten().enumerate() {
        let mut config = config.clone();
        let named = config.as_object_mut().and_then(|c| c.shift_remove("cpInstanceId"));
        let name = named.as_ref().and_then(Value::as_str).map_or_else(|| nth(n + 1), str::to_owned);
        if by_name.insert(name, config).is_some() {
            faults.push(Fault::new(format!("{at}/{n}/cpInstanceId"), "stands in the list twice"));
        }
    }
    Value::Object(by_name)
}

/// Gives the configurations of a request the names that they have in the instance.
///
/// # Errors
/// 422 for an instance of a connection point that is not there.
pub fn name_connection_points(instance: &VnfInstance, links: &mut [ExtVirtualLinkData]) -> ApiResult<()> {
    let present = instance.instantiated_vnf_info.iter().flat_map(|info| &info.ext_cp_info);
    let mut faults = Vec::new();
    for (i, link) in links.iter_mut().enumerate() {
        for (j, cp) in link.ext_cps.iter_mut().enumerate() {
            let own: Vec<_> = present.clone().filter(|p| p.cpd_id == cp.cpd_id).collect();
            let mut names: Vec<&String> = own.iter().map(|p| &p.cp_config_id).collect();
            names.sort();
            names.dedup();
            let mut named = BTreeMap::new();
            for (key, config) in std::mem::take(&mut cp.cp_config) {
                let number = key.strip_prefix("cp-").and_then(|n| n.parse::<usize>().ok());
                let there = own.iter().find(|p| p.id == key).map(|p| &p.cp_config_id);
                let name = there.or_else(|| names.get(number?.checked_sub(1)?).copied());
                match (name, number) {
                    (Some(name), _) => drop(named.insert(name.clone(), config)),
                    (None, Some(_)) => drop(named.insert(key, config)),
                    (None, None) => {
                        let at = format!("/extVirtualLinks/{i}/extCps/{j}/cpConfig/cpInstanceId");
                        let known: Vec<&str> = own.iter().map(|p| p.id.as_str()).collect();
                        let fault = Fault::new(at, format!("{} has no instance {key:?}", cp.cpd_id));
                        faults.push(fault.mend(format!("one of {}, or leave it out", known.join(", "))));
                    }
                }
            }
            cp.cp_config = named;
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ApiError::unprocessable("these connection points are not there", faults))
    }
}

/// Makes an answer or notification of version 2 one of version 1.
pub fn older(answer: &mut Value) {
    older::relink(answer, CURRENT, OWN);
    reform(answer);
}

fn reform(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(reform),
        Value::Object(members) => {
            NEW.iter().for_each(|name| drop(members.shift_remove(*name)));
            if let Some(links) = members.shift_remove(LINKS) {
                members.insert(LINKS_V1.to_owned(), links);
            }
            if let Some(Value::Object(connections)) = members.shift_remove(CONNECTIONS) {
                let (gone, there): (Vec<_>, Vec<_>) = connections.into_iter().partition(|(_, c)| c.is_null());
                members.insert(CONNECTIONS.to_owned(), there.into_iter().map(|(id, c)| with_id(id, c)).collect());
                if !gone.is_empty() {
                    members.insert(GONE.to_owned(), gone.into_iter().map(|(id, _)| json!(id)).collect());
                }
            }
            if let Some(Value::Object(configs)) = members.get_mut("cpConfig").map(Value::take) {
                members.insert("cpConfig".to_owned(), configs.into_iter().map(|(_, config)| config).collect());
            }
            members.iter_mut().filter(|(name, _)| !FREE.contains(&name.as_str())).for_each(|(_, inner)| reform(inner));
        }
        _ => {}
    }
}

fn with_id(id: String, connection: Value) -> Value {
    let mut members = Map::from_iter([("id".to_owned(), Value::String(id))]);
    if let Value::Object(rest) = connection {
        members.extend(rest);
    }
    Value::Object(members)
}

/// Makes a notification one of version 1.
pub fn shape(_: &Map<String, Value>, payload: &mut Value) {
    older(payload);
}

/// Makes a query of version 1 name the attributes of version 2.
pub fn query(query: &mut ListQuery) {
    for condition in &mut query.filter.conditions {
        let mut path = Vec::new();
        let mut steps = std::mem::take(&mut condition.path).into_iter().peekable();
        while let Some(step) = steps.next() {
            let name = if let Step::Name(name) = &step { name.as_str() } else { "" };
            let (renamed, is_map) = match name {
                LINKS_V1 => (Step::Name(LINKS.to_owned()), false),
                CONNECTIONS | "cpConfig" => (step, true),
                _ => (step, false),
            };
            path.push(renamed);
            if is_map && steps.next_if(|s| *s == Step::Name("id".to_owned())).is_some() {
                path.push(Step::Key);
            } else if is_map {
                path.push(Step::Any);
            }
        }
        condition.path = path;
    }
    if let Selectors::Fields(list) | Selectors::ExcludeFields(list) | Selectors::ExcludeDefaultBut(list) =
        &mut query.selectors
    {
        list.iter_mut().for_each(|path| *path = path.replace(LINKS_V1, LINKS));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lists_with_identifiers_become_maps_and_lists_again() {
        let v1 = json!({
            "flavourId": "simple",
            "vimConnectionInfo": [{ "id": "a", "vimType": "X", "interfaceInfo": { "vimConnectionInfo": {} } }],
            "extVirtualLinks": [{ "id": "l", "resourceId": "n", "extCps": [{ "cpdId": "c", "cpConfig": [
                { "linkPortId": "p" }, { "cpInstanceId": "i", "linkPortId": "q" }] }] }],
        });
        let mut value = v1.clone();
        assert!(newer(&mut value).is_empty());
        assert_eq!(value["vimConnectionInfo"]["a"]["vimType"], "X");
        let configs = &value["extVirtualLinks"][0]["extCps"][0]["cpConfig"];
        assert_eq!(*configs, json!({ "cp-001": { "linkPortId": "p" }, "i": { "linkPortId": "q" } }));
        older(&mut value);
        assert_eq!(value["vimConnectionInfo"], v1["vimConnectionInfo"]);
        let configs = &value["extVirtualLinks"][0]["extCps"][0]["cpConfig"];
        assert_eq!(*configs, json!([{ "linkPortId": "p" }, { "linkPortId": "q" }]));
    }

    #[test]
    fn a_patch_names_the_connections_that_go() {
        let mut patch =
            json!({ "vimConnectionInfo": [{ "id": "a", "vimType": "X" }], "vimConnectionInfoDeleteIds": ["b"] });
        assert!(newer(&mut patch).is_empty());
        assert_eq!(patch, json!({ "vimConnectionInfo": { "a": { "vimType": "X" }, "b": null } }));
        older(&mut patch);
        assert_eq!(patch["vimConnectionInfoDeleteIds"], json!(["b"]));
    }

    #[test]
    fn every_connection_needs_a_name_of_its_own() {
        let mut value = json!({ "vimConnectionInfo": [{ "id": "a" }, { "id": "a" }, {}] });
        let places: Vec<String> = newer(&mut value).into_iter().map(|f| f.location).collect();
        assert_eq!(places, ["/vimConnectionInfo/1/id", "/vimConnectionInfo/2/id"]);
    }

    #[test]
    fn filters_look_where_the_attributes_are_now() {
        let document = json!({ "vimConnectionInfo": { "a": { "vimId": "7" } },
            "instantiatedVnfInfo": { "vnfVirtualLinkResourceInfo": [{ "id": "l" }] } });
        for (filter, found) in [
            ("(eq,vimConnectionInfo/id,a)", true),
            ("(eq,vimConnectionInfo/id,b)", false),
            ("(eq,vimConnectionInfo/vimId,7)", true),
            ("(eq,instantiatedVnfInfo/virtualLinkResourceInfo/id,l)", true),
        ] {
            let mut asked = ListQuery { filter: filter.parse().unwrap(), ..ListQuery::default() };
            query(&mut asked);
            assert_eq!(asked.filter.matches(&document), found, "{filter}");
        }
    }
}
