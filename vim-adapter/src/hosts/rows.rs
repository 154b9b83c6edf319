//! What stands in OVN's northbound database for a network, a subnet and a port (ovn-nb(5)). Pure.
//!
//! Every row carries in `external_ids`: `mano-id` (the consumer's id), `mano-name`, `mano-owner` (JSON of the owner
//! mark), `mano-vim`, and for parts `mano-network`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use ovsdb::{Row, Value};
use reference_points::common::Owner;
use reference_points::or_vi::{Network, NetworkRealisation, Port, Subnet, TrunkPart};
use uuid::Uuid;

use super::machine::mtu;
use crate::ipam::{ip_at, mac_of};

/// `external_ids` key of the consumer's id.
pub const MARK_ID: &str = "mano-id";
/// `external_ids` key of the owner mark.
pub const MARK_OWNER: &str = "mano-owner";
/// `external_ids` key of the network that a row is a part of.
pub const MARK_NETWORK: &str = "mano-network";
/// `external_ids` key of the subnet whose router a row is a part of.
pub const MARK_SUBNET: &str = "mano-subnet";
const MARK_NAME: &str = "mano-name";
const MARK_VIM: &str = "mano-vim";

/// Seconds a DHCP lease lasts.
const LEASE_SECONDS: u32 = 43_200;

/// Name of a network's logical switch.
pub fn switch_name(network: Uuid) -> String {
    format!("mano-{network}")
}

/// Name of a provider network's port to the outside.
pub fn localnet_name(network: Uuid) -> String {
    format!("mano-{network}-localnet")
}

/// Columns whose elements others may add to.
const SHARED: [&str; 2] = ["external_ids", "other_config"];

/// What every row carries in `external_ids`.
pub fn marks(vim: Uuid, id: Uuid, name: &str, owner: &Owner, network: Option<Uuid>) -> BTreeMap<String, String> {
    let mut marks = BTreeMap::from([
        (MARK_ID.to_owned(), id.to_string()),
        (MARK_NAME.to_owned(), name.to_owned()),
        (MARK_OWNER.to_owned(), serde_json::to_string(owner).unwrap_or_default()),
        (MARK_VIM.to_owned(), vim.to_string()),
    ]);
    if let Some(network) = network {
        marks.insert(MARK_NETWORK.to_owned(), network.to_string());
    }
    marks
}

/// The `Logical_Switch` of a network, without its ports.
pub fn switch(vim: Uuid, network: &Network) -> Row {
    Row::new()
        .with("name", switch_name(network.id))
        .with("external_ids", marks(vim, network.id, &network.spec.name, &network.spec.owner, None))
}

/// The `Logical_Switch_Port` that joins a provider network to its physical network.
pub fn localnet(vim: Uuid, network: &Network) -> Option<Row> {
    let (physical, tag) = match &network.spec.realisation {
        NetworkRealisation::Overlay => return None,
        NetworkRealisation::Flat { physical_network } => (physical_network, None),
        NetworkRealisation::Vlan { physical_network, segmentation_id } => {
            (physical_network, Some(i64::from(*segmentation_id)))
        }
    };
    let owner = marks(vim, network.id, &network.spec.name, &network.spec.owner, Some(network.id));
    Some(
        Row::new()
            .with("name", localnet_name(network.id))
            .with("type", "localnet")
            .with("addresses", vec!["unknown"])
            .with("options", BTreeMap::from([("network_name".to_owned(), physical.clone())]))
            .with("tag_request", tag)
            .with("external_ids", owner),
    )
}

/// The `DHCP_Options` of a subnet. It is there for every subnet, as the bearer of its mark; only ports of subnets with
/// DHCP refer to it.
pub fn dhcp(vim: Uuid, subnet: &Subnet, network: &Network) -> Row {
    let spec = &subnet.spec;
    let servers = |wanted: fn(&IpAddr) -> bool| -> Option<String> {
        let list: Vec<String> = spec.dns.iter().filter(|ip| wanted(ip)).map(ToString::to_string).collect();
        (!list.is_empty()).then(|| format!("{{{}}}", list.join(", ")))
    };
    let mac = mac_of(subnet.id, 0);
    let mut options = BTreeMap::new();
    match spec.cidr {
        IpNet::V4(_) => {
            let server = spec.gateway.or_else(|| ip_at(spec.cidr, 1)).unwrap_or(spec.cidr.addr());
            options.insert("server_id".to_owned(), server.to_string());
            options.insert("server_mac".to_owned(), mac);
            options.insert("lease_time".to_owned(), LEASE_SECONDS.to_string());
            options.insert("mtu".to_owned(), mtu(network).to_string());
            options.extend(spec.gateway.map(|gateway| ("router".to_owned(), gateway.to_string())));
            options.extend(servers(IpAddr::is_ipv4).map(|list| ("dns_server".to_owned(), list)));
        }
        IpNet::V6(_) => {
            options.insert("server_id".to_owned(), mac);
            options.extend(servers(IpAddr::is_ipv6).map(|list| ("dns_server".to_owned(), list)));
        }
    }
    Row::new()
        .with("cidr", spec.cidr.to_string())
        .with("options", options)
        .with("external_ids", marks(vim, subnet.id, &spec.name, &spec.owner, Some(network.id)))
}

/// The marks of what belongs to a port.
pub fn port_marks(vim: Uuid, port: &Port) -> BTreeMap<String, String> {
    marks(vim, port.id, &port.spec.name, &port.spec.owner, Some(port.spec.network_id))
}

/// The `Logical_Switch_Port` of a port, with the rows of the DHCP options it uses, and its tag in a trunk.
pub fn port(vim: Uuid, port: &Port, dhcpv4: Option<Uuid>, dhcpv6: Option<Uuid>, tag: Option<u16>) -> Row {
    let spec = &port.spec;
    let own: Vec<String> =
        std::iter::once(port.mac.clone()).chain(port.addresses.iter().map(|a| a.ip.to_string())).collect();
    let mut addresses = vec![own.join(" ")];
    let security = if spec.port_security {
        // OVN reads a block with host bits as that one address within its block; the whole block is meant here.
        let more = spec.allowed_addresses.iter().map(|net| match net.prefix_len() == net.max_prefix_len() {
            true => net.addr().to_string(),
            false => net.trunc().to_string(),
        });
        vec![own.iter().cloned().chain(more).collect::<Vec<_>>().join(" ")]
    } else {
        // Frames for addresses behind the port must reach it too.
        addresses.push("unknown".to_owned());
        Vec::new()
    };
    let parent = spec.trunk.as_ref().and_then(TrunkPart::parent).map(|parent| parent.to_string());
    Row::new()
        .with("name", port.id.to_string())
        .with("addresses", addresses)
        .with("port_security", security)
        .with("dhcpv4_options", dhcpv4)
        .with("dhcpv6_options", dhcpv6)
        .with("parent_name", parent)
        .with("tag_request", tag.map(i64::from))
        .with("external_ids", port_marks(vim, port))
}

/// The subnets whose DHCP options a port uses: of IPv4 and of IPv6.
pub fn dhcp_subnets<'a>(port: &Port, subnets: impl Iterator<Item = &'a Subnet> + Clone) -> [Option<Uuid>; 2] {
    let of = |v4: bool| {
        port.addresses
            .iter()
            .filter(|address| address.ip.is_ipv4() == v4)
            .find_map(|address| subnets.clone().find(|s| s.id == address.subnet_id && s.spec.dhcp))
            .map(|subnet| subnet.id)
    };
    [of(true), of(false)]
}

/// The columns of `found` that must change so that it is as `wanted`; empty when it is. Additions by others to the columns
/// that everybody writes to are kept.
pub fn drift(found: &Row, wanted: &Row) -> Row {
    let mut change = Row::new();
    for (column, want) in wanted.iter() {
        let have = found.value(column);
        if SHARED.contains(&column)
            && let (Some(Value::Map(have)), Value::Map(want)) = (have, want)
        {
            if want.iter().any(|pair| !have.contains(pair)) {
                let keep = have.iter().filter(|(key, _)| !want.iter().any(|(other, _)| other == key));
                change.insert(column, Value::Map(keep.chain(want).cloned().collect()));
            }
        } else if have != Some(want) {
            change.insert(column, want.clone());
        }
    }
    change
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::common::OwnerKind;
    use reference_points::or_vi::{NetworkSpec, PortAddress, PortSpec, ResourceState, SubnetSpec, VnicType};

    use super::*;

    fn owner() -> Owner {
        Owner { kind: OwnerKind::NsInstance, id: Uuid::from_u128(9), operation: None, step: None }
    }

    fn network(realisation: NetworkRealisation) -> Network {
        Network {
            id: Uuid::from_u128(1),
            spec: NetworkSpec { name: "blue".into(), owner: owner(), realisation, mtu: None, max_port_bitrate: None },
            vim_resource_id: None,
            state: ResourceState::Active,
            problem: None,
        }
    }

    fn subnet(cidr: &str, gateway: Option<&str>, dns: &[&str]) -> Subnet {
        Subnet {
            id: Uuid::from_u128(2),
            spec: SubnetSpec {
                name: "s".into(),
                owner: owner(),
                network_id: Uuid::from_u128(1),
                cidr: cidr.parse().unwrap(),
                gateway: gateway.map(|g| g.parse().unwrap()),
                pools: vec![],
                dhcp: true,
                dns: dns.iter().map(|d| d.parse().unwrap()).collect(),
                routed: false,
            },
            vim_resource_id: None,
            state: ResourceState::Active,
            problem: None,
        }
    }

    fn a_port(security: bool, allowed: &[&str]) -> Port {
        Port {
            id: Uuid::from_u128(3),
            spec: PortSpec {
                name: "p".into(),
                owner: owner(),
                network_id: Uuid::from_u128(1),
                mac: None,
                addresses: vec![],
                port_security: security,
                allowed_addresses: allowed.iter().map(|a| a.parse().unwrap()).collect(),
                rules: vec![],
                trunk: None,
                vnic_type: VnicType::Normal,
                floating: false,
            },
            vim_resource_id: None,
            mac: "02:00:00:00:00:01".into(),
            addresses: ["10.0.0.2", "fd00::2"]
                .iter()
                .map(|ip| PortAddress { subnet_id: Uuid::from_u128(2), ip: ip.parse().unwrap(), prefix: 24 })
                .collect(),
            floating_address: None,
            compute_id: None,
            up: false,
            state: ResourceState::Active,
            problem: None,
        }
    }

    fn strings(row: &Row, column: &str) -> Vec<String> {
        row.get::<Vec<String>>(column).unwrap()
    }

    #[test]
    fn port_security_names_every_allowed_address_and_block() {
        let row = port(Uuid::nil(), &a_port(true, &["192.0.2.7/32", "10.9.1.1/16"]), None, None, None);
        assert_eq!(strings(&row, "addresses"), ["02:00:00:00:00:01 10.0.0.2 fd00::2"]);
        assert_eq!(strings(&row, "port_security"), ["02:00:00:00:00:01 10.0.0.2 fd00::2 192.0.2.7 10.9.0.0/16"]);
        assert_eq!(row.map_entry("external_ids", MARK_ID), Some(Uuid::from_u128(3).to_string().as_str()));
    }

    #[test]
    fn without_port_security_unknown_addresses_reach_the_port() {
        let row = port(Uuid::nil(), &a_port(false, &[]), None, None, None);
        assert_eq!(strings(&row, "addresses"), ["02:00:00:00:00:01 10.0.0.2 fd00::2", "unknown"]);
        assert!(strings(&row, "port_security").is_empty());
    }

    #[test]
    fn provider_networks_have_a_port_to_the_outside() {
        assert!(localnet(Uuid::nil(), &network(NetworkRealisation::Overlay)).is_none());
        let vlan = NetworkRealisation::Vlan { physical_network: "ext".into(), segmentation_id: 7 };
        let row = localnet(Uuid::nil(), &network(vlan)).unwrap();
        assert_eq!(row.map_entry("options", "network_name"), Some("ext"));
        assert_eq!(row.get::<Option<i64>>("tag_request").unwrap(), Some(7));
    }

    #[test]
    fn dhcp_tells_gateway_servers_and_mtu() {
        let net = network(NetworkRealisation::Overlay);
        let row =
            dhcp(Uuid::nil(), &subnet("10.0.0.0/24", Some("10.0.0.254"), &["9.9.9.9", "fd00::53", "1.1.1.1"]), &net);
        assert_eq!(row.map_entry("options", "router"), Some("10.0.0.254"));
        assert_eq!(row.map_entry("options", "server_id"), Some("10.0.0.254"));
        assert_eq!(row.map_entry("options", "dns_server"), Some("{9.9.9.9, 1.1.1.1}"));
        assert_eq!(row.map_entry("options", "mtu"), Some("1442"));
        let row = dhcp(Uuid::nil(), &subnet("10.0.0.0/24", None, &[]), &net);
        assert_eq!(
            (row.map_entry("options", "router"), row.map_entry("options", "server_id")),
            (None, Some("10.0.0.1"))
        );
        let row = dhcp(Uuid::nil(), &subnet("fd00::/64", None, &["fd00::53"]), &net);
        assert_eq!(row.map_entry("options", "dns_server"), Some("{fd00::53}"));
        assert!(row.map_entry("options", "server_id").unwrap().starts_with(|c: char| c.is_ascii_hexdigit()));
    }

    #[test]
    fn drift_is_what_differs_and_spares_what_others_added() {
        let wanted = switch(Uuid::nil(), &network(NetworkRealisation::Overlay));
        assert!(drift(&wanted, &wanted).is_empty());
        let mut marks: BTreeMap<String, String> = wanted.get("external_ids").unwrap();
        marks.insert("theirs".into(), "1".into());
        let found = wanted.clone().with("external_ids", marks.clone());
        assert!(drift(&found, &wanted).is_empty(), "an addition is no drift");
        marks.remove(MARK_OWNER);
        let change = drift(&found.with("external_ids", marks).with("name", "other"), &wanted);
        assert_eq!(change.get::<String>("name").unwrap(), switch_name(Uuid::from_u128(1)));
        assert_eq!(change.map_entry("external_ids", "theirs"), Some("1"));
        assert!(change.map_entry("external_ids", MARK_OWNER).is_some());
        let lsp = port(Uuid::nil(), &a_port(true, &[]), Some(Uuid::from_u128(5)), None, None);
        let change = drift(&lsp.clone().with("port_security", Value::empty()), &lsp);
        assert_eq!(change.iter().map(|(column, _)| column).collect::<Vec<_>>(), ["port_security"]);
    }
}
