//! The YAML of Open Source MANO packages: read to the same models, every difference from SOL006 named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use descriptors::diag::{Diagnostics, Severity};
use descriptors::sol006::{self, Encoding, read_nsd, read_vnfd};
use descriptors::vnfd::Size;

const VNFD: &str = "\
vnfd:
  description: A VNF with two VMs
  id: basic-vnf
  product-name: basic-vnf
  provider: Acme
  version: '1.0'
  mgmt-cp: vnf-mgmt
  df:
  - id: default-df
    vdu-profile:
    - id: mgmtVM
      min-number-of-instances: 1
    - id: dataVM
      min-number-of-instances: 1
      max-number-of-instances: 4
    instantiation-level:
    - id: default
      vdu-level:
      - vdu-id: mgmtVM
        number-of-instances: 1
      - vdu-id: dataVM
        number-of-instances: 1
    scaling-aspect:
    - id: scale-data
      name: scale-data
      max-scale-level: 3
      aspect-delta-details:
        deltas:
        - id: one
          vdu-delta:
          - id: dataVM
            number-of-instances: 1
      scaling-policy:
      - name: busy
        scaling-type: automatic
    lcm-operations-configuration:
      operate-vnf-op-config:
        day1-2:
        - id: basic-vnf
          execution-environment-list:
          - id: simple
            juju:
              charm: simple
  ext-cpd:
  - id: vnf-mgmt
    int-cpd:
      cpd: mgmt-int
      vdu-id: mgmtVM
  int-virtual-link-desc:
  - id: internal
  sw-image-desc:
  - id: ubuntu
    name: ubuntu
    image: ubuntu22.04
  - id: ubuntu-aws
    name: ubuntu-aws
    image: ami-1234
    vim-type: aws
  vdu:
  - id: mgmtVM
    name: mgmtVM
    cloud-init-file: cloud-config
    sw-image-desc: ubuntu
    alternative-sw-image-desc:
    - ubuntu-aws
    virtual-compute-desc: compute
    virtual-storage-desc:
    - disk
    int-cpd:
    - id: mgmt-int
      port-security-enabled: false
      virtual-network-interface-requirement:
      - name: eth0
        position: 1
        virtual-interface:
          type: PARAVIRT
    - id: mgmt-internal
      int-virtual-link-desc: internal
      virtual-network-interface-requirement:
      - name: eth1
        position: 0
        virtual-interface:
          type: SR-IOV
  - id: dataVM
    name: dataVM
    sw-image-desc: ubuntu
    virtual-compute-desc: compute
    int-cpd:
    - id: data-internal
      int-virtual-link-desc: internal
  virtual-compute-desc:
  - id: compute
    virtual-cpu:
      num-virtual-cpu: '2'
      pinning:
        policy: static
        thread-policy: PREFER
    virtual-memory:
      size: '4.0'
      mempage-size: LARGE
      numa-node-policy:
        numa-cnt: 2
  virtual-storage-desc:
  - id: disk
    type-of-storage: persistent-storage:persistent-storage
    size-of-storage: '10'
";

const NSD: &str = "\
nsd:
  nsd:
  - id: basic-ns
    name: basic-ns
    designer: Acme
    version: '1.0'
    vnfd-id:
    - basic-vnf
    virtual-link-desc:
    - id: mgmtnet
      mgmt-network: true
      vim-network-name: provider
    - id: datanet
    df:
    - id: default-df
      vnf-profile:
      - id: '1'
        vnfd-id: basic-vnf
        virtual-link-connectivity:
        - virtual-link-profile-id: mgmtnet
          constituent-cpd-id:
          - constituent-base-element-id: '1'
            constituent-cpd-id: vnf-mgmt
      virtual-link-profile:
      - id: data-profile
        virtual-link-desc-id: datanet
";

/// The findings with this code, by line.
fn lines(found: &Diagnostics, code: &str) -> Vec<u32> {
    found.iter().filter(|d| d.code == code).filter_map(|d| d.line).collect()
}

/// The line in which a text stands.
fn line_of(text: &str, needle: &str) -> u32 {
    let at = text.lines().position(|l| l.contains(needle)).unwrap_or_else(|| panic!("no {needle}"));
    u32::try_from(at + 1).unwrap()
}

#[test]
fn a_vnfd_is_read_to_the_model() {
    assert_eq!(sol006::looks_like(VNFD.as_bytes()), Some(Encoding::Yaml));
    let vnfd = read_vnfd("vnfd.yaml", VNFD.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        (vnfd.descriptor_id.as_str(), vnfd.product_info_description.as_deref()),
        ("basic-vnf", Some("A VNF with two VMs"))
    );
    let df = vnfd.flavour("default-df").unwrap();
    let vm = df.vdu("mgmtVM").unwrap();
    assert_eq!((vm.cpu.count, vm.memory.size_bytes), (2, 4 << 30), "as many MiB as Open Source MANO asks for");
    assert_eq!(vm.cpu.pinning.as_ref().unwrap().policy.as_deref(), Some("static"));
    assert_eq!((vm.memory.huge_pages[0].page_bytes, vm.memory.numa_enabled), (2 << 20, true));
    assert_eq!(vm.extra["numa-node-policy"]["numa-cnt"], 2);
    assert_eq!(vm.boot_data.as_ref().unwrap().source_path(), Some("cloud_init/cloud-config"));
    let disk = df.storage("disk").unwrap();
    assert_eq!((disk.size_bytes, disk.extra["type-of-storage"].as_str()), (10 << 30, Some("persistent-storage")));
    let image = df.sw_image("ubuntu").unwrap();
    assert_eq!((image.name.as_str(), &image.artifact), ("ubuntu22.04", &None), "the VIM has it under this name");
    let nics: Vec<_> = df.cps_of("mgmtVM").map(|c| (c.name.as_str(), c.vnic_type.as_str(), c.port_security)).collect();
    assert_eq!(nics, [("mgmt-internal", "direct", true), ("mgmt-int", "virtio", false)]);
    assert_eq!(df.ext_cp("vnf-mgmt").unwrap().vdu_cps, ["mgmt-int"]);
    let at = |n| std::collections::BTreeMap::from([("scale-data".to_owned(), n)]);
    assert_eq!(df.scaling.instances("dataVM", Size::ScaleLevels(&at(3))), Ok(4));
    assert_eq!(vnfd.extra["mgmt-cp"], "vnf-mgmt");
    assert_eq!(vnfd.lcm_operations.raw["operate-vnf-op-config"]["day1-2"][0]["id"], "basic-vnf");
}

#[test]
fn every_difference_is_named_where_it_stands() {
    let vnfd = read_vnfd("vnfd.yaml", VNFD.as_bytes()).unwrap();
    let found = &vnfd.warnings;
    assert!(found.iter().all(|d| d.severity == Severity::Warning && d.mend.as_deref() != Some("")), "{found}");
    for (needle, code) in [
        ("vnfd:", "SOL006-0020"),
        ("mgmt-cp:", "SOL006-0022"),
        ("scaling-policy:", "SOL006-0022"),
        ("day1-2:", "SOL006-0024"),
        ("- id: ubuntu", "SOL006-0025"),
        ("alternative-sw-image-desc:", "SOL006-0025"),
        ("cloud-init-file:", "SOL006-0023"),
        ("port-security-enabled:", "SOL006-0028"),
        ("virtual-interface:", "SOL006-0028"),
        ("thread-policy:", "SOL006-0027"),
        ("mempage-size:", "SOL006-0027"),
        ("numa-node-policy:", "SOL006-0027"),
        ("type-of-storage:", "SOL006-0026"),
        ("size-of-storage:", "SOL006-0026"),
        // What the standard demands and such packages leave out.
        ("  description: A VNF", "SOL006-0004"),
        // What neither knows.
        ("vim-type: aws", "SOL006-0003"),
    ] {
        let line = line_of(VNFD, needle);
        assert!(lines(found, code).contains(&line), "{code} in line {line} ({needle}) is not told:\n{found}");
    }
    assert_eq!(lines(found, "SOL006-0021").len(), 1, "the unit of sizes is told once");
    let missing: Vec<_> = found.iter().filter(|d| d.code == "SOL006-0004").map(|d| d.message.as_str()).collect();
    assert!(missing.iter().any(|m| m.contains("`software-version`")), "{missing:?}");
}

#[test]
fn the_same_in_json_is_held_to_the_standard() {
    let json = r#"{ "vnfd": { "id": "a", "product-name": "a", "provider": "b", "version": "1", "mgmt-cp": "x",
        "vdu": [ { "id": "v", "name": "v" } ], "ext-cpd": [ { "id": "x" } ], "df": [ { "id": "d", "vdu-profile": [ { "id": "v" } ],
        "instantiation-level": [ { "id": "l", "vdu-level": [ { "vdu-id": "v" } ] } ] } ] } }"#;
    let found = read_vnfd("vnfd.json", json.as_bytes()).unwrap_err();
    let missing: Vec<_> = found.errors().map(|d| d.message.as_str()).collect();
    assert!(missing.iter().any(|m| m.contains("`software-version`")), "{found}");
    assert!(missing.iter().any(|m| m.contains("`vnfm-info`")), "{found}");
    assert_eq!(missing.len(), 2, "{found}");
}

#[test]
fn an_nsd_is_read_to_the_model() {
    assert_eq!(sol006::looks_like(NSD.as_bytes()), Some(Encoding::Yaml));
    let nsd = read_nsd("nsd.yaml", NSD.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((nsd.descriptor_id.as_str(), nsd.vnfd_ids()), ("basic-ns", vec!["basic-vnf"]));
    let df = nsd.flavour("default-df").unwrap();
    let vnf = df.vnf("1").unwrap();
    assert_eq!((vnf.connections[0].virtual_link.as_str(), &vnf.flavour_id), ("mgmtnet", &None));
    let mut links: Vec<_> = df.virtual_links.iter().map(|l| l.name.as_str()).collect();
    links.sort_unstable();
    assert_eq!(links, ["data-profile", "mgmtnet"]);
    assert_eq!(df.virtual_link("mgmtnet").unwrap().extra["vim-network-name"], "provider");
    assert!(lines(&nsd.warnings, "SOL006-0028").contains(&line_of(NSD, "mgmt-network:")), "{}", nsd.warnings);
    assert!(lines(&nsd.warnings, "SOL006-0028").contains(&line_of(NSD, "- id: mgmtnet")), "{}", nsd.warnings);
}

#[test]
fn references_must_hold_there_too() {
    let text = VNFD.replace(
        "virtual-compute-desc: compute\n    virtual-storage",
        "virtual-compute-desc: computer\n    virtual-storage",
    );
    let found = read_vnfd("vnfd.yaml", text.as_bytes()).unwrap_err();
    let [fault] = found.errors().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert_eq!(
        (fault.code.as_ref(), fault.line),
        ("SOL006-0007", Some(line_of(&text, "virtual-compute-desc: computer")))
    );
    assert!(fault.mend.as_ref().unwrap().contains("`compute`"), "{fault}");
}

#[test]
fn the_model_before_sol006_is_told() {
    for root in ["vnfd:vnfd-catalog", "nsd-catalog"] {
        let text = format!("{root}:\n  vnfd:\n  - id: old\n");
        assert_eq!(sol006::looks_like(text.as_bytes()), Some(Encoding::Yaml));
        let found = sol006::read("old.yaml", text.as_bytes()).unwrap_err();
        assert!(found.errors().any(|d| d.code == "SOL006-0029" && d.line == Some(1)), "{found}");
    }
}

#[test]
fn a_descriptor_without_name_or_flavour_is_refused() {
    for (text, name) in [("vnfd:\n  product-name: a\n  df:\n  - id: d\n", "`id`"), ("vnfd:\n  id: a\n", "`df`")] {
        let found = read_vnfd("vnfd.yaml", text.as_bytes()).unwrap_err();
        let [fault] = found.errors().collect::<Vec<_>>()[..] else { panic!("{found}") };
        assert!(fault.code == "SOL006-0004" && fault.message.contains(name), "{found}");
    }
    let found = read_nsd("nsd.yaml", b"nsd:\n  name: a\n").unwrap_err();
    assert_eq!(found.errors().count(), 2, "{found}");
}
