//! What is about the traffic of ports in our own VIM, on a real ovsdb-server with OVN's northbound schema: what is let through,
//! how much, trunks, routers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use ovsdb::{Condition, Value, op};
use reference_points::or_vi::*;
use support::fake_agent::FakeAgent;
use support::northbound::{DB, Northbound};
use support::*;
use uuid::Uuid;

/// A rule that lets connections in to one port of TCP.
fn tcp(port: u16) -> PortRule {
    let ports = Some(PortRange { first: port, last: port });
    PortRule { direction: Direction::Ingress, ip_version: 4, protocol: Some(6), ports }
}

#[tokio::test]
async fn real_what_is_let_through_and_how_much_hangs_on_the_switch_and_goes_with_the_port() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[]).await;
    let network = Uuid::new_v4();
    let slow = NetworkSpec { max_port_bitrate: Some(2_000_000), ..network_spec("slow") };
    adapter.vi.put_network(vim, network, &slow).await.unwrap();
    adapter.vi.put_subnet(vim, Uuid::new_v4(), &subnet_spec(network, "10.0.0.0/24")).await.unwrap();
    let spec = PortSpec { rules: vec![tcp(443), tcp(80)], ..port_spec(network) };
    let port = adapter.vi.put_port(vim, Uuid::new_v4(), &spec).await.unwrap();
    // Asked for again in another order it is the same.
    let again = PortSpec { rules: vec![tcp(80), tcp(443), tcp(80)], ..spec };
    adapter.vi.put_port(vim, port.id, &again).await.unwrap();

    let matches = |rows: &[ovsdb::Row], action: &str| -> Vec<String> {
        let its = |row: &&ovsdb::Row| row.get::<String>("action").unwrap() == action;
        let mut found: Vec<String> = rows.iter().filter(its).map(|row| row.get("match").unwrap()).collect();
        found.sort();
        found
    };
    let outport = format!("outport == \"{}\"", port.id);
    let acls = northbound.rows("ACL").await;
    assert_eq!(matches(&acls, "drop"), [format!("{outport} && ip")]);
    let open = |number: u16| format!("{outport} && ip4 && tcp && tcp.dst == {number}");
    assert_eq!(matches(&acls, "allow-related"), [open(443), open(80)]);
    let limits = northbound.rows("QoS").await;
    let mut directions: Vec<String> = limits.iter().map(|row| row.get("direction").unwrap()).collect();
    directions.sort();
    assert_eq!(directions, ["from-lport", "to-lport"]);
    let rates: Vec<std::collections::BTreeMap<String, i64>> =
        limits.iter().map(|row| row.get("bandwidth").unwrap()).collect();
    assert!(rates.iter().all(|rate| rate["rate"] == 2000), "{rates:?}");

    // Somebody opens the port: it is closed again.
    let drop = acls.iter().find(|row| row.get::<String>("action").unwrap() == "drop").unwrap().uuid().unwrap();
    let from = op::mutate("Logical_Switch").filter(Condition::includes("acls", Value::set([drop])));
    northbound.other().transact(DB, vec![from.remove_from("acls", Value::set([drop])).into()]).await.unwrap();
    told(&adapter, vim, "port_back").await;
    assert_eq!(matches(&northbound.rows("ACL").await, "drop").len(), 1);

    adapter.vi.delete_port(vim, port.id).await.unwrap();
    for table in ["ACL", "QoS", "Logical_Switch_Port"] {
        assert!(northbound.rows(table).await.is_empty(), "{table} is not empty");
    }
}

#[tokio::test]
async fn real_ports_of_a_trunk_go_over_their_parent_with_a_tag_and_its_address() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[]).await;
    let (outer, inner) = (Uuid::new_v4(), Uuid::new_v4());
    for (network, cidr) in [(outer, "10.0.0.0/24"), (inner, "10.1.0.0/24")] {
        adapter.vi.put_network(vim, network, &network_spec("net")).await.unwrap();
        adapter.vi.put_subnet(vim, Uuid::new_v4(), &subnet_spec(network, cidr)).await.unwrap();
    }
    let parent = PortSpec { trunk: Some(TrunkPart::Parent), ..port_spec(outer) };
    let parent = adapter.vi.put_port(vim, Uuid::new_v4(), &parent).await.unwrap();
    let trunk = Some(TrunkPart::SubPort { parent_id: parent.id, segmentation_id: Some(100) });
    let sub = adapter.vi.put_port(vim, Uuid::new_v4(), &PortSpec { trunk, ..port_spec(inner) }).await.unwrap();
    assert_eq!(sub.mac, parent.mac, "a VLAN device has the address of its interface");
    let row = northbound.row("Logical_Switch_Port", &sub.id.to_string()).await.unwrap();
    assert_eq!(row.get::<Option<String>>("parent_name").unwrap(), Some(parent.id.to_string()));
    assert_eq!(row.get::<Option<i64>>("tag_request").unwrap(), Some(100));
    let row = northbound.row("Logical_Switch_Port", &parent.id.to_string()).await.unwrap();
    assert_eq!(row.get::<Option<String>>("parent_name").unwrap(), None);
    // What these hosts cannot give is refused with the reason.
    let direct = PortSpec { vnic_type: VnicType::Direct, ..port_spec(outer) };
    let told = adapter.vi.put_port(vim, Uuid::new_v4(), &direct).await.unwrap_err().to_problem();
    assert!(told.status == 422 && told.detail.contains("type direct"), "{told:?}");
    let floating = PortSpec { floating: true, ..port_spec(outer) };
    let told = adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap_err().to_problem();
    assert!(told.status == 422 && told.detail.contains("mano vim outside"), "{told:?}");
}

#[tokio::test]
async fn real_a_routed_subnet_has_a_router_and_nothing_of_it_stays() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let agent = FakeAgent::start().await;
    let vim = hosts_vim(&adapter, &northbound, &[&agent]).await;
    let outside = ExternalNetwork {
        physical_network: "ext".to_owned(),
        segmentation_id: None,
        cidr: "203.0.113.0/24".parse().unwrap(),
        gateway: Some("203.0.113.1".parse().unwrap()),
        pools: vec![AddressPool { start: "203.0.113.10".parse().unwrap(), end: "203.0.113.12".parse().unwrap() }],
    };
    let kind = VimKind::Hosts { northbound: northbound.endpoint(), external_network: Some(outside) };
    adapter.vi.put_vim(vim, &VimSpec { name: "lab".into(), kind }).await.unwrap();
    let (network, subnet) = (Uuid::new_v4(), Uuid::new_v4());
    adapter.vi.put_network(vim, network, &network_spec("net")).await.unwrap();
    let floating = PortSpec { floating: true, ..port_spec(network) };
    let gateway = Some("10.0.0.1".parse().unwrap());
    let plain = SubnetSpec { gateway, ..subnet_spec(network, "10.0.0.0/24") };
    adapter.vi.put_subnet(vim, Uuid::new_v4(), &subnet_spec(network, "10.9.0.0/24")).await.unwrap();
    let told = adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap_err().to_problem();
    assert_eq!(told.faults[0].location, "/floating", "{told:?}");
    adapter.vi.put_subnet(vim, subnet, &SubnetSpec { routed: true, ..plain }).await.unwrap();
    let translated = async || {
        let mut all: Vec<(String, String, String)> = Vec::new();
        for row in northbound.rows("NAT").await {
            let text = |column: &str| row.get::<String>(column).unwrap();
            all.push((text("type"), text("external_ip"), text("logical_ip")));
        }
        all.sort();
        all
    };
    let nat = |kind: &str, outer: &str, inner: &str| (kind.to_owned(), outer.to_owned(), inner.to_owned());
    let source = nat("snat", "203.0.113.10", "10.0.0.0/24");
    assert_eq!(translated().await, std::slice::from_ref(&source));
    let router = northbound.rows("Logical_Router").await[0].uuid().unwrap();

    let port = adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap();
    assert_eq!(port.floating_address, Some("203.0.113.11".parse().unwrap()));
    let own = port.addresses.iter().find(|address| address.subnet_id == subnet).unwrap().ip.to_string();
    let both = [nat("dnat_and_snat", "203.0.113.11", &own), source.clone()];
    assert_eq!(translated().await, both);
    let last = adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap();
    assert_eq!(adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap_err().to_problem().status, 409);
    adapter.vi.delete_port(vim, last.id).await.unwrap();
    assert_eq!(translated().await, both);
    // Others' connections through the router go on: it is the same one.
    assert_eq!(northbound.rows("Logical_Router").await[0].uuid().unwrap(), router);
    assert!(adapter.vi.inventory(vim).await.unwrap().items.iter().all(|item| item.desired));

    // Another network outside is taken only when no router stands in this one; other addresses of it are.
    let mut kind = adapter.vi.vim(vim).await.unwrap().unwrap().spec.kind;
    let put = async |kind: &VimKind| adapter.vi.put_vim(vim, &VimSpec { name: "lab".into(), kind: kind.clone() }).await;
    let set = |kind: &mut VimKind, change: &dyn Fn(&mut ExternalNetwork)| match kind {
        VimKind::Hosts { external_network: Some(network), .. } => change(network),
        other => panic!("{other:?}"),
    };
    set(&mut kind, &|network| network.pools[0].end = "203.0.113.20".parse().unwrap());
    put(&kind).await.unwrap();
    let more = adapter.vi.put_port(vim, Uuid::new_v4(), &floating).await.unwrap();
    assert_eq!(more.floating_address, Some("203.0.113.12".parse().unwrap()));
    adapter.vi.delete_port(vim, more.id).await.unwrap();
    set(&mut kind, &|network| network.cidr = "203.0.113.0/25".parse().unwrap());
    let told = put(&kind).await.unwrap_err().to_problem();
    assert!(told.status == 409 && told.detail.contains(&subnet.to_string()), "{told:?}");

    // Somebody takes the translation away, and then the router.
    let empty = op::update("Logical_Router").filter(Condition::uuid(router)).set("nat", Value::empty());
    northbound.other().transact(DB, vec![empty.into()]).await.unwrap();
    let mut events = adapter.vi.events(vim, 0);
    let back = |event: &ViEvent| matches!(event, ViEvent::Vim { what, .. } if what == "network_back").then_some(());
    until(&mut events, back).await;
    assert_eq!(translated().await, both);
    northbound.other().transact(DB, vec![op::delete("Logical_Router").into()]).await.unwrap();
    until(&mut events, back).await;
    assert_eq!(translated().await, both);
    assert_eq!(northbound.rows("Logical_Router_Port").await.len(), 2);
    assert_eq!(northbound.rows("Gateway_Chassis").await.len(), 1);

    adapter.vi.delete_port(vim, port.id).await.unwrap();
    assert_eq!(translated().await, [source]);
    adapter.vi.delete_subnet(vim, subnet).await.unwrap();
    for table in ["Logical_Router", "Logical_Router_Port", "Gateway_Chassis", "NAT", "Logical_Switch_Port"] {
        assert!(northbound.rows(table).await.is_empty(), "{table} is not empty");
    }
    assert_eq!(northbound.rows("Logical_Switch").await.len(), 1);
}
