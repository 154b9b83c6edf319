//! A day with `mano`, over a simulated VIM: what it prints and how it ends, and that what it sends keeps to the schemas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::path::{Path, PathBuf};

use descriptors::archive::pack_dir;
use mano_tests::lab::Lab;
use mano_tests::{conformance, samples};
use reference_points::or_vi::{SimFault, SimSpec};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The sources of a sample in a folder of their own, to be changed.
fn sources(lab: &Lab, sample: &str, called: &str) -> PathBuf {
    samples::sources(sample, &lab.path().join(called))
}

#[tokio::test]
async fn the_demo_service_from_package_to_nothing_left_on_the_command_line() {
    let lab = Lab::simulated(SimSpec::default()).await;
    let image = samples::pretended_image(lab.path());
    for vnf in ["web", "edge"] {
        let archive = lab.path().join(format!("{vnf}.csar"));
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples").join(vnf);
        let added = format!("Artifacts/Images/vnf.qcow2={}", image.display());
        lab.mano(&["vnfpkg", "build", text(&from), text(&archive), "--add", &added]);
        assert!(lab.mano(&["vnfpkg", "onboard", text(&archive)]).contains("ONBOARDED"));
    }
    lab.mano(&["nsd", "onboard", text(&samples::pack("demo-ns", None, lab.path()))]);
    assert!(lab.mano(&["vnfpkg", "list"]).contains("NOT_IN_USE"));
    lab.mano(&["ns", "create", "--nsd", "demo-ns", "--name", "demo"]);
    let ran = lab.cli(&["ns", "instantiate", "demo", "--wait"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.err.contains("✓ Instantiate VNF web") && ran.err.contains("COMPLETED"), "{ran:#?}");

    assert!(lab.mano(&["topology", "demo"]).contains("edge/edge"));
    assert_eq!(lab.mano_json(&["ns", "show", "demo"])["nsState"], "INSTANTIATED");
    let vnfs = lab.mano_json(&["vnf", "list", "--filter", "(eq,instantiationState,INSTANTIATED)"]);
    assert_eq!(vnfs.as_array().unwrap().len(), 2);
    let name = vnfs[0]["vnfInstanceName"].as_str().unwrap();
    assert_eq!(lab.mano_json(&["vnf", "show", name])["id"], vnfs[0]["id"]);
    let ops = lab.mano_json(&["op", "list"]);
    assert!(lab.mano(&["op", "show", ops[0]["id"].as_str().unwrap()]).contains("Instantiate VNF edge"));
    assert_eq!(lab.mano_json(&["op", "list", "--vnf"]).as_array().unwrap().len(), 2);
    let used = lab.cli(&["vnfpkg", "delete", "web"]);
    assert_eq!(used.code, Some(1), "a package in use was deleted: {used:#?}");
    assert!(lab.mano(&["host", "list"]).contains("host-1") || lab.mano(&["vim", "list"]).contains("lab"));

    lab.mano(&["ns", "terminate", "demo", "--wait"]);
    assert!(lab.mano(&["leaks"]).contains("nothing leaks"));
    lab.mano(&["ns", "delete", "demo"]);
    lab.mano(&["nsd", "delete", "demo-ns"]);
    lab.mano(&["vnfpkg", "delete", "web"]);
    lab.mano(&["vnfpkg", "delete", "edge"]);
    assert_eq!(lab.mano_json(&["vnfpkg", "list"]).as_array().unwrap().len(), 0);
    let gone = lab.cli(&["ns", "show", "demo"]);
    assert!(gone.code == Some(2) && gone.err.contains("mano ns list"), "{gone:#?}");
    if let Some(covered) = conformance::check(&lab) {
        assert!(covered > 40, "only {covered} exchanges were covered by the schemas");
    }
}

#[tokio::test]
async fn a_failed_operation_is_told_and_rolled_back_on_the_command_line() {
    let fault = SimFault {
        resource: "compute".into(),
        on: "boot".into(),
        name_contains: Some("web".into()),
        times: Some(1),
        effect: "error".into(),
        message: "the host ran out of memory".into(),
    };
    let lab = Lab::simulated(SimSpec { faults: vec![fault], ..SimSpec::default() }).await;
    lab.demo(&samples::pretended_image(lab.path())).await;
    let ran = lab.cli(&["ns", "instantiate", "demo", "--wait"]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    for part in ["the host ran out of memory", "mano op retry", "mano op rollback", "FAILED_TEMP"] {
        assert!(ran.err.contains(part), "{part:?} is not in {}", ran.err);
    }
    let op = lab.mano_json(&["op", "list"])[0]["id"].as_str().unwrap().to_owned();
    let ran = lab.cli(&["op", "rollback", &op, "--wait"]);
    assert!(ran.code == Some(0) && ran.err.contains("ROLLED_BACK"), "{ran:#?}");
    lab.nothing_leaks().await;
    lab.mano(&["ns", "instantiate", "demo", "--flavour", "simple", "--wait"]);
    let again = lab.cli(&["ns", "instantiate", "demo", "--wait"]);
    assert_eq!(again.code, Some(1), "an instantiated service was instantiated: {again:#?}");
    let wrong = lab.cli(&["op", "retry", &op]);
    assert_eq!(wrong.code, Some(1), "an operation that does not rest was tried again: {wrong:#?}");
    conformance::check(&lab);
}

#[tokio::test]
async fn garbage_and_hostile_uploads_are_refused_with_every_fault_and_leave_nothing() {
    let lab = Lab::simulated(SimSpec::default()).await;
    let image = samples::pretended_image(lab.path());
    let added = [("Artifacts/Images/vnf.qcow2", image.as_path())];
    let refused = |noun: &str, file: &Path, parts: &[&str]| {
        let ran = lab.cli(&[noun, "onboard", text(file)]);
        assert_eq!(ran.code, Some(1), "{} was taken: {ran:#?}", file.display());
        for part in parts {
            assert!(ran.err.contains(part), "{part:?} is not said of {}: {}", file.display(), ran.err);
        }
    };
    let garbage = lab.path().join("garbage.csar");
    std::fs::write(&garbage, b"this is no archive").unwrap();
    refused("vnfpkg", &garbage, &["zip"]);

    let wrong = sources(&lab, "web", "wrong");
    let archive = lab.path().join("wrong.csar");
    pack_dir(&wrong, &added, std::fs::File::create(&archive).unwrap()).unwrap();
    let mut bytes = std::fs::read(&archive).unwrap();
    let at = bytes.windows(4).position(|w| w == b"QFI\xfb").expect("the image is stored as it is");
    bytes[at + 7] ^= 1;
    std::fs::write(&archive, &bytes).unwrap();
    refused("vnfpkg", &archive, &["vnf.qcow2"]);

    let faulty = sources(&lab, "web", "faulty");
    let vnfd = faulty.join("Definitions/web.yaml");
    let good = std::fs::read_to_string(&vnfd).unwrap();
    std::fs::write(
        &vnfd,
        good.replacen("tosca.nodes.nfv.VduCp", "tosca.nodes.nfv.VduCup", 1)
            .replace("virtual_mem_size: 192 MiB", "virtual_mem_size: 192 apples"),
    )
    .unwrap();
    let archive = lab.path().join("faulty.csar");
    pack_dir(&faulty, &added, std::fs::File::create(&archive).unwrap()).unwrap();
    refused("vnfpkg", &archive, &["VduCup", "apples", "Definitions/web.yaml:"]);

    for (name, path) in [("climbs", "../../etc/evil"), ("absolute", "/etc/evil")] {
        let file = lab.path().join(format!("{name}.csar"));
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
        zip.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"evil").unwrap();
        zip.finish().unwrap();
        refused("vnfpkg", &file, &[path]);
    }
    let bomb = lab.path().join("bomb.csar");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&bomb).unwrap());
    zip.start_file("bomb.yaml", zip::write::SimpleFileOptions::default()).unwrap();
    for _ in 0..64 {
        zip.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    zip.finish().unwrap();
    refused("vnfpkg", &bomb, &["bomb.yaml"]);

    lab.onboard_package(&samples::pack("web", Some(&image), lab.path())).await;
    lab.onboard_package(&samples::pack("edge", Some(&image), lab.path())).await;
    let circle = sources(&lab, "demo-ns", "circle");
    let nsd = circle.join("Definitions/demo-ns.yaml");
    let good = std::fs::read_to_string(&nsd).unwrap();
    std::fs::write(&nsd, circular(&good)).unwrap();
    let archive = lab.path().join("circle.zip");
    pack_dir(&circle, &[], std::fs::File::create(&archive).unwrap()).unwrap();
    refused("nsd", &archive, &["circle", "Definitions/demo-ns.yaml:"]);

    assert_eq!(lab.mano_json(&["vnfpkg", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(lab.mano_json(&["nsd", "list"]).as_array().unwrap().len(), 0);
    let kept = walk(&lab.path().join("nfvo"));
    assert!(kept.iter().all(|f| !f.to_string_lossy().contains("evil")), "{kept:?}");
    assert_eq!(kept.iter().filter(|f| f.extension().is_some_and(|e| e == "zip" || e == "csar")).count(), 2, "{kept:?}");
    assert!(!Path::new("/etc/evil").exists());
    conformance::check(&lab);
}

/// The NSD with both VNFs waiting for each other.
fn circular(nsd: &str) -> String {
    let waits = |text: &str, first: &str, other: &str| {
        let line = format!("        - {first}\n");
        assert!(text.contains(&line), "{first:?} is not in the sample");
        text.replacen(&line, &format!("{line}        - dependency: {other}\n"), 1)
    };
    waits(&waits(nsd, "external: external", "web"), "data: internal", "edge")
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files.extend(walk(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}
