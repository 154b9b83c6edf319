//! VNF instances and operation occurrences as stored documents, and what lists of them can be filtered by and leave out
//! (SOL003 clauses 5.4.2.3.2 and 5.4.12.3.2).

use reference_points::or_vnfm::{VnfInstance, VnfLcmOpOcc};
use serde::{Deserialize, Serialize};
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun};

/// VNF instances.
pub const INSTANCES: Collection<Instance> = Collection::new();

/// Operation occurrences.
pub const OCCURRENCES: Collection<Occurrence> = Collection::new();

/// A stored VNF instance, without links: they depend on the address the VNFM is reached at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instance(pub VnfInstance);

impl Document for Instance {
    const NOUN: &'static Noun = &Noun {
        table: "vnf_instance",
        what: "VNF instance",
        indexed: &[
            Index::text("id"),
            Index::text("vnfInstanceName"),
            Index::text("vnfdId"),
            Index::text("instantiationState"),
            Index::text("vnfProductName"),
            Index::text("metadata/nsInstanceId"),
        ],
        selection: Selection {
            selectable: &[
                "vnfConfigurableProperties",
                "vimConnectionInfo",
                "instantiatedVnfInfo",
                "metadata",
                "extensions",
            ],
            default_excluded: &[
                "vnfConfigurableProperties",
                "vimConnectionInfo",
                "instantiatedVnfInfo",
                "metadata",
                "extensions",
            ],
        },
        attributes: &[
            "id",
            "vnfInstanceName",
            "vnfInstanceDescription",
            "vnfdId",
            "vnfProvider",
            "vnfProductName",
            "vnfSoftwareVersion",
            "vnfdVersion",
            "vnfConfigurableProperties",
            "vimConnectionInfo",
            "instantiationState",
            "instantiatedVnfInfo",
            "metadata",
            "extensions",
        ],
    };
}

/// A stored operation occurrence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Occurrence(pub VnfLcmOpOcc);

impl Document for Occurrence {
    const NOUN: &'static Noun = &Noun {
        table: "vnf_lcm_op_occ",
        what: "VNF LCM operation occurrence",
        indexed: &[
            Index::text("id"),
            Index::text("vnfInstanceId"),
            Index::text("operation"),
            Index::text("operationState"),
            Index::time("startTime"),
        ],
        selection: Selection {
            selectable: &["operationParams", "error", "resourceChanges", "changedInfo", "changedExtConnectivity"],
            default_excluded: &["operationParams", "error", "resourceChanges", "changedInfo", "changedExtConnectivity"],
        },
        attributes: &[
            "id",
            "operationState",
            "stateEnteredTime",
            "startTime",
            "vnfInstanceId",
            "grantId",
            "operation",
            "isAutomaticInvocation",
            "operationParams",
            "isCancelPending",
            "cancelMode",
            "error",
            "resourceChanges",
            "changedInfo",
            "changedExtConnectivity",
            "vnfSnapshotInfoId",
            "lcmCoordinations",
            "rejectedLcmCoordinations",
        ],
    };
}
