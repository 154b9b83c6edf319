//! Packages whose descriptors are those of SOL006, and one of Open Source MANO: onboarded, shown, given to the VNFM.

use descriptors::archive::{Limits, Package, pack_dir};
use descriptors::vnfd::{Vnfd, read_vnfd};
use reference_points::or_vnfm::{CancelMode, CancelModeType, OnboardedClient};
use reference_points::os_ma_nfvo::{InstantiateNsRequest, NsLcmOperationStateType, VnfPkgInfo};
use reqwest::header;
use sha2::{Digest, Sha256};

use crate::lab::{IMAGE, Lab, WEB};

const JSON: &str = include_str!("../../../descriptors/tests/data/sol006/web.json");
const OSM: &str = include_str!("../../../descriptors/tests/data/sol006/web_vnfd.yaml");
const META: &str = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: mano\nEntry-Definitions: Definitions/web.json\nETSI-Entry-Manifest: web.mf\n";
const MANIFEST: &str = "metadata:\n  vnf_product_name: web\n  vnf_provider_id: mano samples\n  vnf_package_version: 1.0\n  vnf_release_date_time: 2024-06-01T00:00:00Z\n  compatible_specification_versions: 3.3.1,4.3.1\n";
const NSD: &str = r#"{"etsi-nfv-descriptors:nfv": {"nsd": [{
  "id": "ns-1", "designer": "Acme", "version": "1", "name": "servers", "invariant-id": "ns-0",
  "vnfd-id": ["6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001"],
  "virtual-link-desc": [{"id": "data", "connectivity-type": {"layer-protocol": ["ipv4"]},
    "df": [{"id": "usual", "qos": {"latency": 5, "packet-delay-variation": 1}}]},
    {"id": "management", "connectivity-type": {"layer-protocol": ["ipv4"]},
    "df": [{"id": "usual", "qos": {"latency": 5, "packet-delay-variation": 1}}]}],
  "df": [{"id": "normal",
    "virtual-link-profile": [{"id": "data", "virtual-link-desc-id": "data", "flavour-id": "usual",
      "max-bitrate-requirements": {"root": "100"}, "min-bitrate-requirements": {"root": "10"}},
      {"id": "management", "virtual-link-desc-id": "management", "flavour-id": "usual",
      "max-bitrate-requirements": {"root": "100"}, "min-bitrate-requirements": {"root": "10"}}],
    "vnf-profile": [{"id": "web", "vnfd-id": "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001", "flavour-id": "simple",
      "instantiation-level": "small", "min-number-of-instances": 1, "max-number-of-instances": 2,
      "virtual-link-connectivity": [{"virtual-link-profile-id": "data",
        "constituent-cpd-id": [{"constituent-base-element-id": "web", "constituent-cpd-id": "data"}]}MORE]}],
    "ns-instantiation-level": [{"id": "one", "vnf-to-level-mapping": [{"vnf-profile-id": "web", "number-of-instances": 1}]}],
    "default-instantiation-level": "one"}]
}]}}"#;
/// The connection of the other connection point.
const MANAGEMENT: &str = r#",
      {"virtual-link-profile-id": "management",
        "constituent-cpd-id": [{"constituent-base-element-id": "web", "constituent-cpd-id": "management"}]}"#;
const NSD_MANIFEST: &str = "metadata:\n  nsd_name: servers\n  nsd_designer: Acme\n  nsd_file_structure_version: 1.0\n  nsd_release_date_time: 2024-06-01T00:00:00Z\n";

/// A package of these files.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let mut out = std::io::Cursor::new(Vec::new());
    pack_dir(dir.path(), &[], &mut out).unwrap_or_else(|e| panic!("{e}"));
    out.into_inner()
}

fn by_json(descriptor: &str, image: &[u8]) -> Vec<u8> {
    packed(&[
        ("TOSCA-Metadata/TOSCA.meta", META.as_bytes()),
        ("Definitions/web.json", descriptor.as_bytes()),
        ("web.mf", MANIFEST.as_bytes()),
        ("Files/readme.txt", b"hello"),
        (IMAGE, image),
    ])
}

fn is_onboarded(info: &VnfPkgInfo) {
    assert_eq!(info.onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);
}

/// The VNFD as the VNFM reads it.
async fn read_by_the_vnfm(lab: &Lab) -> Vnfd {
    let zip = OnboardedClient::new(&lab.base()).vnfd(WEB).await.unwrap().unwrap();
    let package = Package::from_bytes(zip, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    read_vnfd(&package).unwrap_or_else(|e| panic!("{e}"))
}

#[tokio::test]
async fn a_package_with_a_vnfd_in_json_tells_all_that_one_of_sol001_does() {
    let lab = Lab::start().await;
    let archive = by_json(JSON, b"an image");
    let info = lab.upload_package(archive.clone()).await;
    is_onboarded(&info);
    let told =
        [&info.vnfd_id, &info.vnf_provider, &info.vnf_product_name, &info.vnf_software_version, &info.vnfd_version];
    let told: Vec<&str> = told.into_iter().flatten().map(String::as_str).collect();
    assert_eq!(told, [WEB, "mano samples", "web", "1.0", "1.0"]);
    assert_eq!(
        (info.vnfm_info.as_slice(), info.compatible_specification_versions.len()),
        (&["etsivnfm:v3.3.1".to_owned()][..], 2)
    );
    assert_eq!(info.checksum.as_ref().unwrap().hash, hex::encode(Sha256::digest(&archive)));
    let [image] = info.software_images.as_slice() else { panic!("{:?}", info.software_images) };
    assert_eq!((image.id.as_str(), image.name.as_str(), image.version.as_str()), ("web", "mano-guest", "1.0"));
    assert_eq!((image.size, image.min_disk, image.min_ram), (8, 1_000_000_000, 1_000_000_000));
    assert_eq!(
        (image.container_format.as_str(), image.disk_format.as_str(), image.image_path.as_str()),
        ("BARE", "QCOW2", IMAGE)
    );
    assert_eq!(image.checksum.hash, hex::encode(Sha256::digest(b"an image")));
    let paths: Vec<_> = info.additional_artifacts.iter().filter_map(|a| a.artifact_path.as_deref()).collect();
    assert_eq!(paths, ["Files/readme.txt"], "the descriptor is no artifact beside it");

    let vnfd = read_by_the_vnfm(&lab).await;
    let boot = vnfd.flavours[0].vdus[0].boot_data.as_ref().unwrap();
    assert!(serde_json::to_string(boot).unwrap().contains("httpd -p 80"));
    assert_eq!(vnfd.flavours[0].vdu_cps.len(), 2);
    let url = lab.url(&format!("/vnfpkgm/v2/onboarded_vnf_packages/{WEB}/vnfd"));
    let text = lab.http.get(url).header(header::ACCEPT, "text/plain").send().await.unwrap();
    assert_eq!(text.status(), 200, "a VNFD of one file is plain text");
    assert!(text.text().await.unwrap().starts_with("{\n  \"etsi-nfv-descriptors:nfv\""));
    lab.end().await;
}

#[tokio::test]
async fn an_image_without_digest_gets_that_of_its_file() {
    let lab = Lab::start().await;
    let checksum = JSON.lines().find(|l| l.contains("\"checksum\"")).unwrap();
    let info = lab.upload_package(by_json(&JSON.replace(checksum, ""), b"an image")).await;
    is_onboarded(&info);
    let image = &info.software_images[0];
    assert_eq!((image.checksum.algorithm.as_str(), image.size), ("SHA-256", 8));
    assert_eq!(image.checksum.hash, hex::encode(Sha256::digest(b"an image")));
    lab.end().await;
}

#[tokio::test]
async fn faults_of_a_sol006_descriptor_are_told_with_file_line_and_mend() {
    let lab = Lab::start().await;
    let broken = JSON.replace("\"virtual-compute-desc\": \"small\"", "\"virtual-compute-desc\": \"smal\"");
    let info = lab.upload_package(by_json(&broken, b"an image")).await;
    assert_eq!(info.onboarding_state.as_str(), "ERROR");
    let faults = info.onboarding_failure_details.unwrap().faults;
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    let line = JSON.lines().position(|l| l.contains("\"virtual-compute-desc\": \"small\"")).unwrap() + 1;
    assert!(fault.location.starts_with(&format!("Definitions/web.json:{line}:")), "{fault:?}");
    assert_eq!(fault.mend.as_deref(), Some("did you mean `small`?"));
    lab.end().await;
}

#[tokio::test]
async fn a_package_of_open_source_mano_gives_the_guest_its_cloud_init_file() {
    let lab = Lab::start().await;
    let image = b"an image";
    let descriptor = OSM.replace("@SHA256(images/vnf.qcow2)@", &hex::encode(Sha256::digest(image)));
    // As such packages are: no TOSCA.meta and no manifest.
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let files: [(&str, &[u8]); 3] = [
        ("web_vnfd.yaml", descriptor.as_bytes()),
        ("cloud_init/web.sh", b"#!/bin/sh\necho {{ greeting }} ${HOME}\n"),
        ("images/vnf.qcow2", image),
    ];
    for (name, content) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, content).unwrap();
    }
    let info = lab.upload_package(zip.finish().unwrap().into_inner()).await;
    is_onboarded(&info);
    assert_eq!((info.software_images[0].image_path.as_str(), info.software_images[0].size), ("images/vnf.qcow2", 8));
    let vnfd = read_by_the_vnfm(&lab).await;
    let boot = vnfd.flavours[0].vdus[0].boot_data.clone().unwrap();
    let context = descriptors::vnfd::BootContext {
        configurable_properties: &serde_json::json!({}),
        additional_params: &serde_json::json!({"greeting": "hello"}),
        vnfc: &std::collections::BTreeMap::new(),
    };
    let given = boot.resolve(&context, None).unwrap().content.unwrap();
    assert_eq!(given, "#!/bin/sh\necho hello ${HOME}\n");
    lab.end().await;
}

#[tokio::test]
async fn an_nsd_in_json_is_onboarded_and_its_links_are_made() {
    let lab = Lab::start().await;
    let text = NSD.replace("MORE", MANAGEMENT);
    let archive = packed(&[("ns.json", text.as_bytes()), ("ns.mf", NSD_MANIFEST.as_bytes())]);
    let early = lab.upload_nsd(archive.clone()).await;
    assert_eq!(early.nsd_onboarding_state.as_str(), "ERROR", "its VNFD is not there yet");
    let package = lab.upload_package(by_json(JSON, b"an image")).await;
    is_onboarded(&package);
    let info = lab.upload_nsd(archive).await;
    assert_eq!(info.nsd_onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);
    let told = [&info.nsd_id, &info.nsd_name, &info.nsd_version, &info.nsd_designer, &info.nsd_invariant_id];
    let told: Vec<&str> = told.into_iter().flatten().map(String::as_str).collect();
    assert_eq!(told, ["ns-1", "servers", "1", "Acme", "ns-0"]);
    assert_eq!((info.vnf_pkg_ids, info.artifacts.len()), (vec![package.id], 0));
    lab.register_vim("one").await;
    let ns = crate::services::create(&lab, "ns-1", "demo").await;
    let request = InstantiateNsRequest { ns_flavour_id: "normal".into(), ..Default::default() };
    let op = lab.ns.instantiate(ns, &request).await.unwrap_or_else(|e| panic!("{:?}", e.to_problem()));
    let shown = lab.ns.get(ns).await.unwrap().unwrap();
    let mut links: Vec<_> = shown.virtual_link_info.iter().map(|l| l.ns_virtual_link_desc_id.as_str()).collect();
    links.sort_unstable();
    assert_eq!(links, ["data", "management"]);
    // Both are made at the VIM before the VNF is asked for; the VNFM is away in this lab.
    let made = || {
        let state = lab.peers.state.lock().unwrap();
        state.resources.keys().filter(|k| !k.starts_with("software_images")).count()
    };
    let waiting = async {
        while made() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), waiting).await.unwrap();
    let mode = CancelMode { cancel_mode: CancelModeType::Forceful };
    lab.ns.cancel(op, &mode).await.unwrap();
    crate::services::until(&lab, op, NsLcmOperationStateType::FailedTemp).await;
    lab.end().await;
}

#[tokio::test]
async fn a_connection_point_that_the_nsd_leaves_open_is_told_in_its_words() {
    let lab = Lab::start().await;
    is_onboarded(&lab.upload_package(by_json(JSON, b"an image")).await);
    let text = NSD.replace("MORE", "");
    let info = lab.upload_nsd(packed(&[("ns.json", text.as_bytes()), ("ns.mf", NSD_MANIFEST.as_bytes())])).await;
    assert_eq!(info.nsd_onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);
    lab.register_vim("one").await;
    let ns = crate::services::create(&lab, "ns-1", "demo").await;
    let request = InstantiateNsRequest { ns_flavour_id: "normal".into(), ..Default::default() };
    let refused = lab.ns.instantiate(ns, &request).await.unwrap_err().to_problem();
    let [fault] = refused.faults.as_slice() else { panic!("{refused:?}") };
    assert!(fault.message.contains("\"management\" is connected to nothing"), "{fault:?}");
    assert!(fault.mend.as_ref().unwrap().contains("`constituent-cpd-id`"), "{fault:?}");
    lab.end().await;
}
