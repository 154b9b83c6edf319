//! Memory of the four services: at rest with the sample service, and while a large image passes through them.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use descriptors::archive::pack_dir;
use mano_tests::lab::{Lab, SERVICES, Wishes};
use mano_tests::samples;

/// A number in KiB of a file of `/proc`.
pub fn kib(pid: u32, file: &str, key: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|v| v.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}

pub fn pid(lab: &Lab, service: &str) -> u32 {
    lab.services[service].pid().expect("it runs")
}

/// Proportional set size after so many idle minutes.
pub async fn idle(minutes: u32) {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-m-idle", &Wishes::default()).await else { return };
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    println!("the sample service runs; waiting {minutes} minutes");
    tokio::time::sleep(Duration::from_secs(u64::from(minutes) * 60)).await;
    let mut sum = 0;
    println!("{:<12} {:>8} {:>8}", "service", "PSS MB", "peak MB");
    for service in SERVICES {
        let pid = pid(&lab, service);
        let pss = kib(pid, "smaps_rollup", "Pss:");
        sum += pss;
        println!("{service:<12} {:>8.1} {:>8.1}", mb(pss), mb(kib(pid, "status", "VmHWM:")));
    }
    println!("{:<12} {:>8.1}", "sum", mb(sum));
    lab.completed(lab.terminate(ns).await).await;
}

pub fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

/// Peak resident memory while a package with a large image is onboarded, and the image brought to VIM and host.
pub async fn image(mib: u32) {
    let Some(guest) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-m-image", &Wishes::default()).await else { return };
    let large = lab.path().join("large.qcow2");
    grow(&guest, &large, mib);
    let size = std::fs::metadata(&large).expect("the image").len();
    println!("an image of {:.2} GB", size as f64 / 1e9);
    for service in SERVICES {
        // From here on the peak counts anew.
        std::fs::write(format!("/proc/{}/clear_refs", pid(&lab, service)), "5").expect("the peak is reset");
    }
    let before: Vec<u64> = SERVICES.iter().map(|s| kib(pid(&lab, s), "status", "VmRSS:")).collect();
    let begun = std::time::Instant::now();
    lab.onboard_package(&samples::pack("edge", Some(&guest), lab.path())).await;
    let archive = lab.path().join("web.zip");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples/web");
    let added = [("Artifacts/Images/vnf.qcow2", large.as_path())];
    pack_dir(&sources, &added, std::fs::File::create(&archive).expect("an archive")).unwrap_or_else(|e| panic!("{e}"));
    println!("packed after {:.1} s", begun.elapsed().as_secs_f64());
    let begun = std::time::Instant::now();
    lab.onboard_package(&archive).await;
    println!("onboarded in {:.1} s", begun.elapsed().as_secs_f64());
    let nsd = lab.onboard_nsd(&samples::pack("demo-ns", None, lab.path())).await;
    let ns = lab.create_ns(&nsd, "demo").await;
    let begun = std::time::Instant::now();
    lab.completed(lab.instantiate(ns).await).await;
    println!("instantiated in {:.1} s, the image brought to VIM and host included\n", begun.elapsed().as_secs_f64());
    println!("{:<12} {:>9} {:>8}", "service", "before MB", "peak MB");
    for (service, before) in SERVICES.iter().zip(before) {
        println!("{service:<12} {:>9.1} {:>8.1}", mb(before), mb(kib(pid(&lab, service), "status", "VmHWM:")));
    }
    lab.completed(lab.terminate(ns).await).await;
}

/// The guest image made longer: clusters behind its end that nothing refers to, which qcow2 allows.
fn grow(guest: &Path, large: &Path, mib: u32) {
    std::fs::copy(guest, large).expect("a copy");
    let mut file = std::fs::File::options().write(true).open(large).expect("the copy");
    file.seek(SeekFrom::End(0)).expect("its end");
    random(&mut file, mib);
}

/// Writes so many MiB that do not compress: what does would not be moved at its full size everywhere.
pub fn random(file: &mut std::fs::File, mib: u32) {
    let mut block = vec![0u8; 1 << 20];
    let mut word = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..mib {
        for chunk in block.chunks_exact_mut(8) {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        file.write_all(&block).expect("written");
    }
}
