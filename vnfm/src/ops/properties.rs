//! Configurable properties of an instance (SOL001 clause 6.8.1.2): the descriptor's defaults, what the record has, what
//! the request gives; checked against the declarations.

use descriptors::vnfd::Vnfd;
use reference_points::common::Fault;
use reference_points::or_vnfm::{InstantiateVnfRequest, VnfInstance};
use serde_json::{Map, Value};

/// Name of the group of the VNF's own properties.
pub(super) const ADDITIONAL: &str = "additional_configurable_properties";

/// The properties that the instance will have, and every fault of those given.
pub fn merged(vnfd: &Vnfd, instance: &VnfInstance, request: &InstantiateVnfRequest) -> (Value, Vec<Fault>) {
    layered(vnfd, &[&instance.vnf_configurable_properties, &request.vnf_configurable_properties])
}

/// Of the properties of a record those that a descriptor declares: with another descriptor others go.
pub fn declared(vnfd: &Vnfd, present: &Map<String, Value>) -> Map<String, Value> {
    let known = &vnfd.configurable_properties;
    let mut kept = present.clone();
    kept.retain(|name, _| name == ADDITIONAL || known.standard.iter().any(|p| &p.name == name));
    if let Some(Value::Object(own)) = kept.get_mut(ADDITIONAL) {
        own.retain(|name, _| known.additional.iter().any(|p| &p.name == name));
    }
    kept
}

/// A patch of properties with the VNF's own ones in their group, where records keep them.
pub fn grouped(vnfd: &Vnfd, patch: &Map<String, Value>) -> Map<String, Value> {
    let own = |name: &str| vnfd.configurable_properties.additional.iter().any(|p| p.name == name);
    let mut all = patch.clone();
    let mut group = Map::new();
    all.retain(|name, value| {
        let moves = own(name);
        if moves {
            group.insert(name.clone(), value.clone());
        }
        !moves
    });
    if !group.is_empty() {
        match all.entry(ADDITIONAL).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(there) => there.extend(group),
            other => *other = Value::Object(group),
        }
    }
    all
}

/// The descriptor's defaults, and over them what is given, later over earlier; with every fault of it.
pub fn layered(vnfd: &Vnfd, layers: &[&Map<String, Value>]) -> (Value, Vec<Fault>) {
    let declared = &vnfd.configurable_properties;
    let mut all = match declared.defaults() {
        Value::Object(defaults) => defaults,
        _ => Map::new(),
    };
    let mut faults = Vec::new();
    for given in layers {
        for (name, value) in *given {
            if name == ADDITIONAL
                && let Value::Object(own) = value
            {
                own.iter().for_each(|(name, value)| put(&mut all, vnfd, name, value, &mut faults));
            } else {
                put(&mut all, vnfd, name, value, &mut faults);
            }
        }
    }
    for property in declared.additional.iter().filter(|p| p.required) {
        if all.get(ADDITIONAL).and_then(|own| own.get(&property.name)).is_none() {
            let fault = Fault::new(
                format!("/vnfConfigurableProperties/{}", property.name),
                "the VNFD requires it and has no default",
            );
            faults.push(fault.mend("give it in the request"));
        }
    }
    (Value::Object(all), faults)
}

fn put(all: &mut Map<String, Value>, vnfd: &Vnfd, name: &str, value: &Value, faults: &mut Vec<Fault>) {
    let declared = &vnfd.configurable_properties;
    if declared.additional.iter().any(|p| p.name == name) {
        let own = all.entry(ADDITIONAL).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(own) = own {
            own.insert(name.to_owned(), value.clone());
        }
    } else if declared.standard.iter().any(|p| p.name == name) {
        all.insert(name.to_owned(), value.clone());
    } else {
        let known: Vec<&str> = declared.additional.iter().chain(&declared.standard).map(|p| p.name.as_str()).collect();
        let fault = Fault::new(format!("/vnfConfigurableProperties/{name}"), "the VNFD does not declare it");
        faults.push(if known.is_empty() { fault } else { fault.mend(format!("it declares {}", known.join(", "))) });
    }
}
