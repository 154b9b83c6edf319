//! Modify information (SOL003 clause 5.4.2.3.4): what a merge patch (RFC 7396) makes of an instance's record.

use descriptors::vnfd::Vnfd;
use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::common::Fault;
use reference_points::or_vnfm::{InstantiationState, VnfInfoModifications, VnfInstance};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use service::http::merge;

use super::properties::{grouped, layered};

/// Longest name, in bytes.
pub const MAX_NAME: usize = 255;
/// Attributes that can be modified (SOL003 clause 5.5.2.12).
const MODIFIABLE: [&str; 7] = [
    "vnfInstanceName",
    "vnfInstanceDescription",
    "vnfdId",
    "vnfConfigurableProperties",
    "metadata",
    "extensions",
    "vimConnectionInfo",
];

/// The record as it will be, and what of it is told as changed.
///
/// # Errors
/// Every fault of the patch. `new_vnfd` is the descriptor that `vnfdId` names, when it does.
pub fn modified(
    vnfd: &Vnfd,
    new_vnfd: Option<&Vnfd>,
    instance: &VnfInstance,
    patch: &Map<String, Value>,
) -> Result<(VnfInstance, VnfInfoModifications), Vec<Fault>> {
    let mut work =
        Work { patch, instance: instance.clone(), told: VnfInfoModifications::default(), faults: Vec::new() };
    work.unknown();
    work.names();
    if let Some(new) = new_vnfd {
        work.descriptor(new);
    }
    work.properties(new_vnfd.unwrap_or(vnfd));
    work.free_attributes(new_vnfd.unwrap_or(vnfd));
    if work.faults.is_empty() { Ok((work.instance, work.told)) } else { Err(work.faults) }
}

/// Extensions after a patch, and every fault of it: only those that the descriptor declares can be set.
pub fn extended(
    vnfd: &Vnfd,
    present: Map<String, Value>,
    patch: &Map<String, Value>,
) -> (Map<String, Value>, Vec<Fault>) {
    let declared: Vec<&str> = vnfd.modifiable_attributes.extensions.iter().map(|e| e.name.as_str()).collect();
    let unknown = patch.keys().filter(|name| !declared.contains(&name.as_str())).map(|name| {
        let fault = Fault::new(format!("/extensions/{name}"), "the VNFD does not declare it");
        let known = if declared.is_empty() { "no extension".to_owned() } else { declared.join(", ") };
        fault.mend(format!("it declares {known}"))
    });
    (patched(present, patch), unknown.collect())
}

/// The plan: nothing is done outside; the record is written with the operation's end.
///
/// # Errors
/// None that a caller could mend.
pub fn plan() -> Result<Plan, PlanFaults> {
    Plan::new(vec![StepSpec::new("record", "record", "Write the record")])
}

struct Work<'a> {
    patch: &'a Map<String, Value>,
    instance: VnfInstance,
    told: VnfInfoModifications,
    faults: Vec<Fault>,
}

impl Work<'_> {
    fn unknown(&mut self) {
        for name in self.patch.keys().filter(|name| !MODIFIABLE.contains(&name.as_str())) {
            let fault = Fault::new(format!("/{name}"), "it cannot be modified");
            self.faults.push(fault.mend(format!("these can: {}", MODIFIABLE.join(", "))));
        }
    }

    fn text(&mut self, name: &str) -> Option<Option<String>> {
        match self.patch.get(name)? {
            Value::Null => Some(None),
            Value::String(text) if text.len() <= MAX_NAME => Some(Some(text.clone())),
            Value::String(_) => {
                self.faults.push(Fault::new(format!("/{name}"), format!("it is longer than {MAX_NAME} bytes")));
                None
            }
            _ => {
                self.faults.push(Fault::new(format!("/{name}"), "it is no text"));
                None
            }
        }
    }

    fn names(&mut self) {
        if let Some(name) = self.text("vnfInstanceName") {
            self.told.vnf_instance_name.clone_from(&name);
            self.instance.vnf_instance_name = name;
        }
        if let Some(description) = self.text("vnfInstanceDescription") {
            self.told.vnf_instance_description.clone_from(&description);
            self.instance.vnf_instance_description = description;
        }
    }

    /// Another descriptor of the same VNF and software; other software comes with a change of the VNF package.
    fn descriptor(&mut self, new: &Vnfd) {
        let instance = &mut self.instance;
        let runs = instance.instantiation_state == InstantiationState::Instantiated;
        let same = (&new.provider, &new.product_name) == (&instance.vnf_provider, &instance.vnf_product_name);
        if !same {
            let text = format!("it describes {} of {}, another VNF", new.product_name, new.provider);
            self.faults.push(Fault::new("/vnfdId", text));
        } else if runs && new.software_version != instance.vnf_software_version {
            let (new, old) = (&new.software_version, &instance.vnf_software_version);
            let text = format!("it describes software version {new}, and {old} runs");
            self.faults.push(Fault::new("/vnfdId", text).mend("terminate the VNF first"));
        } else {
            instance.vnfd_id.clone_from(&new.descriptor_id);
            instance.vnfd_version.clone_from(&new.descriptor_version);
            instance.vnf_software_version.clone_from(&new.software_version);
            self.told.vnfd_id = Some(new.descriptor_id.clone());
            self.told.vnfd_version = Some(new.descriptor_version.clone());
            self.told.vnf_software_version = Some(new.software_version.clone());
        }
    }

    fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.patch.get(name)? {
            Value::Object(patch) => Some(patch.clone()),
            // Without a value there is nothing left of it.
            Value::Null => Some(self.present(name).into_iter().map(|(key, _)| (key, Value::Null)).collect()),
            _ => {
                self.faults.push(Fault::new(format!("/{name}"), "it is no object"));
                None
            }
        }
    }

    fn present(&self, name: &str) -> Map<String, Value> {
        match name {
            "vnfConfigurableProperties" => self.instance.vnf_configurable_properties.clone(),
            "metadata" => self.instance.metadata.clone(),
            "extensions" => self.instance.extensions.clone(),
            _ => read(json!(self.instance.vim_connection_info)).unwrap_or_default(),
        }
    }

    fn properties(&mut self, vnfd: &Vnfd) {
        let Some(patch) = self.object("vnfConfigurableProperties") else { return };
        let patch = grouped(vnfd, &patch);
        let wanted = patched(self.present("vnfConfigurableProperties"), &patch);
        let (all, faults) = layered(vnfd, &[&wanted]);
        self.faults.extend(faults);
        if let Value::Object(all) = all {
            self.told.vnf_configurable_properties =
                patch.keys().filter_map(|name| Some((name.clone(), all.get(name)?.clone()))).collect();
            self.instance.vnf_configurable_properties = all;
        }
    }

    fn free_attributes(&mut self, vnfd: &Vnfd) {
        if let Some(patch) = self.object("metadata") {
            self.instance.metadata = patched(self.present("metadata"), &patch);
            self.told.metadata = kept(&patch);
        }
        if let Some(patch) = self.object("extensions") {
            let (extensions, faults) = extended(vnfd, self.present("extensions"), &patch);
            self.instance.extensions = extensions;
            self.faults.extend(faults);
            self.told.extensions = kept(&patch);
        }
        if let Some(patch) = self.object("vimConnectionInfo") {
            let wanted = patched(self.present("vimConnectionInfo"), &patch);
            match read(Value::Object(wanted)) {
                Ok(all) => self.instance.vim_connection_info = all,
                Err(error) => self.faults.push(Fault::new("/vimConnectionInfo", error.to_string())),
            }
            let named = self.instance.vim_connection_info.iter().filter(|(id, _)| patch.contains_key(*id));
            self.told.vim_connection_info = named.map(|(id, info)| (id.clone(), info.clone())).collect();
        }
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value)
}

fn patched(present: Map<String, Value>, patch: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Value::Object(present);
    merge(&mut all, &Value::Object(patch.clone()));
    if let Value::Object(all) = all { all } else { Map::new() }
}

/// What a patch sets.
fn kept(patch: &Map<String, Value>) -> Map<String, Value> {
    patch.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests;
