//! Descriptors of SOL006 in JSON, XML and the YAML of Open Source MANO.

use descriptors::sol006::{looks_like, read};
use serde_json::Value;

use super::rng::Rng;
use super::text::{self, Pieces};
use super::tree::{self, Pool};
use super::{Input, Target, emit, refused, sound, tosca, words};

const SEEDS: [&str; 3] = [
    include_str!("../../data/sol006_vnfd.json"),
    include_str!("../../data/sol006_nsd.json"),
    include_str!("../../data/osm_vnfd.json"),
];

pub struct Instances {
    trees: Vec<Value>,
    pool: Pool,
    pieces: Pieces,
    xml: Pieces,
}

impl Instances {
    pub fn new() -> Self {
        let trees: Vec<Value> = SEEDS.iter().map(|t| serde_json::from_str(t).unwrap()).collect();
        let pool = Pool::of(&trees);
        let yaml: Vec<String> = trees.iter().map(emit::yaml).collect();
        let xml: Vec<String> = trees.iter().map(emit::xml).collect();
        Self {
            pieces: Pieces::of(yaml.iter().map(String::as_str).chain(SEEDS), words::YAML),
            xml: Pieces::of(xml.iter().map(String::as_str), words::XML),
            pool,
            trees,
        }
    }
}

impl Target for Instances {
    fn seeds(&self) -> Vec<Input> {
        let input = |name: &str, text: String| vec![(name.to_owned(), text.into_bytes())];
        let of = |tree: &Value| {
            // What Open Source MANO does its own way is accepted in its own format only.
            let own = tree["vnfd"]["sw-image-desc"][1]["image"].is_string();
            let mut all = vec![input("descriptor.yaml", emit::yaml(tree))];
            if !own {
                all.push(input("descriptor.xml", emit::xml(tree)));
                all.push(input("descriptor.json", tree.to_string()));
            }
            all
        };
        self.trees.iter().flat_map(of).collect()
    }

    fn make(&self, rng: &mut Rng) -> Input {
        let mut tree = self.trees[rng.below(self.trees.len())].clone();
        if rng.once_in(text::LARGE) {
            tree::swell(&mut tree, rng);
        } else if !rng.once_in(8) {
            tree::change(&mut tree, &self.pool, rng);
        }
        let (name, text, pieces) = match rng.below(3) {
            0 => ("descriptor.xml", emit::xml(&tree), &self.xml),
            1 => ("descriptor.yaml", emit::yaml(&tree), &self.pieces),
            _ if rng.once_in(2) => ("descriptor.json", tree.to_string(), &self.pieces),
            _ => ("descriptor.json", serde_json::to_string_pretty(&tree).unwrap(), &self.pieces),
        };
        let bytes = if rng.once_in(4) { text::change(&text, pieces, rng) } else { text.into_bytes() };
        vec![(name.to_owned(), bytes)]
    }

    fn read(&self, input: &Input) -> bool {
        let (name, bytes) = &input[0];
        let _ = looks_like(bytes);
        let read = read(name, bytes);
        match &read {
            Ok(all) => {
                sound(&all.warnings);
                all.vnfds.iter().for_each(tosca::vnfd);
                all.nsds.iter().for_each(tosca::nsd);
            }
            Err(found) => refused(found),
        }
        read.is_ok()
    }
}
