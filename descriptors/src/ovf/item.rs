//! One item of a hardware section: a CIM resource allocation (DSP0243 clause 8.3).

use super::names::plain;
use super::xml::Element;
use crate::diag::Pos;

/// Properties with a meaning here, or that only tie items together.
const KNOWN: [&str; 17] = [
    "ElementName",
    "Caption",
    "Description",
    "InstanceID",
    "InstanceId",
    "ResourceType",
    "ResourceSubType",
    "VirtualQuantity",
    "VirtualQuantityUnits",
    "AllocationUnits",
    "HostResource",
    "Connection",
    "Address",
    "AddressOnParent",
    "Parent",
    "AutomaticAllocation",
    "AutomaticDeallocation",
];

/// An item.
#[derive(Debug)]
pub(super) struct Item<'x> {
    element: &'x Element,
}

impl<'x> Item<'x> {
    pub(super) fn new(element: &'x Element) -> Self {
        Self { element }
    }

    pub(super) fn at(&self) -> Pos {
        self.element.at
    }

    /// Where a property stands, or the item.
    pub(super) fn place(&self, property: &str) -> Pos {
        self.element.child(property).map_or(self.element.at, |c| c.at)
    }

    pub(super) fn text(&self, property: &str) -> Option<String> {
        self.element.child_text(property)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.element.attribute(name)
    }

    pub(super) fn number(&self, property: &str) -> Option<u64> {
        self.text(property).and_then(|t| t.parse().ok())
    }

    /// All values of a property that may be repeated.
    pub(super) fn texts(&self, property: &str) -> Vec<String> {
        let all = self.element.children.iter().filter(|c| c.name == property).map(|c| plain(&c.text));
        all.filter(|t| !t.is_empty()).collect()
    }

    /// The item's name for people.
    pub(super) fn name(&self) -> String {
        self.text("ElementName")
            .or_else(|| self.text("Caption"))
            .or_else(|| self.text("InstanceID"))
            .unwrap_or_else(|| "without a name".to_owned())
    }

    /// Properties without a meaning here, with their values; those that say nothing are passed over.
    pub(super) fn others(&self) -> Vec<String> {
        let others = self.element.children.iter().filter(|c| !KNOWN.contains(&c.name.as_str()));
        let told =
            others.filter(|c| !matches!(plain(&c.text).as_str(), "0" | "false" | "normal") || !c.children.is_empty());
        told.map(|c| {
            let key = c.attributes_text("key").map(|k| format!(" {k}")).unwrap_or_default();
            format!("{}{key}", plain(&c.name))
        })
        .take(20)
        .collect()
    }
}
