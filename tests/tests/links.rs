//! What a descriptor says of the traffic of ports, on real networks: security group rules, bit rates of links and ports of trunks.
//! (SOL001 clauses 6.8.9 and 6.10; IFA005 clause 7.4)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, patience, samples, traffic};
use serde_json::Value;

/// An internal link that is slow, on which each server is by a VLAN of its management interface.
const TENANT: &str = "
    tenant:
      type: tosca.nodes.nfv.VnfVirtualLink
      properties:
        connectivity_type: { layer_protocols: [ ipv4 ] }
        vl_profile:
          max_bitrate_requirements: { root: 4000000, leaf: 2000000 }
          min_bitrate_requirements: { root: 0 }
          virtual_link_protocol_data:
            - associated_layer_protocol: ipv4
              l3_protocol_data: { ip_version: ipv4, cidr: 10.77.0.0/24, dhcp_enabled: true }

    tagged:
      type: tosca.nodes.nfv.VduSubCp
      properties:
        layer_protocols: [ ipv4 ]
        segmentation_type: vlan
        segmentation_id: 100
        protocol:
          - associated_layer_protocol: ipv4
            address_data:
              - address_type: ip_address
                l3_address_data: { ip_address_assignment: true, floating_ip_activated: false, ip_address_type: ipv4 }
      requirements:
        - trunk_binding: management
        - virtual_link: tenant

  policies:
    - web_only:
        type: tosca.policies.nfv.SecurityGroupRule
        properties: { direction: ingress, ether_type: ipv4, protocol: tcp, port_range_min: 80, port_range_max: 80 }
        targets: [ data ]";

/// A second server on another port, a large file, and a program that asks for something and tells how many bytes came in two
/// seconds.
const GUEST: &str = r#"
              mkdir -p /srv/www/cgi-bin
              dd if=/dev/zero of=/srv/www/big bs=1024 count=1024 2>/dev/null
              cat > /srv/www/cgi-bin/ask <<'EOF'
              #!/bin/sh
              printf 'Content-Type: text/plain\r\n\r\n'
              set -- $(echo "$QUERY_STRING" | tr : ' ')
              bytes=$(printf 'GET /%s HTTP/1.0\r\n\r\n' "$3" | timeout 2 nc "$1" "$2" | wc -c)
              echo "$bytes"
              EOF
              chmod 755 /srv/www/cgi-bin/ask
              modprobe 8021q
              ip link add link eth1 name eth1.100 type vlan id 100
              ip link set eth1.100 up
              udhcpc -i eth1.100 -n -q -s /usr/share/udhcpc/default.script || udhcpc -i eth1.100 -n -q
              httpd -p 81 -h /srv/www
              httpd -p 80 -h /srv/www"#;

fn package(lab: &Lab, image: &Path) -> std::path::PathBuf {
    let sources = samples::sources("web", &lab.path().join("links"));
    samples::change(&sources, "Definitions/web.yaml", |text| {
        text.replace("\n              httpd -p 80 -h /srv/www", GUEST)
            .replace(
                "        description: For the VNFM and operators\n",
                "        description: For the VNFM and operators\n        trunk_mode: true\n",
            )
            .replace("\n  policies:", TENANT)
    });
    samples::pack_sources(&sources, Some(image), &lab.path().join("links.zip"))
}

#[tokio::test]
async fn real_a_vnf_lets_through_what_its_rules_say_and_talks_over_a_slow_link_in_a_trunk() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-links", &Wishes::default()).await else { return };
    lets_through_and_talks_over_a_trunk(&lab, &image, true).await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_a_vnf_lets_through_what_its_rules_say_and_talks_over_a_slow_link_in_a_trunk() {
    let Some(image) = samples::guest_image() else { return };
    // A policy for a bit rate is made by an operator.
    let Some(lab) = Lab::openstack("mano-operator", &Wishes::default()).await else { return };
    // Open vSwitch in userspace, as a lab's may be, does not hold ports to what Neutron asks of it.
    lets_through_and_talks_over_a_trunk(&lab, &image, false).await;
}

/// `held`: the VIM holds ports to a bit rate itself.
async fn lets_through_and_talks_over_a_trunk(lab: &Lab, image: &Path, held: bool) {
    let ns = lab.demo_with(&package(lab, image), image).await;
    lab.completed(lab.instantiate(ns).await).await;
    lab.mano(&["vnf", "scale", "demo-web", "--out", "servers", "--steps", "1"]);
    let url = traffic::url(&lab.mano.topology(ns).await.unwrap());
    assert!(traffic::answer(lab, &url).await.contains("hello from demo-web"));

    let shown = lab.mano_json(&["vnf", "show", "demo-web"]);
    let vnf = lab.vnfs.get(shown["id"].as_str().unwrap().parse().unwrap()).await.unwrap().expect("it is there");
    let (managed, data, tagged) =
        (traffic::urls_of(&vnf, "management"), traffic::urls_of(&vnf, "data"), traffic::urls_of(&vnf, "tagged"));
    assert_eq!((managed.len(), data.len(), tagged.len()), (2, 2, 2));
    for url in &managed {
        traffic::managed(lab, url).await;
    }
    let tags: Vec<&Value> = shown["instantiatedVnfInfo"]["vnfcResourceInfo"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|vnfc| vnfc["vnfcCpInfo"].as_array().unwrap())
        .filter(|cp| cp["cpdId"] == "tagged")
        .map(|cp| &cp["cpProtocolInfo"][0]["ipOverEthernet"]["segmentationId"])
        .collect();
    assert!(tags.iter().all(|tag| *tag == "100"), "{tags:?}");

    // The first server asks the second: what the rules name passes, what they do not name does not.
    let ask = async |of: &str, port: u16, file: &str| -> u64 {
        let of = of.trim_start_matches("http://").trim_end_matches('/');
        let told = traffic::managed(lab, &format!("{}cgi-bin/ask?{of}:{port}:{file}", managed[0])).await;
        told.trim().parse().unwrap_or_else(|_| panic!("{told}"))
    };
    let passes =
        async |of: &str, port: u16| patience::until(async || ask(of, port, "").await, |bytes| *bytes > 0).await;
    passes(&data[1], 80).await;
    assert_eq!(ask(&data[1], 81, "").await, 0, "port 81 of the other server's data interface is open");
    // Over the trunk, where no rule says anything.
    passes(&tagged[1], 81).await;
    if held {
        // As soon as this machine has time to carry a megabyte over another link, what the slow one carries is its limit:
        // 2 Mbit/s and what may be sent at once are less than a megabyte in two seconds.
        patience::until(async || ask(&managed[1], 80, "big").await, |bytes| *bytes > 1 << 20).await;
        let slow = ask(&tagged[1], 80, "big").await;
        assert!(slow > 0 && slow < 1 << 20, "{slow} bytes in two seconds over the slow link");
    }
    lab.nothing_leaks().await;

    lab.mano(&["vnf", "scale", "demo-web", "--in", "servers", "--steps", "1"]);
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_is_left().await;
    conformance::check(lab);
}
