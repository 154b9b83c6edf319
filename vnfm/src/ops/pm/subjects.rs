//! What is measured of an instance: the VNF, its VNFCs or its connection points, each with the computes and ports behind it.

use uuid::Uuid;

use super::metrics::ObjectType;
use crate::ops::blueprint::{PortOn, VnfcPart};
use crate::ops::inventory::Owned;

/// One measured object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The part of the VNF instance, as `vnfcInfo`, `vnfcCpInfo` or `extCpInfo` name it; `None` for the VNF as a whole.
    pub sub: Option<String>,
    /// Its computes and how many virtual CPUs each has.
    pub computes: Vec<(Uuid, u32)>,
    /// Its ports.
    pub ports: Vec<SubjectPort>,
}

/// A port of a measured object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectPort {
    /// The compute it belongs to.
    pub compute: Uuid,
    /// The port.
    pub port: Uuid,
    /// It leads out of the VNF.
    pub external: bool,
}

fn ports(vnfc: &VnfcPart) -> impl Iterator<Item = SubjectPort> {
    vnfc.ports.iter().map(|port| SubjectPort {
        compute: vnfc.id,
        port: port.id,
        external: matches!(port.on, PortOn::External { .. }),
    })
}

/// The objects of a type that an instance has: those in `only`, or all when it is empty.
pub fn subjects(object: ObjectType, only: &[String], all: &[Owned]) -> Vec<Subject> {
    let vnfcs: Vec<&VnfcPart> = all.iter().filter_map(Owned::vnfc).collect();
    let machine = |vnfc: &VnfcPart| (vnfc.id, vnfc.flavour.vcpus);
    let point = |external: bool| {
        let name = move |port: Uuid| if external { format!("extcp-{port}") } else { format!("cp-{port}") };
        vnfcs.iter().flat_map(|vnfc| ports(vnfc)).filter(move |p| p.external == external).map(move |port| Subject {
            sub: Some(name(port.port)),
            computes: Vec::new(),
            ports: vec![port],
        })
    };
    let mut found: Vec<Subject> = match object {
        ObjectType::Vnf if vnfcs.is_empty() => Vec::new(),
        ObjectType::Vnf => vec![Subject {
            sub: None,
            computes: vnfcs.iter().map(|vnfc| machine(vnfc)).collect(),
            ports: vnfcs.iter().flat_map(|vnfc| ports(vnfc)).collect(),
        }],
        ObjectType::Vnfc => vnfcs
            .iter()
            .map(|vnfc| Subject {
                sub: Some(vnfc.name.clone()),
                computes: vec![machine(vnfc)],
                ports: ports(vnfc).collect(),
            })
            .collect(),
        ObjectType::VnfIntCp => point(false).collect(),
        ObjectType::VnfExtCp => point(true).collect(),
    };
    found.retain(|subject| only.is_empty() || subject.sub.as_ref().is_some_and(|sub| only.contains(sub)));
    found
}

impl Subject {
    /// Every compute whose counters it needs.
    pub fn needs(&self) -> impl Iterator<Item = Uuid> {
        self.computes.iter().map(|(id, _)| *id).chain(self.ports.iter().map(|port| port.compute))
    }
}
