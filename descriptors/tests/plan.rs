//! What a package would create, and how that is drawn.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::package_of;
use descriptors::nsd::read_nsd;
use descriptors::picture::{of_nsd, of_vnfd};
use descriptors::plan::{Sizing, sizings};
use descriptors::vnfd::{Vnfd, read_vnfd};

fn full() -> Vnfd {
    let package = package_of(&[
        (
            "TOSCA-Metadata/TOSCA.meta",
            "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: full_top.yaml\nETSI-Entry-Manifest: a.mf\n",
        ),
        ("a.mf", "metadata:\n  vnf_product_name: Router\n"),
        ("full_top.yaml", include_str!("data/full_top.yaml")),
        ("full_types.yaml", include_str!("data/full_types.yaml")),
        ("full_small.yaml", include_str!("data/full_small.yaml")),
        ("full_large.yaml", include_str!("data/full_large.yaml")),
        ("Scripts/check.sh", "#!/bin/sh\n"),
        ("Files/router.qcow2", "x"),
    ]);
    read_vnfd(&package).unwrap_or_else(|e| panic!("{e}"))
}

/// Elements of an SVG document by name; panics when it is no well-formed XML.
fn elements(svg: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(svg);
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap_or_else(|e| panic!("{e}: {svg}")) {
            quick_xml::events::Event::Start(e) | quick_xml::events::Event::Empty(e) => {
                found.push(e.name().as_ref().to_owned());
            }
            quick_xml::events::Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn every_flavour_and_level_is_summed_up() {
    let vnfd = full();
    let all = sizings(&vnfd);
    for flavour in &vnfd.flavours {
        let of: Vec<&Sizing> = all.iter().filter(|s| s.flavour == flavour.id).collect();
        let wanted = flavour.scaling.levels.len().max(1) + usize::from(!flavour.scaling.aspects.is_empty());
        assert_eq!(of.len(), wanted, "{}: {of:#?}", flavour.id);
        for sizing in of {
            let vcpus: u64 = sizing.vdus.iter().map(|v| v.each.vcpus * u64::from(v.vnfcs)).sum();
            assert_eq!(sizing.total.vcpus, vcpus);
            assert_eq!(sizing.total.vnfcs, sizing.vdus.iter().map(|v| v.vnfcs).sum::<u32>());
            assert!(sizing.total.memory_bytes > 0 && sizing.total.ports > 0, "{sizing:#?}");
        }
    }
    let most = all.iter().map(|s| s.total.vnfcs).max().unwrap();
    assert!(most > all.iter().map(|s| s.total.vnfcs).min().unwrap(), "sizes differ");
}

#[test]
fn a_vnfd_is_drawn_with_every_vdu_link_and_port_and_its_text_is_escaped() {
    let mut vnfd = full();
    vnfd.product_name = "<script>alert('x')</script> & \u{1}more".into();
    let all = sizings(&vnfd);
    for flavour in &vnfd.flavours {
        let picture = of_vnfd(&vnfd, flavour, &all);
        assert_eq!(picture.boxes.len(), flavour.vdus.len());
        assert_eq!(picture.rails.len(), flavour.ext_cps.len() + flavour.virtual_links.len());
        let svg = picture.to_svg();
        let found = elements(&svg);
        assert!(!found.iter().any(|e| e == "script"), "{svg}");
        let ports: usize = picture.boxes.iter().map(|b| b.ports.len()).sum();
        assert_eq!(found.iter().filter(|e| *e == "line").count(), ports);
        assert!(flavour.vdus.iter().all(|vdu| svg.contains(&vdu.name)), "{svg}");
    }
}

#[test]
fn a_service_is_drawn_with_its_vnfs_and_links() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/demo-ns");
    let opened = descriptors::archive::Package::inspect_dirs(&[&dir], &descriptors::archive::Limits::default());
    let nsd = read_nsd(&opened.package.unwrap()).unwrap();
    let svg = of_nsd(&nsd, &nsd.flavours[0]).to_svg();
    for part in ["edge", "web", "203.0.113.0/24", "SAP clients", "10.10.0.0/24"] {
        assert!(svg.contains(part), "{part} is not in {svg}");
    }
    assert_eq!(elements(&svg).iter().filter(|e| *e == "circle").count(), 5);
}
