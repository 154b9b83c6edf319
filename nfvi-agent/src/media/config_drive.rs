//! First-boot data of a machine as a small ISO 9660 disk: OpenStack's layout (`config-2`) or NoCloud's (`cidata`), which
//! ordinary cloud images read with cloud-init. What stands on it is a pure function; `xorriso` writes the disk.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::Path;

use reference_points::nf_vi::{ConfigDrive, ConfigDriveLayout, GuestNic};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::layout::{finish, make_private, part, remove_dir, remove_file};
use super::{MediaError, Result, disks};

/// Volume label by which the guest finds the disk.
pub fn label(layout: ConfigDriveLayout) -> &'static str {
    match layout {
        ConfigDriveLayout::Openstack => "config-2",
        ConfigDriveLayout::Nocloud => "cidata",
    }
}

/// Files of the disk: path and content.
pub fn files(machine: Uuid, drive: &ConfigDrive) -> Vec<(&'static str, String)> {
    match drive.layout {
        ConfigDriveLayout::Openstack => openstack(machine, drive),
        ConfigDriveLayout::Nocloud => nocloud(machine, drive),
    }
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

fn openstack(machine: Uuid, drive: &ConfigDrive) -> Vec<(&'static str, String)> {
    let keys = drive.public_keys.iter().enumerate();
    let meta = json!({
        "uuid": machine,
        "name": drive.hostname,
        "hostname": drive.hostname,
        "launch_index": 0,
        "public_keys": keys.map(|(n, key)| (format!("key-{n}"), json!(key))).collect::<Map<_, _>>(),
        "meta": drive.meta,
    });
    let mut files = vec![("openstack/latest/meta_data.json", pretty(&meta))];
    files.extend(drive.user_data.clone().map(|data| ("openstack/latest/user_data", data)));
    if !drive.nics.is_empty() {
        files.push(("openstack/latest/network_data.json", pretty(&network_data(&drive.nics))));
    }
    files
}

/// OpenStack's network metadata: links by MAC, and on each of them its networks.
fn network_data(nics: &[GuestNic]) -> Json {
    let mut links = Vec::new();
    let mut networks = Vec::new();
    let mut servers: Vec<IpAddr> = Vec::new();
    for (number, nic) in nics.iter().enumerate() {
        let link = format!("link{number}");
        let mut entry = json!({"id": link, "type": "phy", "ethernet_mac_address": nic.mac});
        if let (Some(mtu), Some(entry)) = (nic.mtu, entry.as_object_mut()) {
            entry.insert("mtu".into(), json!(mtu));
        }
        links.push(entry);
        if nic.addresses.is_empty() {
            networks.push(json!({"id": format!("network{number}"), "type": "ipv4_dhcp", "link": link}));
        }
        for (place, address) in nic.addresses.iter().enumerate() {
            let (kind, any) = if address.ip.is_ipv4() { ("ipv4", "0.0.0.0") } else { ("ipv6", "::") };
            let routes: Vec<Json> = address
                .gateway
                .iter()
                .map(|gateway| json!({"network": any, "netmask": any, "gateway": gateway}))
                .collect();
            networks.push(json!({
                "id": format!("network{number}-{place}"),
                "type": kind,
                "link": link,
                "ip_address": address.ip,
                "netmask": netmask(address.ip, address.prefix),
                "routes": routes,
            }));
        }
        servers.extend(nic.dns.iter().filter(|server| !servers.contains(server)).copied().collect::<Vec<_>>());
    }
    let services: Vec<Json> = servers.iter().map(|server| json!({"type": "dns", "address": server})).collect();
    json!({"links": links, "networks": networks, "services": services})
}

/// `255.255.255.0` of 24; for IPv6 the same in its notation.
fn netmask(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(_) => {
            let bits = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::V4(bits.into())
        }
        IpAddr::V6(_) => {
            let bits = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            IpAddr::V6(bits.into())
        }
    }
}

fn nocloud(machine: Uuid, drive: &ConfigDrive) -> Vec<(&'static str, String)> {
    // JSON is YAML; one key a line, so that guests without a YAML parser find their way too.
    let meta = format!(
        "instance-id: {machine}\nlocal-hostname: {}\npublic-keys: {}\nmeta: {}\n",
        drive.hostname,
        json!(drive.public_keys),
        json!(drive.meta)
    );
    let mut files = vec![("meta-data", meta), ("user-data", drive.user_data.clone().unwrap_or_default())];
    if !drive.nics.is_empty() {
        files.push(("network-config", pretty(&network_config(&drive.nics))));
    }
    files
}

/// cloud-init's network configuration, version 2.
fn network_config(nics: &[GuestNic]) -> Json {
    let mut ethernets = Map::new();
    for (number, nic) in nics.iter().enumerate() {
        let mut entry = Map::new();
        entry.insert("match".into(), json!({"macaddress": nic.mac}));
        if let Some(mtu) = nic.mtu {
            entry.insert("mtu".into(), json!(mtu));
        }
        if nic.addresses.is_empty() {
            entry.insert("dhcp4".into(), json!(true));
        } else {
            let addresses: Vec<String> = nic.addresses.iter().map(|a| format!("{}/{}", a.ip, a.prefix)).collect();
            entry.insert("addresses".into(), json!(addresses));
            let routes: Vec<Json> = nic
                .addresses
                .iter()
                .filter_map(|a| a.gateway)
                .map(|gateway| json!({"to": if gateway.is_ipv4() { "0.0.0.0/0" } else { "::/0" }, "via": gateway}))
                .collect();
            if !routes.is_empty() {
                entry.insert("routes".into(), json!(routes));
            }
        }
        if !nic.dns.is_empty() {
            entry.insert("nameservers".into(), json!({"addresses": nic.dns}));
        }
        ethernets.insert(format!("nic{number}"), Json::Object(entry));
    }
    json!({"version": 2, "ethernets": ethernets})
}

/// Writes the disk to `target`.
///
/// # Errors
/// A full disk, or what the system or `xorriso` said; nothing half-made stays.
pub async fn write(target: &Path, machine: Uuid, drive: &ConfigDrive) -> Result<()> {
    let (stage, temporary) = (target.with_extension("stage"), part(target));
    let made = async {
        remove_dir(&stage)?;
        for (name, content) in files(machine, drive) {
            let path = stage.join(name);
            let dir = path.parent().unwrap_or(&stage);
            std::fs::create_dir_all(dir).map_err(|e| MediaError::io("make the directory", dir, &e))?;
            std::fs::write(&path, content).map_err(|e| MediaError::io("write", &path, &e))?;
        }
        let arguments: [&OsStr; 10] = [
            "-as".as_ref(),
            "mkisofs".as_ref(),
            "-quiet".as_ref(),
            "-V".as_ref(),
            label(drive.layout).as_ref(),
            "-J".as_ref(),
            "-r".as_ref(),
            "-o".as_ref(),
            temporary.as_os_str(),
            stage.as_os_str(),
        ];
        disks::run("xorriso", "write the config drive", target, &arguments).await?;
        // User data may hold secrets.
        make_private(&temporary)?;
        finish(&temporary, target)
    }
    .await;
    // The first error is the one to tell; what stays goes with the machine's directory.
    let _ = remove_dir(&stage);
    if made.is_err() {
        let _ = remove_file(&temporary);
    }
    made
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use reference_points::nf_vi::GuestAddress;

    fn drive(layout: ConfigDriveLayout) -> ConfigDrive {
        let address = |ip: &str, prefix, gateway: Option<&str>| GuestAddress {
            ip: ip.parse().unwrap(),
            prefix,
            gateway: gateway.map(|g| g.parse().unwrap()),
        };
        ConfigDrive {
            layout,
            hostname: "edge-1".into(),
            user_data: Some("#!/bin/sh\necho \"hello\"\n".into()),
            public_keys: vec!["ssh-ed25519 AAAA me@\"here\"".into()],
            nics: vec![
                GuestNic {
                    mac: "02:00:00:00:00:01".into(),
                    mtu: Some(1442),
                    addresses: vec![address("10.0.0.5", 24, Some("10.0.0.1")), address("fd00::5", 64, Some("fd00::1"))],
                    dns: vec!["9.9.9.9".parse().unwrap()],
                },
                GuestNic {
                    mac: "02:00:00:00:00:02".into(),
                    mtu: None,
                    addresses: vec![],
                    dns: vec!["9.9.9.9".parse().unwrap()],
                },
            ],
            meta: [("role".to_owned(), "gate: way\n".to_owned())].into(),
        }
    }

    fn shown(layout: ConfigDriveLayout) -> String {
        let files = files(Uuid::from_u128(7), &drive(layout));
        files.iter().map(|(name, content)| format!("=== {name}\n{content}\n")).collect()
    }

    #[test]
    fn the_openstack_layout() {
        insta::assert_snapshot!(shown(ConfigDriveLayout::Openstack));
    }

    #[test]
    fn the_nocloud_layout() {
        insta::assert_snapshot!(shown(ConfigDriveLayout::Nocloud));
    }

    #[test]
    fn netmasks_at_the_edges() {
        let mask = |ip: &str, prefix| netmask(ip.parse().unwrap(), prefix).to_string();
        assert_eq!((mask("1.1.1.1", 0), mask("1.1.1.1", 32)), ("0.0.0.0".into(), "255.255.255.255".into()));
        assert_eq!((mask("::1", 0), mask("::1", 128)), ("::".into(), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".into()));
    }

    #[tokio::test]
    async fn the_disk_carries_its_label_and_nothing_else_stays() {
        if std::process::Command::new("xorriso").arg("--version").output().is_err() {
            println!("SKIPPED: xorriso is not installed");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        for (layout, label) in [(ConfigDriveLayout::Openstack, "config-2"), (ConfigDriveLayout::Nocloud, "cidata")] {
            let target = dir.path().join(format!("{label}.iso"));
            write(&target, Uuid::from_u128(7), &drive(layout)).await.unwrap();
            let bytes = std::fs::read(&target).unwrap();
            // The label stands in the primary volume descriptor, sector 16.
            assert_eq!(String::from_utf8_lossy(&bytes[0x8028..0x8048]).trim_end(), label);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
