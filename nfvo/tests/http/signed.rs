//! Trust anchors and the policy on unsigned archives, as the configuration sets them, at onboarding (SOL004 clause 5).

use std::path::Path;
use std::process::Command;

use descriptors::archive::{PackOptions, SignatureOption, pack_dir_with};
use descriptors::signature::{SigningKey, Unsigned};
use reference_points::os_ma_nfvo::{CreateNsdInfoRequest, NsdInfo};

use crate::lab::{IMAGE, Lab, once};

/// A vendor: key and certificate, made with the `openssl` command line tool.
fn vendor(dir: &Path, name: &str) -> SigningKey {
    let made = Command::new("openssl")
        .current_dir(dir)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"])
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem"), "-subj", &format!("/CN={name}")])
        .output()
        .expect("the openssl command line tool");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |end: &str| std::fs::read(dir.join(format!("{name}.{end}"))).unwrap();
    SigningKey::new(&read("key"), &read("pem")).unwrap()
}

fn packed(sample: &str, sign: Option<(&SigningKey, SignatureOption)>) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    std::fs::write(&image, "an image").unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples").join(sample);
    let extra: &[(&str, &Path)] = if sample == "demo-ns" { &[] } else { &[(IMAGE, &image)] };
    let mut out = std::io::Cursor::new(Vec::new());
    pack_dir_with(&sources, extra, &PackOptions { sign, ..PackOptions::default() }, &mut out).unwrap();
    out.into_inner()
}

async fn upload_nsd(lab: &Lab, archive: Vec<u8>) -> NsdInfo {
    let id = lab.nsds.create(&CreateNsdInfoRequest::default()).await.unwrap().id;
    lab.nsds.upload(id, None, once(archive)).await.unwrap();
    lab.nsds.get(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn only_archives_of_known_vendors_are_onboarded_where_policy_says_so() {
    let keys = tempfile::tempdir().unwrap();
    let (known, stranger) = (vendor(keys.path(), "known"), vendor(keys.path(), "stranger"));
    let anchor = keys.path().join("known.pem");
    let lab = Lab::with(|config| {
        config.trust_anchors = vec![anchor];
        config.unsigned_packages = Unsigned::Refuse;
    })
    .await;
    for (sign, code) in [
        (None, "SIGNATURE-0001"),
        (Some((&stranger, SignatureOption::Manifest)), "SIGNATURE-0006"),
        (Some((&stranger, SignatureOption::Outer)), "SIGNATURE-0006"),
    ] {
        let info = lab.upload_package(packed("edge", sign)).await;
        assert_eq!(info.onboarding_state.as_str(), "ERROR");
        let details = info.onboarding_failure_details.unwrap();
        let told: Vec<_> = details.faults.iter().map(|f| format!("{} {}", f.location, f.message)).collect();
        assert!(told.len() == 1 && told[0].contains(code), "{told:?}");
        lab.packages.delete(info.id).await.unwrap();
    }
    for (sample, option, word) in
        [("edge", SignatureOption::Manifest, "OPTION_1"), ("web", SignatureOption::Outer, "OPTION_2")]
    {
        let info = lab.upload_package(packed(sample, Some((&known, option)))).await;
        assert_eq!(info.onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);
        assert_eq!(info.package_security_option.as_str(), word);
        // What is read from the archive later is found in the package within.
        let url = lab.url(&format!("/vnfpkgm/v2/vnf_packages/{}/vnfd", info.id));
        let vnfd = lab.http.get(url).header("accept", "application/zip").send().await.unwrap();
        assert_eq!(vnfd.status().as_u16(), 200, "{sample}");
        assert!(vnfd.bytes().await.unwrap().starts_with(b"PK"));
    }
    // The packages are there, so only the signature can be at fault.
    let refused = upload_nsd(&lab, packed("demo-ns", Some((&stranger, SignatureOption::Outer)))).await;
    assert_eq!(refused.nsd_onboarding_state.as_str(), "ERROR");
    let taken = upload_nsd(&lab, packed("demo-ns", Some((&known, SignatureOption::Outer)))).await;
    assert_eq!(taken.nsd_onboarding_state.as_str(), "ONBOARDED", "{:?}", taken.onboarding_failure_details);
    assert_eq!(taken.archive_security_option.unwrap().as_str(), "OPTION_2");
    lab.end().await;
}

#[tokio::test]
async fn a_trust_anchor_that_is_none_keeps_the_service_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.pem"), "nonsense").unwrap();
    for (file, words) in [("bad.pem", "no certificate"), ("gone.pem", "No such file")] {
        let mut config = nfvo::Config { state_dir: dir.path().join("state"), ..nfvo::Config::default() };
        config.service.listen = Some("127.0.0.1:0".parse().unwrap());
        config.service.database = format!("sqlite://{}", dir.path().join("nfvo.db").display());
        config.trust_anchors = vec![dir.path().join(file)];
        let Err(error) = nfvo::start(config).await else { panic!("it must not start with {file}") };
        let told = format!("{error:?} {error}");
        assert!(told.contains(file) && told.contains(words), "{told}");
    }
}
