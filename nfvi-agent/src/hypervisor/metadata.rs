//! Owner marks in a domain's metadata: written when the domain is defined, read back when somebody asks whose it is.

use quick_xml::Reader;
use quick_xml::events::Event;
use reference_points::common::{Owner, OwnerKind};
use uuid::Uuid;

use super::Shape;
use super::xml::Element;

/// XML namespace of our metadata.
pub const NAMESPACE: &str = "urn:mano:nf-vi:v1";

/// Largest domain description that is read, in bytes.
const MAX_XML_BYTES: usize = 4 * 1024 * 1024;

/// The mark as an element of `<metadata>`.
pub fn element(owner: &Owner) -> Element {
    let mut element =
        Element::new("mano:owner").attr("xmlns:mano", NAMESPACE).attr("kind", owner.kind.as_str()).attr("id", owner.id);
    if let Some(operation) = owner.operation {
        element = element.attr("operation", operation);
    }
    if let Some(step) = &owner.step {
        element = element.attr("step", step);
    }
    element
}

/// What is read out of a domain's description.
#[derive(Debug, Default, PartialEq)]
pub struct Described {
    /// Our mark.
    pub owner: Option<Owner>,
    /// CPUs and memory.
    pub shape: Shape,
    /// Port ids of interfaces on Open vSwitch.
    pub ports: Vec<Uuid>,
    /// MAC addresses of these interfaces, in the same order.
    pub macs: Vec<String>,
    /// Tap devices of these interfaces, in the same order; empty text where the domain does not run.
    pub taps: Vec<String>,
    /// Files of disks, without those behind them.
    pub disks: Vec<std::path::PathBuf>,
    /// Targets of the disks, in the same order.
    pub targets: Vec<String>,
    /// Path of the first serial console's pseudo terminal.
    pub pty: Option<String>,
}

/// Reads a domain's description. What cannot be understood is passed over: the domain may be anybody's.
pub fn describe(xml: &str) -> Described {
    let mut found = Described::default();
    if xml.len() > MAX_XML_BYTES {
        return found;
    }
    let mut reader = Reader::from_str(xml);
    let mut path: Vec<String> = Vec::new();
    let mut mac = String::new();
    loop {
        let (element, opens) = match reader.read_event() {
            Ok(Event::Start(element)) => (element, true),
            Ok(Event::Empty(element)) => (element, false),
            Ok(Event::End(_)) => {
                path.pop();
                continue;
            }
            Ok(Event::Text(text)) => {
                amount(&path, text.as_ref(), &mut found.shape);
                continue;
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => continue,
        };
        let name = element.name().as_ref().to_owned();
        let attributes: Vec<(String, String)> = element
            .attributes()
            .flatten()
            .map(|a| {
                let key = a.key.as_ref().to_owned();
                let value =
                    quick_xml::escape::unescape(&a.value).map_or_else(|_| a.value.to_string(), |v| v.into_owned());
                (key, value)
            })
            .collect();
        let get = |key: &str| attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        let inside = path.join("/");
        match (inside.as_str(), name.as_str()) {
            ("domain/metadata", _) if attributes.iter().any(|(k, v)| k.starts_with("xmlns") && v == NAMESPACE) => {
                found.owner = found.owner.take().or_else(|| owner(&get));
            }
            ("domain/cputune", "vcpupin") => {
                found.shape.pinned.extend(get("cpuset").and_then(|cpu| cpu.parse::<u32>().ok()));
            }
            ("domain/memoryBacking/hugepages", "page") => {
                let kib = get("size").and_then(|size| size.parse::<u64>().ok());
                found.shape.hugepage_bytes = kib.map(|kib| kib.saturating_mul(1024));
            }
            ("domain/devices/interface", "mac") => mac = get("address").unwrap_or_default().to_owned(),
            ("domain/devices/interface/virtualport", "parameters") => {
                if let Some(id) = get("interfaceid").and_then(|id| Uuid::parse_str(id).ok()) {
                    found.ports.push(id);
                    found.taps.push(String::new());
                    // The address comes before the virtualport of the same interface.
                    found.macs.push(std::mem::take(&mut mac));
                }
            }
            ("domain/devices/interface", "target") => {
                // The target follows the virtualport of the same interface.
                if let (Some(tap), Some(dev)) = (found.taps.last_mut(), get("dev")) {
                    tap.push_str(dev);
                }
            }
            ("domain/devices/disk", "source") => {
                if let Some(file) = get("file") {
                    found.disks.push(file.into());
                    found.targets.push(String::new());
                }
            }
            ("domain/devices/disk", "target") => {
                if let (Some(target), Some(dev)) = (found.targets.last_mut(), get("dev"))
                    && target.is_empty()
                {
                    target.push_str(dev);
                }
            }
            ("domain/devices/serial", "source") => {
                found.pty = found.pty.take().or_else(|| get("path").map(str::to_owned));
            }
            _ => {}
        }
        if opens {
            path.push(name);
        }
    }
}

/// CPUs and memory stand between tags; libvirt tells memory in KiB.
fn amount(path: &[String], text: &str, shape: &mut Shape) {
    let number = || text.trim().parse::<u64>().ok();
    match path {
        [domain, name] if domain == "domain" && name == "vcpu" => {
            shape.vcpus = number().and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
        }
        [domain, name] if domain == "domain" && name == "memory" => {
            shape.memory_bytes = number().unwrap_or_default().saturating_mul(1024);
        }
        _ => {}
    }
}

fn owner<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Option<Owner> {
    Some(Owner {
        kind: OwnerKind::of(get("kind")?)?,
        id: Uuid::parse_str(get("id")?).ok()?,
        operation: get("operation").and_then(|id| Uuid::parse_str(id).ok()),
        step: get("step").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_from_what_libvirt_returns() {
        let owner = Owner {
            kind: OwnerKind::NsInstance,
            id: Uuid::from_u128(1),
            operation: Some(Uuid::from_u128(2)),
            step: Some("a & <b>".into()),
        };
        let mark = element(&owner).render();
        let port = Uuid::from_u128(3);
        let xml = format!(
            "<domain type='qemu'><name>x</name><memory unit='KiB'>196608</memory><currentMemory unit='KiB'>1</currentMemory>
               <memoryBacking><hugepages><page size='2048' unit='KiB'/></hugepages></memoryBacking><vcpu placement='static'>2</vcpu>
               <cputune><vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu='1' cpuset='5'/></cputune><metadata><other xmlns='urn:else'/>{mark}</metadata><devices>
               <disk type='file'><driver/><source file='/a/root.qcow2' index='1'/><backingStore type='file'><source file='/a/base'/></backingStore><target dev='vda'/></disk>
               <interface type='bridge'><mac address='x'/><source bridge='br-int'/><virtualport type='openvswitch'><parameters interfaceid='{port}'/></virtualport><target dev='tap1'/></interface>
               <serial type='pty'><source path='/dev/pts/3'/><log file='/x'/></serial></devices></domain>"
        );
        assert_eq!(
            describe(&xml),
            Described {
                owner: Some(owner),
                shape: Shape { vcpus: 2, memory_bytes: 192 << 20, pinned: vec![4, 5], hugepage_bytes: Some(2 << 20) },
                ports: vec![port],
                macs: vec!["x".into()],
                taps: vec!["tap1".into()],
                disks: vec!["/a/root.qcow2".into()],
                targets: vec!["vda".into()],
                pty: Some("/dev/pts/3".into()),
            }
        );
    }

    #[test]
    fn a_foreign_domain_carries_no_mark() {
        assert_eq!(
            describe("<domain><name>x</name><metadata><owner kind='vnf_instance'/></metadata></domain>").owner,
            None
        );
        assert_eq!(describe("not xml <<<"), Described::default());
    }
}
