//! Topologies as SVG: virtual links as rails, what is connected to them as boxes below. Pure and deterministic; the text
//! of descriptors is escaped, so that a picture may be shown in a page.

mod nsd;
mod svg;
mod vnfd;

pub use nsd::of_nsd;
pub use vnfd::of_vnfd;

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Head line.
    pub title: String,
    /// Virtual links, from top to bottom.
    pub rails: Vec<Rail>,
    /// VDUs, VNFs, PNFs or nested services, from left to right.
    pub boxes: Vec<Node>,
    /// Lines below everything, e.g. affinity rules.
    pub notes: Vec<String>,
}

/// A virtual link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rail {
    /// Name.
    pub name: String,
    /// What stands beside the name, e.g. address blocks.
    pub note: String,
    /// Whether it comes from outside.
    pub outside: bool,
}

/// Something that is connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Name.
    pub name: String,
    /// How many there are, e.g. `1…4`; empty for one.
    pub count: String,
    /// Lines below the name.
    pub lines: Vec<String>,
    /// Connection points: name, and the rail by its index.
    pub ports: Vec<(String, usize)>,
}

impl Picture {
    /// The picture as an SVG document.
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg::draw(self)
    }
}
