//! `mano vnfpkg build`, `mano vnfpkg lint` and `mano nsd lint` as their user runs them: no service is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(program: &str, dir: &Path, args: &[&str]) -> Ran {
    let done = Command::new(program).current_dir(dir).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: done.status.code().unwrap(), out: text(&done.stdout), err: text(&done.stderr) }
}

fn mano(dir: &Path, args: &[&str]) -> Ran {
    run(env!("CARGO_BIN_EXE_mano"), dir, args)
}

fn sample(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples").join(name);
    path.to_str().unwrap().to_owned()
}

/// A place with a key, its certificate and a disk image.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let made = run(
        "openssl",
        dir.path(),
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-subj",
            "/O=tests/CN=vendor",
            "-days",
            "30",
        ],
    );
    assert_eq!(made.code, 0, "{}", made.err);
    std::fs::write(dir.path().join("image"), "an image").unwrap();
    dir
}

const IMAGE: &str = "Artifacts/Images/vnf.qcow2=image";

fn build(dir: &Path, out: &str, more: &[&str]) {
    let web = sample("web");
    let mut args = vec!["vnfpkg", "build", &web, out, "--add", IMAGE];
    args.extend(more);
    let built = mano(dir, &args);
    assert_eq!(built.code, 0, "{}", built.err);
}

#[test]
fn both_ways_of_signing_verify_with_openssl_and_with_lint() {
    let place = place();
    let dir = place.path();
    let key = ["--sign-key", "key.pem", "--sign-cert", "cert.pem"];
    build(dir, "one.csar", &[&key[..], &["--hash", "sha512"]].concat());
    build(dir, "two.zip", &[&key[..], &["--sign-option", "2"]].concat());
    build(dir, "none.csar", &[]);

    std::fs::create_dir(dir.join("one")).unwrap();
    assert_eq!(run("unzip", dir, &["-q", "one.csar", "-d", "one"]).code, 0);
    assert_eq!(run("unzip", dir, &["-q", "two.zip"]).code, 0);
    let manifest = std::fs::read_to_string(dir.join("one/web.mf")).unwrap();
    assert!(manifest.contains("Algorithm: SHA-512"));
    let (text, signature) = manifest.split_at(manifest.find("-----BEGIN CMS-----").unwrap());
    std::fs::write(dir.join("text"), text).unwrap();
    std::fs::write(dir.join("text.cms"), signature).unwrap();
    for (content, signature) in [("text", "text.cms"), ("web.csar", "web.cms")] {
        let args = ["cms", "-verify", "-binary", "-inform", "PEM", "-in", signature, "-content", content];
        let verified = run("openssl", dir, &[&args[..], &["-CAfile", "cert.pem", "-out", "out"]].concat());
        assert_eq!(verified.code, 0, "{content}: {}", verified.err);
    }
    for (package, refused) in [("one.csar", 0), ("two.zip", 0), ("none.csar", 1)] {
        let args = ["vnfpkg", "lint", package, "--strict", "--unsigned", "refuse", "--trust-anchor", "cert.pem"];
        let linted = mano(dir, &args);
        assert_eq!(linted.code, refused, "{package}: {}", linted.out);
        assert_eq!(linted.out.contains("signed: "), refused == 0, "{}", linted.out);
        // Without the anchor nobody vouches for the signer.
        assert_eq!(mano(dir, &["vnfpkg", "lint", package, "--unsigned", "refuse"]).code, 1, "{package}");
        assert_eq!(mano(dir, &["vnfpkg", "lint", package]).code, 0, "{package}");
    }
    // In a hundred years the certificate is out of time.
    let later = ["vnfpkg", "lint", "one.csar", "--trust-anchor", "cert.pem", "--at", "4900000000"];
    let linted = mano(dir, &later);
    assert!(linted.code == 1 && linted.out.contains("SIGNATURE-0007"), "{}", linted.out);
}

#[test]
fn keys_that_cannot_sign_are_told_and_leave_nothing_behind() {
    let place = place();
    let dir = place.path();
    let web = sample("web");
    std::fs::write(dir.join("bad.pem"), "nonsense").unwrap();
    for (key, cert, words) in [
        ("bad.pem", "cert.pem", "private key"),
        ("key.pem", "bad.pem", "certificate"),
        ("gone.pem", "cert.pem", "gone.pem"),
    ] {
        let args = ["vnfpkg", "build", &web, "out.csar", "--add", IMAGE, "--sign-key", key, "--sign-cert", cert];
        let built = mano(dir, &args);
        assert!(built.code == 2 && built.err.contains(words), "{}", built.err);
    }
    let alone = mano(dir, &["vnfpkg", "build", &web, "out.csar", "--sign-key", "key.pem"]);
    assert!(alone.code == 2 && alone.err.contains("--sign-cert"), "{}", alone.err);
    assert!(!dir.join("out.csar").exists() && !dir.join("out.csar.part").exists());
}

#[test]
fn lint_prints_every_form_fixes_and_tells_by_its_exit_code() {
    let place = place();
    let dir = place.path();
    build(dir, "web.csar", &[]);
    std::fs::create_dir(dir.join("web")).unwrap();
    assert_eq!(run("unzip", dir, &["-q", "web.csar", "-d", "web"]).code, 0);
    let clean = mano(dir, &["vnfpkg", "lint", "web", "--strict"]);
    assert_eq!((clean.code, clean.out.trim()), (0, "web: accepted (strict)"), "{}", clean.err);

    let meta = dir.join("web/TOSCA-Metadata/TOSCA.meta");
    let text = std::fs::read_to_string(&meta).unwrap();
    std::fs::write(&meta, text.replace("Created-By: mano\n", "")).unwrap();
    let refused = mano(dir, &["vnfpkg", "lint", "web"]);
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("--> web.mf:") && refused.out.contains("ARCHIVE-0034"), "{}", refused.out);
    assert!(refused.err.is_empty(), "the report says it all: {}", refused.err);
    for args in [["--format", "json"], ["-o", "json"], ["--format", "sarif"], ["-o", "sarif"]] {
        let ran = mano(dir, &[&["vnfpkg", "lint", "web"], &args[..]].concat());
        let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", ran.out));
        let found = if args[1] == "json" { &value["findings"] } else { &value["runs"][0]["results"] };
        assert_eq!((found.as_array().unwrap().len(), ran.code), (2, 1), "{args:?}");
    }
    assert!(
        mano(dir, &["vnfpkg", "lint", "web", "-o", "junit"]).out.contains("<testsuites tests=\"2\" failures=\"1\"")
    );
    assert!(mano(dir, &["vnfpkg", "lint", "web", "-o", "yaml"]).out.contains("verdict: refused"));

    let fixed = mano(dir, &["vnfpkg", "lint", "web", "--fix", "--strict"]);
    assert_eq!((fixed.code, fixed.err.matches("fixed: ").count()), (0, 2), "{}{}", fixed.out, fixed.err);
    assert_eq!(mano(dir, &["vnfpkg", "lint", "web", "--strict"]).code, 0);
}

#[test]
fn sources_are_judged_as_the_package_made_of_them() {
    let place = place();
    let dir = place.path();
    let web = sample("web");
    let whole = mano(dir, &["vnfpkg", "lint", &web, "--add", IMAGE, "--strict"]);
    assert_eq!(whole.code, 0, "{}", whole.out);
    let lacking = mano(dir, &["vnfpkg", "lint", &web]);
    assert_eq!(lacking.code, 1);
    assert!(
        lacking.out.contains("names a file that is not there") && lacking.out.contains("--> Definitions/web.yaml:37:")
    );
    assert!(
        !lacking.out.contains("is not listed"),
        "the manifest is written when the package is made: {}",
        lacking.out
    );
}

#[test]
fn nsd_lint_judges_archives_of_network_services() {
    let place = place();
    let dir = place.path();
    let demo = sample("demo-ns");
    assert_eq!(mano(dir, &["nsd", "build", &demo, "demo.zip"]).code, 0);
    let linted = mano(dir, &["nsd", "lint", "demo.zip", "--strict"]);
    assert_eq!(linted.code, 0, "{}", linted.out);
    // A network service is no VNF.
    let wrong = mano(dir, &["vnfpkg", "lint", "demo.zip"]);
    assert!(wrong.code == 1 && wrong.out.contains("use `mano nsd …`"), "{}", wrong.out);
    let gone = mano(dir, &["nsd", "lint", "gone.zip"]);
    assert!(gone.code == 2 && gone.err.contains("there is no gone.zip"), "{}", gone.err);
    let other = mano(dir, &["nsd", "list", "-o", "sarif"]);
    assert!(other.code == 2 && other.err.contains("only `lint`"), "{}", other.err);
}
