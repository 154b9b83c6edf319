//! How an OpenStack is reached: the keys of `interfaceInfo` and `accessInfo` of a SOL003 VimConnectionInfo (clause 4.4.1.6)
//! whose `vimType` is ETSINFV.OPENSTACK_KEYSTONE.V_3, and those beyond them that a cloud may ask for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the identity service is, and how its peers' certificates are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenstackInterfaceInfo {
    /// Keystone, version 3, e.g. `https://cloud.example.net:5000/v3`.
    pub endpoint: String,
    /// Certificates of authorities trusted beside those of the machine, in PEM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_certificates: Vec<String>,
    /// Certificates are not checked. For labs only.
    #[serde(default)]
    pub skip_certificate_verification: bool,
    /// Which address of each service is used.
    #[serde(default)]
    pub interface: OpenstackInterface,
    /// The network, by name or identifier, that routers lead to and floating addresses are taken from; absent means the only
    /// external one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_network: Option<String>,
}

/// Which address of a service is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OpenstackInterface {
    /// The one for users.
    #[default]
    Public,
    /// The one inside the cloud.
    Internal,
    /// The one for its operators.
    Admin,
}

impl OpenstackInterface {
    /// As the catalogue calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// Credentials and what they are for: a user and a project, or an application credential, which knows its project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenstackAccessInfo {
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Domain of the user, by name; absent means `Default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_domain: Option<String>,
    /// Project, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Domain of the project, by name; absent means `Default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_domain: Option<String>,
    /// Region; absent means the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Application credential, by identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_credential_id: Option<String>,
    /// Its secret. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_credential_secret: Option<Secret>,
    /// The message broker that Nova's notifications go to, with user and password, as oslo.messaging's `transport_url` has
    /// it (`rabbit://USER:PASSWORD@HOST:5672/`, further hosts after commas) or as AMQP has (`amqps://…`): changes of servers
    /// are heard instead of looked for. Empty means none. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications_url: Option<Secret>,
}

/// What of an account is kept secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenstackSecrets {
    /// The password, or the application credential's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The message broker's address, with its user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications_url: Option<Secret>,
}

impl OpenstackAccessInfo {
    /// The password, or the application credential's secret.
    pub fn secret(&self) -> Option<&Secret> {
        if self.application_credential_id.is_some() {
            self.application_credential_secret.as_ref()
        } else {
            self.password.as_ref()
        }
    }

    /// Everything that is to be kept secret.
    pub fn secrets(&self) -> OpenstackSecrets {
        OpenstackSecrets { secret: self.secret().cloned(), notifications_url: self.notifications_url.clone() }
    }

    /// Gives back what is missing of the secrets.
    pub fn add_secrets(&mut self, kept: OpenstackSecrets) {
        let slot = if self.application_credential_id.is_some() {
            &mut self.application_credential_secret
        } else {
            &mut self.password
        };
        *slot = slot.take().or(kept.secret);
        self.notifications_url = self.notifications_url.take().or(kept.notifications_url);
    }
}

/// Text that is never printed by itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use crate::or_vi::{VimKind, VimSpec};

    fn spec() -> VimSpec {
        serde_json::from_value(serde_json::json!({ "name": "cloud", "kind": {
            "type": "openstack",
            "interfaceInfo": { "endpoint": "https://cloud.example.net:5000/v3" },
            "accessInfo": { "username": "nfv", "password": "not to be seen", "project": "telco" },
        }}))
        .unwrap()
    }

    #[test]
    fn a_secret_is_neither_printed_nor_kept_with_what_is_shown() {
        let spec = spec();
        assert!(!format!("{spec:?}").contains("not to be seen"));
        let shown = serde_json::to_string(&spec.kind.without_secrets()).unwrap();
        assert!(!shown.contains("not to be seen") && shown.contains("nfv"), "{shown}");
        assert!(serde_json::to_string(&spec).unwrap().contains("not to be seen"));
    }

    #[test]
    fn both_names_of_the_vim_type_are_understood() {
        for name in ["ETSINFV.OPENSTACK_KEYSTONE.V_3", "OPENSTACK_V3", "openstack"] {
            let kind: VimKind = serde_json::from_value(serde_json::json!({
                "type": name, "interfaceInfo": { "endpoint": "http://k/v3" },
            }))
            .unwrap();
            assert_eq!(kind.vim_type(), "ETSINFV.OPENSTACK_KEYSTONE.V_3");
        }
    }
}
