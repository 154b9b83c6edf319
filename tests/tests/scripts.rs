//! Lifecycle scripts that VNF packages bring: they run around the operations, confined, and what they print is kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use mano_tests::conformance;
use mano_tests::lab::Lab;
use mano_tests::vnfs::{Own, pack};
use reference_points::or_vnfm::{HealVnfRequest, LcmOperationStateType};
use serde_json::{Value, json};
use uuid::Uuid;

/// A node whose operations `hooks` are all implemented by one script, given an input.
fn scripted(hooks: &[&str], file: &str, artifact_type: &str) -> String {
    let mut node = format!(
        "      artifacts:\n        flow:\n          type: {artifact_type}\n          file: ../{file}\n      interfaces:\n        Vnflcm:\n          type: tosca.interfaces.nfv.Vnflcm\n          operations:\n"
    );
    for hook in hooks {
        node += &format!(
            "            {hook}:\n              implementation: flow\n              inputs: {{ greeting: hello }}\n"
        );
    }
    node
}

const BASH: &str = "tosca.artifacts.Implementation.Bash";

async fn terminated(lab: &Lab, vnf: Uuid) {
    let request = serde_json::from_value(json!({ "terminationType": "FORCEFUL" })).unwrap();
    lab.vnf_op_completed(lab.vnfs.terminate(vnf, &request).await.unwrap()).await;
    lab.nothing_leaks().await;
}

/// What the script of a step printed.
fn printed(shown: &Value, hook: &str) -> String {
    let step = shown["steps"].as_array().unwrap().iter().find(|s| s["key"] == format!("script/{hook}"));
    let step = step.unwrap_or_else(|| panic!("no step of {hook} in {shown:#}"));
    assert_eq!(step["state"], "done", "{step:#}");
    step["output"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn scripts_of_the_package_run_before_and_after_operations() {
    let lab = Lab::with_vnfm("").await;
    let hooks = [
        "instantiate_start",
        "instantiate_end",
        "scale_start",
        "scale_end",
        "scale_to_level_end",
        "operate_start",
        "operate_end",
        "heal_start",
        "heal_end",
        "modify_information_start",
        "modify_information_end",
        "terminate_start",
        "terminate_end",
    ];
    let script = r#"#!/bin/bash
. "$(dirname "$0")/lib/words.sh"
echo "$greeting $WORLD from $MANO_HOOK of $MANO_OPERATION, try $MANO_ATTEMPT, reason ${reason:-none}"
python3 - <<'END'
import json, os
given = json.load(open(os.environ["MANO_INPUT"]))
print(len(given["vnfcs"]), "VNFCs,", given["vnfInstance"]["instantiationState"], given["vnfInstance"]["vnfInstanceName"])
print("asked for", sorted(given["request"]))
END
"#;
    let files = [("Scripts/flow.sh", script), ("Scripts/lib/words.sh", "WORLD=world\n")];
    let node = scripted(&hooks, "Scripts/flow.sh", BASH);
    let vnf = lab.vnf(&Own { node: &node, files: &files, ..Own::default() }, "told").await;

    let op = lab.instantiate_vnf(vnf, json!({ "reason": "because" })).await;
    lab.vnf_op_completed(op).await;
    let shown = lab.mano_json(&["op", "show", &op.to_string()]);
    let (start, end) = (printed(&shown, "instantiate_start"), printed(&shown, "instantiate_end"));
    assert!(start.contains("hello world from instantiate_start of INSTANTIATE, try 1, reason because"), "{start}");
    assert!(start.contains("0 VNFCs, NOT_INSTANTIATED told"), "nothing is there yet: {start}");
    assert!(end.contains("1 VNFCs, INSTANTIATED told"), "everything is there: {end}");
    assert!(end.contains("'flavourId'"), "{end}");
    // The first begins when the grant is there and ends before anything is made; the last waits for all.
    let steps = shown["steps"].as_array().unwrap();
    let at = |key: &str, what: &str| steps.iter().find(|s| s["key"] == key).unwrap()[what].as_i64().unwrap();
    let machine = steps.iter().find(|s| s["kind"] == "compute").unwrap();
    assert!(at("script/instantiate_start", "endedAt") <= machine["startedAt"].as_i64().unwrap());
    assert!(machine["endedAt"].as_i64().unwrap() <= at("script/instantiate_end", "startedAt"));
    let table = lab.mano(&["op", "show", &op.to_string()]);
    assert!(
        table.contains("Run script Scripts/flow.sh of instantiate_end printed:") && table.contains("hello world"),
        "{table}"
    );

    let request = serde_json::from_value(json!({ "type": "SCALE_OUT", "aspectId": "servers" })).unwrap();
    let op = lab.vnfs.scale(vnf, &request).await.unwrap();
    lab.vnf_op_completed(op).await;
    let shown = lab.mano_json(&["op", "show", &op.to_string()]);
    assert!(printed(&shown, "scale_start").contains("1 VNFCs"), "{shown:#}");
    assert!(printed(&shown, "scale_end").contains("2 VNFCs"), "{shown:#}");
    let request = serde_json::from_value(json!({ "instantiationLevelId": "small" })).unwrap();
    let op = lab.vnfs.scale_to_level(vnf, &request).await.unwrap();
    lab.vnf_op_completed(op).await;
    assert!(printed(&lab.mano_json(&["op", "show", &op.to_string()]), "scale_to_level_end").contains("1 VNFCs"));

    let request = serde_json::from_value(json!({ "changeStateTo": "STOPPED" })).unwrap();
    let op = lab.vnfs.operate(vnf, &request).await.unwrap();
    lab.vnf_op_completed(op).await;
    assert!(printed(&lab.mano_json(&["op", "show", &op.to_string()]), "operate_end").contains("from operate_end"));

    // Parameters that the VNFD declares reach its scripts, others are refused.
    let heal = |name: &str| HealVnfRequest {
        additional_params: [(name.to_owned(), json!("hi"))].into_iter().collect(),
        ..HealVnfRequest::default()
    };
    let told = lab.vnfs.heal(vnf, &heal("greetings")).await.unwrap_err().to_problem();
    assert_eq!((told.status, told.faults[0].location.as_str()), (422, "/additionalParams/greetings"), "{told:?}");
    assert_eq!(told.faults[0].mend.as_deref(), Some("one of greeting"));
    let op = lab.vnfs.heal(vnf, &heal("greeting")).await.unwrap();
    lab.vnf_op_completed(op).await;
    assert!(printed(&lab.mano_json(&["op", "show", &op.to_string()]), "heal_end").contains("hi world from heal_end"));

    lab.mano(&["vnf", "modify", "told", "--description", "talks"]);
    let all = lab.vnfs.list_op_occs(&format!("?filter=(eq,operation,MODIFY_INFO);(eq,vnfInstanceId,{vnf})")).await;
    let op = all.unwrap().body.remove(0).id;
    let shown = lab.mano_json(&["op", "show", &op.to_string()]);
    assert!(printed(&shown, "modify_information_end").contains("'vnfInstanceDescription'"), "{shown:#}");

    let request = serde_json::from_value(json!({ "terminationType": "FORCEFUL" })).unwrap();
    let op = lab.vnfs.terminate(vnf, &request).await.unwrap();
    lab.vnf_op_completed(op).await;
    let shown = lab.mano_json(&["op", "show", &op.to_string()]);
    assert!(printed(&shown, "terminate_start").contains("1 VNFCs"), "{shown:#}");
    assert!(printed(&shown, "terminate_end").contains("0 VNFCs"), "{shown:#}");
    lab.nothing_leaks().await;
    conformance::check(&lab);
}

/// A folder that scripts may read; open, since they run as another user.
fn readable(dir: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("readable");
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn a_script_that_fails_is_told_and_retried_or_rolled_back() {
    let dir = mano_tests::lab::folder();
    let open = readable(dir.path());
    let lab = Lab::with_vnfm(&format!("scripts:\n  readable: [{}]\n", open.display())).await;
    let script = format!(
        "echo looking for a licence\nif [ -e {0}/licence ]; then cat {0}/licence; else echo 'there is no licence' >&2; exit 7; fi\n",
        open.display()
    );
    let files = [("Scripts/licence.sh", script.as_str())];
    let node = scripted(&["instantiate_end", "terminate_start"], "Scripts/licence.sh", BASH);
    let vnf = lab.vnf(&Own { node: &node, files: &files, ..Own::default() }, "licensed").await;

    let op = lab.instantiate_vnf(vnf, json!({})).await;
    let told = lab.vnf_op_failed(op).await;
    for part in [
        "Scripts/licence.sh of instantiate_end failed",
        "exit status 7",
        "there is no licence",
        "script/instantiate_end",
        "retry",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    let shown = lab.cli(&["op", "show", &op.to_string()]);
    assert!(shown.err.contains("there is no licence") || shown.out.contains("there is no licence"), "{shown:#?}");
    lab.vnfs.rollback(op).await.unwrap();
    lab.vnf_op(op, &[LcmOperationStateType::RolledBack]).await;
    lab.nothing_leaks().await;

    let op = lab.instantiate_vnf(vnf, json!({})).await;
    lab.vnf_op_failed(op).await;
    std::fs::write(open.join("licence"), "licence 42\n").unwrap();
    lab.vnfs.retry(op).await.unwrap();
    lab.vnf_op_completed(op).await;
    assert!(printed(&lab.mano_json(&["op", "show", &op.to_string()]), "instantiate_end").contains("licence 42"));
    terminated(&lab, vnf).await;
    conformance::check(&lab);
}

#[tokio::test]
async fn a_script_is_confined() {
    let limits = "scripts:\n  memory_mib: 256\n  scratch_mib: 8\n  timeout_seconds: 10\n";
    let lab = Lab::with_vnfm(limits).await;
    let port = lab.services["vnfm"].url.rsplit(':').next().unwrap().to_owned();
    let secret = lab.path().join("vnfm.yaml");
    let script = format!(
        r#"
echo "user $(id -u) group $(id -g) groups $(id -G)"
grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status | tr -d '\t' | tr '\n' ' '; echo
if (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; then echo network open; else echo network closed; fi
if cat {secret} 2>/dev/null; then echo file open; else echo file closed; fi
for place in / /usr /vnf /vnf/package /dev /etc; do if touch $place/mine 2>/dev/null; then echo "$place open"; fi; done
if head -c 20000000 /dev/zero > /tmp/large 2>/dev/null; then echo scratch unbounded; else echo scratch bounded; fi
if python3 -c 'bytearray(600 << 20)' 2>/dev/null; then echo memory unbounded; else echo memory bounded; fi
echo "processes $(ls -d /proc/[0-9]* | wc -l)"
echo "host's environment ${{MANO_NFVO:-closed}}"
"#,
        secret = secret.display()
    );
    let files = [("Scripts/nosy.sh", script.as_str()), ("Scripts/slow.sh", "echo waiting; sleep 300\n")];
    let node = scripted(&["instantiate_start"], "Scripts/nosy.sh", BASH);
    let vnf = lab.vnf(&Own { node: &node, files: &files, ..Own::default() }, "nosy").await;
    let op = lab.instantiate_vnf(vnf, json!({})).await;
    lab.vnf_op_completed(op).await;
    let out = printed(&lab.mano_json(&["op", "show", &op.to_string()]), "instantiate_start");
    assert!(out.contains("CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1"), "{out}");
    assert!(!out.contains("user 0") && !out.contains("open") && !out.contains("unbounded"), "{out}");
    for part in ["network closed", "file closed", "scratch bounded", "memory bounded"] {
        assert!(out.contains(part), "{part:?} is not in {out}");
    }
    let seen: u32 = out.split("processes ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!(seen < 12, "it sees the processes of the host: {out}");
    terminated(&lab, vnf).await;

    let node = scripted(&["instantiate_start"], "Scripts/slow.sh", BASH);
    let vnf = lab.vnf(&Own { node: &node, files: &files, ..Own::default() }, "slow").await;
    let op = lab.instantiate_vnf(vnf, json!({})).await;
    let told = lab.vnf_op_failed(op).await;
    assert!(told.contains("did not end within 10 s and was killed"), "{told}");
    lab.vnfs.rollback(op).await.unwrap();
    lab.vnf_op(op, &[LcmOperationStateType::RolledBack]).await;
    conformance::check(&lab);
}

#[tokio::test]
async fn a_script_has_the_network_when_its_package_asks_and_the_configuration_allows_it() {
    let types = "artifact_types:\n  mano.test.Connected:\n    derived_from: tosca.artifacts.Implementation.Bash\n    properties:\n      network: { type: boolean, default: false }\n";
    let node = scripted(
        &["instantiate_start"],
        "Scripts/ask.sh",
        "mano.test.Connected\n          properties: { network: true }",
    );
    for allowed in [true, false] {
        let lab = Lab::with_vnfm(if allowed { "" } else { "scripts:\n  network: never\n" }).await;
        let port = lab.services["vnfm"].url.rsplit(':').next().unwrap().to_owned();
        let script = format!("(exec 3<>/dev/tcp/127.0.0.1/{port}) && echo network open\n");
        let files = [("Scripts/ask.sh", script.as_str())];
        let vnf = lab.vnf(&Own { node: &node, types, files: &files, ..Own::default() }, "asks").await;
        let op = lab.instantiate_vnf(vnf, json!({})).await;
        if allowed {
            lab.vnf_op_completed(op).await;
            assert!(
                printed(&lab.mano_json(&["op", "show", &op.to_string()]), "instantiate_start").contains("network open")
            );
            terminated(&lab, vnf).await;
        } else {
            assert!(lab.vnf_op_failed(op).await.contains("scripts.network of the VNFM is never"));
        }
    }
}

/// Processes whose command line contains a text.
fn running(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter(|p| p.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|p| std::fs::read(p.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).replace('\0', " ").starts_with(text))
        .count()
}

#[tokio::test]
async fn a_script_ends_with_its_vnfm_and_runs_again() {
    let mut lab = Lab::with_vnfm("").await;
    // Nobody else sleeps for exactly so long.
    let nap = format!("sleep {}.{}", 300, std::process::id());
    let script = format!("if [ $MANO_ATTEMPT = 1 ]; then {nap}; fi\necho try $MANO_ATTEMPT went through\n");
    let files = [("Scripts/nap.sh", script.as_str())];
    let node = scripted(&["instantiate_end"], "Scripts/nap.sh", BASH);
    let vnf = lab.vnf(&Own { node: &node, files: &files, ..Own::default() }, "naps").await;
    let op = lab.instantiate_vnf(vnf, json!({})).await;
    while running(&nap) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    lab.services.get_mut("vnfm").unwrap().kill();
    while running(&nap) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    lab.services.get_mut("vnfm").unwrap().start().await;
    lab.vnf_op_completed(op).await;
    assert!(
        printed(&lab.mano_json(&["op", "show", &op.to_string()]), "instantiate_end").contains("try 2 went through")
    );
    terminated(&lab, vnf).await;
}

#[tokio::test]
async fn a_playbook_runs_with_the_vnfcs_as_its_inventory() {
    let Some(ansible) = std::env::var_os("MANO_ANSIBLE").map(PathBuf::from).filter(|p| p.exists()) else {
        println!("SKIPPED: MANO_ANSIBLE names no ansible-playbook; tests/run installs it");
        return;
    };
    let lab = Lab::with_vnfm(&format!("scripts:\n  ansible_playbook: {}\n", ansible.display())).await;
    let playbook = "
- hosts: web
  connection: local
  gather_facts: false
  tasks:
    - name: Say who it is
      ansible.builtin.debug:
        msg: \"{{ greeting }} {{ inventory_hostname }} at {{ ansible_host }} in {{ mano.hook }} with {{ word }}\"
    - name: Fail when it is asked to
      ansible.builtin.fail:
        msg: as asked
      when: broken | default('no') == 'yes'
";
    let files = [("Playbooks/site.yaml", playbook), ("Playbooks/group_vars/all.yaml", "word: pleasure\n")];
    let node = scripted(&["instantiate_end", "heal_end"], "Playbooks/site.yaml", "tosca.artifacts.File");
    let vnf = lab.vnf(&Own { node: &node, files: &files, ..Own::default() }, "played").await;
    let op = lab.instantiate_vnf(vnf, json!({})).await;
    lab.vnf_op_completed(op).await;
    let out = printed(&lab.mano_json(&["op", "show", &op.to_string()]), "instantiate_end");
    let shown = lab.mano_json(&["vnf", "show", "played"]);
    let cps = shown["instantiatedVnfInfo"]["vnfcResourceInfo"][0]["vnfcCpInfo"].as_array().unwrap();
    let management = cps.iter().find(|cp| cp["cpdId"] == "management").unwrap();
    let address = &management["cpProtocolInfo"][0]["ipOverEthernet"]["ipAddresses"][0]["addresses"][0];
    let said = format!("hello played-web-1 at {} in instantiate_end with pleasure", address.as_str().unwrap());
    assert!(out.contains(&said) && out.contains("failed=0"), "{said:?} is not in {out}");
    terminated(&lab, vnf).await;

    let broken = scripted(&["instantiate_end"], "Playbooks/site.yaml", "tosca.artifacts.File")
        .replace("hello", "hello, broken: 'yes'");
    let vnf = lab.vnf(&Own { node: &broken, files: &files, ..Own::default() }, "broken").await;
    let op = lab.instantiate_vnf(vnf, json!({ "ansible_host": "nowhere" })).await;
    let told = lab.vnf_op_failed(op).await;
    assert!(told.contains("as asked") && told.contains("exit status 2"), "{told}");
    lab.vnfs.rollback(op).await.unwrap();
    lab.vnf_op(op, &[LcmOperationStateType::RolledBack]).await;
}

#[tokio::test]
async fn a_playbook_without_ansible_is_refused_with_what_to_install() {
    let lab = Lab::with_vnfm("scripts:\n  ansible_playbook: /nowhere/ansible-playbook\n").await;
    let node = scripted(&["instantiate_start"], "Playbooks/site.yaml", "tosca.artifacts.File");
    let files = [("Playbooks/site.yaml", "- hosts: all\n")];
    let vnf = lab.vnf(&Own { node: &node, files: &files, ..Own::default() }, "unplayed").await;
    let told = lab.vnf_op_failed(lab.instantiate_vnf(vnf, json!({})).await).await;
    assert!(told.contains("/nowhere/ansible-playbook") && told.contains("pip install ansible-core"), "{told}");
}

/// The policy by which the package of VNFD `to` takes over VNFs of `from`, with what its triggers call.
fn package_change(from: Uuid, to: Uuid, call: &str) -> String {
    format!(
        "    - from_before:
        type: tosca.policies.nfv.VnfPackageChange
        properties:
          selector:
            - {{ source_descriptor_id: {from}, destination_descriptor_id: {to}, source_flavour_id: simple }}
          modification_qualifier: up
          destination_flavour_id: simple
        triggers:
          begins: {{ event: change_current_package_start_notification, action: [ {{ call_operation: Change.prepare }} ] }}
          serves: {{ event: change_current_package_notification, action: [ {{ call_operation: {call} }} ] }}
"
    )
}

#[tokio::test]
async fn a_change_of_the_package_runs_the_scripts_of_the_new_one_and_what_its_policy_calls() {
    let lab = Lab::with_vnfm("").await;
    let image = mano_tests::samples::pretended_image(lab.path());
    let software = lab.path().join("other.qcow2");
    std::fs::write(&software, [std::fs::read(&image).unwrap(), vec![0; 512]].concat()).unwrap();
    let (from, to, wrong) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let node = scripted(&["change_current_package_start", "change_current_package_end"], "Scripts/flow.sh", BASH)
        + "        Change:
          type: mano.test.Change
          operations:
            prepare: { implementation: flow, inputs: { greeting: prepare } }
            convert: { implementation: flow, inputs: { greeting: convert } }
";
    let types = "interface_types:
  mano.test.Change:
    derived_from: tosca.interfaces.nfv.ChangeCurrentVnfPackage
    operations:
      prepare: { description: Before }
      convert: { description: The change itself }
";
    let flow = "echo \"$greeting in $MANO_HOOK of $MANO_OPERATION\"\n";
    let files = [("Scripts/flow.sh", flow)];
    lab.onboard_package(&pack(&Own::default(), from, &image, lab.path())).await;
    for (id, call) in [(to, "Change.convert"), (wrong, "Chance.convert")] {
        let policies = package_change(from, id, call);
        let own = Own { node: &node, policies: &policies, types, files: &files, ..Own::default() };
        lab.onboard_package(&pack(&own, id, &software, lab.path())).await;
    }
    let vnf = lab.run_vnf(&from.to_string(), "changed", &json!({ "flavourId": "simple" })).await;

    let refused = lab.cli(&["vnf", "upgrade", "changed", &wrong.to_string()]);
    assert!(refused.code == Some(1) && refused.err.contains("it calls \"Chance.convert\""), "{refused:#?}");
    let request = serde_json::from_value(json!({ "vnfdId": to })).unwrap();
    let op = lab.vnfs.change_vnfpkg(vnf, &request).await.unwrap();
    lab.vnf_op_completed(op).await;
    let shown = lab.mano_json(&["op", "show", &op.to_string()]);
    let steps = shown["steps"].as_array().unwrap();
    let scripts: Vec<&str> = steps.iter().filter_map(|s| s["key"].as_str()?.strip_prefix("script/")).collect();
    assert_eq!(scripts, ["change_current_package_start", "begins/1", "serves/1", "change_current_package_end"]);
    for (step, said) in [
        ("change_current_package_start", "hello in change_current_package_start of CHANGE_VNFPKG"),
        ("begins/1", "prepare in Change.prepare of CHANGE_VNFPKG"),
        ("serves/1", "convert in Change.convert of CHANGE_VNFPKG"),
        ("change_current_package_end", "hello in change_current_package_end of CHANGE_VNFPKG"),
    ] {
        let out = printed(&shown, step);
        assert!(out.contains(said), "{step}: {out}");
    }
    // The first two before any machine is touched, the others when all are changed.
    let at = |key: &str, what: &str| {
        let step = steps.iter().find(|s| s["key"] == format!("script/{key}"));
        step.unwrap()[what].as_i64().unwrap()
    };
    let machines: Vec<&Value> = steps.iter().filter(|s| s["kind"] == "compute").collect();
    assert!(!machines.is_empty(), "{shown:#}");
    for machine in machines {
        assert!(at("begins/1", "endedAt") <= machine["startedAt"].as_i64().unwrap(), "{machine:#}");
        assert!(machine["endedAt"].as_i64().unwrap() <= at("serves/1", "startedAt"), "{machine:#}");
    }
    only_version_2_knows(&lab, op).await;
    terminated(&lab, vnf).await;
    conformance::check(&lab);
}

#[tokio::test]
async fn a_package_that_came_after_another_with_its_vnfd_is_the_one_that_is_run() {
    let lab = Lab::with_vnfm("").await;
    let image = mano_tests::samples::pretended_image(lab.path());
    let vnfd = Uuid::new_v4();
    let mut before = None;
    for (word, hook) in [("first", "instantiate_end"), ("second", "instantiate_start")] {
        let script = format!("echo the {word} package\n");
        let files = [("Scripts/say.sh", script.as_str())];
        let node = scripted(&[hook], "Scripts/say.sh", BASH);
        let archive = pack(&Own { node: &node, files: &files, ..Own::default() }, vnfd, &image, lab.path());
        let package = lab.onboard_package(&archive).await;
        assert_ne!(before.replace(package), Some(package));
        let create = serde_json::from_value(json!({ "vnfdId": vnfd, "vnfInstanceName": word })).unwrap();
        let vnf = lab.vnfs.create(&create).await.unwrap().id;
        let op = lab.instantiate_vnf(vnf, json!({})).await;
        lab.vnf_op_completed(op).await;
        let out = printed(&lab.mano_json(&["op", "show", &op.to_string()]), hook);
        assert!(out.contains(&format!("the {word} package")), "{out}");
        terminated(&lab, vnf).await;
        lab.vnfs.delete(vnf).await.unwrap();
        lab.packages.delete(package).await.unwrap();
    }
    let create = serde_json::from_value(json!({ "vnfdId": vnfd })).unwrap();
    let gone = lab.vnfs.create(&create).await.unwrap_err().to_problem();
    assert!(gone.status == 422 && gone.faults[0].location == "/vnfdId", "{gone:?}");
    conformance::check(&lab);
}

/// Clients of `vnflcm/v1` are neither shown nor given what came with a later version.
async fn only_version_2_knows(lab: &Lab, op: Uuid) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |path: &str| {
        let answer = client.get(format!("{}/vnflcm/{path}", lab.services["vnfm"].url)).header("Version", "1.3.0");
        let answer = answer.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (_, listed) = ask("v1/vnf_lcm_op_occs").await;
    let operations: Vec<&str> = listed.as_array().unwrap().iter().map(|o| o["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["INSTANTIATE"]);
    let (status, told) = ask(&format!("v1/vnf_lcm_op_occs/{op}")).await;
    assert_eq!(status, 404);
    assert!(told["detail"].as_str().unwrap().contains("CHANGE_VNFPKG"), "{told:#}");
    assert!(told["next"].as_str().unwrap().contains("/vnflcm/v2/"), "{told:#}");
}
