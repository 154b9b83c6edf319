//! NS lifecycle operation occurrences, as SOL005 shows them. The engine's journal is the record of what happens; this is
//! written by its observer in the same transactions.

use reference_points::os_ma_nfvo::NsLcmOpOcc;
use serde::{Deserialize, Serialize};
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun};

/// An operation occurrence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpOcc(pub NsLcmOpOcc);

/// The operation occurrences.
pub const OP_OCCS: Collection<OpOcc> = Collection::new();

impl Document for OpOcc {
    const NOUN: &'static Noun = &Noun {
        table: "ns_lcm_op_occ",
        what: "NS operation occurrence",
        indexed: &[
            Index::text("id"),
            Index::text("nsInstanceId"),
            Index::text("operationState"),
            Index::text("lcmOperationType"),
            Index::time("startTime"),
            Index::time("statusEnteredTime"),
        ],
        // SOL005 table 6.4.9.3.2-1.
        selection: Selection {
            selectable: &["operationParams", "error", "resourceChanges"],
            default_excluded: &["operationParams", "error", "resourceChanges"],
        },
        attributes: &[
            "id",
            "operationState",
            "statusEnteredTime",
            "nsInstanceId",
            "lcmOperationType",
            "startTime",
            "isAutomaticInvocation",
            "operationParams",
            "isCancelPending",
            "cancelMode",
            "error",
            "resourceChanges",
        ],
    };
}
