//! Software images that a VIM has by itself: a VNFD names one that its package does not bring, the operator puts it into the
//! VIM, and VNFs boot from it as from any other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use descriptors::archive::{HashAlgorithm, digest};
use mano_tests::lab::Lab;
use mano_tests::{conformance, samples};
use reference_points::or_vi::{ComputeRoot, SimSpec, ViClient};

/// The sample `web` whose descriptor has the image's SHA-512, and whose package has no image.
fn web_without_image(lab: &Lab, image: &Path) -> PathBuf {
    let sources = samples::sources("web", &lab.path().join("without"));
    let vnfd = sources.join("Definitions/web.yaml");
    let text = std::fs::read_to_string(&vnfd).unwrap();
    let (sha512, size) = digest(HashAlgorithm::Sha512, std::fs::File::open(image).unwrap()).unwrap();
    let edits = [
        ("name: mano-guest", "name: base-os"),
        ("sha-256", "sha-512"),
        ("@SHA256(Artifacts/Images/vnf.qcow2)@", sha512.as_str()),
        ("@SIZE(Artifacts/Images/vnf.qcow2)@", &size.to_string()),
        (
            "      artifacts:\n        image:\n          type: tosca.artifacts.nfv.SwImage\n          file: ../Artifacts/Images/vnf.qcow2\n",
            "",
        ),
    ];
    let edited = edits.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "the sample has changed: {from}");
        text.replace(from, to)
    });
    std::fs::write(&vnfd, edited).unwrap();
    samples::pack_sources(&sources, None, &lab.path().join("without.zip"))
}

/// What `mano` says of a request that it was refused.
fn refused(lab: &Lab, args: &[&str]) -> String {
    let ran = lab.cli(args);
    assert_eq!(ran.code, Some(1), "{args:?}: {ran:#?}");
    ran.err
}

#[tokio::test]
async fn a_vnf_boots_from_an_image_that_the_operator_put_into_the_vim() {
    let lab = Lab::simulated(SimSpec::default()).await;
    let image = samples::pretended_image(lab.path());
    let web = web_without_image(&lab, &image);
    let ns = lab.demo_with(&web, &image).await;
    let instantiate = ["ns", "instantiate", "demo", "--wait"];
    let add = |file: &Path, name: &str| lab.mano_json(&["vim", "image", "add", file.to_str().unwrap(), "--name", name]);
    let id = |added: &serde_json::Value| added[0]["id"].as_str().unwrap().to_owned();

    // Nothing has been made when the image is not there, is another one, or has a name that is only near.
    let told = refused(&lab, &instantiate);
    for part in ["VNFD 6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001, image web", "\"base-os\" with SHA-512", "VIM lab has none"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains("mend: mano vim image add FILE --name 'base-os' --vim lab"), "{told}");
    let other = lab.path().join("other.qcow2");
    std::fs::write(&other, [std::fs::read(&image).unwrap(), vec![0; 512]].concat()).unwrap();
    let near = id(&add(&image, "base-os-2"));
    assert!(refused(&lab, &instantiate).contains("nearest there: \"base-os-2\""));
    let wrong = id(&add(&other, "base-os"));
    let told = refused(&lab, &instantiate);
    assert!(told.contains(&format!("what VIM lab has by that name is another one: {wrong} has SHA-512")), "{told}");
    assert!(lab.mano_json(&["op", "list"]).as_array().unwrap().is_empty());
    lab.mano(&["vim", "image", "delete", "base-os", "--vim", "lab"]);
    lab.mano(&["vim", "image", "delete", &near]);

    let held = id(&add(&image, "base-os"));
    let table = lab.mano(&["vim", "image", "list"]);
    assert!(table.contains("base-os") && table.contains("operator") && table.contains("active"), "{table}");
    let again = refused(&lab, &["vim", "image", "add", image.to_str().unwrap(), "--name", "base-os"]);
    assert!(again.contains("has an image \"base-os\" with this content already"), "{again}");
    lab.mano(&instantiate);

    // The VNF is made from that image, also when it grows; the other VNF has its package's.
    let vnfs = lab.mano_json(&["vnf", "list"]);
    let web = vnfs.as_array().unwrap().iter().find(|v| v["vnfProductName"] == "web").unwrap()["id"].clone();
    lab.mano(&["vnf", "scale", web.as_str().unwrap(), "--out", "servers"]);
    let computes = ViClient::new(&lab.services["vim-adapter"].url).computes(lab.vim).await.unwrap();
    let from = |name: &str| {
        let of = computes.iter().filter(|c| c.spec.name.contains(name));
        of.filter(|c| matches!(&c.spec.root, ComputeRoot::Image { image_id, .. } if image_id.to_string() == held))
            .count()
    };
    assert_eq!((computes.len(), from("web"), from("edge")), (3, 2, 0), "{computes:#?}");
    lab.nothing_leaks().await;

    // It is the operator's: kept while it is used, kept when nothing uses it any more, gone when the operator says so.
    let used = refused(&lab, &["vim", "image", "delete", "base-os"]);
    assert!(used.contains("is used by compute"), "{used}");
    let images = lab.mano_json(&["vim", "image", "list"]);
    let brought = images.as_array().unwrap().iter().find(|i| i["spec"]["owner"]["kind"] == "vnf_package").unwrap();
    let told = refused(&lab, &["vim", "image", "delete", brought["id"].as_str().unwrap()]);
    assert!(told.contains("belongs to VNF package") && told.contains("mano vnfpkg delete"), "{told}");
    lab.completed(lab.terminate(ns).await).await;
    lab.mano(&["ns", "delete", "demo"]);
    lab.mano(&["nsd", "delete", "demo-ns"]);
    lab.mano(&["vnfpkg", "delete", "web"]);
    lab.mano(&["vnfpkg", "delete", "edge"]);
    lab.nothing_leaks().await;
    let left = lab.mano_json(&["vim", "image", "list"]);
    assert_eq!((left.as_array().unwrap().len(), left[0]["id"].as_str()), (1, Some(held.as_str())), "{left:#}");
    lab.mano(&["vim", "image", "delete", &held]);
    assert!(lab.mano_json(&["vim", "image", "list"]).as_array().unwrap().is_empty());
    conformance::check(&lab);
}

#[tokio::test]
async fn an_image_that_does_not_come_whole_is_not_left_half() {
    let lab = Lab::simulated(SimSpec::default()).await;
    let file = lab.path().join("no.qcow2");
    std::fs::write(&file, b"this is no disk").unwrap();
    let add = ["vim", "image", "add", file.to_str().unwrap(), "--name", "x", "--format", "qcow2"];
    assert!(refused(&lab, &add).contains("it is no qcow2 image"));
    assert!(lab.mano_json(&["vim", "image", "list"]).as_array().unwrap().is_empty());
    lab.mano(&add[..6]);
    assert_eq!(lab.mano_json(&["vim", "image", "list"])[0]["spec"]["format"], "raw");
    lab.nothing_leaks().await;
}
