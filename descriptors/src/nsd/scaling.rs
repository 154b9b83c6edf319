//! How large a service is at its levels and scale levels (SOL001 clause 7.10, IFA014 clause 6.7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::NsFlavour;
use crate::network::Bitrate;

/// `NsScalingAspects` with the mappings to levels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NsScaling {
    /// By aspect identifier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aspects: BTreeMap<String, NsAspect>,
    /// `VnfToLevelMapping`: by VNF, then by aspect, then by scale level, the number of instances.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vnf_instances: Mapping<u32>,
    /// `NsToLevelMapping`: the same of nested services.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ns_instances: Mapping<u32>,
    /// `VirtualLinkToLevelMapping`: by link, then by aspect, then by scale level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub link_bitrates: Mapping<Bitrate>,
}

/// By part, then by aspect, then by scale level.
pub type Mapping<T> = BTreeMap<String, BTreeMap<String, BTreeMap<u32, T>>>;

/// `tosca.datatypes.nfv.NsScalingAspect`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NsAspect {
    /// `name`.
    pub name: String,
    /// `description`.
    #[serde(default)]
    pub description: String,
    /// `ns_scale_levels`: scale level to its description.
    pub levels: BTreeMap<u32, String>,
}

impl NsScaling {
    /// Whether nothing is said about scaling.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.aspects.is_empty()
            && self.vnf_instances.is_empty()
            && self.ns_instances.is_empty()
            && self.link_bitrates.is_empty()
    }
}

/// The size of a service: what the descriptor says of its parts. A part that is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NsSize {
    /// Number of instances of VNFs.
    pub vnfs: BTreeMap<String, u32>,
    /// Number of instances of nested services.
    pub nested_ns: BTreeMap<String, u32>,
    /// Bit rates of virtual links.
    pub links: BTreeMap<String, Bitrate>,
}

/// Why a size cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NsSizeError {
    /// The flavour has no such aspect.
    #[error("the NS flavour has no scaling aspect `{wanted}`; it has {known}")]
    UnknownAspect {
        /// The aspect asked for.
        wanted: String,
        /// The aspects there are.
        known: String,
    },
    /// The aspect has no such scale level.
    #[error("the scaling aspect `{aspect}` has no scale level {wanted}; it has {known}")]
    UnknownScaleLevel {
        /// The aspect.
        aspect: String,
        /// The scale level asked for.
        wanted: u32,
        /// The scale levels there are.
        known: String,
    },
    /// The flavour has no such instantiation level.
    #[error("the NS flavour has no instantiation level `{wanted}`; it has {known}")]
    UnknownLevel {
        /// The level asked for.
        wanted: String,
        /// The levels there are.
        known: String,
    },
}

impl NsFlavour {
    /// The size at a scale level of an aspect.
    ///
    /// # Errors
    /// [`NsSizeError`] when the aspect or its level is not there.
    pub fn size_at_scale_level(&self, aspect: &str, level: u32) -> Result<NsSize, NsSizeError> {
        let scaling = &self.scaling;
        let Some(known) = scaling.aspects.get(aspect) else {
            return Err(NsSizeError::UnknownAspect {
                wanted: aspect.to_owned(),
                known: listed(scaling.aspects.keys()),
            });
        };
        if !known.levels.contains_key(&level) {
            let known = listed(known.levels.keys());
            return Err(NsSizeError::UnknownScaleLevel { aspect: aspect.to_owned(), wanted: level, known });
        }
        fn pick<T: Copy>(mapping: &Mapping<T>, aspect: &str, level: u32) -> BTreeMap<String, T> {
            let at = |by_aspect: &BTreeMap<String, BTreeMap<u32, T>>| by_aspect.get(aspect)?.get(&level).copied();
            mapping.iter().filter_map(|(part, by_aspect)| Some((part.clone(), at(by_aspect)?))).collect()
        }
        Ok(NsSize {
            vnfs: pick(&scaling.vnf_instances, aspect, level),
            nested_ns: pick(&scaling.ns_instances, aspect, level),
            links: pick(&scaling.link_bitrates, aspect, level),
        })
    }

    /// The size at an NS instantiation level.
    ///
    /// # Errors
    /// [`NsSizeError::UnknownLevel`] when the level is not there.
    pub fn size_at_level(&self, level: &str) -> Result<NsSize, NsSizeError> {
        let levels = &self.levels;
        if !levels.levels.contains_key(level) {
            return Err(NsSizeError::UnknownLevel { wanted: level.to_owned(), known: listed(levels.levels.keys()) });
        }
        fn pick<T: Copy>(mapping: &BTreeMap<String, BTreeMap<String, T>>, level: &str) -> BTreeMap<String, T> {
            mapping.iter().filter_map(|(part, at)| Some((part.clone(), at.get(level).copied()?))).collect()
        }
        Ok(NsSize {
            vnfs: pick(&levels.vnf_instances, level),
            nested_ns: pick(&levels.ns_instances, level),
            links: pick(&levels.link_bitrates, level),
        })
    }
}

fn listed<T: ToString>(keys: impl Iterator<Item = T>) -> String {
    let all: Vec<String> = keys.map(|k| k.to_string()).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
