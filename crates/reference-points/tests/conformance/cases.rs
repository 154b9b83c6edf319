//! Every body that SOL003 and SOL005 define and this stack speaks: its type, and where the specification has it.

use reference_points::conformance::Side;
use reference_points::{or_vnfm as or, os_ma_nfvo as os};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::openapi::{ComponentsBuilder, OpenApiBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// One body.
pub struct Case {
    /// The Rust type.
    pub name: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub side: Side,
    pub status: u16,
    /// Attributes that the specification has and our type leaves out, with `reason` why.
    pub left_out: &'static [&'static str],
    /// Reads a value into the type and writes it again.
    pub round_trip: fn(Value) -> Result<Value, String>,
    /// How the type describes itself: schema and everything it refers to.
    pub own_schema: fn() -> (Value, Value),
}

fn round_trip<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}

fn own_schema<T: ToSchema>() -> (Value, Value) {
    let mut others: Vec<(String, RefOr<utoipa::openapi::Schema>)> = Vec::new();
    T::schemas(&mut others);
    let components = ComponentsBuilder::new().schemas_from_iter(others).build();
    let root = OpenApiBuilder::new().components(Some(components)).build();
    (serde_json::to_value(root).expect("a document"), serde_json::to_value(T::schema()).expect("a schema"))
}

fn case<T: DeserializeOwned + Serialize + ToSchema + PartialSchema>(
    method: &'static str,
    path: &'static str,
    side: Side,
    status: u16,
    left_out: &'static [&'static str],
) -> Case {
    let name = std::any::type_name::<T>();
    Case { name, method, path, side, status, left_out, round_trip: round_trip::<T>, own_schema: own_schema::<T> }
}

/// Attributes of external artifacts and of image metadata: packages that this stack accepts carry their files inside.
const EXTERNAL: &[&str] =
    &["imageUri", "userMetadata", "artifactURI", "nonManoArtifactSetId", "artifactClassification"];

/// PNFs are not orchestrated yet; what a subscription could ask about them is left out, as are filters by what an NSD says
/// of itself.
const NSD_FILTERS: &[&str] = &[
    "nsdVersion",
    "nsdDesigner",
    "nsdInvariantId",
    "vnfPkgIds",
    "pnfdInfoIds",
    "nestedNsdInfoIds",
    "nsdOnboardingState",
    "pnfdId",
    "pnfdName",
    "pnfdVersion",
    "pnfdProvider",
    "pnfdInvariantId",
    "pnfdOnboardingState",
    "pnfdUsageState",
];

const NONE: &[&str] = &[];

/// All of them.
pub fn all() -> Vec<Case> {
    use Side::{Request, Response};
    let id = "/vnflcm/v2/vnf_instances/1";
    let occ = "/vnflcm/v2/vnf_lcm_op_occs/1";
    vec![
        case::<or::CreateVnfRequest>("POST", "/vnflcm/v2/vnf_instances", Request, 201, NONE),
        case::<or::VnfInstance>("POST", "/vnflcm/v2/vnf_instances", Response, 201, NONE),
        case::<Vec<or::VnfInstance>>("GET", "/vnflcm/v2/vnf_instances", Response, 200, NONE),
        case::<or::VnfInstance>("GET", id, Response, 200, NONE),
        case::<or::VnfInfoModificationRequest>("PATCH", id, Request, 202, NONE),
        case::<or::InstantiateVnfRequest>("POST", "/vnflcm/v2/vnf_instances/1/instantiate", Request, 202, NONE),
        case::<or::TerminateVnfRequest>("POST", "/vnflcm/v2/vnf_instances/1/terminate", Request, 202, NONE),
        case::<Vec<or::VnfLcmOpOcc>>("GET", "/vnflcm/v2/vnf_lcm_op_occs", Response, 200, NONE),
        case::<or::VnfLcmOpOcc>("GET", occ, Response, 200, NONE),
        case::<or::VnfLcmOpOcc>("POST", "/vnflcm/v2/vnf_lcm_op_occs/1/fail", Response, 200, NONE),
        case::<or::CancelMode>("POST", "/vnflcm/v2/vnf_lcm_op_occs/1/cancel", Request, 202, NONE),
        case::<or::LccnSubscriptionRequest>("POST", "/vnflcm/v2/subscriptions", Request, 201, NONE),
        case::<or::LccnSubscription>("POST", "/vnflcm/v2/subscriptions", Response, 201, NONE),
        case::<Vec<or::LccnSubscription>>("GET", "/vnflcm/v2/subscriptions", Response, 200, NONE),
        case::<or::ApiVersionInformation>("GET", "/vnflcm/v2/api_versions", Response, 200, NONE),
        case::<or::GrantRequest>("POST", "/grant/v1/grants", Request, 201, NONE),
        case::<or::Grant>("POST", "/grant/v1/grants", Response, 201, NONE),
        case::<or::Grant>("GET", "/grant/v1/grants/1", Response, 200, NONE),
        case::<Vec<os::VnfPkgInfo>>("GET", "/vnfpkgm/v2/onboarded_vnf_packages", Response, 200, EXTERNAL),
        case::<os::VnfPkgInfo>("GET", "/vnfpkgm/v2/onboarded_vnf_packages/1", Response, 200, EXTERNAL),
        case::<Vec<os::VnfPkgInfo>>("GET", "/vnfpkgm/v2/vnf_packages", Response, 200, EXTERNAL),
        case::<os::CreateVnfPkgInfoRequest>("POST", "/vnfpkgm/v2/vnf_packages", Request, 201, NONE),
        case::<os::VnfPkgInfo>("POST", "/vnfpkgm/v2/vnf_packages", Response, 201, EXTERNAL),
        case::<os::VnfPkgInfo>("GET", "/vnfpkgm/v2/vnf_packages/1", Response, 200, EXTERNAL),
        case::<os::VnfPkgInfoModifications>("PATCH", "/vnfpkgm/v2/vnf_packages/1", Request, 200, NONE),
        case::<os::VnfPkgInfoModifications>("PATCH", "/vnfpkgm/v2/vnf_packages/1", Response, 200, NONE),
        case::<os::UploadVnfPkgFromUriRequest>(
            "POST",
            "/vnfpkgm/v2/vnf_packages/1/package_content/upload_from_uri",
            Request,
            202,
            NONE,
        ),
        case::<os::PkgmSubscriptionRequest>("POST", "/vnfpkgm/v2/subscriptions", Request, 201, NONE),
        case::<os::PkgmSubscription>("POST", "/vnfpkgm/v2/subscriptions", Response, 201, NONE),
        case::<os::CreateNsdInfoRequest>("POST", "/nsd/v2/ns_descriptors", Request, 201, NONE),
        case::<os::NsdInfo>("POST", "/nsd/v2/ns_descriptors", Response, 201, NONE),
        case::<Vec<os::NsdInfo>>("GET", "/nsd/v2/ns_descriptors", Response, 200, NONE),
        case::<os::NsdInfo>("GET", "/nsd/v2/ns_descriptors/1", Response, 200, NONE),
        case::<os::NsdInfoModifications>("PATCH", "/nsd/v2/ns_descriptors/1", Request, 200, NONE),
        case::<os::NsdInfoModifications>("PATCH", "/nsd/v2/ns_descriptors/1", Response, 200, NONE),
        case::<os::NsdmSubscriptionRequest>("POST", "/nsd/v2/subscriptions", Request, 201, NSD_FILTERS),
        case::<os::NsdmSubscription>("POST", "/nsd/v2/subscriptions", Response, 201, NSD_FILTERS),
        case::<os::CreateNsRequest>("POST", "/nslcm/v2/ns_instances", Request, 201, NONE),
        case::<os::NsInstance>("POST", "/nslcm/v2/ns_instances", Response, 201, NONE),
        case::<Vec<os::NsInstance>>("GET", "/nslcm/v2/ns_instances", Response, 200, NONE),
        case::<os::NsInstance>("GET", "/nslcm/v2/ns_instances/1", Response, 200, NONE),
        case::<os::InstantiateNsRequest>("POST", "/nslcm/v2/ns_instances/1/instantiate", Request, 202, NONE),
        case::<os::TerminateNsRequest>("POST", "/nslcm/v2/ns_instances/1/terminate", Request, 202, NONE),
        case::<Vec<os::NsLcmOpOcc>>("GET", "/nslcm/v2/ns_lcm_op_occs", Response, 200, NONE),
        case::<os::NsLcmOpOcc>("GET", "/nslcm/v2/ns_lcm_op_occs/1", Response, 200, NONE),
        case::<os::NsLcmOpOcc>("POST", "/nslcm/v2/ns_lcm_op_occs/1/fail", Response, 200, NONE),
        case::<or::CancelMode>("POST", "/nslcm/v2/ns_lcm_op_occs/1/cancel", Request, 202, NONE),
        case::<os::NsLccnSubscriptionRequest>("POST", "/nslcm/v2/subscriptions", Request, 201, NONE),
        case::<os::NsLccnSubscription>("POST", "/nslcm/v2/subscriptions", Response, 201, NONE),
    ]
}
