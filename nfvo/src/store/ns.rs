//! NS instances.

use reference_points::os_ma_nfvo::NsInstance;
use serde::{Deserialize, Serialize};
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun};

use crate::ops::design::Design;

/// An NS instance, and what it was decided to consist of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NsRecord {
    /// The resource; its links are made when it is shown.
    pub ns: NsInstance,
    /// What it consists of, from the acceptance of an instantiation until everything is gone.
    pub design: Option<Design>,
}

/// The NS instances.
pub const NS: Collection<NsRecord> = Collection::new();

impl Document for NsRecord {
    const NOUN: &'static Noun = &Noun {
        table: "ns_instance",
        what: "NS instance",
        indexed: &[
            Index::text("id"),
            Index::text("nsInstanceName"),
            Index::text("nsdId"),
            Index::text("nsdInfoId"),
            Index::text("nsState"),
        ],
        // SOL005 table 6.4.2.3.2-1.
        selection: Selection {
            selectable: &[
                "vnfInstance",
                "pnfInfo",
                "virtualLinkInfo",
                "vnffgInfo",
                "sapInfo",
                "nsScaleStatus",
                "additionalAffinityOrAntiAffinityRule",
                "wanConnectionInfo",
            ],
            default_excluded: &[
                "vnfInstance",
                "pnfInfo",
                "virtualLinkInfo",
                "vnffgInfo",
                "sapInfo",
                "nsScaleStatus",
                "additionalAffinityOrAntiAffinityRule",
                "wanConnectionInfo",
            ],
        },
        attributes: &[
            "id",
            "nsInstanceName",
            "nsInstanceDescription",
            "nsdId",
            "nsdInfoId",
            "flavourId",
            "vnfInstance",
            "pnfInfo",
            "virtualLinkInfo",
            "vnffgInfo",
            "sapInfo",
            "nestedNsInstanceId",
            "vnfSnapshotInfoIds",
            "nsState",
            "monitoringParameter",
            "nsScaleStatus",
            "additionalAffinityOrAntiAffinityRule",
            "wanConnectionInfo",
        ],
    };

    fn resource(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(&self.ns)
    }
}
