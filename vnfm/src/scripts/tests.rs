//! The sandbox's command, and real scripts in it where the machine can confine them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::json;

use super::*;

fn job(kind: ScriptKind, script: &str) -> Job {
    Job {
        name: format!("test-{}", uuid::Uuid::new_v4()),
        kind,
        network: false,
        file: "Scripts/it".into(),
        files: [("Scripts/it".to_owned(), script.as_bytes().to_vec())].into(),
        input: json!({ "hook": "test", "vnfcs": [] }),
        variables: json!({ "word": "hi", "n": 3, "PATH": "/evil", "MANO_HOOK": "x", "a-b": 1, "list": [1] })
            .as_object()
            .unwrap()
            .clone(),
        environment: vec![("MANO_HOOK", "test".to_owned())],
    }
}

#[test]
fn the_command_confines_and_takes_no_option_from_a_package() {
    let settings = Settings { folder: Some(tempfile::tempdir().unwrap().keep()), ..Settings::default() };
    let account = Account { uid: 65534, gid: 65534 };
    let job = job(ScriptKind::Python, "");
    let folder = sandbox::Folder::new(&settings, &job, &account).unwrap();
    let program = PathBuf::from("/opt/python/bin/python3");
    let command = |network| {
        let around = sandbox::Around { program: &program, folder: &folder, account: &account, network };
        let words = sandbox::command(&settings, &job, &around);
        words.iter().map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    };
    let alone = command(false);
    for part in [
        "prlimit --as=1073741824 --nproc=512 --cpu=300 --fsize=67108864",
        "--no-new-privs",
        "--die-with-parent",
        "--unshare-net",
        "--unshare-pid",
        "--clearenv",
        "--ro-bind /opt/python /opt/python",
        "--setenv word hi",
        "--setenv n 3",
        "--setenv list [1]",
        "--setenv MANO_HOOK test",
        "-- /opt/python/bin/python3 /vnf/package/Scripts/it",
    ] {
        assert!(alone.contains(part), "{part:?} is not in {alone}");
    }
    assert!(!alone.contains("/evil") && !alone.contains("a-b") && !alone.contains("MANO_HOOK x"), "{alone}");
    assert!(!alone.contains("/etc/resolv.conf"));
    let connected = command(true);
    assert!(!connected.contains("--unshare-net") && connected.contains("/etc/resolv.conf"), "{connected}");
}

#[test]
fn a_file_stays_within_its_folder() {
    let settings = Settings { folder: Some(tempfile::tempdir().unwrap().keep()), ..Settings::default() };
    let mut job = job(ScriptKind::Bash, "");
    job.files = [("../../etc/mano".to_owned(), Vec::new())].into();
    let told = sandbox::Folder::new(&settings, &job, &Account { uid: 1, gid: 1 }).unwrap_err();
    assert!(told.to_string().contains("no path within a package"), "{told}");
    assert_eq!(std::fs::read_dir(settings.folder()).unwrap().count(), 0, "its folder is gone");
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_before_it_runs() {
    let settings = Settings { kinds: vec![ScriptKind::Bash], network: Network::Never, ..Settings::default() };
    let runner = Confined::new(settings);
    let told = runner.run(&job(ScriptKind::Python, "")).await.unwrap_err();
    assert!(told.detail.contains("scripts.kinds"), "{told}");
    let told = runner.run(&Job { network: true, ..job(ScriptKind::Bash, "") }).await.unwrap_err();
    assert!(told.detail.contains("scripts.network of the VNFM is never"), "{told}");
}

#[test]
fn limits_have_bounds() {
    let settings = Settings { timeout_seconds: 0, scratch_mib: 1 << 40, user: "root".into(), ..Settings::default() };
    let places: Vec<String> = settings.faults().into_iter().map(|f| f.location).collect();
    assert_eq!(places, ["scripts.timeout_seconds", "scripts.scratch_mib", "scripts.user"]);
}
