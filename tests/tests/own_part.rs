//! What a VNF does itself in its lifecycle, on real libvirt, Open vSwitch and OVN: its scripts reach its machines over the
//! management network, a playbook plays against them, its element manager coordinates, and it is told its configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use mano_tests::conformance;
use mano_tests::em::{Answer, Em};
use mano_tests::lab::{Lab, Wishes};
use mano_tests::samples;
use mano_tests::vnfs::{CONFIGURED, COORDINATED, Own, PROPERTIES, PROPERTY_TYPES, pack};
use reference_points::or_vi::{NetworkRealisation, NetworkSpec, SubnetSpec, ViClient};
use serde_json::{Value, json};
use uuid::Uuid;

/// Artifacts that ask for the network of the VNFM's host.
const CONNECTED: &str = "artifact_types:
  mano.test.Connected:
    derived_from: tosca.artifacts.Implementation.Python
    properties: { network: { type: boolean, default: false } }
  mano.test.AnsibleConnected:
    derived_from: tosca.artifacts.File
    properties: { network: { type: boolean, default: false } }
";

const NODE: &str = "      artifacts:
        greet: { type: tosca.artifacts.Implementation.Bash, file: ../Scripts/greet.sh }
        work: { type: mano.test.Connected, file: ../Scripts/work.py, properties: { network: true } }
        play: { type: mano.test.AnsibleConnected, file: ../Playbooks/site.yaml, properties: { network: true } }
      interfaces:
        Vnflcm:
          type: tosca.interfaces.nfv.Vnflcm
          operations:
            instantiate_start: { implementation: greet, inputs: { greeting: welcome } }
            instantiate_end: { implementation: work }
            create_snapshot_start: { implementation: work }
            create_snapshot_end: { implementation: work }
            revert_to_snapshot_start: { implementation: work }
            revert_to_snapshot_end: { implementation: work }
            modify_information_end: { implementation: play }
            scale_end: { implementation: work }
            terminate_start: { implementation: work }
";

const GREET: &str = "#!/bin/bash
echo \"$greeting before anything; $(grep -c : /proc/net/dev) network device\"
";

/// Writes a note onto the disk of each machine, or reads it, by HTTP.
const WORK: &str = r#"
import json, os, time, urllib.request

given = json.load(open(os.environ["MANO_INPUT"]))
written = {"instantiate_end": "licensed", "create_snapshot_start": "captured", "create_snapshot_end": "afterwards"}

def ask(address, path):
    until = time.monotonic() + 200
    while True:
        try:
            return urllib.request.urlopen(f"http://{address}/{path}", timeout=5).read().decode().strip()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)

for vnfc in given["vnfcs"]:
    address = next(cp["addresses"][0] for cp in vnfc["cps"] if cp["cpd"] == "management")
    said = ask(address, "")
    word = written.get(given["hook"])
    note = ask(address, "cgi-bin/note" + (f"?{word}" if word else ""))
    print(f"{vnfc['name']} said '{said}' and notes '{note}'")
"#;

const PLAYBOOK: &str = r#"
- hosts: web
  connection: local
  gather_facts: false
  tasks:
    - name: Write a note
      ansible.builtin.uri:
        url: "http://{{ ansible_host }}/cgi-bin/note?played"
        return_content: true
      register: written
    - name: Say it
      ansible.builtin.debug:
        msg: "{{ inventory_hostname }} notes '{{ written.content | trim }}' in {{ mano.hook }}"
"#;

/// What the script of a step printed.
fn printed(lab: &Lab, op: Uuid, hook: &str) -> String {
    let shown = lab.mano_json(&["op", "show", &op.to_string()]);
    let step = shown["steps"].as_array().unwrap().iter().find(|s| s["key"] == format!("script/{hook}"));
    let step = step.unwrap_or_else(|| panic!("no step of {hook} in {shown:#}"));
    assert_eq!(step["state"], "done", "{step:#}");
    step["output"].as_str().unwrap_or_default().to_owned()
}

/// Networks of the operator's, and how the VNF is connected to them.
async fn networks(lab: &Lab) -> (ViClient, Vec<(Uuid, Uuid)>, Vec<Value>) {
    let vi = ViClient::new(&lab.services["vim-adapter"].url);
    let (mut made, mut links) = (Vec::new(), Vec::new());
    let flat = NetworkRealisation::Flat { physical_network: "management".into() };
    for (cpd, realisation, net) in [("management", flat, "198.18.77"), ("data", NetworkRealisation::Overlay, "10.30.0")]
    {
        let (network, subnet) = (Uuid::new_v4(), Uuid::new_v4());
        let owner = json!({ "kind": "vnf_package", "id": network });
        let spec: NetworkSpec =
            serde_json::from_value(json!({ "name": cpd, "owner": owner, "realisation": realisation })).unwrap();
        vi.put_network(lab.vim, network, &spec).await.unwrap();
        let pool = json!({ "start": format!("{net}.10"), "end": format!("{net}.99") });
        let spec: SubnetSpec = serde_json::from_value(json!({ "name": cpd, "owner": owner, "networkId": network,
            "cidr": format!("{net}.0/24"), "dhcp": true, "pools": [pool] }))
        .unwrap();
        vi.put_subnet(lab.vim, subnet, &spec).await.unwrap();
        let cp = json!({ "cpdId": cpd, "cpConfig": {} });
        links.push(json!({ "id": cpd, "vimConnectionId": lab.vim, "resourceId": network, "extCps": [cp] }));
        made.push((network, subnet));
    }
    (vi, made, links)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_scripts_a_playbook_coordination_and_configuration_reach_the_machines_of_a_vnf() {
    let Some(ansible) = std::env::var_os("MANO_ANSIBLE").map(PathBuf::from).filter(|p| p.exists()) else {
        println!("SKIPPED: MANO_ANSIBLE names no ansible-playbook; tests/run installs it");
        return;
    };
    let Some(image) = samples::guest_image() else { return };
    let em = Em::start([Answer::Ends("CONTINUE"), Answer::GoesOn(1, "CONTINUE")]).await;
    em.seen().data.insert("color".into(), json!("grey"));
    let vnfm =
        format!("scripts:\n  ansible_playbook: {}\nve_vnfm:\n  coordination_endpoint: {}\n", ansible.display(), em.url);
    let wishes = Wishes { vnfm, managed_here: Some("198.18.77.1/24"), ..Wishes::default() };
    let Some(lab) = Lab::real("mano-t-own", &wishes).await else { return };
    let types = format!("{PROPERTY_TYPES}{CONNECTED}");
    let policies = format!("{CONFIGURED}{COORDINATED}");
    let files = [("Scripts/greet.sh", GREET), ("Scripts/work.py", WORK), ("Playbooks/site.yaml", PLAYBOOK)];
    let own = Own {
        node: NODE,
        policies: &policies,
        properties: PROPERTIES,
        types: &types,
        files: &files,
        outside: true,
        note: true,
        ..Own::default()
    };
    let vnfd = Uuid::new_v4();
    lab.onboard_package(&pack(&own, vnfd, &image, lab.path())).await;
    let (vi, networks, links) = networks(&lab).await;
    let create = serde_json::from_value(json!({ "vnfdId": vnfd, "vnfInstanceName": "own" })).unwrap();
    let vnf = lab.vnfs.create(&create).await.unwrap().id;
    let newest = async || {
        let ops = lab.vnfs.list_op_occs(&format!("?filter=(eq,vnfInstanceId,{vnf})")).await.unwrap().body;
        ops.iter().max_by_key(|op| op.start_time.micros()).unwrap().id
    };
    let color = || em.seen().data["color"].as_str().unwrap().to_owned();

    // Its element manager is told its configuration; a script with the network finds its machine and writes onto its disk.
    lab.mano(&["vnf", "modify", "own", "--metadata", &format!("vnfconfigEndpoint={}", em.url)]);
    let request =
        json!({ "flavourId": "simple", "extVirtualLinks": links, "vnfConfigurableProperties": { "color": "red" } });
    let op = lab.vnfs.instantiate(vnf, &serde_json::from_value(request).unwrap()).await.unwrap();
    lab.vnf_completed(op).await;
    let greeted = printed(&lab, op, "instantiate_start");
    assert_eq!(greeted.trim(), "welcome before anything; 1 network device", "it asks for no network");
    let worked = printed(&lab, op, "instantiate_end");
    assert_eq!(worked.trim(), "own-web-1 said 'hello from own-web-1' and notes 'licensed'");
    assert_eq!(color(), "red");

    // Scripts around a snapshot prepare the VNF and tell it when that is over; what the first wrote is what comes back.
    let snapshot = lab.mano(&["vnf", "snapshot", "create", "own"]);
    let snapshot = snapshot.lines().next().unwrap().trim();
    let op = newest().await;
    assert!(printed(&lab, op, "create_snapshot_start").contains("notes 'captured'"));
    assert!(printed(&lab, op, "create_snapshot_end").contains("notes 'afterwards'"));
    lab.mano(&["vnf", "snapshot", "revert", "own", snapshot]);
    let op = newest().await;
    assert!(printed(&lab, op, "revert_to_snapshot_start").contains("notes 'afterwards'"));
    assert!(
        printed(&lab, op, "revert_to_snapshot_end").contains("notes 'captured'"),
        "the disk is that of the snapshot"
    );

    // A change of its configuration is told, then the playbook plays against its machine.
    lab.mano(&["vnf", "modify", "own", "--property", "color=blue"]);
    assert_eq!(color(), "blue");
    let played = printed(&lab, newest().await, "modify_information_end");
    assert!(played.contains("own-web-1 notes 'played' in modify_information_end"), "{played}");
    assert!(played.contains("failed=0"), "{played}");

    // Scaling is coordinated with the element manager; the script at its end finds both machines.
    lab.mano(&["vnf", "scale", "own", "--out", "servers"]);
    let op = newest().await;
    let occurrence = lab.vnf_completed(op).await;
    let coordinated: Vec<&str> =
        occurrence.lcm_coordinations.iter().map(|c| c.coordination_action_name.as_str()).collect();
    assert_eq!(coordinated, ["drain", "settle"]);
    assert_eq!(em.seen().asked.len(), 2);
    let worked = printed(&lab, op, "scale_end");
    assert!(worked.contains("own-web-1 said 'hello from own-web-1' and notes 'played'"), "{worked}");
    assert!(worked.contains("own-web-2 said 'hello from own-web-2'"), "{worked}");
    lab.mano(&["vnf", "verify", "own"]);

    // The last word of its machines, before they go.
    let request = serde_json::from_value(json!({ "terminationType": "FORCEFUL" })).unwrap();
    let op = lab.vnfs.terminate(vnf, &request).await.unwrap();
    lab.vnf_completed(op).await;
    assert!(printed(&lab, op, "terminate_start").contains("own-web-1 said 'hello from own-web-1' and notes 'played'"));
    lab.mano(&["vnf", "snapshot", "delete", snapshot]);
    for (network, subnet) in networks {
        vi.delete_subnet(lab.vim, subnet).await.unwrap();
        vi.delete_network(lab.vim, network).await.unwrap();
    }
    lab.nothing_leaks().await;
    assert_eq!(lab.nfvi().virsh(&["list", "--all", "--name"]).trim(), "");
    conformance::check(&lab);
}
