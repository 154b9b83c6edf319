//! Facts about the host, read from the kernel's files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reference_points::nf_vi::NumaNode;

/// What the kernel tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// CPU architecture.
    pub arch: String,
    /// CPU model text.
    pub cpu_model: String,
    /// Numbers of the CPUs that are online.
    pub cpus: Vec<u32>,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// NUMA nodes.
    pub numa_nodes: Vec<NumaNode>,
    /// Kernel release.
    pub release: String,
    /// Host name.
    pub host_name: String,
}

/// Reads the facts below `root`, which is `/` but in tests.
pub fn read(root: &Path) -> Kernel {
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let cpuinfo = text("proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let online = cpu_list(&text("sys/devices/system/cpu/online"));
    let counted = cpuinfo.lines().filter(|line| line.starts_with("processor")).count() as u32;
    let memory_bytes = kilobytes(&text("proc/meminfo"), "MemTotal");
    let cpus = if online.is_empty() { (0..counted.max(1)).collect() } else { online };
    let mut numa_nodes = numa(&root.join("sys/devices/system/node"));
    if numa_nodes.is_empty() {
        let hugepages = hugepages(&root.join("sys/kernel/mm/hugepages"));
        numa_nodes.push(NumaNode { id: 0, cpus: cpus.clone(), memory_bytes, hugepages });
    }
    Kernel {
        arch: std::env::consts::ARCH.to_owned(),
        cpu_model: model.map(|(_, name)| name.trim().to_owned()).unwrap_or_default(),
        cpus,
        memory_bytes,
        numa_nodes,
        release: text("proc/sys/kernel/osrelease").trim().to_owned(),
        host_name: text("proc/sys/kernel/hostname").trim().to_owned(),
    }
}

/// `0-2,5` as numbers; what is no list is empty.
fn cpu_list(text: &str) -> Vec<u32> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        match (from.parse::<u32>(), to.parse::<u32>()) {
            (Ok(from), Ok(to)) if to < 65_536 => cpus.extend(from..=to),
            _ => return Vec::new(),
        }
    }
    cpus
}

/// A line of the form `Name:   123 kB`, also behind `Node 0`.
fn kilobytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.split_once(&format!("{name}:")));
    let number = line.and_then(|(_, rest)| rest.split_whitespace().next()).and_then(|n| n.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

fn numbered(dir: &Path, prefix: &str) -> Vec<(u64, PathBuf)> {
    let mut found: Vec<(u64, PathBuf)> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.strip_prefix(prefix)?.trim_end_matches("kB").parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort();
    found
}

fn numa(dir: &Path) -> Vec<NumaNode> {
    let node = |(id, path): (u64, PathBuf)| NumaNode {
        id: id as u32,
        cpus: cpu_list(&std::fs::read_to_string(path.join("cpulist")).unwrap_or_default()),
        memory_bytes: kilobytes(&std::fs::read_to_string(path.join("meminfo")).unwrap_or_default(), "MemTotal"),
        hugepages: hugepages(&path.join("hugepages")),
    };
    numbered(dir, "node").into_iter().map(node).collect()
}

/// Free pages by their size in bytes.
fn hugepages(dir: &Path) -> BTreeMap<u64, u64> {
    let free = |path: &Path| std::fs::read_to_string(path.join("free_hugepages")).ok()?.trim().parse::<u64>().ok();
    numbered(dir, "hugepages-").into_iter().filter_map(|(kb, path)| Some((kb * 1024, free(&path)?))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_host_with_two_nodes_and_huge_pages_is_read() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, content: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        put("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast (R) 3000\nprocessor\t: 1\n");
        put("proc/meminfo", "MemTotal:       2048 kB\nMemFree: 1 kB\n");
        put("proc/sys/kernel/osrelease", "6.1.0\n");
        put("sys/devices/system/cpu/online", "0-1,4\n");
        put("sys/devices/system/node/node0/cpulist", "0-1\n");
        put("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:  1024 kB\n");
        put("sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "7\n");
        put("sys/devices/system/node/node1/cpulist", "4\n");
        let found = read(root.path());
        assert_eq!((found.cpu_model.as_str(), found.release.as_str()), ("Fast (R) 3000", "6.1.0"));
        assert_eq!((found.cpus, found.memory_bytes), (vec![0, 1, 4], 2 << 20));
        assert_eq!(found.numa_nodes.len(), 2);
        assert_eq!(found.numa_nodes[0].hugepages, [(2 << 20, 7)].into());
        assert_eq!((&found.numa_nodes[0].cpus[..], found.numa_nodes[0].memory_bytes), (&[0u32, 1][..], 1 << 20));
    }

    #[test]
    fn this_host_has_a_processor_and_memory() {
        let found = read(Path::new("/"));
        assert!(!found.cpus.is_empty() && found.memory_bytes > 0 && !found.numa_nodes.is_empty());
    }

    #[test]
    fn lists_of_cpus_that_are_none_are_empty() {
        for text in ["", "x", "1-", "0-99999999999"] {
            assert!(cpu_list(text).is_empty(), "{text}");
        }
    }
}
