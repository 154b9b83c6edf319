//! A described NFVI: hosts, and what each has to give. A file of our own:
//!
//! ```yaml
//! hosts:
//!   - { name: compute, count: 4, zone: a, vcpus: 32, memory: 128 GiB, disk: 1 TiB }
//! ```

use serde::Deserialize;

use crate::tosca::Unit;

/// Largest file that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Most hosts that a file may describe.
const MAX_HOSTS: u64 = 10_000;

/// What there is to place VNFCs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nfvi {
    /// Its hosts.
    pub hosts: Vec<Host>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Name.
    pub name: String,
    /// Resource zone.
    pub zone: String,
    /// Virtual CPUs to give.
    pub vcpus: u64,
    /// Memory to give, in bytes.
    pub memory_bytes: u64,
    /// Disk to give, in bytes.
    pub disk_bytes: u64,
}

/// Why a description cannot be used; every fault at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct NfviError(pub Vec<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hosts: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default = "one")]
    count: u64,
    #[serde(default = "zone")]
    zone: String,
    vcpus: u64,
    memory: String,
    disk: String,
}

fn one() -> u64 {
    1
}

fn zone() -> String {
    "default".to_owned()
}

impl Nfvi {
    /// Reads a description.
    ///
    /// # Errors
    /// [`NfviError`] with every fault.
    pub fn parse(text: &str) -> Result<Self, NfviError> {
        if text.len() > MAX_BYTES {
            return Err(NfviError(vec![format!("the file has more than {MAX_BYTES} bytes")]));
        }
        let file: File = serde_saphyr::from_str(text).map_err(|e| NfviError(vec![e.to_string()]))?;
        let (mut hosts, mut faults) = (Vec::new(), Vec::new());
        let total: u64 = file.hosts.iter().map(|entry| entry.count).fold(0, u64::saturating_add);
        if total == 0 || total > MAX_HOSTS {
            faults.push(format!("{total} hosts are described; 1 to {MAX_HOSTS} are possible"));
            return Err(NfviError(faults));
        }
        for entry in file.hosts {
            let mut amount = |what: &str, text: &str| {
                Unit::Size.parse_whole(text).unwrap_or_else(|| {
                    faults.push(format!("{what} of {}: {text:?} is no size; write e.g. 64 GiB", entry.name));
                    0
                })
            };
            let (memory_bytes, disk_bytes) = (amount("memory", &entry.memory), amount("disk", &entry.disk));
            for i in 1..=entry.count {
                let name = if entry.count == 1 { entry.name.clone() } else { format!("{}-{i}", entry.name) };
                hosts.push(Host { name, zone: entry.zone.clone(), vcpus: entry.vcpus, memory_bytes, disk_bytes });
            }
        }
        if faults.is_empty() { Ok(Self { hosts }) } else { Err(NfviError(faults)) }
    }
}
