//! How fast a large package is checked, beside `sha256sum` on the same file, and how much memory that takes.
//!
//! `cargo run --release -p descriptors --example onboarding_speed [-- MEBIBYTES [signed]]` makes a package of that size
//! (1024 when absent) from the sample `web`, in the directory for temporary files, and removes it at the end. Its entries
//! are stored. Both programs run on a warm page cache, several times in turn; the best time of each counts. It fails when
//! the check is slower than 60 % of `sha256sum`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use descriptors::archive::{Limits, PackOptions, SignatureOption, pack_dir_with};
use descriptors::check_signed_vnf_package;
use descriptors::signature::{SigningKey, Trust, Unsigned};

const ROUNDS: usize = 5;
const WANTED: f64 = 0.6;
/// The certificate is judged at no particular time: nobody vouches for it anyway.
const AT: i64 = 1_717_200_000;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, path] = args.as_slice()
        && first == "check"
    {
        return check(Path::new(path));
    }
    let mebibytes: u64 = args.first().map_or(1024, |a| a.parse().expect("a size in MiB"));
    let signed = args.get(1).is_some_and(|a| a == "signed");
    let dir = tempfile::tempdir().unwrap();
    let package = dir.path().join("web.csar");
    make(dir.path(), &package, mebibytes, signed);
    let size = std::fs::metadata(&package).unwrap().len() as f64 / f64::from(1 << 20);
    println!("package: {size:.0} MiB{}", if signed { ", signed as a whole (option 2)" } else { "" });

    let (mut sum, mut own, mut peak) = (f64::MAX, f64::MAX, 0);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let done = Command::new("sha256sum").arg(&package).output().expect("sha256sum");
        assert!(done.status.success());
        sum = sum.min(start.elapsed().as_secs_f64());
        // A process of its own, so that its peak is that of the check alone.
        let start = Instant::now();
        let done = Command::new(std::env::current_exe().unwrap()).arg("check").arg(&package).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        own = own.min(start.elapsed().as_secs_f64());
        peak = peak.max(String::from_utf8_lossy(&done.stdout).trim().parse().expect("a number of KiB"));
    }
    println!("sha256sum: {:.0} MiB/s ({sum:.2} s)", size / sum);
    println!("check:     {:.0} MiB/s ({own:.2} s)", size / own);
    println!("ratio:     {:.0} % (wanted: at least {:.0} %)", 100.0 * sum / own, 100.0 * WANTED);
    println!("peak:      {:.1} MiB of resident memory", f64::from(peak) / 1024.0);
    ExitCode::from(u8::from(sum / own < WANTED))
}

/// Checks a package as an onboarding does, and prints the peak of its resident memory in KiB.
fn check(path: &Path) -> ExitCode {
    let trust = Trust::new(AT, Unsigned::Accept);
    match check_signed_vnf_package(path, &Limits::default(), &trust) {
        Ok(_) => {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
            println!("{}", peak.trim().trim_end_matches(" kB"));
            ExitCode::SUCCESS
        }
        Err(found) => {
            eprintln!("{found}");
            ExitCode::FAILURE
        }
    }
}

fn make(dir: &Path, package: &Path, mebibytes: u64, signed: bool) {
    let image = dir.join("image");
    let mut out = BufWriter::new(std::fs::File::create(&image).unwrap());
    let mut block = vec![0_u8; 1 << 20];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..mebibytes {
        // Content that no file system stores sparsely.
        for bytes in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.copy_from_slice(&state.to_le_bytes());
        }
        out.write_all(&block).unwrap();
    }
    out.into_inner().unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/web");
    let key = signed.then(|| key(dir));
    let options = PackOptions { sign: key.as_ref().map(|k| (k, SignatureOption::Outer)), ..PackOptions::default() };
    let file = BufWriter::new(std::fs::File::create(package).unwrap());
    pack_dir_with(&sources, &[("Artifacts/Images/vnf.qcow2", &image)], &options, file)
        .unwrap_or_else(|e| panic!("{e}"));
    std::fs::remove_file(image).unwrap();
}

fn key(dir: &Path) -> SigningKey {
    let (key, certificate) = (dir.join("key.pem"), dir.join("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=speed"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("the openssl command line tool");
    assert!(made.status.success());
    SigningKey::new(&std::fs::read(key).unwrap(), &std::fs::read(certificate).unwrap()).unwrap()
}
