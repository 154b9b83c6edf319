//! Resources and connectivity as SOL003 clause 4.4.1 describes them: VIM connections, resource handles, external and
//! externally managed virtual links, connection points and their addresses. SOL005 uses the same types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sol::sol_enum;
use crate::common::KeyValuePairs;

/// How to reach a VIM (SOL003 clause 4.4.1.6). The keys of the three maps are defined by `vimType`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimConnectionInfo {
    /// The VIM, as known to the NFVO and the VNFM alike; required unless the VIM is known by other means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_id: Option<String>,
    /// Kind of VIM, which gives the maps below their meaning.
    pub vim_type: String,
    /// Addresses of the VIM's interfaces.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub interface_info: KeyValuePairs,
    /// Credentials and scope used to authenticate.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub access_info: KeyValuePairs,
    /// Anything else that the kind of VIM defines.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub extra: KeyValuePairs,
}

/// A virtualised resource in a VIM (SOL003 clause 4.4.1.7).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceHandle {
    /// Key into the `vimConnectionInfo` map of the VNF instance or grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Who manages the resource, when it is not the VIM connection that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
    /// Identifier in the VIM or resource provider.
    pub resource_id: String,
    /// Type of the resource in the VIM's own terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_level_resource_type: Option<String>,
}

/// A network outside the VNF and which connection points go onto it (SOL003 clause 4.4.1.11).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtVirtualLinkData {
    /// Identifier of the external virtual link, chosen by the consumer.
    pub id: String,
    /// VIM connection that manages the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Resource provider that manages the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
    /// The network in the VIM.
    pub resource_id: String,
    /// External connection points to connect to it.
    #[serde(default)]
    #[schema(required = true)]
    pub ext_cps: Vec<VnfExtCpData>,
    /// Ports made beforehand on that network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_link_ports: Vec<ExtLinkPortData>,
}

/// Instances of one external connection point descriptor (SOL003 clause 4.4.1.10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfExtCpData {
    /// The connection point descriptor in the VNFD.
    pub cpd_id: String,
    /// One entry per instance of the connection point; the key is its `cpConfigId`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cp_config: BTreeMap<String, VnfExtCpConfig>,
}

/// A port or addresses for one instance of an external connection point (SOL003 clause 4.4.1.10a). At least one of
/// `linkPortId` and `cpProtocolData` is present.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfExtCpConfig {
    /// Trunk connection point that this one is a subport of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_cp_config_id: Option<String>,
    /// A port of `extLinkPorts` to use as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_port_id: Option<String>,
    /// Addresses to configure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cp_protocol_data: Vec<CpProtocolData>,
}

/// A port made beforehand on an external network (SOL003 clause 4.4.1.20).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtLinkPortData {
    /// Identifier that `linkPortId` refers to.
    pub id: String,
    /// The port in the VIM.
    pub resource_handle: ResourceHandle,
}

/// Protocol layer and addresses asked for a connection point (SOL003 clause 4.4.1.10b).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CpProtocolData {
    /// Protocol layer.
    pub layer_protocol: LayerProtocol,
    /// Addresses, present for IP over Ethernet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_over_ethernet: Option<IpOverEthernetAddressData>,
}

sol_enum! {
    /// Protocol layers a connection point can have.
    pub enum LayerProtocol {
        /// IP over Ethernet, the only one defined.
        IpOverEthernet = "IP_OVER_ETHERNET",
    }
}

sol_enum! {
    /// Version of an IP address.
    pub enum IpAddressType {
        /// IPv4.
        Ipv4 = "IPV4",
        /// IPv6.
        Ipv6 = "IPV6",
    }
}

/// Addresses asked for a connection point (SOL003 clause 4.4.1.10c). At least one of `macAddress` and `ipAddresses`
/// is present.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpOverEthernetAddressData {
    /// MAC address; absent lets the VIM choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
    /// VLAN or other segment, for trunk subports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segmentation_id: Option<String>,
    /// Addresses, per subnet or version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<IpAddressRequest>,
}

/// Addresses of one version asked for a connection point. Exactly one of `fixedAddresses`, `numDynamicAddresses` and
/// `addressRange` is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpAddressRequest {
    /// Version.
    pub r#type: IpAddressType,
    /// Addresses to assign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_addresses: Vec<String>,
    /// How many addresses the VIM shall choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_dynamic_addresses: Option<u32>,
    /// Range to take one address from for each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_range: Option<IpAddressRange>,
    /// Subnet in the VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
}

/// An inclusive range of IP addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpAddressRange {
    /// First address.
    pub min_address: String,
    /// Last address.
    pub max_address: String,
}

/// An internal virtual link that the NFVO made beforehand (SOL003 clause 4.4.1.12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtManagedVirtualLinkData {
    /// Identifier of the link, chosen by the consumer.
    pub id: String,
    /// The virtual link descriptor in the VNFD that it realises.
    pub vnf_virtual_link_desc_id: String,
    /// VIM connection that manages the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Resource provider that manages the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
    /// The network in the VIM.
    pub resource_id: String,
    /// Ports made beforehand on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_link_port: Vec<VnfLinkPortData>,
    /// Multi-site link that this one is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_managed_multisite_virtual_link_id: Option<String>,
}

/// A port made beforehand on an externally managed virtual link (SOL003 clause 4.4.1.12b).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfLinkPortData {
    /// Identifier of the port.
    pub vnf_link_port_id: String,
    /// The port in the VIM.
    pub resource_handle: ResourceHandle,
}

/// An external virtual link as it is (SOL003 clause 5.5.3.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtVirtualLinkInfo {
    /// The `id` of the `ExtVirtualLinkData` that asked for it.
    pub id: String,
    /// The network in the VIM.
    pub resource_handle: ResourceHandle,
    /// Ports that connect the VNF to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_link_ports: Vec<ExtLinkPortInfo>,
    /// The connection point configuration in force.
    pub current_vnf_ext_cp_data: Vec<VnfExtCpData>,
}

/// A port on an external virtual link (SOL003 clause 5.5.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtLinkPortInfo {
    /// Identifier of the port.
    pub id: String,
    /// The port in the VIM.
    pub resource_handle: ResourceHandle,
    /// The `VnfExtCpInfo` that uses it; absent while nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cp_instance_id: Option<String>,
}

/// An externally managed internal virtual link as it is (SOL003 clause 5.5.3.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtManagedVirtualLinkInfo {
    /// The `id` of the `ExtManagedVirtualLinkData` that asked for it.
    pub id: String,
    /// The virtual link descriptor in the VNFD.
    pub vnf_virtual_link_desc_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// The network in the VIM.
    pub network_resource: ResourceHandle,
    /// Ports on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_link_ports: Vec<VnfLinkPortInfo>,
    /// Multi-site link that this one is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_managed_multisite_virtual_link_id: Option<String>,
}

/// A port on an internal virtual link (SOL003 clause 5.5.3.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfLinkPortInfo {
    /// Identifier of the port.
    pub id: String,
    /// The port in the VIM.
    pub resource_handle: ResourceHandle,
    /// The connection point that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cp_instance_id: Option<String>,
    /// Which kind of connection point `cpInstanceId` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cp_instance_type: Option<CpInstanceType>,
}

sol_enum! {
    /// Kind of connection point that a link port serves.
    pub enum CpInstanceType {
        /// A connection point of a VNFC.
        VnfcCp = "VNFC_CP",
        /// An external connection point of the VNF.
        ExtCp = "EXT_CP",
    }
}

/// An external connection point as it is (SOL003 clause 5.5.3.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfExtCpInfo {
    /// Identifier of the connection point instance.
    pub id: String,
    /// Its descriptor in the VNFD.
    pub cpd_id: String,
    /// Key of the configuration it was made from.
    pub cp_config_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// Addresses in force.
    pub cp_protocol_info: Vec<CpProtocolInfo>,
    /// The link port that connects it, once connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_link_port_id: Option<String>,
    /// Metadata of the connection point.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
    /// The VNFC connection point it exposes; exactly one of this and `associatedVnfVirtualLinkId` is present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_vnfc_cp_id: Option<String>,
    /// The internal virtual link it exposes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_vnf_virtual_link_id: Option<String>,
}

/// Protocol layer and addresses in force (SOL003 clause 5.5.3.9b).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CpProtocolInfo {
    /// Protocol layer.
    pub layer_protocol: LayerProtocol,
    /// Addresses, present for IP over Ethernet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_over_ethernet: Option<IpOverEthernetAddressInfo>,
}

/// Addresses in force on a connection point (SOL003 clause 5.5.3.10). At least one of `macAddress` and `ipAddresses`
/// is present.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpOverEthernetAddressInfo {
    /// MAC address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
    /// VLAN or other segment, for trunk subports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segmentation_id: Option<String>,
    /// Addresses, per subnet or version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<IpAddressInfo>,
}

/// Addresses of one version in force. Exactly one of `addresses` and `addressRange` is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpAddressInfo {
    /// Version.
    pub r#type: IpAddressType,
    /// The addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The VIM chose them; absent reads as false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_dynamic: Option<bool>,
    /// Range used when the addresses themselves are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_range: Option<IpAddressRange>,
    /// Subnet in the VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
}
