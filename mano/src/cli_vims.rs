//! The words of `mano vim` and `mano host`: VIMs and their hosts.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ipnet::IpNet;
use reference_points::or_vi::{AddressPool, ExternalNetwork};

use crate::fail::Failure;

#[derive(Debug, Subcommand)]
pub enum Vim {
    /// Registers a VIM; it is checked at once.
    #[command(subcommand)]
    Add(VimAdd),
    /// Gives an OpenStack other credentials; it is checked at once, and what is in it stays.
    Rotate {
        /// Name or id.
        vim: String,
        /// Where they are.
        #[command(flatten)]
        cloud: CloudArgs,
    },
    /// Says where routers of one lead and floating addresses are taken from. In our own VIM that is another network only while no
    /// router is there; in an OpenStack those that are there stay.
    Outside {
        /// Name or id.
        vim: String,
        /// Where they lead; nothing means that there are none, or in an OpenStack the only external network.
        #[command(flatten)]
        external: ExternalArgs,
    },
    /// Lists them.
    List,
    /// Shows one, with its health, what it can do and what is missing in it.
    Show {
        /// Name or id.
        vim: String,
    },
    /// What happens in one: hosts and bridges lost and found, computes that failed or were repaired. The past that is
    /// still kept comes first; ends with Ctrl-C.
    Watch {
        /// Name or id; may be left out when there is only one.
        vim: Option<String>,
    },
    /// Moves a compute to another host of its VIM, where that can; `mano vim watch` tells the end.
    Migrate {
        /// Identifier of the compute, as `mano vnf show` has it.
        compute: uuid::Uuid,
        /// Name or id of the VIM; may be left out when there is only one.
        #[arg(long)]
        vim: Option<String>,
        /// It is stopped, moved and started again; else it goes on meanwhile.
        #[arg(long)]
        cold: bool,
        /// The host it is to be on; else the VIM chooses.
        #[arg(long)]
        host: Option<String>,
    },
    /// Software images of one, for VNFs whose packages do not bring their own.
    #[command(subcommand)]
    Image(crate::cli_images::Image),
    /// Forgets one that holds nothing.
    Delete {
        /// Name or id.
        vim: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum VimAdd {
    /// Our own VIM over host agents and OVN.
    Hosts {
        /// Name.
        #[arg(long)]
        name: String,
        /// OVN northbound database: unix:PATH or tcp:HOST:PORT.
        #[arg(long)]
        northbound: String,
        /// Where routers lead.
        #[command(flatten)]
        external: ExternalArgs,
    },
    /// A simulated VIM in memory, for load and fault tests.
    Sim {
        /// Name.
        #[arg(long)]
        name: String,
        /// Number of hosts.
        #[arg(long, default_value_t = 10)]
        hosts: u32,
        /// Boot time of a VM in milliseconds.
        #[arg(long, default_value_t = 20)]
        boot_ms: u64,
    },
    /// A project of an OpenStack, as a clouds.yaml has it.
    Openstack(CloudArgs),
}

/// The network that routers lead to and floating addresses are taken from.
#[derive(Debug, Args)]
pub struct ExternalArgs {
    /// In our own VIM a physical network of the hosts, as their bridge mappings have it; in an OpenStack an external network by its
    /// name or identifier.
    #[arg(long, value_name = "NETWORK")]
    pub external_network: Option<String>,
    /// Its IPv4 block; of a physical network.
    #[arg(long, value_name = "CIDR", requires = "external_network")]
    pub external_cidr: Option<IpNet>,
    /// Who leads further from there.
    #[arg(long, value_name = "ADDRESS", requires = "external_network")]
    pub external_gateway: Option<IpAddr>,
    /// Range of addresses that may be given to routers and floating addresses, FIRST-LAST; may be repeated. Without any, all
    /// of the block.
    #[arg(long, value_name = "FIRST-LAST", requires = "external_network")]
    pub external_pool: Vec<String>,
    /// VLAN id; untagged without.
    #[arg(long, value_name = "VLAN", requires = "external_network")]
    pub external_vlan: Option<u16>,
}

impl ExternalArgs {
    /// As an OpenStack takes it, which knows the rest by itself.
    pub fn name(self) -> Result<Option<String>, Failure> {
        let more = self.external_cidr.is_some() || self.external_gateway.is_some() || self.external_vlan.is_some();
        if more || !self.external_pool.is_empty() {
            return Err(Failure::usage("an OpenStack knows its external networks: give --external-network alone"));
        }
        Ok(self.external_network)
    }

    /// As the vim-adapter takes it of our own VIM.
    pub fn network(self) -> Result<Option<ExternalNetwork>, Failure> {
        let Some(physical_network) = self.external_network else { return Ok(None) };
        let Some(cidr) = self.external_cidr else {
            let why = format!("--external-network {physical_network} needs a block that addresses are given of");
            return Err(Failure::helped(why, "add --external-cidr, e.g. 203.0.113.0/24"));
        };
        let pool = |text: &String| {
            let (start, end) = text.split_once('-')?;
            Some(AddressPool { start: start.trim().parse().ok()?, end: end.trim().parse().ok()? })
        };
        let pools = self.external_pool.iter().map(|text| {
            pool(text).ok_or_else(|| Failure::usage(format!("--external-pool {text} is no FIRST-LAST of addresses")))
        });
        Ok(Some(ExternalNetwork {
            physical_network,
            segmentation_id: self.external_vlan,
            cidr,
            gateway: self.external_gateway,
            pools: pools.collect::<Result<_, _>>()?,
        }))
    }
}

/// A cloud of a clouds.yaml.
#[derive(Debug, Args)]
pub struct CloudArgs {
    /// Name of the VIM: of a new one the cloud's own unless given, of one that is there what it is to be called.
    #[arg(long)]
    pub name: Option<String>,
    /// The file. A secure.yaml beside it is read as well.
    #[arg(long)]
    pub clouds_yaml: PathBuf,
    /// The cloud in it; may be left out when there is only one.
    #[arg(long)]
    pub cloud: Option<String>,
    /// Region, when another than the file's is meant.
    #[arg(long)]
    pub region: Option<String>,
    /// A file with the address of the message broker that Nova's notifications go to, as its transport_url has it: changes of
    /// servers are then heard instead of looked for. An empty file ends that; without this what was given before holds.
    #[arg(long, value_name = "FILE")]
    pub notifications_url_file: Option<PathBuf>,
    /// The network, by name or identifier, that routers lead to and floating addresses are taken from; may be left out where
    /// there is only one external network.
    #[arg(long, value_name = "NETWORK")]
    pub external_network: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Host {
    /// Adds a host by its agent.
    Add {
        /// Name.
        name: String,
        /// Address of its agent.
        #[arg(long, default_value = "http://127.0.0.1:8703")]
        agent: String,
        /// VIM; may be left out when there is only one.
        #[arg(long)]
        vim: Option<String>,
        /// Resource zone.
        #[arg(long, default_value = "default")]
        zone: String,
    },
    /// Lists hosts with their load and health.
    List {
        /// VIM; may be left out when there is only one.
        #[arg(long)]
        vim: Option<String>,
    },
    /// Shows one.
    Show {
        /// Name.
        name: String,
        /// VIM; may be left out when there is only one.
        #[arg(long)]
        vim: Option<String>,
    },
    /// Removes one that holds nothing.
    Delete {
        /// Name.
        name: String,
        /// VIM; may be left out when there is only one.
        #[arg(long)]
        vim: Option<String>,
    },
}
