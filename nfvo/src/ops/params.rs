//! What the steps of the plans are given. Written by [`super::plan`], read by the steps, stored in the journal between.

use std::net::IpAddr;

use ipnet::IpNet;
use reference_points::or_vi::{AddressPool, NetworkRealisation};
use reference_points::or_vnfm::{CreateVnfRequest, InstantiateVnfRequest, TerminateVnfRequest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::design::ImageDesign;

/// Kinds of steps, as the journal names them.
pub mod kinds {
    /// Ensures a network.
    pub const NETWORK: &str = "vim.network";
    /// Ensures a subnet.
    pub const SUBNET: &str = "vim.subnet";
    /// Ensures a software image with its content.
    pub const IMAGE: &str = "vim.image";
    /// Creates a VNF instance.
    pub const VNF_CREATE: &str = "vnf.create";
    /// Instantiates a VNF instance.
    pub const VNF_INSTANTIATE: &str = "vnf.instantiate";
    /// Terminates a VNF instance.
    pub const VNF_TERMINATE: &str = "vnf.terminate";
    /// Deletes a VNF instance.
    pub const VNF_DELETE: &str = "vnf.delete";
    /// Deletes a subnet.
    pub const SUBNET_DELETE: &str = "vim.subnet.delete";
    /// Deletes a network.
    pub const NETWORK_DELETE: &str = "vim.network.delete";
}

/// A network to ensure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkParams {
    pub vim: Uuid,
    pub id: Uuid,
    pub ns_id: Uuid,
    pub name: String,
    pub realisation: NetworkRealisation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_port_bitrate: Option<u64>,
}

/// A subnet to ensure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubnetParams {
    pub vim: Uuid,
    pub id: Uuid,
    pub ns_id: Uuid,
    pub network_id: Uuid,
    pub name: String,
    pub cidr: IpNet,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    pub pools: Vec<AddressPool>,
    pub dhcp: bool,
    pub dns: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub routed: bool,
}

/// A software image to ensure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageParams {
    pub vim: Uuid,
    pub image: ImageDesign,
}

/// A VNF instance to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VnfCreateParams {
    pub ns_id: Uuid,
    pub part: String,
    pub vim: Uuid,
    pub package_id: Uuid,
    pub request: CreateVnfRequest,
}

/// A VNF instance to instantiate; the step before tells which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VnfInstantiateParams {
    pub ns_id: Uuid,
    pub part: String,
    /// Key of the step whose output names the VNF instance.
    pub created_by: String,
    pub request: InstantiateVnfRequest,
}

/// Output of the creating step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VnfCreated {
    pub vnf_instance_id: Uuid,
}

/// A VNF instance to terminate or delete. Without an id it is looked for by its place in the NS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VnfEndParams {
    pub ns_id: Uuid,
    pub part: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_id: Option<Uuid>,
    pub request: TerminateVnfRequest,
}

/// A resource of a VIM to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteParams {
    pub vim: Uuid,
    pub id: Uuid,
    pub name: String,
}
