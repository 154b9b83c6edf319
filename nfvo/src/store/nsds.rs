//! NSDs.

use reference_points::os_ma_nfvo::NsdInfo;
use serde::{Deserialize, Serialize};
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun};

/// An NSD; usage state and links are made when it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NsdRecord(pub NsdInfo);

/// The NSDs.
pub const NSDS: Collection<NsdRecord> = Collection::new();

impl Document for NsdRecord {
    const NOUN: &'static Noun = &Noun {
        table: "nsd_info",
        what: "NSD",
        indexed: &[
            Index::text("id"),
            Index::text("nsdId"),
            Index::text("nsdName"),
            Index::text("nsdVersion"),
            Index::text("nsdDesigner"),
            Index::text("nsdInvariantId"),
            Index::text("nsdOnboardingState"),
            Index::text("nsdOperationalState"),
        ],
        // SOL005 table 5.4.2.3.2-1.
        selection: Selection {
            selectable: &["userDefinedData", "onboardingFailureDetails", "artifacts"],
            default_excluded: &["userDefinedData", "onboardingFailureDetails", "artifacts"],
        },
        attributes: &[
            "id",
            "nsdId",
            "nsdName",
            "nsdVersion",
            "nsdDesigner",
            "nsdInvariantId",
            "vnfPkgIds",
            "pnfdInfoIds",
            "nestedNsdInfoIds",
            "archiveSecurityOption",
            "signingCertificate",
            "artifacts",
            "nsdOnboardingState",
            "onboardingFailureDetails",
            "nsdOperationalState",
            "nsdUsageState",
            "userDefinedData",
        ],
    };
}
