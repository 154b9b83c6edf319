//! VNF packages: onboarding, content, changes, deletion.

use descriptors::archive::{Limits, Package};
use reference_points::common::CallError;
use reference_points::or_vnfm::OnboardedClient;
use reference_points::os_ma_nfvo::mano::ManoClient;
use reference_points::os_ma_nfvo::{PackageOperationalState, PackageUsageState, VnfPkgInfoModifications};
use reqwest::header;
use sha2::{Digest, Sha256};

use crate::lab::{EDGE, Lab};

fn status(error: &CallError) -> u16 {
    error.status().unwrap_or_else(|| panic!("{error}"))
}

#[tokio::test]
async fn a_package_is_onboarded_with_its_images_and_given_out_again() {
    let lab = Lab::start().await;
    let archive = std::fs::read(lab.pack("edge", b"an image")).unwrap();
    let info = lab.upload_package(archive.clone()).await;
    assert_eq!(info.onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);
    assert_eq!(info.operational_state, PackageOperationalState::Enabled);
    assert_eq!(info.vnfd_id.as_deref(), Some(EDGE));
    assert_eq!(info.checksum.as_ref().unwrap().hash, hex::encode(Sha256::digest(&archive)));
    let image = &info.software_images[0];
    assert_eq!((image.size, image.disk_format.as_str()), (8, "QCOW2"));
    assert_eq!(image.checksum.hash, hex::encode(Sha256::digest(b"an image")));

    let content = lab.url(&format!("/vnfpkgm/v2/vnf_packages/{}/package_content", info.id));
    let whole = lab.http.get(&content).send().await.unwrap();
    assert_eq!(whole.bytes().await.unwrap(), archive);
    let part = lab.http.get(&content).header(header::RANGE, "bytes=10-19").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()[header::CONTENT_RANGE], format!("bytes 10-19/{}", archive.len()));
    assert_eq!(part.bytes().await.unwrap(), archive[10..20]);
    let outside = lab.http.get(&content).header(header::RANGE, "bytes=99999999-").send().await.unwrap();
    assert_eq!(outside.status(), 416);
    lab.end().await;
}

#[tokio::test]
async fn the_vnfm_reads_descriptor_and_files_by_the_vnfd() {
    let lab = Lab::start().await;
    lab.onboard("edge").await;
    let client = OnboardedClient::new(&lab.base());
    let zip = client.vnfd(EDGE).await.unwrap().unwrap();
    let package = Package::from_bytes(zip, &Limits::default()).unwrap();
    let vnfd = descriptors::vnfd::read_vnfd(&package).unwrap();
    assert_eq!(vnfd.descriptor_id, EDGE);
    let script = client.artifact(EDGE, "Files/edge-boot.sh").await.unwrap().unwrap();
    assert!(script.starts_with(b"#!"), "{}", String::from_utf8_lossy(&script));
    let image = client.artifact(EDGE, "Artifacts/Images/vnf.qcow2").await.unwrap().unwrap();
    assert_eq!(image, b"the image of both samples");
    assert!(client.artifact(EDGE, "../../etc/passwd").await.unwrap().is_none());
    assert!(client.vnfd("nobody").await.unwrap().is_none());
    let url = lab.url(&format!("/vnfpkgm/v2/onboarded_vnf_packages/{EDGE}/vnfd"));
    let text = lab.http.get(url).header(header::ACCEPT, "text/plain").send().await.unwrap();
    assert_eq!(text.status(), 406, "a VNFD of two files is no plain text");
    let url = lab.url(&format!("/vnfpkgm/v2/onboarded_vnf_packages/{EDGE}/manifest"));
    let manifest = lab.http.get(url).header(header::ACCEPT, "text/plain").send().await.unwrap();
    assert!(manifest.text().await.unwrap().contains("vnf_product_name: edge"));
    lab.end().await;
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)
        } else {
            std::fs::copy(entry.path(), to).map(drop).unwrap()
        }
    }
}

/// The names of the files in an archive that is answered.
async fn names(lab: &Lab, url: &str) -> (Vec<u8>, Vec<String>) {
    let answer = lab.http.get(url).header(header::ACCEPT, "application/zip").send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()[header::CONTENT_TYPE].as_bytes()),
        (200, &b"application/zip"[..])
    );
    let bytes = answer.bytes().await.unwrap().to_vec();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes.clone())).unwrap();
    let mut names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    names.sort();
    for name in &names {
        std::io::copy(&mut zip.by_name(name).unwrap(), &mut std::io::sink()).unwrap();
    }
    (bytes, names)
}

#[tokio::test]
async fn the_artifacts_of_a_package_are_had_as_one_archive() {
    let lab = Lab::start().await;
    let sources = lab.dir.path().join("edge");
    copy(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples/edge"), &sources);
    let write = |path: &str, text: &str| {
        let path = sources.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("Files/guide.txt", "how to run it");
    write("Other/one.txt", "for somebody");
    write("Other/two.txt", "for somebody else");
    let manifest = sources.join("edge.mf");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let sets =
        "non_mano_artifact_sets:\n  acme_one:\n    Source: Other/one.txt\n\n  acme_two:\n    Source: Other/two.txt\n";
    std::fs::write(&manifest, format!("{}\n{sets}", text.trim_end())).unwrap();
    let archive = std::fs::read(lab.pack_dir(&sources, b"the image of both samples")).unwrap();
    let info = lab.upload_package(archive).await;
    assert_eq!(info.onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);

    let url = lab.url(&format!("/vnfpkgm/v2/vnf_packages/{}/artifacts", info.id));
    let (whole, all) = names(&lab, &url).await;
    for path in ["Files/edge-boot.sh", "Files/guide.txt", "Other/one.txt", "Other/two.txt"] {
        assert!(all.iter().any(|name| name == path), "{path} is not in {all:?}");
    }
    // Neither images nor what describes the package.
    let others = |name: &&String| name.contains("qcow2") || name.ends_with(".yaml") || name.ends_with(".mf");
    assert_eq!(all.iter().find(others), None, "{all:?}");
    assert!(!all.iter().any(|name| name.starts_with("TOSCA-Metadata/")), "{all:?}");
    let by_vnfd = lab.url(&format!("/vnfpkgm/v2/onboarded_vnf_packages/{EDGE}/artifacts"));
    assert_eq!(names(&lab, &by_vnfd).await, (whole.clone(), all.clone()), "the same, byte by byte");

    let chosen = async |query: &str| names(&lab, &format!("{url}?{query}")).await.1;
    assert_eq!(chosen("exclude_all_mano_artifacts").await, ["Other/one.txt", "Other/two.txt"]);
    assert!(!chosen("exclude_all_non_mano_artifacts").await.iter().any(|name| name.starts_with("Other/")));
    let one = chosen("exclude_all_mano_artifacts&select_non_mano_artifact_sets=acme_two").await;
    assert_eq!(one, ["Other/two.txt"]);
    assert_eq!(chosen("include_signatures&include_external_artifacts").await, all, "there are none of either");

    let part = lab.http.get(&url).header(header::RANGE, "bytes=10-19").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()[header::CONTENT_RANGE], format!("bytes 10-19/{}", whole.len()));
    assert_eq!(part.bytes().await.unwrap(), whole[10..20]);
    let outside = lab.http.get(&url).header(header::RANGE, "bytes=99999999-").send().await.unwrap();
    assert_eq!(outside.status(), 416);
    let odd = lab.http.get(format!("{url}?exclude_all_images")).send().await.unwrap();
    assert_eq!(odd.status(), 400);
    let none = lab.http.get(lab.url(&format!("/vnfpkgm/v2/vnf_packages/{}/artifacts", uuid::Uuid::nil()))).send().await;
    assert_eq!(none.unwrap().status(), 404);
    assert_eq!(lab.files(), [format!("packages/{}.zip", info.id)], "nothing is left on the disk");
    lab.end().await;
}

#[tokio::test]
async fn a_package_is_enabled_disabled_and_annotated_against_its_etag() {
    let lab = Lab::start().await;
    let info = lab.onboard("edge").await;
    let url = lab.url(&format!("/vnfpkgm/v2/vnf_packages/{}", info.id));
    let etag = lab.http.get(&url).send().await.unwrap().headers()[header::ETAG].clone();
    let patch = |body: &'static str, etag: Option<header::HeaderValue>| {
        let mut request = lab.http.patch(&url).header(header::CONTENT_TYPE, "application/merge-patch+json").body(body);
        if let Some(etag) = etag {
            request = request.header(header::IF_MATCH, etag);
        }
        request.send()
    };
    let done = patch(r#"{"userDefinedData": {"team": "a", "cost": 1}}"#, Some(etag.clone())).await.unwrap();
    assert_eq!(done.status(), 200);
    assert_eq!(patch(r#"{"operationalState": "DISABLED"}"#, Some(etag)).await.unwrap().status(), 412);
    assert_eq!(patch(r#"{"userDefinedData": {"cost": null}}"#, None).await.unwrap().status(), 200);
    let now = lab.packages.get(info.id).await.unwrap().unwrap();
    assert_eq!(serde_json::Value::Object(now.user_defined_data), serde_json::json!({"team": "a"}));
    let disable = VnfPkgInfoModifications {
        operational_state: Some(PackageOperationalState::Disabled),
        ..VnfPkgInfoModifications::default()
    };
    lab.packages.modify(info.id, &disable).await.unwrap();
    assert_eq!(status(&lab.packages.modify(info.id, &disable).await.unwrap_err()), 409, "it is that already");
    let faulty = patch(r#"{"operationalState": "OFF", "colour": 1}"#, None).await.unwrap();
    assert_eq!(faulty.status(), 400);
    lab.end().await;
}

#[tokio::test]
async fn a_vnfd_is_onboarded_once_and_a_package_in_use_is_not_deleted() {
    let lab = Lab::start().await;
    let first = lab.onboard("edge").await;
    let archive = std::fs::read(lab.pack("edge", b"another image")).unwrap();
    let second = lab.upload_package(archive.clone()).await;
    assert_eq!(second.onboarding_state.as_str(), "ERROR");
    let details = second.onboarding_failure_details.unwrap();
    assert!(details.faults[0].message.contains(&first.id.to_string()), "{:?}", details.faults);
    assert_eq!(lab.files(), [format!("packages/{}.zip", first.id)]);

    lab.peers.state.lock().unwrap().vnfs.push(serde_json::json!({
        "id": uuid::Uuid::from_u128(5), "vnfdId": EDGE, "vnfProvider": "p", "vnfProductName": "n",
        "vnfSoftwareVersion": "1", "vnfdVersion": "1", "instantiationState": "NOT_INSTANTIATED",
    }));
    let shown = lab.packages.get(first.id).await.unwrap().unwrap();
    assert_eq!(shown.usage_state, PackageUsageState::InUse, "by a VNF instance without an NS");
    let refused = lab.packages.delete(first.id).await.unwrap_err();
    assert_eq!(status(&refused), 409);
    assert!(refused.to_string().contains(&uuid::Uuid::from_u128(5).to_string()), "{refused}");
    lab.peers.state.lock().unwrap().vnfs.clear();
    lab.packages.delete(first.id).await.unwrap();
    assert!(lab.files().is_empty());
    // The identifier is free again, and a package that failed can be uploaded again.
    lab.packages.upload(second.id, None, crate::lab::once(archive)).await.unwrap();
    let again = lab.packages.get(second.id).await.unwrap().unwrap();
    assert_eq!(again.onboarding_state.as_str(), "ONBOARDED", "{:?}", again.onboarding_failure_details);
    assert_eq!(again.usage_state, PackageUsageState::NotInUse);
    let twice = lab.packages.upload(second.id, None, crate::lab::once(Vec::new())).await.unwrap_err();
    assert_eq!(status(&twice), 409);
    lab.end().await;
}

#[tokio::test]
async fn packages_are_not_fetched_from_addresses() {
    let lab = Lab::start().await;
    let id = lab.packages.create(&Default::default()).await.unwrap().id;
    let url = lab.url(&format!("/vnfpkgm/v2/vnf_packages/{id}/package_content/upload_from_uri"));
    let body = serde_json::json!({"addressInformation": "http://127.0.0.1:1/x.zip"});
    let refused = lab.http.post(url).json(&body).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    lab.end().await;
}

#[tokio::test]
async fn pictures_of_descriptors_are_drawn_by_flavour() {
    let lab = Lab::start().await;
    let nsd = lab.onboard_all().await;
    let package = lab.packages.list("").await.unwrap().body.into_iter().find(|p| p.vnfd_id.as_deref() == Some(EDGE));
    let package = package.unwrap().id;
    let url = lab.url(&format!("/mano/v1/vnf_packages/{package}/picture"));
    // As a browser asks: without a version.
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(&url).send().await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "image/svg+xml");
    assert!(answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
    let svg = answer.text().await.unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("external") && svg.contains("internal"), "{svg}");
    let client = ManoClient::new(&lab.base());
    assert_eq!(client.package_picture(package, Some("simple")).await.unwrap(), svg.as_bytes());
    let refused = client.package_picture(package, Some("large & small")).await.unwrap_err().to_problem();
    assert_eq!((refused.status, refused.faults[0].mend.as_deref()), (400, Some("one of simple")));
    assert!(refused.faults[0].message.contains("large & small"), "{refused:?}");
    let service = String::from_utf8(client.nsd_picture(nsd.id, None).await.unwrap()).unwrap();
    assert!(service.starts_with("<svg") && service.contains("edge") && service.contains("web"), "{service}");
    assert_eq!(status(&client.package_picture(uuid::Uuid::nil(), None).await.unwrap_err()), 404);
    lab.end().await;
}
