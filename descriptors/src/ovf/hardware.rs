//! The virtual hardware of a system: processors, memory, disks and network adapters; everything else is named
//! (DSP0243 clause 8).

use std::collections::BTreeMap;

use super::disk::DiskFormat;
use super::item::Item;
use super::model::{Drive, DriveSource, Nic, System};
use super::names::{plain, short};
use super::read::{MAX_BYTES, Reader};
use super::units::factor;
use super::xml::Element;
use crate::codes;
use crate::diag::Severity;

/// Most virtual CPUs taken for honest.
const MAX_CPUS: u64 = 4096;
/// Most disks, and most network adapters, of one system.
const MAX_DEVICES: usize = 256;

/// Where a disk is plugged in; orders disks as a BIOS would: by controller as listed, then by its place there.
type Slot = (usize, u64, usize);

impl Reader<'_> {
    pub(super) fn hardware(&mut self, section: &Element, system: &mut System) {
        let mut items: Vec<Item<'_>> = Vec::new();
        for child in &section.children {
            match child.name.as_str() {
                "Info" => {}
                "Item" | "StorageItem" | "EthernetPortItem" => items.extend(self.chosen(Item::new(child))),
                "System" => {
                    if let Some(family) = child.child_text("VirtualSystemType") {
                        let what = format!("the hypervisor family `{}`", short(&family));
                        self.left_out(Severity::Note, child.at, what);
                    }
                }
                "Config" | "ExtraConfig" => {
                    let key = child.attributes_text("key").unwrap_or_default();
                    self.left_out(Severity::Note, child.at, format!("`{} {}`", child.name, short(&key)));
                }
                _ => self.other(child),
            }
        }
        let mut controllers: BTreeMap<String, usize> = BTreeMap::new();
        for item in items.iter().filter(|i| matches!(i.number("ResourceType"), Some(5 | 6 | 20))) {
            let place = controllers.len();
            controllers.insert(item.text("InstanceID").unwrap_or_default(), place);
        }
        let mut drives: Vec<(Slot, Drive)> = Vec::new();
        for item in &items {
            match item.number("ResourceType") {
                Some(3) => self.cpus(item, system),
                Some(4) => self.memory(item, system),
                Some(5 | 6 | 20) => self.controller(item),
                Some(10) => self.nic(item, system),
                Some(17 | 31) => {
                    let controller = item.text("Parent").and_then(|p| controllers.get(&p).copied());
                    let slot =
                        (controller.unwrap_or(usize::MAX), item.number("AddressOnParent").unwrap_or(0), drives.len());
                    if let Some(drive) = self.drive(item) {
                        drives.push((slot, drive));
                    }
                }
                kind => self.device(item, kind),
            }
            let others = item.others();
            if !others.is_empty() {
                let what = format!("{} of `{}`", others.join(", "), short(&item.name()));
                self.left_out(Severity::Note, item.at(), what);
            }
        }
        drives.sort_by_key(|(slot, _)| *slot);
        system.drives = drives.into_iter().map(|(_, drive)| drive).collect();
        self.complete(section, system);
    }

    /// Leaves out items of other configurations, and the bounds that an item may move within (clauses 8.4 and 9.8).
    fn chosen<'x>(&mut self, item: Item<'x>) -> Option<Item<'x>> {
        if item.attribute("bound").is_some_and(|b| b != "normal") {
            self.left_out(Severity::Note, item.at(), format!("a bound of `{}`", short(&item.name())));
            return None;
        }
        let configurations = item.attribute("configuration").unwrap_or_default();
        let mut of = configurations.split_whitespace().peekable();
        let ours = of.peek().is_none() || of.any(|c| Some(c) == self.configuration.as_deref());
        ours.then_some(item)
    }

    fn complete(&mut self, section: &Element, system: &mut System) {
        let id = short(&system.id);
        if system.cpus == 0 {
            system.cpus = 1;
            self.sink.warn(
                &codes::OVF_ASSUMED,
                section.at,
                format!("`{id}` names no processors; one is taken"),
                "add an item with rasd:ResourceType 3",
            );
        }
        if system.memory_bytes == 0 && !self.sink.has_errors() {
            self.sink.error_mend(
                &codes::OVF_HARDWARE,
                section.at,
                format!("`{id}` has no memory"),
                "add an item with rasd:ResourceType 4",
            );
        }
        // A machine boots from the first disk that holds anything.
        match system.drives.iter().position(|d| self.envelope.content(d).is_some()) {
            Some(0) => {}
            Some(n) => {
                let boot = system.drives.remove(n);
                system.drives.insert(0, boot);
            }
            None if self.sink.has_errors() => {}
            None => self.sink.error_mend(
                &codes::OVF_HARDWARE,
                section.at,
                format!("`{id}` has no disk with content to boot from"),
                "add a disk whose ovf:fileRef names a file",
            ),
        }
        if system.drives.len() > MAX_DEVICES || system.nics.len() > MAX_DEVICES {
            let message = format!("`{id}` has more than {MAX_DEVICES} disks or network adapters");
            self.sink.error(&codes::OVF_BUDGET, section.at, message);
            system.drives.truncate(MAX_DEVICES);
            system.nics.truncate(MAX_DEVICES);
        }
    }

    fn cpus(&mut self, item: &Item<'_>, system: &mut System) {
        match item.number("VirtualQuantity").filter(|n| (1..=MAX_CPUS).contains(n)) {
            // Several items add up, one for each socket.
            Some(n) => system.cpus = system.cpus.saturating_add(u32::try_from(n).unwrap_or(u32::MAX)),
            None => self.quantity(item, "the number of processors", "a number from 1 to 4096"),
        }
    }

    fn memory(&mut self, item: &Item<'_>, system: &mut System) {
        let units = item.text("AllocationUnits").or_else(|| item.text("VirtualQuantityUnits"));
        let unit = match &units {
            Some(text) => factor(text),
            None => {
                self.sink.warn(
                    &codes::OVF_ASSUMED,
                    item.at(),
                    "the memory has no unit; MiB is taken",
                    "add <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>",
                );
                Some(1 << 20)
            }
        };
        let Some(unit) = unit else {
            self.sink.error_mend(
                &codes::OVF_UNITS,
                item.place("AllocationUnits"),
                format!("the unit `{}` is none of size", short(&units.unwrap_or_default())),
                "write for example byte * 2^20",
            );
            return;
        };
        let bytes = item.number("VirtualQuantity").and_then(|n| n.checked_mul(unit));
        match bytes.filter(|n| (1..=MAX_BYTES).contains(n)) {
            Some(bytes) => system.memory_bytes = system.memory_bytes.saturating_add(bytes),
            None => self.quantity(item, "the memory", "a number; at most 64 TiB"),
        }
    }

    fn quantity(&mut self, item: &Item<'_>, what: &str, wanted: &str) {
        let given = item.text("VirtualQuantity").unwrap_or_default();
        self.sink.error_mend(
            &codes::OVF_HARDWARE,
            item.place("VirtualQuantity"),
            format!("{what} is `{}`", short(&given)),
            format!("write {wanted}"),
        );
    }

    fn controller(&mut self, item: &Item<'_>) {
        if let Some(model) = item.text("ResourceSubType") {
            let what = format!("the controller model `{}` (the guest needs drivers for virtio)", short(&model));
            self.left_out(Severity::Note, item.place("ResourceSubType"), what);
        }
    }

    fn nic(&mut self, item: &Item<'_>, system: &mut System) {
        let name = item.name();
        let connections = item.texts("Connection");
        let Some(network) = connections.first().cloned() else {
            self.sink.error_mend(
                &codes::OVF_HARDWARE,
                item.at(),
                format!("the network adapter `{}` is on no network", short(&name)),
                "add rasd:Connection with the name of a network",
            );
            return;
        };
        for more in connections.iter().skip(1) {
            self.left_out(Severity::Warning, item.at(), format!("the further network `{}` of an adapter", short(more)));
        }
        if !self.envelope.networks.iter().any(|n| n.name == network) {
            let known: Vec<String> = self.envelope.networks.iter().map(|n| short(&n.name)).take(10).collect();
            self.sink.error_mend(
                &codes::OVF_REFERENCE,
                item.place("Connection"),
                format!("the network `{}` is not in `NetworkSection`", short(&network)),
                if known.is_empty() { "add it there".to_owned() } else { format!("it has {}", known.join(", ")) },
            );
        }
        if let Some(mac) = item.text("Address") {
            let what = format!("the fixed MAC address `{}`", short(&mac));
            self.left_out(Severity::Warning, item.place("Address"), what);
        }
        let model = item.text("ResourceSubType");
        if let Some(model) = model.as_deref().filter(|m| !m.eq_ignore_ascii_case("virtio")) {
            let what = format!("the network adapter model `{}` (the guest needs drivers for virtio)", short(model));
            self.left_out(Severity::Note, item.place("ResourceSubType"), what);
        }
        system.nics.push(Nic { name, network, model });
    }

    fn drive(&mut self, item: &Item<'_>) -> Option<Drive> {
        let resources = item.texts("HostResource");
        let source = resources.first().and_then(|r| {
            // Some tools write the reference without `ovf:`.
            let path = r.strip_prefix("ovf:").unwrap_or(r);
            let (kind, id) = path.trim_start_matches('/').split_once('/')?;
            match kind {
                "disk" if self.envelope.disk(id).is_some() => Some(DriveSource::Disk(plain(id))),
                "file" if self.envelope.file(id).is_some() => Some(DriveSource::File(plain(id))),
                _ => None,
            }
        });
        if source.is_none() {
            self.sink.error_mend(
                &codes::OVF_REFERENCE,
                item.place("HostResource"),
                match resources.first() {
                    Some(resource) => format!("`{}` leads to no disk and no file", short(resource)),
                    None => format!("the disk `{}` has no rasd:HostResource", short(&item.name())),
                },
                "write ovf:/disk/<ovf:diskId> or ovf:/file/<ovf:id>",
            );
        }
        if let Some(DriveSource::File(id)) = &source {
            let href = self.envelope.file(id).map(|f| f.href.clone()).unwrap_or_default();
            match DiskFormat::from_name(&href) {
                Some(format) => self.sink.warn(
                    &codes::OVF_ASSUMED,
                    item.place("HostResource"),
                    format!("no format is declared; by its name `{}` is {}", short(&href), format.word()),
                    "describe it in the `DiskSection`, with ovf:format",
                ),
                None => self.sink.error_mend(
                    &codes::OVF_DISK,
                    item.place("HostResource"),
                    format!("nothing tells the disk format of `{}`", short(&href)),
                    "describe it in the `DiskSection`, with ovf:format",
                ),
            }
        }
        for more in resources.iter().skip(1) {
            self.left_out(Severity::Warning, item.at(), format!("the further resource `{}` of a disk", short(more)));
        }
        Some(Drive { name: item.name(), source: source? })
    }

    /// Everything that a VDU has no counterpart for.
    fn device(&mut self, item: &Item<'_>, kind: Option<u64>) {
        let what = match kind {
            Some(14) => "the floppy drive",
            Some(15 | 16) => "the CD drive",
            Some(21) => "the serial port",
            Some(22) => "the parallel port",
            Some(23) => "the USB controller",
            Some(24) => "the display adapter",
            Some(35) => "the sound card",
            _ => "the device",
        };
        let filled = item.texts("HostResource");
        let (severity, with) = match filled.first() {
            Some(content) => (Severity::Warning, format!(" with `{}`", short(content))),
            None => (Severity::Note, String::new()),
        };
        let number = kind.map_or_else(|| "without type".to_owned(), |k| format!("type {k}"));
        self.left_out(severity, item.at(), format!("{what} `{}` ({number}){with}", short(&item.name())));
    }
}
