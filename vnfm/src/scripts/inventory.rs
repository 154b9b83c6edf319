//! What a playbook plays on: the VNFCs of an instance as an inventory of Ansible, a group for each VDU.

use serde_json::{Map, Value, json};

/// Words in the name of a connection point that is for management.
const MANAGEMENT: [&str; 2] = ["management", "mgmt"];

/// The inventory of what a script is given, in Ansible's YAML form (which JSON is).
pub fn inventory(input: &Value, key: Option<&str>) -> Value {
    let mut groups: Map<String, Value> = Map::new();
    for vnfc in input["vnfcs"].as_array().into_iter().flatten() {
        let (Some(name), Some(vdu)) = (vnfc["name"].as_str(), vnfc["vdu"].as_str()) else { continue };
        let mut host = json!({ "vnfc": vnfc });
        if let Some(address) = address(vnfc) {
            host["ansible_host"] = json!(address);
        }
        if let Some(key) = key {
            host["ansible_ssh_private_key_file"] = json!(key);
        }
        let group = groups.entry(group_name(vdu)).or_insert_with(|| json!({ "hosts": {} }));
        group["hosts"][name] = host;
    }
    json!({ "all": { "children": groups } })
}

/// Ansible wants names of groups to be names of variables.
fn group_name(vdu: &str) -> String {
    let plain: String = vdu.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain }
}

/// The address to log in at: of a connection point for management, else of the first that has one.
fn address(vnfc: &Value) -> Option<&str> {
    let cps = || vnfc["cps"].as_array().into_iter().flatten();
    let first = |cp: &'_ Value| cp["addresses"].as_array().is_some_and(|all| !all.is_empty());
    let managed = |cp: &&Value| {
        let name = cp["cpd"].as_str().unwrap_or_default().to_ascii_lowercase();
        MANAGEMENT.iter().any(|word| name.contains(word))
    };
    let cp = cps().filter(|cp| first(cp)).find(managed).or_else(|| cps().find(|cp| first(cp)))?;
    cp["addresses"][0].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_grouped_by_vdu_and_reached_at_their_management_address() {
        let input = json!({ "vnfcs": [
            { "name": "a-1", "vdu": "web-node", "cps": [
                { "cpd": "data", "addresses": ["10.0.0.1"] }, { "cpd": "Mgmt0", "addresses": ["10.9.0.1"] } ] },
            { "name": "a-2", "vdu": "web-node", "cps": [ { "cpd": "data", "addresses": ["10.0.0.2"] } ] },
            { "name": "b-1", "vdu": "9db", "cps": [] } ] });
        let made = inventory(&input, Some("/k"));
        let groups = &made["all"]["children"];
        assert_eq!(groups["web_node"]["hosts"]["a-1"]["ansible_host"], "10.9.0.1");
        assert_eq!(groups["web_node"]["hosts"]["a-2"]["ansible_host"], "10.0.0.2");
        assert_eq!(groups["_9db"]["hosts"]["b-1"]["ansible_host"], Value::Null);
        assert_eq!(groups["_9db"]["hosts"]["b-1"]["ansible_ssh_private_key_file"], "/k");
    }
}
