//! How fast a large VNF package is onboarded over HTTP, beside `sha256sum` over the same file.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use descriptors::archive::pack_dir;
use mano_tests::lab::Lab;
use reference_points::or_vi::SimSpec;
use reference_points::os_ma_nfvo::{PackageOperationalState, VnfPkgInfoModifications};

use crate::memory::{kib, mb, pid, random};

/// Times compared, so that one slow moment of the machine decides nothing.
const ROUNDS: u32 = 3;

/// Onboards a package with an image of so many MiB, from the first byte sent to the state `ONBOARDED`.
pub async fn run(mib: u32) {
    let lab = Lab::simulated(SimSpec::default()).await;
    let image = lab.path().join("large.qcow2");
    random(&mut std::fs::File::create(&image).expect("an image"), mib);
    let archive = lab.path().join("web.zip");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples/web");
    let added = [("Artifacts/Images/vnf.qcow2", image.as_path())];
    pack_dir(&sources, &added, std::fs::File::create(&archive).expect("an archive")).unwrap_or_else(|e| panic!("{e}"));
    let size = std::fs::metadata(&archive).expect("the archive").len() as f64;
    println!("a package of {:.2} GB", size / 1e9);
    println!("{:>14} {:>14} {:>8} {:>16}", "sha256sum MB/s", "onboard MB/s", "ratio", "peak of nfvo MB");
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        assert!(Command::new("sha256sum").arg(&archive).output().expect("sha256sum runs").status.success());
        let digest = begun.elapsed().as_secs_f64();
        // From here on the peak counts anew.
        std::fs::write(format!("/proc/{}/clear_refs", pid(&lab, "nfvo")), "5").expect("the peak is reset");
        let begun = Instant::now();
        let id = lab.onboard_package(&archive).await;
        let onboarded = begun.elapsed().as_secs_f64();
        println!(
            "{:>14.0} {:>14.0} {:>7.0}% {:>16.1}",
            size / 1e6 / digest,
            size / 1e6 / onboarded,
            digest / onboarded * 100.0,
            mb(kib(pid(&lab, "nfvo"), "status", "VmHWM:"))
        );
        let disabled = VnfPkgInfoModifications {
            operational_state: Some(PackageOperationalState::Disabled),
            ..VnfPkgInfoModifications::default()
        };
        lab.packages.modify(id, &disabled).await.expect("disabled");
        lab.packages.delete(id).await.expect("deleted");
    }
}
