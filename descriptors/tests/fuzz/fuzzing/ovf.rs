//! OVF descriptors, and the archives that carry them (DSP0243). Disks are never touched.

use std::fs;
use std::path::Path;

use descriptors::archive::Limits;
use descriptors::diag::Sink;
use descriptors::ovf::{Appliance, factor, ovf_text, read_envelope};

use super::rng::Rng;
use super::tapes::{self, Entry};
use super::text::{self, Pieces};
use super::{Input, Target, sound, words};

const DESCRIPTOR: &str = include_str!("../../data/appliance.ovf");
const MANIFEST: &str = "SHA256(a.ovf)= 0000000000000000000000000000000000000000000000000000000000000000\n\
    SHA1(d.vmdk)= 11f6ad8ec52a2984abaafd7c3b516503785c2072\n";
const FORMAT: &str = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";

pub struct Appliances {
    descriptors: [String; 2],
    pieces: Pieces,
    manifest: Pieces,
    /// A file in memory, where the system has a place for such files.
    dir: tempfile::TempDir,
}

impl Appliances {
    pub fn new() -> Self {
        let first = DESCRIPTOR.replace("@HREF@", "d.vmdk").replace("@FORMAT@", FORMAT);
        let second = first.replace("ovf/envelope/1", "ovf/envelope/2").replacen("<Item>", "<StorageItem>", 1);
        let second = second.replacen("</Item>", "</StorageItem>", 1);
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self {
            pieces: Pieces::of([first.as_str()], words::XML),
            manifest: Pieces::of([MANIFEST], &["SHA512", "SHA1(x)= 00", "(", ")=", "SHA256()="]),
            descriptors: [first, second],
            dir: dir.unwrap(),
        }
    }
}

impl Target for Appliances {
    fn seeds(&self) -> Vec<Input> {
        let of = |text: &String| vec![("a.ovf".to_owned(), text.clone().into_bytes())];
        self.descriptors.iter().map(of).collect()
    }

    fn make(&self, rng: &mut Rng) -> Input {
        let seed = &self.descriptors[rng.below(2)];
        if rng.once_in(text::LARGE) {
            return vec![("a.ovf".to_owned(), text::swell(seed, rng))];
        }
        let alone = !rng.once_in(4);
        let text =
            if alone || rng.once_in(3) { text::change(seed, &self.pieces, rng) } else { seed.clone().into_bytes() };
        if alone {
            return vec![("a.ovf".to_owned(), text)];
        }
        let listed = if rng.once_in(2) { text::change(MANIFEST, &self.manifest, rng) } else { MANIFEST.into() };
        let mut entries =
            vec![Entry::file("a.ovf", text), Entry::file("a.mf", listed), Entry::file("d.vmdk", b"x".as_slice())];
        for _ in 0..rng.few() {
            tapes::change(&mut entries, rng);
        }
        let mut bytes = tapes::tar(&entries);
        if rng.once_in(6) {
            text::noise(&mut bytes, rng);
        }
        vec![("a.ova".to_owned(), bytes)]
    }

    fn read(&self, input: &Input) -> bool {
        let (name, bytes) = &input[0];
        let mut sink = Sink::new();
        let text = if name.ends_with(".ova") {
            let path = self.dir.path().join("a.ova");
            fs::write(&path, bytes).unwrap();
            let Ok(Some(appliance)) = Appliance::open(&path, &Limits::default(), &mut sink) else {
                let found = sink.finish();
                sound(&found);
                return false;
            };
            // What the file system or the archive answers is an answer.
            let _ = appliance.verify(&["d.vmdk"], &mut sink);
            appliance.text().to_owned()
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        };
        let envelope = read_envelope("a.ovf", &text, &mut sink);
        let found = sink.finish();
        sound(&found);
        let Some(envelope) = envelope else {
            assert!(found.has_errors(), "refused without a reason: {found}");
            return false;
        };
        // What was read can be written, and what was written read.
        let written = ovf_text(&envelope);
        let mut sink = Sink::new();
        let again = read_envelope("b.ovf", &written, &mut sink);
        assert!(again.is_some(), "what was written cannot be read: {}", sink.finish());
        let _ = factor(written.lines().nth(9).unwrap_or_default());
        !found.has_errors()
    }
}
