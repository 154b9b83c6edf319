//! A small network service for tests: `edge` between an external network and an internal one, `web` on the internal one.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use descriptors::archive::HashAlgorithm;
use descriptors::expr::Expr;
use descriptors::network::{IpVersion, L2ProtocolData, L3ProtocolData, ProtocolData, VlProfile};
use descriptors::nsd::{Connection, NsFlavour, NsVirtualLink, Nsd, Sap, VnfProfile};
use descriptors::vnfd::{Checksum, Cpu, ExtCp, ExtCpKind, Flavour, LocalStorage, Memory, SwImage, Vdu, VduCp, Vnfd};
use reference_points::os_ma_nfvo::InstantiateNsRequest;
use serde_json::json;
use uuid::Uuid;

use crate::ops::design::{Design, IdSource, VimRef};
use crate::ops::held::Held;
use crate::ops::resolve::{ImageFacts, PackageFacts, Sources, resolve};

/// Identifiers that count from one.
#[derive(Debug, Default)]
pub struct CountedIds(AtomicU64);

impl IdSource for CountedIds {
    fn mint(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

pub const EDGE: &str = "11111111-0000-4000-8000-000000000001";
pub const WEB: &str = "22222222-0000-4000-8000-000000000002";
pub const NS: Uuid = Uuid::from_u128(0x99);
pub const VIM: Uuid = Uuid::from_u128(0x77);

pub fn vim() -> VimRef {
    VimRef { id: VIM, vim_type: "MANO.SIM.V_1".into(), endpoint: "http://127.0.0.1:8702".into() }
}

fn vnfd(id: &str, name: &str, cps: &[&str]) -> Vnfd {
    let vdu = Vdu {
        name: name.into(),
        cpu: Cpu { count: 1, ..Cpu::default() },
        memory: Memory { size_bytes: 192 << 20, ..Memory::default() },
        local_storages: vec![LocalStorage { size_bytes: 1 << 30, ..LocalStorage::default() }],
        sw_image: Some(name.into()),
        ..Vdu::default()
    };
    let image = SwImage {
        id: name.into(),
        name: "guest".into(),
        version: "1.0".into(),
        provider: None,
        checksum: Checksum { algorithm: HashAlgorithm::Sha256, hash: "ab".repeat(32) },
        container_format: "bare".into(),
        disk_format: "qcow2".into(),
        min_disk_bytes: 1 << 30,
        min_ram_bytes: None,
        size_bytes: 16 << 20,
        operating_system: None,
        supported_environments: Vec::new(),
        artifact: Some("Files/images/guest.qcow2".into()),
    };
    let flavour = Flavour {
        id: "default".into(),
        vdus: vec![vdu],
        sw_images: vec![image],
        vdu_cps: cps.iter().map(|c| VduCp { name: format!("{c}_cp"), vdu: name.into(), ..VduCp::default() }).collect(),
        ext_cps: cps
            .iter()
            .map(|c| ExtCp { name: (*c).into(), cp: format!("{c}_cp"), kind: ExtCpKind::VduCp, ..ExtCp::default() })
            .collect(),
        ..Flavour::default()
    };
    Vnfd { descriptor_id: id.into(), product_name: name.into(), flavours: vec![flavour], ..Vnfd::default() }
}

/// The two packages; their images are the same file.
pub fn packages() -> BTreeMap<String, PackageFacts> {
    let facts = |n: u128, vnfd: Vnfd, image: &str| PackageFacts {
        package_id: Uuid::from_u128(n),
        vnfd,
        images: BTreeMap::from([(
            image.to_owned(),
            ImageFacts { path: "Files/images/guest.qcow2".into(), sha256: "ab".repeat(32), size_bytes: 16 << 20 },
        )]),
    };
    BTreeMap::from([
        (EDGE.to_owned(), facts(0xe, vnfd(EDGE, "edge", &["outside", "inside"]), "edge")),
        (WEB.to_owned(), facts(0xf, vnfd(WEB, "web", &["data"]), "web")),
    ])
}

fn link(name: &str, cidr: &str, gateway: Option<&str>, physical: Option<&str>) -> NsVirtualLink {
    let l2 = physical.map(|p| L2ProtocolData {
        name: Some(p.into()),
        network_type: Some("flat".into()),
        ..L2ProtocolData::default()
    });
    let l3 = L3ProtocolData {
        name: None,
        ip_version: IpVersion::Ipv4,
        cidr: cidr.parse().unwrap(),
        pools: Vec::new(),
        gateway_ip: gateway.map(|g| g.parse().unwrap()),
        dhcp_enabled: Some(false),
        ipv6_address_mode: None,
    };
    let data = ProtocolData { layer_protocol: "ipv4".into(), l2, l3: Some(l3) };
    NsVirtualLink {
        name: name.into(),
        profile: VlProfile { protocol_data: vec![data], ..VlProfile::default() },
        ..NsVirtualLink::default()
    }
}

fn connection(cp: &str, link: &str) -> Connection {
    Connection { cp: cp.into(), virtual_link: link.into(), via: None }
}

pub fn nsd() -> Nsd {
    let web_address = Expr::AddressOf { node: "web".into(), cp: "data".into(), attribute: "ip_address".into() };
    let edge = VnfProfile {
        name: "edge".into(),
        vnfd_id: EDGE.into(),
        min_instances: 1,
        max_instances: 1,
        connections: vec![connection("outside", "external"), connection("inside", "internal")],
        configurable_properties: BTreeMap::from([(
            "additional_configurable_properties".to_owned(),
            Expr::Map(BTreeMap::from([
                ("upstream_address".to_owned(), web_address),
                ("upstream_port".to_owned(), Expr::Literal(json!(8080))),
            ])),
        )]),
        ..VnfProfile::default()
    };
    let web = VnfProfile {
        name: "web".into(),
        vnfd_id: WEB.into(),
        flavour_id: Some("default".into()),
        min_instances: 1,
        max_instances: 1,
        connections: vec![connection("data", "internal")],
        ..VnfProfile::default()
    };
    let flavour = NsFlavour {
        id: "default".into(),
        vnfs: vec![edge, web],
        virtual_links: vec![
            link("external", "192.0.2.0/24", Some("192.0.2.1"), Some("provider")),
            link("internal", "10.10.0.0/24", None, None),
        ],
        saps: vec![Sap { name: "access".into(), virtual_link: Some("external".into()), ..Sap::default() }],
        ..NsFlavour::default()
    };
    Nsd {
        descriptor_id: "33333333-0000-4000-8000-000000000003".into(),
        name: "small".into(),
        flavours: vec![flavour],
        ..Nsd::default()
    }
}

pub fn request() -> InstantiateNsRequest {
    InstantiateNsRequest { ns_flavour_id: "default".into(), ..InstantiateNsRequest::default() }
}

pub fn design() -> Design {
    design_of(NS, &CountedIds::default())
}

/// The design of the sample service with this id.
pub fn design_of(ns_id: Uuid, ids: &dyn IdSource) -> Design {
    let (nsd, packages, vim, request) = (nsd(), packages(), vim(), request());
    let held = Held::new();
    let sources =
        Sources { ns_id, ns_name: "demo", nsd: &nsd, packages: &packages, vim: &vim, held: &held, request: &request };
    resolve(sources, ids).unwrap()
}
