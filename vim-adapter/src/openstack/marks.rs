//! Owner marks: what everything made in a cloud carries from the request that makes it, so that it is found again by it, and
//! known as ours when nobody remembers it. Networks, subnets, ports, security groups and flavours carry it in their description,
//! servers, volumes and images in their metadata, server groups in their name. (`mano leaks`)
//!
//! The text is `mano/1 KIND ID VIM OWNERKIND OWNER [OPERATION [STEP]]`: ids of the consumer, of the VIM in the adapter, of
//! the owner. Neutron takes 255 characters; a step's name is cut where that is needed.

use reference_points::common::{Owner, OwnerKind};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Longest description that Neutron takes.
const MAX: usize = 255;
/// Key of the mark in metadata of servers, volumes and images.
pub const KEY: &str = "mano_mark";

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it is on: `network`, `port`, `compute` …
    pub kind: String,
    /// The consumer's id of it.
    pub id: Uuid,
    /// The VIM in the adapter.
    pub vim: Uuid,
    /// Whom it belongs to; absent on what several owners share.
    pub owner: Option<Owner>,
}

impl Mark {
    /// The mark of an owner's resource.
    pub fn of(kind: &str, id: Uuid, vim: Uuid, owner: &Owner) -> Self {
        Self { kind: kind.to_owned(), id, vim, owner: Some(owner.clone()) }
    }

    /// The mark of what several owners share.
    pub fn shared(kind: &str, id: Uuid, vim: Uuid) -> Self {
        Self { kind: kind.to_owned(), id, vim, owner: None }
    }

    /// As text, at most 255 bytes.
    pub fn text(&self) -> String {
        let mut text = format!("mano/1 {} {} {}", self.kind, self.id, self.vim);
        if let Some(owner) = &self.owner {
            text.push_str(&format!(" {} {}", owner.kind.as_str(), owner.id));
            if let Some(operation) = owner.operation {
                text.push_str(&format!(" {operation}"));
                if let Some(step) = &owner.step {
                    let step: String = step.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
                    let room = MAX.saturating_sub(text.len() + 1);
                    text.push(' ');
                    text.extend(step.chars().take(room));
                }
            }
        }
        text
    }

    /// Reads a mark; `None` when the text is none.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("mano/1 ")?.split(' ');
        let kind = parts.next()?.to_owned();
        let id = parts.next()?.parse().ok()?;
        let vim = parts.next()?.parse().ok()?;
        let owner = match (parts.next(), parts.next()) {
            (Some(kind), Some(id)) => Some(Owner {
                kind: OwnerKind::of(kind)?,
                id: id.parse().ok()?,
                operation: parts.next().and_then(|text| text.parse().ok()),
                step: parts.next().map(str::to_owned),
            }),
            _ => None,
        };
        Some(Self { kind, id, vim, owner })
    }

    /// Whether it marks this resource of this VIM; which operation or step made it does not matter.
    pub fn is(&self, kind: &str, id: Uuid, vim: Uuid) -> bool {
        self.kind == kind && self.id == id && self.vim == vim
    }

    /// As metadata.
    pub fn metadata(&self) -> Map<String, Value> {
        Map::from_iter([(KEY.to_owned(), json!(self.text()))])
    }
}

/// The mark in a document: in its description, its metadata, or as a property of an image.
pub fn on(document: &Value) -> Option<Mark> {
    ["/description", "/metadata/mano_mark", "/mano_mark"]
        .iter()
        .find_map(|at| document.pointer(at).and_then(Value::as_str).and_then(Mark::read))
}

/// A name that carries the mark of something that has no other place for it.
pub fn in_name(name: &str, mark: &Mark) -> String {
    let text = mark.text();
    let room = 254usize.saturating_sub(text.len());
    format!("{} {text}", name.chars().filter(char::is_ascii).take(room).collect::<String>())
}

/// The mark in a name.
pub fn from_name(name: &str) -> Option<Mark> {
    name.find("mano/1 ").and_then(|at| Mark::read(&name[at..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn owner(step: &str) -> Owner {
        Owner {
            kind: OwnerKind::VnfInstance,
            id: Uuid::from_u128(1),
            operation: Some(Uuid::from_u128(2)),
            step: Some(step.to_owned()),
        }
    }

    #[test]
    fn a_mark_is_read_as_it_was_written_and_fits_a_description() {
        let mark = Mark::of("port", Uuid::from_u128(7), Uuid::from_u128(8), &owner("port-web-0"));
        assert_eq!(Mark::read(&mark.text()).unwrap(), mark);
        let long = Mark::of("port", Uuid::from_u128(7), Uuid::from_u128(8), &owner(&"long step ".repeat(40)));
        assert!(long.text().len() <= MAX);
        assert!(Mark::read(&long.text()).unwrap().is("port", Uuid::from_u128(7), Uuid::from_u128(8)));
        let shared = Mark::shared("flavour", Uuid::from_u128(7), Uuid::from_u128(8));
        assert_eq!(Mark::read(&shared.text()).unwrap(), shared);
    }

    #[test]
    fn what_is_not_ours_has_no_mark() {
        for text in ["", "web server of the shop", "mano/1", "mano/1 port x y", "mano/2 port"] {
            assert_eq!(Mark::read(text), None, "{text}");
        }
        assert_eq!(on(&json!({ "description": "none", "metadata": {} })), None);
    }

    #[test]
    fn a_mark_is_found_wherever_it_was_put() {
        let mark = Mark::of("compute", Uuid::from_u128(7), Uuid::from_u128(8), &owner("s"));
        assert_eq!(on(&json!({ "description": null, "metadata": mark.metadata() })).unwrap(), mark);
        assert_eq!(on(&json!({ "description": mark.text() })).unwrap(), mark);
        assert_eq!(from_name(&in_name("web group", &mark)).unwrap(), mark);
        assert!(in_name(&"n".repeat(300), &mark).len() <= 255);
    }
}
