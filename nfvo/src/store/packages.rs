//! VNF packages.

use reference_points::os_ma_nfvo::VnfPkgInfo;
use serde::{Deserialize, Serialize};
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun};

/// A VNF package; usage state and links are made when it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackageRecord(pub VnfPkgInfo);

/// The VNF packages.
pub const PACKAGES: Collection<PackageRecord> = Collection::new();

impl Document for PackageRecord {
    const NOUN: &'static Noun = &Noun {
        table: "vnf_package",
        what: "VNF package",
        indexed: &[
            Index::text("id"),
            Index::text("vnfdId"),
            Index::text("vnfProvider"),
            Index::text("vnfProductName"),
            Index::text("vnfSoftwareVersion"),
            Index::text("vnfdVersion"),
            Index::text("onboardingState"),
            Index::text("operationalState"),
        ],
        // SOL005 table 9.4.2.3.2-1.
        selection: Selection {
            selectable: &[
                "softwareImages",
                "additionalArtifacts",
                "userDefinedData",
                "checksum",
                "onboardingFailureDetails",
            ],
            default_excluded: &[
                "softwareImages",
                "additionalArtifacts",
                "userDefinedData",
                "checksum",
                "onboardingFailureDetails",
            ],
        },
        attributes: &[
            "id",
            "vnfdId",
            "vnfProvider",
            "vnfProductName",
            "vnfSoftwareVersion",
            "vnfdVersion",
            "compatibleSpecificationVersions",
            "checksum",
            "packageSecurityOption",
            "signingCertificate",
            "softwareImages",
            "additionalArtifacts",
            "onboardingState",
            "operationalState",
            "usageState",
            "vnfmInfo",
            "userDefinedData",
            "onboardingFailureDetails",
        ],
    };
}
