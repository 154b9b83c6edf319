//! Which file of a package is its descriptor, for VNFDs, NSDs and PNFDs.

use descriptors::archive::{Limits, Package};
use descriptors::nsd::read_nsd;
use descriptors::pnfd::read_pnfd;
use descriptors::sol006::descriptor_of;
use descriptors::vnfd::read_vnfd;

use crate::common::{package_of, zip_of};
use crate::encodings::xml;
use crate::sources::{IMAGE_PATH, JSON, MANIFEST, Sources, by_sol006, meta};

const NSD: &str = r#"{"etsi-nfv-descriptors:nfv": {"nsd": [{
  "id": "ns-1", "designer": "Acme", "version": "1", "name": "chain", "invariant-id": "ns-0", "vnfd-id": ["web-1"],
  "sapd": [{"id": "clients", "virtual-link-desc": "data", "layer-protocol": ["ipv4"]}],
  "virtual-link-desc": [{"id": "data", "connectivity-type": {"layer-protocol": ["ipv4"]},
    "df": [{"id": "usual", "qos": {"latency": 5, "packet-delay-variation": 1}}]}],
  "df": [{"id": "normal",
    "virtual-link-profile": [{"id": "data", "virtual-link-desc-id": "data", "flavour-id": "usual",
      "max-bitrate-requirements": {"root": "100"}, "min-bitrate-requirements": {"root": "10"}}],
    "vnf-profile": [{"id": "web", "vnfd-id": "web-1", "flavour-id": "simple", "instantiation-level": "small",
      "min-number-of-instances": 1, "max-number-of-instances": 2,
      "virtual-link-connectivity": [{"virtual-link-profile-id": "data",
        "constituent-cpd-id": [{"constituent-base-element-id": "web", "constituent-cpd-id": "data"}]}]}],
    "ns-instantiation-level": [{"id": "one", "vnf-to-level-mapping": [{"vnf-profile-id": "web", "number-of-instances": 1}]}],
    "default-instantiation-level": "one"}]
}]}}"#;
const PNFD: &str = r#"{"etsi-nfv-descriptors:nfv": {"pnfd": [{
  "id": "pnf-1", "function-description": "routes", "provider": "Acme", "version": "1", "invariant-id": "pnf-0", "name": "router",
  "ext-cpd": [{"id": "uplink", "layer-protocol": ["ethernet"], "protocol": [{"associated-layer-protocol": "ethernet"}]}]
}]}}"#;

#[test]
fn the_main_file_of_a_package_without_tosca_meta() {
    for (name, text) in [("web.json", JSON.to_owned()), ("web.xml", xml(JSON))] {
        let sources = Sources::of(&[(name, &text), ("web.mf", MANIFEST)], IMAGE_PATH);
        let package = sources.package();
        assert_eq!((package.entry_definitions(), descriptor_of(&package).as_deref()), (name, Some(name)));
        assert_eq!(package.manifest().unwrap().path, "web.mf");
        let vnfd = read_vnfd(&package).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(vnfd.product_name, "web");
        // Other files of that kind in the root do not disturb.
        sources.put("settings.json", b"{\"vnfd-count\": 1}");
        assert_eq!(sources.package().entry_definitions(), name);
    }
}

#[test]
fn the_file_that_a_main_template_or_tosca_meta_names() {
    let main = "tosca_definitions_version: tosca_simple_yaml_1_3\nmetadata:\n  template_name: web\n  yang_definitions: web.xml\n";
    let sources = by_sol006("Definitions/main.yaml", main);
    sources.put("Definitions/web.xml", xml(JSON).as_bytes());
    let package = sources.package();
    assert_eq!(package.entry_definitions(), "Definitions/main.yaml");
    assert_eq!(descriptor_of(&package).as_deref(), Some("Definitions/web.xml"));
    assert_eq!(read_vnfd(&package).unwrap_or_else(|e| panic!("{e}")).product_name, "web");

    let plain = "tosca_definitions_version: tosca_simple_yaml_1_3\n";
    let sources = by_sol006("Definitions/main.yaml", plain);
    sources
        .put("TOSCA-Metadata/TOSCA.meta", (meta("Definitions/main.yaml") + "yang_definitions: web.xml\n").as_bytes());
    sources.put("web.xml", xml(JSON).as_bytes());
    assert_eq!(descriptor_of(&sources.package()).as_deref(), Some("web.xml"));
    assert_eq!(sources.vnfd().product_name, "web");

    let sources = by_sol006("Definitions/main.yaml", main);
    let found = sources.faults();
    let fault = found.errors().next().unwrap();
    assert_eq!((fault.code.as_ref(), fault.line, fault.column), ("SOL006-0012", Some(4), Some(21)), "{found}");
    assert!(fault.message.contains("`web.xml`"), "{found}");
}

#[test]
fn templates_of_tosca_are_read_as_such() {
    for name in ["web", "edge"] {
        assert_eq!(descriptor_of(&crate::common::pack_sample(name)), None);
    }
}

#[test]
fn nsds_of_archives() {
    let manifest = "metadata:\n  nsd_name: chain\n  nsd_designer: Acme\n  nsd_file_structure_version: 1.0\n  nsd_release_date_time: 2024-06-01T00:00:00Z\n  nsd_invariant_id: ns-0\n";
    let yaml = NSD.replace("etsi-nfv-descriptors:nfv", "nfv");
    for (name, text) in [("ns.json", NSD), ("ns.xml", &xml(NSD)), ("ns_nsd.yaml", &format!("nsd:\n- {}\n", one(&yaml)))]
    {
        let package = package_of(&[(name, text), (&format!("{}.mf", name.rsplit_once('.').unwrap().0), manifest)]);
        let nsd = read_nsd(&package).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((nsd.name.as_str(), nsd.flavours.len()), ("chain", 1));
        let flavour = &nsd.flavours[0];
        let [vnf] = flavour.vnfs.as_slice() else { panic!("{:?}", flavour.vnfs) };
        assert_eq!((vnf.vnfd_id.as_str(), vnf.max_instances), ("web-1", 2));
        assert_eq!((vnf.connections[0].cp.as_str(), vnf.connections[0].virtual_link.as_str()), ("data", "data"));
        assert_eq!(flavour.saps[0].virtual_link.as_deref(), Some("data"));
        let svg = descriptors::picture::of_nsd(&nsd, flavour).to_svg();
        assert!(svg.contains("VNF web-1") && svg.contains("SAP clients"), "{svg}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ns.csar");
    std::fs::write(
        &path,
        zip_of(&[("ns.json", NSD), ("ns.mf", &manifest.replace("nsd_name: chain", "nsd_name: train"))]),
    )
    .unwrap();
    let (_, nsd) = descriptors::check_nsd_archive(&path, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    assert!(nsd.warnings.iter().any(|w| w.code == "ARCHIVE-0039" && w.line == Some(2)), "{}", nsd.warnings);
}

/// The one descriptor in JSON data, which is YAML too.
fn one(json: &str) -> String {
    let data: serde_json::Value = serde_json::from_str(json).unwrap();
    data["nfv"]["nsd"][0].to_string()
}

#[test]
fn pnfds_of_archives() {
    let manifest = "metadata:\n  pnfd_name: router\n  pnfd_provider: Acme\n  pnfd_archive_version: 1.0\n  pnfd_release_date_time: 2024-06-01T00:00:00Z\n";
    for (name, text) in [("pnf.json", PNFD), ("pnf.xml", &xml(PNFD))] {
        let files = [(name, text), ("pnf.mf", manifest)];
        let pnfd = read_pnfd(&package_of(&files)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((pnfd.name.as_str(), pnfd.ext_cps[0].name.as_str()), ("router", "uplink"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pnf.csar");
        std::fs::write(&path, zip_of(&files)).unwrap();
        let (_, pnfd) = descriptors::check_pnfd_archive(&path, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(pnfd.provider, "Acme");
    }
}

#[test]
fn a_descriptor_of_another_kind_is_named() {
    let found = read_vnfd(&package_of(&[("ns.json", NSD)])).unwrap_err();
    let fault = found.errors().next().unwrap();
    assert!(fault.message.contains("no VNFD, but 1 NSD"), "{found}");
    assert!(fault.mend.as_ref().unwrap().contains("mano nsd"), "{found}");
    let two = NSD.replace("{\"nsd\": [{", "{\"nsd\": [{\"id\": \"a\"}, {");
    let found = read_nsd(&package_of(&[("ns.json", &two)])).unwrap_err();
    assert!(found.errors().any(|d| d.message.contains("2 NSDs: a, ns-1")), "{found}");
}

#[test]
fn a_root_with_two_descriptors_is_refused() {
    let bytes = zip_of(&[("a.json", JSON), ("b.xml", &xml(JSON))]);
    let found = Package::from_bytes(bytes, &Limits::default()).unwrap_err();
    assert!(found.errors().any(|d| d.code == "ARCHIVE-0020" && d.message.contains("a.json, b.xml")), "{found}");
}

#[test]
fn the_published_examples_are_read_as_packages() {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so the published instance data is not read as packages");
        return;
    };
    for version in ["3.3.1", "4.3.1"] {
        let dir = std::path::Path::new(&shared).join(format!("etsi/yang/sol006-v{version}/example-data"));
        let package = |name: &str| package_of(&[(name, &std::fs::read_to_string(dir.join(name)).unwrap())]);
        let vnfd = read_vnfd(&package("complex-vnfd.xml")).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(descriptors::plan::sizings(&vnfd).len(), 4);
        read_vnfd(&package("nfv-vnfd.xml")).unwrap_or_else(|e| panic!("{e}"));
        read_nsd(&package("nfv-nsd.xml")).unwrap_or_else(|e| panic!("{e}"));
        read_pnfd(&package("nfv-pnfd.xml")).unwrap_or_else(|e| panic!("{e}"));
    }
}
