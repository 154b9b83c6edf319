//! VIM connections with credentials, as other NFVOs and clients give them (SOL003 clause 4.4.1.6): an OpenStack reached by its
//! Keystone is registered with the VNFM's own vim-adapter, which keeps the credentials sealed. From there on the connection is
//! the adapter's address, under an identifier that is the same each time; nothing of the credentials is stored or shown here.

use std::collections::BTreeMap;

use reference_points::common::{CallError, ProblemDetails};
use reference_points::or_vi::{ViClient, VimKind, VimSpec};
use reference_points::or_vnfm::{Grant, VimConnectionInfo};
use serde_json::{Value, json};
use uuid::Uuid;

/// `vimType` of an OpenStack reached by its Keystone, by its name and by its older one.
pub const KEYSTONE: [&str; 2] = ["ETSINFV.OPENSTACK_KEYSTONE.V_3", "OPENSTACK_V3"];

/// Connections by their identifiers.
type Connections = BTreeMap<String, VimConnectionInfo>;

/// Whether a connection says how to enter a cloud, instead of which adapter does.
pub fn is_foreign(info: &VimConnectionInfo) -> bool {
    KEYSTONE.contains(&info.vim_type.as_str()) && !info.access_info.is_empty()
}

/// What is to be done where there is no vim-adapter for such connections.
pub fn advice(connection: &str) -> String {
    format!(
        "vimConnectionInfo {connection} has the credentials of an OpenStack's Keystone, and this VNFM reaches an OpenStack through \
         a vim-adapter, which keeps them: name one in the VNFM's configuration (vim_adapter), or register the VIM with one \
         (mano vim add openstack) and let interfaceInfo.endpoint be that adapter's address, without accessInfo"
    )
}

/// Makes foreign connections own ones.
#[derive(Debug, Clone)]
pub struct Foreign {
    adapter: Option<String>,
}

impl Foreign {
    /// With the vim-adapter of the configuration, if it names one.
    pub fn new(adapter: Option<&str>) -> Self {
        Self { adapter: adapter.map(|url| url.trim_end_matches('/').to_owned()) }
    }

    /// Registers the VIMs of foreign connections, and puts own connections in their place. Returns new identifiers by old ones.
    ///
    /// # Errors
    /// What the vim-adapter says; 422 without one, and for a connection that cannot be read.
    pub async fn settle(&self, connections: &mut Connections) -> Result<BTreeMap<String, String>, Box<ProblemDetails>> {
        let mut renamed = BTreeMap::new();
        let foreign: Vec<String> =
            connections.iter().filter(|(_, info)| is_foreign(info)).map(|(id, _)| id.clone()).collect();
        for old in foreign {
            let Some(info) = connections.remove(&old) else { continue };
            let Some(adapter) = &self.adapter else {
                return Err(Box::new(ProblemDetails::unprocessable(advice(&old), Vec::new())));
            };
            let id = identifier(&old, &info);
            let spec = VimSpec { name: name(&old, &info), kind: kind(&old, &info)? };
            let known = ViClient::new(adapter).put_vim(id, &spec).await;
            known.map_err(|error| Box::new(refused(&old, &error)))?;
            let own = VimConnectionInfo {
                interface_info: [("endpoint".to_owned(), json!(adapter))].into_iter().collect(),
                access_info: serde_json::Map::new(),
                ..info
            };
            connections.insert(id.to_string(), own);
            renamed.insert(old, id.to_string());
        }
        Ok(renamed)
    }

    /// As [`Foreign::settle`], for a grant and everything in it that refers to its connections.
    ///
    /// # Errors
    /// As [`Foreign::settle`].
    pub async fn settle_grant(&self, mut grant: Grant) -> Result<Grant, Box<ProblemDetails>> {
        let renamed = self.settle(&mut grant.vim_connection_info).await?;
        if renamed.is_empty() {
            return Ok(grant);
        }
        let mut document = json!(grant);
        rename(&mut document, &renamed);
        let unreadable = |error: serde_json::Error| Box::new(ProblemDetails::new(502, "Grant", error.to_string()));
        serde_json::from_value(document).map_err(unreadable)
    }
}

/// The same for the same VIM, however often and by whom it is told.
fn identifier(connection: &str, info: &VimConnectionInfo) -> Uuid {
    let named = info.vim_id.as_deref().unwrap_or(connection);
    if let Ok(id) = named.parse() {
        return id;
    }
    let said = |map: &serde_json::Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
    let of = json!([
        named,
        said(&info.interface_info, "endpoint"),
        said(&info.access_info, "project"),
        said(&info.access_info, "applicationCredentialId"),
        said(&info.access_info, "region"),
    ]);
    Uuid::new_v5(&Uuid::NAMESPACE_URL, of.to_string().as_bytes())
}

fn name(connection: &str, info: &VimConnectionInfo) -> String {
    let named = info.vim_id.as_deref().unwrap_or(connection);
    named.chars().filter(|c| !c.is_control()).take(60).collect()
}

fn kind(connection: &str, info: &VimConnectionInfo) -> Result<VimKind, Box<ProblemDetails>> {
    let document = json!({
        "type": info.vim_type, "interfaceInfo": info.interface_info, "accessInfo": info.access_info,
    });
    serde_json::from_value(document).map_err(|error| {
        let detail = format!("vimConnectionInfo {connection} cannot be used: {error}");
        Box::new(ProblemDetails::unprocessable(detail, Vec::new()))
    })
}

fn refused(connection: &str, error: &CallError) -> ProblemDetails {
    let told = error.to_problem();
    let detail = format!("the VIM of vimConnectionInfo {connection} cannot be used: {}", told.detail);
    ProblemDetails { detail, ..told }
}

/// Puts new identifiers of connections wherever old ones are referred to.
fn rename(document: &mut Value, renamed: &BTreeMap<String, String>) {
    match document {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(id) if name == "vimConnectionId" => {
                        if let Some(new) = renamed.get(id.as_str()) {
                            id.clone_from(new);
                        }
                    }
                    _ => rename(member, renamed),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn keystone(vim_id: Option<&str>) -> VimConnectionInfo {
        serde_json::from_value(json!({
            "vimId": vim_id, "vimType": "ETSINFV.OPENSTACK_KEYSTONE.V_3",
            "interfaceInfo": { "endpoint": "http://k/v3" },
            "accessInfo": { "username": "u", "password": "hidden word", "project": "p" },
        }))
        .unwrap()
    }

    #[test]
    fn a_vim_has_the_same_identifier_each_time_and_keeps_one_that_it_has() {
        assert_eq!(identifier("vim1", &keystone(None)), identifier("vim1", &keystone(None)));
        assert_ne!(identifier("vim1", &keystone(None)), identifier("vim2", &keystone(None)));
        let id = Uuid::from_u128(9).to_string();
        assert_eq!(identifier("vim1", &keystone(Some(&id))).to_string(), id);
    }

    #[test]
    fn whatever_refers_to_a_connection_is_renamed() {
        let mut grant = json!({ "addResources": [{ "vimConnectionId": "vim1", "resourceDefinitionId": "vim1" }],
            "zones": [{ "vimConnectionId": "other" }] });
        rename(&mut grant, &BTreeMap::from([("vim1".to_owned(), "new".to_owned())]));
        assert_eq!(grant["addResources"][0], json!({ "vimConnectionId": "new", "resourceDefinitionId": "vim1" }));
        assert_eq!(grant["zones"][0]["vimConnectionId"], "other");
    }

    #[tokio::test]
    async fn without_an_adapter_it_is_refused_with_what_to_do_and_what_is_no_foreign_one_stays() {
        let mut connections = BTreeMap::from([("vim1".to_owned(), keystone(None))]);
        let told = Foreign::new(None).settle(&mut connections).await.unwrap_err();
        assert!(told.status == 422 && told.detail.contains("vim_adapter"), "{told:?}");
        assert!(!format!("{told:?}").contains("hidden word"));
        let own = VimConnectionInfo { access_info: serde_json::Map::new(), ..keystone(None) };
        let mut connections = BTreeMap::from([("vim1".to_owned(), own.clone())]);
        assert!(Foreign::new(None).settle(&mut connections).await.unwrap().is_empty());
        assert_eq!(connections["vim1"], own);
    }
}
