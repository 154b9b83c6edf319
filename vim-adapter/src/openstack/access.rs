//! How a cloud is reached: what was registered (SOL003 clause 4.4.1.6) checked, and in the form that the SDK takes it.

use std::io::Write as _;

use openstack_sdk::config::{Auth, CloudConfig};
use reference_points::common::{Fault, ProblemDetails};
use reference_points::or_vi::{OpenstackAccessInfo, OpenstackInterfaceInfo};

use super::notifications::brokers;
use crate::error::Result;

/// How a cloud is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Where.
    pub interface: OpenstackInterfaceInfo,
    /// As whom.
    pub account: OpenstackAccessInfo,
}

/// Everything wrong with how a cloud is said to be reached.
pub fn faults_of(interface: &OpenstackInterfaceInfo, account: &OpenstackAccessInfo) -> Vec<Fault> {
    let mut faults = Vec::new();
    let endpoint = &interface.endpoint;
    let rest = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
        faults.push(
            Fault::new("/kind/interfaceInfo/endpoint", format!("{endpoint:?} is no address of an identity service"))
                .mend("e.g. https://cloud.example.net:5000/v3"),
        );
    }
    for (i, pem) in interface.trusted_certificates.iter().enumerate() {
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            let at = format!("/kind/interfaceInfo/trustedCertificates/{i}");
            faults.push(Fault::new(at, "is no certificate in PEM"));
        }
    }
    if let Some(url) = account.notifications_url.as_ref().filter(|url| !url.reveal().is_empty())
        && let Err(why) = brokers(url.reveal())
    {
        let mend = "as transport_url has it: rabbit://USER:PASSWORD@HOST:5672/";
        faults.push(Fault::new("/kind/accessInfo/notificationsUrl", why).mend(mend));
    }
    let mut missing = |member: &str, why: &str| {
        faults.push(Fault::new(format!("/kind/accessInfo/{member}"), why));
    };
    if account.application_credential_id.is_some() {
        if account.application_credential_secret.is_none() {
            missing("applicationCredentialSecret", "is missing: an application credential has a secret");
        }
    } else {
        if account.username.is_none() {
            missing("username", "is missing: give a user, or an application credential");
        }
        if account.password.is_none() {
            missing("password", "is missing: register the VIM's credentials again");
        }
        if account.project.is_none() {
            missing("project", "is missing: everything is made in a project");
        }
    }
    faults
}

impl Access {
    /// What the SDK is configured with, and the file that must live until it has read it.
    ///
    /// # Errors
    /// 500 when the certificates cannot be written to a file, which is how the SDK takes them.
    pub fn config(&self) -> Result<(CloudConfig, Option<tempfile::NamedTempFile>)> {
        // The SDK finds the ways to log in among what is linked; without a mention here they would not be.
        std::hint::black_box((&openstack_sdk_auth_password::ANCHOR, &openstack_sdk_auth_applicationcredential::ANCHOR));
        let account = &self.account;
        let secret = account.secret().map(|secret| secret.reveal().to_owned().into());
        let mut auth = Auth { auth_url: Some(self.interface.endpoint.clone()), ..Auth::default() };
        let auth_type = if account.application_credential_id.is_some() {
            auth.application_credential_id.clone_from(&account.application_credential_id);
            auth.application_credential_secret = secret;
            "v3applicationcredential"
        } else {
            let domain = |given: &Option<String>| Some(given.clone().unwrap_or_else(|| "Default".to_owned()));
            auth.username.clone_from(&account.username);
            auth.password = secret;
            auth.user_domain_name = domain(&account.user_domain);
            auth.project_name.clone_from(&account.project);
            auth.project_domain_name = domain(&account.project_domain);
            "v3password"
        };
        let authorities = self.authorities()?;
        let config = CloudConfig {
            auth: Some(auth),
            auth_type: Some(auth_type.to_owned()),
            interface: Some(self.interface.interface.word().to_owned()),
            region_name: account.region.clone(),
            cacert: authorities.as_ref().map(|file| file.path().display().to_string()),
            verify: self.interface.skip_certificate_verification.then_some(false),
            auth_cache: Some(false),
            ..CloudConfig::default()
        };
        Ok((config, authorities))
    }

    fn authorities(&self) -> Result<Option<tempfile::NamedTempFile>> {
        if self.interface.trusted_certificates.is_empty() {
            return Ok(None);
        }
        let write = || {
            let mut file = tempfile::NamedTempFile::new()?;
            for pem in &self.interface.trusted_certificates {
                writeln!(file, "{}", pem.trim_end())?;
            }
            file.flush().map(|()| file)
        };
        let failed = |error: std::io::Error| {
            ProblemDetails::new(500, "No file", format!("trusted certificates cannot be kept for a moment: {error}"))
        };
        Ok(Some(write().map_err(failed)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::or_vi::Secret;

    use super::*;

    fn interface(endpoint: &str) -> OpenstackInterfaceInfo {
        OpenstackInterfaceInfo {
            endpoint: endpoint.into(),
            trusted_certificates: vec![],
            skip_certificate_verification: false,
            interface: Default::default(),
            external_network: None,
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let mut where_to = interface("cloud:5000");
        where_to.trusted_certificates.push("no certificate".into());
        let at: Vec<String> =
            faults_of(&where_to, &OpenstackAccessInfo::default()).into_iter().map(|fault| fault.location).collect();
        for part in ["endpoint", "trustedCertificates/0", "username", "password", "project"] {
            assert!(at.iter().any(|at| at.ends_with(part)), "{part} in {at:?}");
        }
    }

    #[test]
    fn an_application_credential_needs_no_project_and_a_user_has_default_domains() {
        let mut account = OpenstackAccessInfo {
            application_credential_id: Some("id".into()),
            application_credential_secret: Some(Secret::new("s")),
            ..OpenstackAccessInfo::default()
        };
        assert!(faults_of(&interface("http://k/v3"), &account).is_empty());
        let config = Access { interface: interface("http://k/v3"), account: account.clone() }.config().unwrap().0;
        assert_eq!(config.auth_type.as_deref(), Some("v3applicationcredential"));
        account = OpenstackAccessInfo {
            username: Some("u".into()),
            password: Some(Secret::new("p")),
            project: Some("x".into()),
            ..OpenstackAccessInfo::default()
        };
        let config = Access { interface: interface("http://k/v3"), account }.config().unwrap().0;
        assert_eq!(config.auth.unwrap().project_domain_name.as_deref(), Some("Default"));
    }
}
