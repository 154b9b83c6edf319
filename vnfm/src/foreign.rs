//! VIM connections with credentials, as other NFVOs and clients give them (SOL003 clause 4.4.1.6): an OpenStack reached by its
//! Keystone is registered with the VNFM's own vim-adapter, which keeps the credentials sealed. From there on the connection is
//! the adapter's address, under an identifier that is the same each time; nothing of the credentials is stored or shown here.

use std::collections::{BTreeMap, BTreeSet};

use reference_points::common::{CallError, ProblemDetails};
use reference_points::or_vi::{ViClient, VimKind, VimSpec};
use reference_points::or_vnfm::{Grant, VimConnectionInfo};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// `vimType` of an OpenStack reached by its Keystone, by its name and by its older one.
pub const KEYSTONE: [&str; 2] = ["ETSINFV.OPENSTACK_KEYSTONE.V_3", "OPENSTACK_V3"];

/// Connections by their identifiers.
pub type Connections = BTreeMap<String, VimConnectionInfo>;

/// Key in `extra` of a connection that has an own identifier: the one that the peer who told of it knows it by.
const TOLD_AS: &str = "connectionId";

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
        // Credentials for VIMs of a kind that is not known serve nobody here, and are not kept.
        for info in connections.values_mut().filter(|info| !KEYSTONE.contains(&info.vim_type.as_str())) {
            info.access_info.clear();
        }
        let foreign: Vec<String> =
            connections.iter().filter(|(_, info)| is_foreign(info)).map(|(id, _)| id.clone()).collect();
        for old in foreign {
            let Some(info) = connections.remove(&old) else { continue };
            let Some(adapter) = &self.adapter else {
                return Err(Box::new(ProblemDetails::unprocessable(advice(&old), Vec::new())));
            };
            let client = ViClient::new(adapter);
            let (id, spec) = match self.registered(&client, &old, &info).await? {
                // Other credentials for one that is registered.
                Some((id, spec)) => (id, spec),
                None => (identifier(&old, &info), VimSpec { name: name(&old, &info), kind: kind(&old, &info)? }),
            };
            client.put_vim(id, &spec).await.map_err(|error| Box::new(refused(&old, &error)))?;
            let mut own = VimConnectionInfo {
                interface_info: [("endpoint".to_owned(), json!(adapter))].into_iter().collect(),
                access_info: serde_json::Map::new(),
                ..info
            };
            if old != id.to_string() {
                own.extra.insert(TOLD_AS.to_owned(), json!(old));
            }
            connections.insert(id.to_string(), own);
            renamed.insert(old, id.to_string());
        }
        Ok(renamed)
    }

    /// The VIM of a connection that is the adapter's already and is given credentials: it is entered with those from now on, where
    /// it was.
    async fn registered(
        &self,
        client: &ViClient,
        connection: &str,
        info: &VimConnectionInfo,
    ) -> Result<Option<(Uuid, VimSpec)>, Box<ProblemDetails>> {
        let endpoint = info.interface_info.get("endpoint").and_then(Value::as_str);
        let Some(id) = connection.parse().ok().filter(|_| endpoint == self.adapter.as_deref()) else { return Ok(None) };
        let known = client.vim(id).await.map_err(|error| Box::new(refused(connection, &error)))?;
        let Some(VimSpec { name, kind: VimKind::Openstack { interface_info, .. } }) = known.map(|vim| vim.spec) else {
            return Ok(None);
        };
        let there = json!(interface_info).as_object().cloned().unwrap_or_default();
        let given = VimConnectionInfo { interface_info: there, ..info.clone() };
        Ok(Some((id, VimSpec { name, kind: kind(connection, &given)? })))
    }

    /// As [`Foreign::settle`], for a request and everything in it that refers to its connections.
    ///
    /// # Errors
    /// As [`Foreign::settle`].
    pub async fn settle_request<R>(&self, request: R) -> Result<R, Box<ProblemDetails>>
    where
        R: Serialize + DeserializeOwned,
    {
        let unreadable = |error: serde_json::Error| Box::new(ProblemDetails::new(500, "Request", error.to_string()));
        let mut document = serde_json::to_value(&request).map_err(unreadable)?;
        let Some(connections) = document.get_mut("vimConnectionInfo") else { return Ok(request) };
        let mut own: Connections = serde_json::from_value(connections.take()).map_err(unreadable)?;
        let renamed = self.settle(&mut own).await?;
        *connections = json!(own);
        rename(&mut document, &renamed);
        serde_json::from_value(document).map_err(unreadable)
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

/// A grant with the connections that it refers to and does not bring: those that the VNFM was told before (SOL003 clause 9.5.2.3),
/// by their own identifiers. One that brings and names none is about all of them.
///
/// # Errors
/// When the grant cannot be read again, which is a defect.
pub fn complete(mut grant: Grant, known: &Connections) -> Result<Grant, serde_json::Error> {
    let mut document = json!(grant);
    let mut named = BTreeSet::new();
    visit(&mut document, &mut |id| {
        named.insert(id.clone());
    });
    if named.is_empty() && grant.vim_connection_info.is_empty() {
        grant.vim_connection_info.clone_from(known);
        return Ok(grant);
    }
    named.retain(|id| !grant.vim_connection_info.contains_key(id));
    let mut renamed = BTreeMap::new();
    for id in named {
        let told_as = |info: &VimConnectionInfo| info.extra.get(TOLD_AS).and_then(Value::as_str) == Some(id.as_str());
        let found = known.get_key_value(&id).or_else(|| known.iter().find(|(_, info)| told_as(info)));
        if let Some((own, info)) = found {
            grant.vim_connection_info.insert(own.clone(), info.clone());
            renamed.insert(id, own.clone());
        }
    }
    document = json!(grant);
    rename(&mut document, &renamed);
    serde_json::from_value(document)
}

/// The same for the same project of the same cloud, however often and by whom it is told. Whoever names another one under the same
/// name gets another VIM, and never one that somebody else registered.
fn identifier(connection: &str, info: &VimConnectionInfo) -> Uuid {
    let named = info.vim_id.as_deref().unwrap_or(connection);
    let account = |key: &str| info.access_info.get(key).cloned().unwrap_or_default();
    let scope = ["project", "projectDomain", "applicationCredentialId", "region"].map(account);
    let endpoint = info.interface_info.get("endpoint").cloned().unwrap_or_default();
    Uuid::new_v5(&Uuid::NAMESPACE_URL, json!([named, endpoint, scope]).to_string().as_bytes())
}

fn name(connection: &str, info: &VimConnectionInfo) -> String {
    let named = info.vim_id.as_deref().unwrap_or(connection);
    named.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// Keys of SOL003 clause 4.4.1.6 that are understood; what else a peer says is about its own means.
const INTERFACE: [&str; 4] = ["endpoint", "trustedCertificates", "skipCertificateVerification", "externalNetwork"];
const ACCESS: [&str; 8] = [
    "username",
    "password",
    "userDomain",
    "project",
    "projectDomain",
    "region",
    "applicationCredentialId",
    "applicationCredentialSecret",
];

fn kind(connection: &str, info: &VimConnectionInfo) -> Result<VimKind, Box<ProblemDetails>> {
    let only = |map: &Map<String, Value>, keys: &[&str]| -> Map<String, Value> {
        map.iter()
            .filter(|(key, _)| keys.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let (interface, access) = (only(&info.interface_info, &INTERFACE), only(&info.access_info, &ACCESS));
    let document = json!({ "type": info.vim_type, "interfaceInfo": interface, "accessInfo": access });
    // What is wrong is not quoted: it may be a password.
    serde_json::from_value(document).map_err(|_| {
        let detail = format!(
            "vimConnectionInfo {connection} cannot be used: interfaceInfo needs an endpoint, and {} and {} are texts",
            ACCESS.join(", "),
            INTERFACE[0]
        );
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
    visit(document, &mut |id| {
        if let Some(new) = renamed.get(id.as_str()) {
            id.clone_from(new);
        }
    });
}

/// Sees every reference to a connection.
fn visit(document: &mut Value, see: &mut impl FnMut(&mut String)) {
    match document {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(id) if name == "vimConnectionId" => see(id),
                    _ => visit(member, see),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, see)),
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
    fn a_vim_has_the_same_identifier_each_time_and_no_other_project_has_it() {
        let id = Uuid::from_u128(9).to_string();
        let one = keystone(Some(&id));
        assert_eq!(identifier("vim1", &one), identifier("vim2", &one));
        assert_ne!(identifier("vim1", &one).to_string(), id, "it is nobody else's");
        let mut other = one.clone();
        other.access_info.insert("project".to_owned(), json!("q"));
        assert_ne!(identifier("vim1", &one), identifier("vim1", &other));
        assert_ne!(identifier("vim1", &keystone(None)), identifier("vim2", &keystone(None)));
    }

    #[test]
    fn what_others_say_beside_it_is_passed_over_and_what_is_wrong_is_not_quoted() {
        let mut info = keystone(None);
        info.interface_info.insert("skipCertificateHostnameCheck".to_owned(), json!(true));
        kind("vim1", &info).unwrap();
        info.access_info.insert("password".to_owned(), json!(123_456));
        let told = kind("vim1", &info).unwrap_err();
        assert!(told.status == 422 && !told.detail.contains("123456"), "{told:?}");
    }

    #[test]
    fn whatever_refers_to_a_connection_is_renamed() {
        let mut grant = json!({ "addResources": [{ "vimConnectionId": "vim1", "resourceDefinitionId": "vim1" }],
            "zones": [{ "vimConnectionId": "other" }] });
        rename(&mut grant, &BTreeMap::from([("vim1".to_owned(), "new".to_owned())]));
        assert_eq!(grant["addResources"][0], json!({ "vimConnectionId": "new", "resourceDefinitionId": "vim1" }));
        assert_eq!(grant["zones"][0]["vimConnectionId"], "other");
    }

    #[test]
    fn a_grant_may_refer_to_what_was_told_before() {
        let told = |vim_type: &str, extra: Value| -> VimConnectionInfo {
            serde_json::from_value(
                json!({ "vimType": vim_type, "interfaceInfo": { "endpoint": "http://a" }, "extra": extra }),
            )
            .unwrap()
        };
        let known = Connections::from([
            ("one".to_owned(), told("MANO.HOSTS.V_1", json!({}))),
            ("two".to_owned(), told("OPENSTACK_V3", json!({ TOLD_AS: "north" }))),
        ]);
        let grant = |connections: Value, resources: Value| -> Grant {
            serde_json::from_value(json!({
                "id": Uuid::nil(), "vnfInstanceId": Uuid::nil(), "vnfLcmOpOccId": Uuid::nil(),
                "vimConnectionInfo": connections, "addResources": resources,
                "_links": { "self": { "href": "x" }, "vnfLcmOpOcc": { "href": "x" }, "vnfInstance": { "href": "x" } },
            }))
            .unwrap()
        };
        let of = |grant: &Grant| grant.vim_connection_info.keys().cloned().collect::<Vec<_>>();
        let names = |id: &str| json!([{ "resourceDefinitionId": "r", "vimConnectionId": id }]);
        let all = complete(grant(json!({}), json!([])), &known).unwrap();
        assert_eq!(of(&all), ["one", "two"]);
        let by_its_own = complete(grant(json!({}), names("one")), &known).unwrap();
        assert_eq!(of(&by_its_own), ["one"]);
        let as_told = complete(grant(json!({}), names("north")), &known).unwrap();
        assert_eq!(
            (of(&as_told), as_told.add_resources[0].vim_connection_id.as_deref()),
            (vec!["two".to_owned()], Some("two"))
        );
        // What nobody told of stays what it is, and is refused by who uses it.
        assert!(of(&complete(grant(json!({}), names("south")), &known).unwrap()).is_empty());
        let brought = json!({ "one": known["one"] });
        let brings = complete(grant(brought, names("one")), &Connections::new()).unwrap();
        assert_eq!(of(&brings), ["one"]);
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
