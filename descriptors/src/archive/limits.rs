//! Bounds on everything a package brings from outside.

use serde::{Deserialize, Serialize};

/// What a package may at most be. Each bound is checked before the memory or disk it guards is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Size of the archive itself, in bytes.
    pub archive_bytes: u64,
    /// Number of entries, directories included.
    pub entries: usize,
    /// Length of one entry's path, in bytes.
    pub name_bytes: usize,
    /// Unpacked size of one entry, in bytes.
    pub entry_bytes: u64,
    /// Unpacked size of all entries together, in bytes.
    pub total_bytes: u64,
    /// Unpacked size divided by packed size, judged only for entries above [`Limits::ratio_floor_bytes`].
    pub ratio: u64,
    /// Unpacked size, in bytes, below which an entry's ratio does not matter.
    pub ratio_floor_bytes: u64,
    /// Size of a file that is read into memory (descriptors, manifest, boot scripts), in bytes.
    pub text_bytes: u64,
    /// Nodes of one YAML file after aliases are followed.
    pub yaml_nodes: usize,
    /// Nesting depth of one YAML file.
    pub yaml_depth: usize,
    /// YAML files read for one descriptor.
    pub yaml_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 64 << 30,
            entries: 10_000,
            name_bytes: 512,
            entry_bytes: 64 << 30,
            total_bytes: 128 << 30,
            ratio: 200,
            ratio_floor_bytes: 16 << 20,
            text_bytes: 8 << 20,
            yaml_nodes: 100_000,
            yaml_depth: 64,
            yaml_files: 200,
        }
    }
}
