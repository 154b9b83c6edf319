//! On which versions of other descriptors a part of a service depends (SOL001 clause 6.2,
//! `tosca.datatypes.nfv.VersionDependency`).

use serde::{Deserialize, Serialize};

use crate::diag::Sink;
use crate::tosca::fields::Fields;

/// `tosca.datatypes.nfv.VersionDependency`: another part of the service with the descriptors it may be of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDependency {
    /// `dependent_constituent_id`: the other part.
    pub constituent: String,
    /// `version_dependency_statement`: combinations of descriptor identifiers, any of which will do.
    pub any_of: Vec<Vec<String>>,
}

/// Reads the list below `version_dependency`.
pub(crate) fn dependencies(fields: &Fields<'_>, sink: &mut Sink) -> Vec<VersionDependency> {
    let items = fields.list("version_dependency", sink).iter().enumerate();
    items
        .map(|(i, node)| {
            let dependency = fields.item("version_dependency", i, node);
            let statements = dependency.list("version_dependency_statement", sink).iter().enumerate();
            VersionDependency {
                constituent: dependency.need_text("dependent_constituent_id", sink),
                any_of: statements
                    .map(|(j, node)| {
                        dependency.item("version_dependency_statement", j, node).texts("descriptor_id", sink)
                    })
                    .collect(),
            }
        })
        .collect()
}
