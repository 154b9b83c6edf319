//! The metrics that VNFs are measured by (IFA027 clause 7.2) and the objects they are measured on (clause 6.2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectType {
    /// A VNF as a whole.
    Vnf,
    /// Each of its VNFCs.
    Vnfc,
    /// Each internal connection point.
    VnfIntCp,
    /// Each external connection point.
    VnfExtCp,
}

/// Names of the object types.
pub const OBJECT_TYPES: [&str; 4] = ["Vnf", "Vnfc", "VnfIntCp", "VnfExtCp"];

impl FromStr for ObjectType {
    type Err = ();

    /// Capitals do not matter: clients write VNFC too.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "vnf" => Ok(Self::Vnf),
            "vnfc" => Ok(Self::Vnfc),
            "vnfintcp" => Ok(Self::VnfIntCp),
            "vnfextcp" => Ok(Self::VnfExtCp),
            _ => Err(()),
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OBJECT_TYPES[*self as usize])
    }
}

/// What a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Use of the virtual CPUs, in percent.
    Cpu,
    /// Use of the memory, in percent.
    Memory,
    /// Use of the disks, in percent.
    Disk,
    /// Bytes received in the period.
    BytesIn,
    /// Bytes sent in the period.
    BytesOut,
    /// Packets received in the period.
    PacketsIn,
    /// Packets sent in the period.
    PacketsOut,
}

/// A metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// The group it belongs to.
    pub group: &'static str,
    /// What it counts.
    pub measure: Measure,
    /// The highest of the period, instead of the mean.
    pub peak: bool,
    /// What it is measured on by its name; a VNF's metrics can be had of each VNFC too, and those of connection points
    /// added up for a VNF or VNFC.
    pub of: ObjectType,
}

const COMPUTE: &str = "VirtualisedComputeResource";
const INTERNAL: &str = "VnfInternalCP";
const EXTERNAL: &str = "VnfExternalCP";

const fn metric(name: &'static str, group: &'static str, measure: Measure, peak: bool, of: ObjectType) -> Metric {
    Metric { name, group, measure, peak, of }
}

/// Every metric.
pub const METRICS: &[Metric] = &[
    metric("VcpuUsageMeanVnf", COMPUTE, Measure::Cpu, false, ObjectType::Vnf),
    metric("VcpuUsagePeakVnf", COMPUTE, Measure::Cpu, true, ObjectType::Vnf),
    metric("VmemoryUsageMeanVnf", COMPUTE, Measure::Memory, false, ObjectType::Vnf),
    metric("VmemoryUsagePeakVnf", COMPUTE, Measure::Memory, true, ObjectType::Vnf),
    metric("VdiskUsageMeanVnf", COMPUTE, Measure::Disk, false, ObjectType::Vnf),
    metric("VdiskUsagePeakVnf", COMPUTE, Measure::Disk, true, ObjectType::Vnf),
    metric("VcpuUsageMeanVnfc", COMPUTE, Measure::Cpu, false, ObjectType::Vnfc),
    metric("VcpuUsagePeakVnfc", COMPUTE, Measure::Cpu, true, ObjectType::Vnfc),
    metric("VmemoryUsageMeanVnfc", COMPUTE, Measure::Memory, false, ObjectType::Vnfc),
    metric("VmemoryUsagePeakVnfc", COMPUTE, Measure::Memory, true, ObjectType::Vnfc),
    metric("VdiskUsageMeanVnfc", COMPUTE, Measure::Disk, false, ObjectType::Vnfc),
    metric("VdiskUsagePeakVnfc", COMPUTE, Measure::Disk, true, ObjectType::Vnfc),
    metric("ByteIncomingVnfIntCp", INTERNAL, Measure::BytesIn, false, ObjectType::VnfIntCp),
    metric("ByteOutgoingVnfIntCp", INTERNAL, Measure::BytesOut, false, ObjectType::VnfIntCp),
    metric("PacketIncomingVnfIntCp", INTERNAL, Measure::PacketsIn, false, ObjectType::VnfIntCp),
    metric("PacketOutgoingVnfIntCp", INTERNAL, Measure::PacketsOut, false, ObjectType::VnfIntCp),
    metric("ByteIncomingVnfExtCp", EXTERNAL, Measure::BytesIn, false, ObjectType::VnfExtCp),
    metric("ByteOutgoingVnfExtCp", EXTERNAL, Measure::BytesOut, false, ObjectType::VnfExtCp),
    metric("PacketIncomingVnfExtCp", EXTERNAL, Measure::PacketsIn, false, ObjectType::VnfExtCp),
    metric("PacketOutgoingVnfExtCp", EXTERNAL, Measure::PacketsOut, false, ObjectType::VnfExtCp),
];

/// A name without what spellings differ in: VNFDs write v_cpu_usage_mean_vnf, and some clients put an object's id behind
/// a dot.
fn plain(name: &str) -> String {
    let name = name.split('.').next().unwrap_or_default();
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

impl Metric {
    /// The metric of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        let wanted = plain(name);
        let known = |wanted: &str| METRICS.iter().find(|metric| plain(metric.name) == wanted);
        known(&wanted).or_else(|| known(&format!("{wanted}vnf")))
    }

    /// Whether it can be measured on objects of a type.
    pub fn fits(&self, object: ObjectType) -> bool {
        match object {
            ObjectType::Vnf => self.of != ObjectType::Vnfc,
            ObjectType::Vnfc => true,
            ObjectType::VnfIntCp | ObjectType::VnfExtCp => self.of == object,
        }
    }

    /// Metrics of a group, as far as objects of this type have them under their own names; empty for an unknown group.
    pub fn of_group(group: &str, object: ObjectType) -> Vec<&'static Self> {
        let own = |metric: &&Self| {
            let compute = matches!(metric.of, ObjectType::Vnf | ObjectType::Vnfc);
            metric.fits(object) && (!compute || metric.of == object)
        };
        METRICS.iter().filter(|metric| metric.group.eq_ignore_ascii_case(group)).filter(own).collect()
    }
}

/// Names of the metrics that objects of a type have.
pub fn names(object: ObjectType) -> String {
    METRICS.iter().filter(|m| m.fits(object)).map(|m| m.name).collect::<Vec<_>>().join(", ")
}

/// Names of the groups.
pub const GROUPS: [&str; 3] = [COMPUTE, INTERNAL, EXTERNAL];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn metrics_are_found_in_every_spelling() {
        for name in [
            "VcpuUsageMeanVnf",
            "VCpuUsageMeanVnf",
            "v_cpu_usage_mean_vnf",
            "VCpuUsageMeanVnf.some-id",
            "v_cpu_usage_mean",
        ] {
            assert_eq!(Metric::find(name).unwrap().name, "VcpuUsageMeanVnf", "{name}");
        }
        assert_eq!(Metric::find("byte_incoming_vnf_ext_cp").unwrap().name, "ByteIncomingVnfExtCp");
        assert!(Metric::find("Temperature").is_none());
    }

    #[test]
    fn metrics_fit_some_objects_and_not_others() {
        let cpu = Metric::find("VcpuUsageMeanVnf").unwrap();
        assert!(cpu.fits(ObjectType::Vnf) && cpu.fits(ObjectType::Vnfc) && !cpu.fits(ObjectType::VnfExtCp));
        let bytes = Metric::find("ByteIncomingVnfExtCp").unwrap();
        assert!(bytes.fits(ObjectType::VnfExtCp) && bytes.fits(ObjectType::Vnf) && !bytes.fits(ObjectType::VnfIntCp));
        assert_eq!(Metric::of_group("VirtualisedComputeResource", ObjectType::Vnf).len(), 6);
        assert_eq!(Metric::of_group("VnfExternalCP", ObjectType::VnfExtCp).len(), 4);
        assert!(Metric::of_group("VnfExternalCP", ObjectType::VnfIntCp).is_empty());
    }

    #[test]
    fn object_types_read_back_as_they_are_written() {
        for name in OBJECT_TYPES {
            assert_eq!(name.parse::<ObjectType>().unwrap().to_string(), name);
        }
        assert_eq!("VNFC".parse(), Ok(ObjectType::Vnfc));
    }
}
