//! An appliance of DSP0243 on its way: from an OVA to a VNF package, through all services to a guest that boots on real
//! libvirt, and back to an OVA that describes the same machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use descriptors::archive::pack_dir;
use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples};

/// One machine with one disk and one network adapter, as somebody else's tool would describe it.
const DESCRIPTOR: &str = include_str!("data/appliance.ovf");
/// A network service that puts the appliance on the provider network of the lab.
const SERVICE: &str = include_str!("data/appliance-ns.yaml");
const MANIFEST: &str = "metadata:
  nsd_designer: mano tests
  nsd_name: appliance-ns
  nsd_file_structure_version: 1.0
  nsd_release_date_time: 2024-06-01T00:00:00Z
  nsd_invariant_id: 6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a2008
";

fn run(program: &str, args: &[&str], dir: &Path) {
    let out = Command::new(program).args(args).current_dir(dir).output().unwrap();
    assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// The appliance: the descriptor first, as DSP0243 clause 5.3 has it, then the disk.
fn appliance(image: &Path, dir: &Path) -> PathBuf {
    let vmdk = ["convert", "-O", "vmdk", "-o", "subformat=streamOptimized", image.to_str().unwrap(), "disk1.vmdk"];
    run("qemu-img", &vmdk, dir);
    let size = std::fs::metadata(dir.join("disk1.vmdk")).unwrap().len();
    std::fs::write(dir.join("appliance.ovf"), DESCRIPTOR.replace("@SIZE@", &size.to_string())).unwrap();
    run("tar", &["--format=ustar", "-cf", "appliance.ova", "appliance.ovf", "disk1.vmdk"], dir);
    dir.join("appliance.ova")
}

fn service(vnfd_id: &str, dir: &Path) -> PathBuf {
    let sources = dir.join("appliance-ns");
    std::fs::create_dir(&sources).unwrap();
    std::fs::write(sources.join("appliance-ns.yaml"), SERVICE.replace("@VNFD@", vnfd_id)).unwrap();
    std::fs::write(sources.join("appliance-ns.mf"), MANIFEST).unwrap();
    let out = dir.join("appliance-ns.zip");
    pack_dir(&sources, &[], File::create(&out).unwrap()).unwrap_or_else(|e| panic!("{e}"));
    out
}

#[tokio::test]
async fn real_an_appliance_becomes_a_package_boots_and_becomes_an_appliance_again() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-ovf", &Wishes::default()).await else { return };
    let dir = lab.path();
    let ova = appliance(&image, dir);
    let package = dir.join("appliance.csar");
    let (ova, csar) = (ova.to_str().unwrap(), package.to_str().unwrap());
    let imported = lab.mano_json(&["vnfpkg", "from-ovf", ova, "--out", csar]);
    lab.mano(&["vnfpkg", "lint", csar, "--strict"]);
    lab.onboard_package(&package).await;

    let vnfd_id = imported["descriptorId"].as_str().unwrap();
    let nsd = lab.onboard_nsd(&service(vnfd_id, dir)).await;
    let ns = lab.create_ns(&nsd, "appliance").await;
    lab.completed(lab.instantiate(ns).await).await;
    let topology = lab.mano.topology(ns).await.unwrap();
    let port = &topology.vnfs[0].vnfcs[0].ports[0];
    let address = port.addresses[0].split('/').next().unwrap();
    let begun = Instant::now();
    while !lab.nfvi().pings_from_outside(address) {
        assert!(begun.elapsed() < Duration::from_secs(240), "the guest does not answer at {address}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;

    let again = dir.join("again.ova");
    let again = again.to_str().unwrap();
    let exported = lab.mano_json(&["vnfpkg", "to-ova", csar, "--vdu", "appliance", "--out", again]);
    let read = lab.mano_json(&["vnfpkg", "from-ovf", again, "--out", dir.join("again").to_str().unwrap()]);
    assert_eq!(read["appliance"], exported["appliance"]);
    let machine = |told: &serde_json::Value| {
        let system = &told["appliance"]["systems"][0];
        (system["cpus"].clone(), system["memory_bytes"].clone(), system["nics"].as_array().map(Vec::len))
    };
    assert_eq!(machine(&read), machine(&imported), "{read:#} {imported:#}");
    assert_eq!(machine(&read).0, 1);
    conformance::check(&lab);
}
