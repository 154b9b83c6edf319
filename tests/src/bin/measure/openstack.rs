//! A VNF on a real OpenStack beside a concurrent script with the OpenStack SDK that makes the same ports and servers: time, and
//! requests sent for each server.

use std::path::PathBuf;
use std::process::Command;

use mano_tests::lab::{Lab, Wishes};
use mano_tests::samples;
use reference_points::or_vi::ViClient;
use serde_json::{Value, json};

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
/// The project that both work in.
const PROJECT: &str = "mano";
/// Levels of `web`, with their servers of two ports each.
const LEVELS: [(&str, u32); 3] = [("small", 1), ("pair", 2), ("large", 4)];

/// What one way of making servers took.
#[derive(Debug, Clone, Copy)]
struct Took {
    milliseconds: f64,
    requests: f64,
}

/// Runs and prints.
pub async fn run(rounds: u32) {
    let Some(image) = samples::guest_image() else { return };
    let Some(client) = mano_tests::openstack::client() else { return };
    let wishes = Wishes { unrecorded: true, ..Wishes::default() };
    let Some(lab) = Lab::openstack(PROJECT, &wishes).await else { return };
    let sources = samples::sources("web", &lab.path().join("pairs"));
    samples::add_pair(&sources);
    let web = samples::pack_sources(&sources, Some(&image), &lab.path().join("pairs.zip"));
    let ns = lab.demo_with(&web, &image).await;
    // Brings the image to the cloud and makes the networks.
    lab.completed(lab.instantiate(ns).await).await;
    let request = lab.web_beside(ns).await;
    let script = Script::learn(&lab, &request, client).await;
    println!("milliseconds until all servers run, and requests sent for each server\n");
    println!("servers  round |   ours  requests |    SDK  requests | ours/SDK");
    for (level, servers) in LEVELS {
        for round in 0..=rounds {
            let ours = ours(&lab, &request, level).await;
            let theirs = script.run(servers);
            // The first round has caches to warm on both sides.
            if round > 0 {
                println!(
                    "{servers:>7}  {round:>5} | {:>6.0}  {:>8.1} | {:>6.0}  {:>8.1} | {:>8.2}",
                    ours.milliseconds,
                    ours.requests / f64::from(servers),
                    theirs.milliseconds,
                    theirs.requests / f64::from(servers),
                    ours.milliseconds / theirs.milliseconds
                );
            }
        }
    }
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_is_left().await;
}

/// Requests that the vim-adapter has sent so far.
async fn sent(lab: &Lab) -> f64 {
    let shown = lab.mano.vim(lab.vim).await.expect("the VIM");
    shown.vim.and_then(|vim| vim.report).expect("its report").requests as f64
}

async fn ours(lab: &Lab, request: &Value, level: &str) -> Took {
    let create = json!({ "vnfdId": WEB, "vnfInstanceName": "measured" });
    let vnf = lab.vnfs.create(&serde_json::from_value(create).expect("a request")).await.expect("created").id;
    let mut request = request.clone();
    request["instantiationLevelId"] = level.into();
    let before = sent(lab).await;
    let request = serde_json::from_value(request).expect("a request");
    let op = lab.vnfs.instantiate(vnf, &request).await.expect("accepted");
    let occurrence = lab.vnf_completed(op).await;
    let requests = sent(lab).await - before;
    lab.end_vnf(vnf).await;
    let milliseconds = (occurrence.state_entered_time.micros() - occurrence.start_time.micros()) as f64 / 1e3;
    Took { milliseconds, requests }
}

/// The script, with what it is to make.
struct Script {
    python: PathBuf,
    arguments: [String; 4],
    clouds: PathBuf,
}

impl Script {
    /// Networks, image and flavour are those that the VNF has.
    async fn learn(lab: &Lab, request: &Value, client: PathBuf) -> Self {
        let vi = ViClient::new(&lab.services["vim-adapter"].url);
        let mut networks = Vec::new();
        for link in request["extVirtualLinks"].as_array().expect("links") {
            let id = link["resourceId"].as_str().and_then(|id| id.parse().ok()).expect("a network");
            let network = vi.network(lab.vim, id).await.expect("asked").expect("the network");
            networks.push(network.vim_resource_id.expect("its network"));
        }
        let image = vi.software_images(lab.vim).await.expect("asked").remove(0).vim_resource_id.expect("its image");
        let servers = lab.cloud().openstack(PROJECT, &["server", "list"]).expect("the client");
        let flavour = servers[0]["Flavor"].as_str().expect("a flavour").to_owned();
        let flavours = lab.cloud().openstack(PROJECT, &["flavor", "list"]).expect("the client");
        let flavour = flavours.as_array().into_iter().flatten().find(|known| known["Name"] == flavour.as_str());
        let flavour = flavour.and_then(|known| known["ID"].as_str()).expect("the flavour").to_owned();
        let python = client.parent().expect("a folder").join("python3");
        let arguments = [PROJECT.to_owned(), image, flavour, networks.join(",")];
        Self { python, arguments, clouds: lab.cloud().file() }
    }

    fn run(&self, servers: u32) -> Took {
        let done = Command::new(&self.python)
            .args(["-c", include_str!("openstack_sdk.py")])
            .args(&self.arguments)
            .arg(servers.to_string())
            .env("OS_CLIENT_CONFIG_FILE", &self.clouds)
            .env("NO_PROXY", "*")
            .output()
            .expect("Python runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let told: Value = serde_json::from_slice(&done.stdout).expect("what it took");
        let number = |name: &str| told[name].as_f64().expect("a number");
        Took { milliseconds: number("milliseconds"), requests: number("requests") }
    }
}
