//! A virtual system and its sections (DSP0243 clauses 7.2, 8 and 9).

use super::model::System;
use super::names::{plain, short};
use super::read::{Reader, eula, merge};
use super::xml::Element;
use crate::codes;
use crate::diag::Severity;

impl Reader<'_> {
    pub(super) fn system(&mut self, element: &Element) {
        let Some(id) = self.need(element, "id") else { return };
        if self.envelope.systems.iter().any(|s| s.id == id) {
            let message = format!("a second virtual system has the identifier `{}`", short(&id));
            self.sink.error(&codes::OVF_SHAPE, element.at, message);
            return;
        }
        let mut system = System { id, name: element.child_text("Name"), ..System::default() };
        let mut hardware = None;
        for child in &element.children {
            match child.name.as_str() {
                "Info" | "Name" => {}
                "VirtualHardwareSection" if hardware.is_none() => hardware = Some(child),
                "VirtualHardwareSection" => {
                    self.left_out(Severity::Note, child.at, "a second description of the hardware");
                }
                "ProductSection" => {
                    let product = self.product(child);
                    merge(&mut system.product, product);
                }
                "AnnotationSection" => system.annotation = child.child_text("Annotation"),
                "OperatingSystemSection" => {
                    system.operating_system = child
                        .child_text("Description")
                        .or_else(|| child.attribute("osType").map(plain))
                        .or_else(|| child.attribute("id").map(|id| format!("CIM operating system {}", plain(id))));
                }
                "EulaSection" => system.eulas.extend(eula(child)),
                "InstallSection" => self.left_out(Severity::Warning, child.at, "a first boot that installs the guest"),
                "StartupSection" => self.left_out(Severity::Warning, child.at, "the order in which systems start"),
                _ => self.other(child),
            }
        }
        match hardware {
            Some(section) => {
                self.hardware(section, &mut system);
                self.envelope.systems.push(system);
            }
            None => self.sink.error_mend(
                &codes::OVF_HARDWARE,
                element.at,
                format!("the virtual system `{}` has no `VirtualHardwareSection`", short(&system.id)),
                "add one with processors, memory, a disk and network adapters",
            ),
        }
    }
}
