//! Service templates of VNFDs, NSDs and PNFDs (SOL001), of one or several files, and what is made of those that are read.

use descriptors::archive::{Limits, Package};
use descriptors::diag::{Diagnostics, Sink};
use descriptors::nsd::{Nsd, read_nsd};
use descriptors::picture::{of_nsd, of_vnfd};
use descriptors::plan::{Nfvi, fit, sizings};
use descriptors::pnfd::read_pnfd;
use descriptors::vnfd::{Vnfd, read_vnfd};
use descriptors::yaml::{Budget, parse};
use serde_json::Value;

use super::rng::Rng;
use super::text::{self, Pieces};
use super::tree::{self, Pool};
use super::zips::{self, Entry};
use super::{Input, Target, emit, refused, sound, words};

/// Templates with what they import; the first of each is the main one. The end of its name tells what it is.
const SEEDS: &[&[(&str, &str)]] = &[
    &[
        ("Definitions/web-vnfd.yaml", include_str!("../../../samples/web/Definitions/web.yaml")),
        ("Definitions/web_types.yaml", include_str!("../../../samples/web/Definitions/web_types.yaml")),
    ],
    &[
        ("Definitions/edge-vnfd.yaml", include_str!("../../../samples/edge/Definitions/edge.yaml")),
        ("Definitions/edge_types.yaml", include_str!("../../../samples/edge/Definitions/edge_types.yaml")),
    ],
    &[
        ("Definitions/demo-nsd.yaml", include_str!("../../../samples/demo-ns/Definitions/demo-ns.yaml")),
        ("Definitions/demo-ns_types.yaml", include_str!("../../../samples/demo-ns/Definitions/demo-ns_types.yaml")),
    ],
    &[
        ("small-vnfd.yaml", include_str!("../../data/full_top.yaml")),
        ("full_types.yaml", include_str!("../../data/full_types.yaml")),
        ("full_small.yaml", include_str!("../../data/full_small.yaml")),
    ],
    &[("whole-pnfd.yaml", include_str!("../../data/whole_pnfd.yaml"))],
    &[("whole-nsd.yaml", include_str!("../../data/whole_nsd.yaml"))],
    &[
        ("full-vnfd.yaml", include_str!("../../data/full_top.yaml")),
        ("full_types.yaml", include_str!("../../data/full_types.yaml")),
        ("full_small.yaml", include_str!("../../data/full_small.yaml")),
        ("full_large.yaml", include_str!("../../data/full_large.yaml")),
    ],
    &[
        ("whole-vnfd.yaml", include_str!("../../data/whole_vnfd.yaml")),
        ("whole_vnfd_types.yaml", include_str!("../../data/whole_vnfd_types.yaml")),
    ],
];

/// Seeds from this one on are large, and tried less often.
const SMALL: usize = 5;

/// The seeds, made whole: without marks that packing replaces, and without imports of what is left out.
pub fn seeds() -> Vec<Vec<(&'static str, String)>> {
    let whole = |files: &&[(&'static str, &str)]| {
        let lean = files.iter().all(|(name, _)| *name != "full_large.yaml");
        let of = |(name, text): &(&'static str, &str)| {
            let text = text.replace("@SHA256(Artifacts/Images/vnf.qcow2)@", DIGEST);
            let text = text.replace("@SIZE(Artifacts/Images/vnf.qcow2)@", "1");
            (*name, if lean { text.replace("  - full_large.yaml\n", "") } else { text })
        };
        files.iter().map(of).collect()
    };
    SEEDS.iter().map(whole).collect()
}

/// SHA-256 of `x`.
const DIGEST: &str = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

/// Our own type files, from which names and blocks are taken.
const TYPES: [&str; 3] = [
    include_str!("../../../src/builtin/sol001_vnfd.yaml"),
    include_str!("../../../src/builtin/sol001_nsd.yaml"),
    include_str!("../../../src/builtin/tosca_normative.yaml"),
];

/// Files that templates refer to.
pub const BESIDE: [(&str, &str); 13] = [
    ("Artifacts/Images/vnf.qcow2", "x"),
    ("Files/edge-boot.sh", include_str!("../../../samples/edge/Files/edge-boot.sh")),
    ("Scripts/check.sh", "#!/bin/sh\n"),
    ("Scripts/flow.yaml", "x"),
    ("Scripts/greet.sh", "x"),
    ("Scripts/lib.sh", "x"),
    ("Scripts/tune.sh", "x"),
    ("Files/router.qcow2", "x"),
    ("Files/boot.sh", "echo ${dns}\n"),
    ("Files/worker.qcow2", "x"),
    ("Files/control.raw", "x"),
    ("Files/proxy.tar", "x"),
    ("Files/proxy.tgz", "x"),
];

pub struct Templates {
    seeds: Vec<Vec<(&'static str, String)>>,
    pieces: Pieces,
    pool: Pool,
    /// The same as the seeds, as trees.
    trees: Vec<Vec<Value>>,
}

impl Templates {
    pub fn new() -> Self {
        let seeds = seeds();
        let tree = |text: &str| {
            let mut sink = Sink::new();
            let file = sink.add_source("seed.yaml", text);
            parse(file, text, Budget { nodes: 100_000, depth: 64 }, &mut sink).unwrap().to_json()
        };
        let trees: Vec<Vec<Value>> = seeds.iter().map(|f| f.iter().map(|(_, text)| tree(text)).collect()).collect();
        let texts = seeds.iter().flatten().map(|(_, text)| text.as_str());
        let pieces = Pieces::of(texts.chain(TYPES), words::YAML);
        let types = TYPES.map(tree);
        let pool = Pool::of(trees.iter().flatten().chain(&types));
        Self { seeds, pieces, pool, trees }
    }
}

impl Target for Templates {
    fn seeds(&self) -> Vec<Input> {
        let of = |(name, text): &(&str, String)| ((*name).to_owned(), text.clone().into_bytes());
        self.seeds.iter().map(|files| files.iter().map(of).collect()).collect()
    }

    fn make(&self, rng: &mut Rng) -> Input {
        let which = if rng.once_in(12) { rng.below(self.seeds.len()) } else { rng.below(SMALL) };
        let changed = rng.below(self.seeds[which].len() + 1);
        let mut input = Input::new();
        for (n, (name, text)) in self.seeds[which].iter().enumerate() {
            // Mostly one file is changed, sometimes all.
            if changed != n && changed < self.seeds[which].len() && n != 0 {
                input.push(((*name).to_owned(), text.as_bytes().to_vec()));
                continue;
            }
            let bytes = if n == 0 && rng.once_in(text::LARGE) {
                let mut tree = self.trees[which][n].clone();
                tree::swell(&mut tree, rng);
                if rng.once_in(2) { emit::yaml(&tree).into_bytes() } else { text::swell(text, rng) }
            } else if rng.below(5) < 3 {
                let mut tree = self.trees[which][n].clone();
                tree::change(&mut tree, &self.pool, rng);
                let text = emit::yaml(&tree);
                if rng.once_in(6) { text::change(&text, &self.pieces, rng) } else { text.into_bytes() }
            } else {
                text::change(text, &self.pieces, rng)
            };
            input.push(((*name).to_owned(), bytes));
        }
        input
    }

    fn read(&self, input: &Input) -> bool {
        let main = input[0].0.as_str();
        let meta =
            format!("TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: {main}\n");
        let mut entries = vec![Entry::stored("TOSCA-Metadata/TOSCA.meta", meta)];
        entries.extend(input.iter().map(|(name, bytes)| Entry::stored(name, bytes.as_slice())));
        entries.extend(BESIDE.iter().map(|(name, text)| Entry::stored(name, *text)));
        let bytes = zips::zip(&entries, &zips::End::default());
        let package = Package::from_bytes(bytes, &Limits::default()).unwrap();
        if main.ends_with("vnfd.yaml") {
            judged(read_vnfd(&package), vnfd)
        } else if main.ends_with("nsd.yaml") {
            judged(read_nsd(&package), nsd)
        } else {
            judged(read_pnfd(&package), |p| sound(&p.warnings))
        }
    }
}

fn judged<M>(read: Result<M, Diagnostics>, of: impl Fn(&M)) -> bool {
    match &read {
        Ok(model) => of(model),
        Err(found) => refused(found),
    }
    read.is_ok()
}

/// Where a VNF may be put.
const NFVI: &str = "hosts:\n  - { name: a, zone: x, vcpus: 8, memory: 64 GiB, disk: 1 TiB, count: 2 }\n  \
    - { name: b, zone: y, vcpus: 64, memory: 512 GiB, disk: 10 TiB }\n";

/// What is made of a VNFD that was read: sizes of every level, where they would be put, and its picture.
pub fn vnfd(vnfd: &Vnfd) {
    sound(&vnfd.warnings);
    let sizings = sizings(vnfd);
    let nfvi = Nfvi::parse(NFVI).unwrap();
    for sizing in sizings.iter().take(20) {
        let _ = fit(sizing, &nfvi);
    }
    for flavour in &vnfd.flavours {
        let _ = of_vnfd(vnfd, flavour, &sizings).to_svg();
    }
}

/// What is made of an NSD that was read.
pub fn nsd(nsd: &Nsd) {
    sound(&nsd.warnings);
    for flavour in &nsd.flavours {
        let _ = of_nsd(nsd, flavour).to_svg();
    }
}
