//! What is wrong with a specification by itself, all of it at once: pure.

use std::collections::HashSet;

use reference_points::common::Fault;
use reference_points::nf_vi::{ConfigDrive, MachineSpec, RootDisk, SnapshotSpec, VolumeSpec};

use crate::media::image::MAX_VIRTUAL_BYTES;

const MIB: u64 = 1 << 20;
/// Network interfaces of a machine.
pub const MAX_NICS: usize = 28;
/// Volumes of a machine beside its root.
pub const MAX_VOLUMES: usize = 24;
/// User data, in bytes.
pub const MAX_USER_DATA: usize = 64 * 1024;
const MAX_NAME: usize = 255;
const MAX_KEYS: usize = 64;
const MAX_KEY_BYTES: usize = 16 * 1024;
const MAX_META: usize = 256;
const MAX_META_BYTES: usize = 64 * 1024;
const MAX_VCPUS: u32 = 256;
const MAX_MEMORY: u64 = 16 << 40;

/// Faults found so far.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn unless(&mut self, right: bool, at: impl Into<String>, message: impl Into<String>, mend: impl Into<String>) {
        if !right {
            self.0.push(Fault::new(at, message).mend(mend));
        }
    }
}

/// Faults of a machine's specification.
pub fn machine(spec: &MachineSpec) -> Vec<Fault> {
    let mut faults = Faults::default();
    name(&mut faults, "/name", &spec.name);
    faults.unless(
        (1..=MAX_VCPUS).contains(&spec.vcpus),
        "/vcpus",
        format!("{} is out of range", spec.vcpus),
        format!("1 to {MAX_VCPUS}"),
    );
    faults.unless(
        spec.memory_bytes.is_multiple_of(MIB) && (16 * MIB..=MAX_MEMORY).contains(&spec.memory_bytes),
        "/memoryBytes",
        format!("{} is no multiple of 1 MiB from 16 MiB to 16 TiB", spec.memory_bytes),
        format!("e.g. {}", 256 * MIB),
    );
    if let Some(page) = spec.cpu.hugepage_bytes {
        faults.unless(
            page.is_power_of_two() && (2 * MIB..=1 << 30).contains(&page) && spec.memory_bytes.is_multiple_of(page),
            "/cpu/hugepageBytes",
            format!("the memory of {} bytes cannot be made of pages of {page} bytes", spec.memory_bytes),
            "2097152 or 1073741824, and memory in multiples of it",
        );
    }
    if let RootDisk::Image { size_bytes: Some(bytes), .. } = &spec.root {
        size(&mut faults, "/root/sizeBytes", *bytes);
    }
    volumes(&mut faults, spec);
    nics(&mut faults, spec);
    if let Some(drive) = &spec.config_drive {
        config_drive(&mut faults, drive);
    }
    faults.0
}

/// Faults of a volume's specification.
pub fn volume(spec: &VolumeSpec) -> Vec<Fault> {
    let mut faults = Faults::default();
    name(&mut faults, "/name", &spec.name);
    size(&mut faults, "/sizeBytes", spec.size_bytes);
    faults.0
}

/// Everything wrong with a snapshot's specification.
pub fn snapshot(spec: &SnapshotSpec) -> Vec<Fault> {
    let mut faults = Faults::default();
    name(&mut faults, "/name", &spec.name);
    faults.0
}

fn name(faults: &mut Faults, at: &str, name: &str) {
    let right = !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
    faults.unless(right, at, "must be 1 to 255 bytes without control characters", "give it a short name");
}

fn size(faults: &mut Faults, at: &str, bytes: u64) {
    faults.unless(
        bytes > 0 && bytes <= MAX_VIRTUAL_BYTES && bytes.is_multiple_of(512),
        at,
        format!("{bytes} is no size of a disk"),
        format!("a multiple of 512 from 512 to {MAX_VIRTUAL_BYTES}"),
    );
}

fn volumes(faults: &mut Faults, spec: &MachineSpec) {
    faults.unless(
        spec.volumes.len() <= MAX_VOLUMES,
        "/volumes",
        format!("{} are too many", spec.volumes.len()),
        format!("at most {MAX_VOLUMES}"),
    );
    let mut seen = HashSet::new();
    if let RootDisk::Volume { volume_id } = spec.root {
        seen.insert(volume_id);
    }
    for (n, attachment) in spec.volumes.iter().enumerate().take(MAX_VOLUMES) {
        faults.unless(
            seen.insert(attachment.volume_id),
            format!("/volumes/{n}/volumeId"),
            format!("volume {} is used twice", attachment.volume_id),
            "name each volume once",
        );
    }
}

fn nics(faults: &mut Faults, spec: &MachineSpec) {
    faults.unless(
        spec.nics.len() <= MAX_NICS,
        "/nics",
        format!("{} are too many", spec.nics.len()),
        format!("at most {MAX_NICS}"),
    );
    let (mut ports, mut macs) = (HashSet::new(), HashSet::new());
    for (n, nic) in spec.nics.iter().enumerate().take(MAX_NICS) {
        let at = |member: &str| format!("/nics/{n}/{member}");
        faults.unless(
            ports.insert(nic.port_id),
            at("portId"),
            format!("port {} is used twice", nic.port_id),
            "name each port once",
        );
        faults.unless(
            is_unicast_mac(&nic.mac),
            at("mac"),
            format!("{:?} is no unicast MAC address in lower case", shortened(&nic.mac)),
            "e.g. 02:00:00:12:34:56",
        );
        faults.unless(
            macs.insert(nic.mac.clone()),
            at("mac"),
            "is used twice",
            "give each interface an address of its own",
        );
        faults.unless(
            nic.mtu.is_none_or(|mtu| (68..=65_535).contains(&mtu)),
            at("mtu"),
            format!("{:?} is out of range", nic.mtu.unwrap_or_default()),
            "68 to 65535",
        );
    }
}

fn config_drive(faults: &mut Faults, drive: &ConfigDrive) {
    faults.unless(
        is_host_name(&drive.hostname),
        "/configDrive/hostname",
        format!("{:?} is no host name", shortened(&drive.hostname)),
        "letters, digits and hyphens, labels of at most 63 characters joined by dots",
    );
    let user_data = drive.user_data.as_ref().map_or(0, String::len);
    faults.unless(
        user_data <= MAX_USER_DATA,
        "/configDrive/userData",
        format!("{user_data} bytes are too many"),
        format!("at most {MAX_USER_DATA} bytes; fetch the rest from the guest"),
    );
    faults.unless(
        drive.public_keys.len() <= MAX_KEYS,
        "/configDrive/publicKeys",
        format!("{} are too many", drive.public_keys.len()),
        format!("at most {MAX_KEYS}"),
    );
    for (n, key) in drive.public_keys.iter().enumerate().take(MAX_KEYS) {
        let right = !key.trim().is_empty() && key.len() <= MAX_KEY_BYTES && !key.chars().any(char::is_control);
        faults.unless(
            right,
            format!("/configDrive/publicKeys/{n}"),
            "is no OpenSSH public key",
            "one line as in id_ed25519.pub",
        );
    }
    let meta_bytes: usize = drive.meta.iter().map(|(key, value)| key.len() + value.len()).sum();
    faults.unless(
        drive.meta.len() <= MAX_META && meta_bytes <= MAX_META_BYTES,
        "/configDrive/meta",
        format!("{} entries of {meta_bytes} bytes together are too many", drive.meta.len()),
        format!("at most {MAX_META} entries and {MAX_META_BYTES} bytes"),
    );
    faults.unless(
        drive.nics.len() <= MAX_NICS,
        "/configDrive/nics",
        format!("{} are too many", drive.nics.len()),
        format!("at most {MAX_NICS}"),
    );
    for (n, nic) in drive.nics.iter().enumerate().take(MAX_NICS) {
        faults.unless(
            is_unicast_mac(&nic.mac),
            format!("/configDrive/nics/{n}/mac"),
            format!("{:?} is no unicast MAC address in lower case", shortened(&nic.mac)),
            "e.g. 02:00:00:12:34:56",
        );
        for (m, address) in nic.addresses.iter().enumerate() {
            let at = |member: &str| format!("/configDrive/nics/{n}/addresses/{m}/{member}");
            let longest = if address.ip.is_ipv4() { 32 } else { 128 };
            faults.unless(
                address.prefix <= longest,
                at("prefix"),
                format!("{} is longer than the address", address.prefix),
                format!("0 to {longest}"),
            );
            faults.unless(
                address.gateway.is_none_or(|gateway| gateway.is_ipv4() == address.ip.is_ipv4()),
                at("gateway"),
                "is of another IP version than the address",
                "give each address a gateway of its own version",
            );
        }
    }
}

fn is_unicast_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let hex = |part: &&str| part.len() == 2 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    parts.len() == 6
        && parts.iter().all(hex)
        && u8::from_str_radix(parts[0], 16).is_ok_and(|first| first & 1 == 0)
        && text != "00:00:00:00:00:00"
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_is_told_at_once_with_its_place() {
        let twice = uuid::Uuid::from_u128(1);
        let spec: MachineSpec = serde_json::from_value(json!({
            "name": "", "owner": {"kind": "vnf_instance", "id": twice}, "vcpus": 0, "memoryBytes": 1000,
            "cpu": {"hugepageBytes": 5000},
            "root": {"from": "image", "imageId": twice, "sizeBytes": 100},
            "volumes": [{"volumeId": twice}, {"volumeId": twice}],
            "nics": [{"portId": twice, "mac": "01:00:00:00:00:00", "mtu": 10}, {"portId": twice, "mac": "AA:00:00:00:00:00"}],
            "configDrive": {"hostname": "-x; rm -rf /", "userData": "x".repeat(MAX_USER_DATA + 1),
                "publicKeys": ["a\nb"], "meta": {"k": "v".repeat(MAX_META_BYTES)},
                "nics": [{"mac": "x", "addresses": [{"ip": "10.0.0.1", "prefix": 33, "gateway": "fd00::1"}]}]},
        }))
        .unwrap();
        let mut places: Vec<String> = machine(&spec).into_iter().map(|fault| fault.location).collect();
        places.sort();
        assert_eq!(
            places,
            [
                "/configDrive/hostname",
                "/configDrive/meta",
                "/configDrive/nics/0/addresses/0/gateway",
                "/configDrive/nics/0/addresses/0/prefix",
                "/configDrive/nics/0/mac",
                "/configDrive/publicKeys/0",
                "/configDrive/userData",
                "/cpu/hugepageBytes",
                "/memoryBytes",
                "/name",
                "/nics/0/mac",
                "/nics/0/mtu",
                "/nics/1/mac",
                "/nics/1/portId",
                "/root/sizeBytes",
                "/vcpus",
                "/volumes/1/volumeId",
            ]
        );
    }

    #[test]
    fn a_sound_specification_has_no_fault() {
        let id = uuid::Uuid::from_u128(1);
        let spec: MachineSpec = serde_json::from_value(json!({
            "name": "edge", "owner": {"kind": "vnf_instance", "id": id}, "vcpus": 2, "memoryBytes": 256 * MIB,
            "root": {"from": "image", "imageId": id},
            "nics": [{"portId": id, "mac": "02:00:00:ab:cd:ef", "mtu": 1442}],
            "configDrive": {"hostname": "edge-1.example", "nics": [{"mac": "02:00:00:ab:cd:ef",
                "addresses": [{"ip": "fd00::5", "prefix": 64, "gateway": "fd00::1"}]}]},
        }))
        .unwrap();
        assert_eq!(machine(&spec), vec![]);
    }
}
