//! A cloud of a clouds.yaml as a VIM is registered (SOL003 clause 4.4.1.6): its secure.yaml merged in, its CA file read.

use std::collections::BTreeMap;
use std::path::Path;

use reference_points::or_vi::{OpenstackAccessInfo, OpenstackInterface, OpenstackInterfaceInfo, Secret, VimKind};
use serde::Deserialize;

use crate::cli::CloudArgs;
use crate::fail::Failure;

/// What of a clouds.yaml matters here.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    clouds: BTreeMap<String, Cloud>,
}

#[derive(Debug, Default, Clone, Deserialize)]
struct Cloud {
    #[serde(default)]
    auth: Auth,
    auth_type: Option<String>,
    region_name: Option<String>,
    interface: Option<String>,
    endpoint_type: Option<String>,
    cacert: Option<String>,
    verify: Option<bool>,
}

#[derive(Debug, Default, Clone, Deserialize)]
struct Auth {
    auth_url: Option<String>,
    username: Option<String>,
    password: Option<String>,
    project_name: Option<String>,
    user_domain_name: Option<String>,
    project_domain_name: Option<String>,
    domain_name: Option<String>,
    application_credential_id: Option<String>,
    application_credential_secret: Option<String>,
}

/// Name and kind of the VIM that a cloud of a file is.
pub fn read(args: &CloudArgs) -> Result<(String, VimKind), Failure> {
    let path = &args.clouds_yaml;
    let main = parse(path)?;
    let beside = path.with_file_name("secure.yaml");
    let secure = if beside.exists() { parse(&beside)? } else { File::default() };
    let name = match &args.cloud {
        Some(name) => name.clone(),
        None => only(main.clouds.keys())?,
    };
    let Some(cloud) = main.clouds.get(&name).cloned() else {
        let known: Vec<&str> = main.clouds.keys().map(String::as_str).collect();
        return Err(Failure::helped(
            format!("{} has no cloud {name}", path.display()),
            format!("it has {}", known.join(", ")),
        ));
    };
    let cloud = merged(cloud, secure.clouds.get(&name).cloned().unwrap_or_default());
    let mut kind = kind(&name, cloud, args.region.clone(), path)?;
    if let VimKind::Openstack { interface_info, access_info } = &mut kind {
        interface_info.external_network.clone_from(&args.external_network);
        if let Some(file) = &args.notifications_url_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
            access_info.notifications_url = Some(Secret::new(text.trim()));
        }
    }
    Ok((args.name.clone().unwrap_or(name), kind))
}

fn parse(path: &Path) -> Result<File, Failure> {
    let unreadable = |why: String| Failure::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    serde_saphyr::from_str(&text).map_err(|error| unreadable(error.to_string()))
}

fn only<'a>(mut names: impl ExactSizeIterator<Item = &'a String>) -> Result<String, Failure> {
    match (names.len(), names.next()) {
        (1, Some(name)) => Ok(name.clone()),
        (n, _) => Err(Failure::helped(format!("the file has {n} clouds"), "say which one with --cloud NAME")),
    }
}

fn merged(cloud: Cloud, secure: Cloud) -> Cloud {
    let auth = Auth {
        auth_url: cloud.auth.auth_url.or(secure.auth.auth_url),
        username: cloud.auth.username.or(secure.auth.username),
        password: secure.auth.password.or(cloud.auth.password),
        project_name: cloud.auth.project_name.or(secure.auth.project_name),
        user_domain_name: cloud.auth.user_domain_name.or(secure.auth.user_domain_name),
        project_domain_name: cloud.auth.project_domain_name.or(secure.auth.project_domain_name),
        domain_name: cloud.auth.domain_name.or(secure.auth.domain_name),
        application_credential_id: cloud.auth.application_credential_id.or(secure.auth.application_credential_id),
        application_credential_secret: secure
            .auth
            .application_credential_secret
            .or(cloud.auth.application_credential_secret),
    };
    Cloud { auth, ..cloud }
}

fn kind(name: &str, cloud: Cloud, region: Option<String>, file: &Path) -> Result<VimKind, Failure> {
    let auth = cloud.auth;
    let Some(endpoint) = auth.auth_url else {
        return Err(Failure::usage(format!("cloud {name} has no auth.auth_url")));
    };
    let by_credential = auth.application_credential_id.is_some();
    if let Some(other) = cloud.auth_type.as_deref().filter(|word| {
        !matches!(*word, "password" | "v3password" | "v3applicationcredential" | "v3_application_credential")
    }) {
        let why = format!("cloud {name} is entered by auth_type {other}");
        return Err(Failure::helped(why, "give it a password or an application credential"));
    }
    let interface = match cloud.interface.or(cloud.endpoint_type).as_deref() {
        None | Some("public" | "publicURL") => OpenstackInterface::Public,
        Some("internal" | "internalURL") => OpenstackInterface::Internal,
        Some("admin" | "adminURL") => OpenstackInterface::Admin,
        Some(other) => return Err(Failure::usage(format!("cloud {name} has interface {other}, which is none"))),
    };
    let trusted_certificates = match cloud.cacert {
        Some(ca) => {
            // Like other programs do: a relative path is one beside the file.
            let path = file.parent().unwrap_or(Path::new(".")).join(&ca);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Failure::usage(format!("cacert {} of cloud {name}: {error}", path.display())))?;
            vec![text]
        }
        None => Vec::new(),
    };
    let domain = auth.domain_name;
    Ok(VimKind::Openstack {
        interface_info: OpenstackInterfaceInfo {
            endpoint,
            trusted_certificates,
            skip_certificate_verification: cloud.verify == Some(false),
            interface,
            external_network: None,
        },
        access_info: OpenstackAccessInfo {
            username: auth.username.filter(|_| !by_credential),
            password: auth.password.filter(|_| !by_credential).map(Secret::new),
            user_domain: auth.user_domain_name.or_else(|| domain.clone()).filter(|_| !by_credential),
            project: auth.project_name.filter(|_| !by_credential),
            project_domain: auth.project_domain_name.or(domain).filter(|_| !by_credential),
            region: region.or(cloud.region_name),
            application_credential_id: auth.application_credential_id,
            application_credential_secret: auth.application_credential_secret.map(Secret::new),
            notifications_url: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUDS: &str = "\
clouds:
  lab:
    auth:
      auth_url: https://cloud.example.net:5000/v3
      username: nfv
      project_name: telco
      user_domain_name: people
    region_name: north
    interface: internal
    cacert: ca.pem
    identity_api_version: 3
  robot:
    auth_type: v3applicationcredential
    auth: { auth_url: 'http://k/v3', application_credential_id: abc, application_credential_secret: s3, username: x }
";

    fn args(dir: &Path, cloud: Option<&str>) -> CloudArgs {
        CloudArgs {
            name: None,
            clouds_yaml: dir.join("clouds.yaml"),
            cloud: cloud.map(str::to_owned),
            region: None,
            notifications_url_file: Some(dir.join("broker")).filter(|file| file.exists()),
            external_network: Some("internet".to_owned()),
        }
    }

    #[test]
    fn a_cloud_is_read_with_the_files_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("clouds.yaml"), CLOUDS).expect("a file");
        std::fs::write(dir.path().join("secure.yaml"), "clouds: { lab: { auth: { password: s3cret } } }")
            .expect("a file");
        std::fs::write(dir.path().join("ca.pem"), "-----BEGIN CERTIFICATE-----").expect("a file");
        std::fs::write(dir.path().join("broker"), "rabbit://u:p@h/\n").expect("a file");
        let (name, kind) = read(&args(dir.path(), Some("lab"))).expect("a cloud");
        let VimKind::Openstack { interface_info, access_info } = kind else { panic!("{kind:?}") };
        assert_eq!(name, "lab");
        assert_eq!(interface_info.interface, OpenstackInterface::Internal);
        assert_eq!(interface_info.external_network.as_deref(), Some("internet"));
        assert!(interface_info.trusted_certificates[0].starts_with("-----BEGIN"));
        assert_eq!(access_info.secret().map(Secret::reveal), Some("s3cret"));
        assert_eq!(access_info.notifications_url.as_ref().map(Secret::reveal), Some("rabbit://u:p@h/"));
        assert_eq!(
            (access_info.region.as_deref(), access_info.user_domain.as_deref()),
            (Some("north"), Some("people"))
        );
    }

    #[test]
    fn an_application_credential_stands_alone_and_a_missing_cloud_is_named_with_those_there_are() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("clouds.yaml"), CLOUDS).expect("a file");
        let (_, kind) = read(&args(dir.path(), Some("robot"))).expect("a cloud");
        let VimKind::Openstack { access_info, .. } = kind else { panic!("{kind:?}") };
        assert_eq!((access_info.username, access_info.project), (None, None));
        assert_eq!(access_info.application_credential_id.as_deref(), Some("abc"));
        let failure = read(&args(dir.path(), Some("nowhere"))).expect_err("no such cloud");
        assert!(format!("{failure}").contains("nowhere"), "{failure}");
        read(&args(dir.path(), None)).expect_err("two clouds and none named");
    }
}
