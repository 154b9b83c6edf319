//! Routers and floating addresses, on real OVN and on a real OpenStack: a VNFC on a link of the network service alone is reached from
//! outside, and reaches it. (SOL001 clause 6.2, L3AddressData; IFA005 clause 7.4)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, patience, samples, traffic};

/// A program that asks for something and tells how many bytes came.
const GUEST: &str = r#"
              mkdir -p /srv/www/cgi-bin
              cat > /srv/www/cgi-bin/ask <<'EOF'
              #!/bin/sh
              printf 'Content-Type: text/plain\r\n\r\n'
              set -- $(echo "$QUERY_STRING" | tr : ' ')
              printf 'GET / HTTP/1.0\r\n\r\n' | timeout 5 nc "$1" "$2" | wc -c
              EOF
              chmod 755 /srv/www/cgi-bin/ask
              httpd -p 80 -h /srv/www"#;

/// Where the client outside stands, and answers as well.
const OUTSIDE: (&str, &str) = ("203.0.113.1", "8099");

fn package(lab: &Lab, image: &Path) -> PathBuf {
    let sources = samples::sources("web", &lab.path().join("floating"));
    samples::change(&sources, "Definitions/web.yaml", |text| {
        text.replace("\n              httpd -p 80 -h /srv/www", GUEST).replacen(
            "floating_ip_activated: false",
            "floating_ip_activated: true",
            1,
        )
    });
    samples::pack_sources(&sources, Some(image), &lab.path().join("floating.zip"))
}

#[tokio::test]
async fn real_a_vnfc_behind_a_router_is_reached_by_its_floating_address_and_reaches_the_outside() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-routers", &Wishes::default()).await else { return };
    is_reached_and_reaches(&lab, &image).await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_a_vnfc_behind_a_router_is_reached_by_its_floating_address_and_reaches_the_outside() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    is_reached_and_reaches(&lab, &image).await;
}

async fn is_reached_and_reaches(lab: &Lab, image: &Path) {
    let ns = lab.demo_with(&package(lab, image), image).await;
    lab.completed(lab.instantiate(ns).await).await;

    let shown = lab.mano_json(&["vnf", "show", "demo-web"]);
    let cps = shown["instantiatedVnfInfo"]["extCpInfo"].as_array().unwrap();
    let floating: Vec<&str> = cps.iter().filter_map(|cp| cp["metadata"]["floatingAddress"].as_str()).collect();
    assert_eq!(floating.len(), 1, "{cps:#?}");
    assert!(floating[0].starts_with("203.0.113."), "{floating:?}");
    let drawn = lab.mano(&["topology", "demo"]);
    assert!(drawn.contains(&format!("(outside {})", floating[0])), "{drawn}");
    let web = format!("http://{}/", floating[0]);
    assert!(traffic::answer(lab, &web).await.contains("hello from demo-web"));

    // The other way, from behind the router.
    let mut server = Command::new("ip")
        .args(["netns", "exec", &lab.namespace("outside")])
        .args(["python3", "-m", "http.server", OUTSIDE.1, "--bind", OUTSIDE.0])
        .current_dir(lab.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ask = format!("{web}cgi-bin/ask?{}:{}", OUTSIDE.0, OUTSIDE.1);
    let bytes = async || traffic::answer(lab, &ask).await.trim().parse::<u64>().unwrap_or_default();
    let came = patience::until(bytes, |bytes| *bytes > 0).await;
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(came > 0);

    // The machine is made again, and is found where it was.
    lab.kill_machine(shown["instantiatedVnfInfo"]["vnfcResourceInfo"][0]["id"].as_str().unwrap().parse().unwrap())
        .await;
    lab.mano(&["vnf", "heal", "demo-web", "--cause", "killed"]);
    assert!(traffic::answer(lab, &web).await.contains("hello from demo-web"));
    lab.nothing_leaks().await;
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_is_left().await;
    conformance::check(lab);
}
