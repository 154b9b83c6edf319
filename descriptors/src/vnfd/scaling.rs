//! How many VNFCs a VDU has: scaling aspects, deltas and instantiation levels (SOL001 clause 6.10, IFA011 clause 7.1.10).
//!
//! [`Scaling::instances`] is the one place that computes it, for placement, for the VNFM and for showing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::network::Bitrate;

/// The scaling policies of a deployment flavour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    /// `ScalingAspects`, by aspect identifier.
    pub aspects: BTreeMap<String, Aspect>,
    /// `VduInitialDelta`: VNFCs per VDU at scale level 0 of all aspects.
    pub initial: BTreeMap<String, u32>,
    /// `VduScalingAspectDeltas`: by VDU, then by aspect, then by delta identifier, the VNFCs one step adds.
    pub deltas: BTreeMap<String, BTreeMap<String, BTreeMap<String, u32>>>,
    /// `InstantiationLevels`, by level identifier.
    pub levels: BTreeMap<String, Level>,
    /// The level taken when the request names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_level: Option<String>,
    /// `VduInstantiationLevels`: by VDU, then by level, the VNFCs.
    pub vdu_levels: BTreeMap<String, BTreeMap<String, u32>>,
    /// `VirtualLinkBitrateInitialDelta`: bit rate per link at scale level 0 of all aspects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub link_initial: BTreeMap<String, Bitrate>,
    /// `VirtualLinkBitrateScalingAspectDeltas`: by link, then by aspect, then by delta identifier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub link_deltas: BTreeMap<String, BTreeMap<String, BTreeMap<String, Bitrate>>>,
    /// `VirtualLinkInstantiationLevels`: by link, then by level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub link_levels: BTreeMap<String, BTreeMap<String, Bitrate>>,
    /// `VipCpInitialDelta`: instances per shared address at scale level 0 of all aspects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vip_initial: BTreeMap<String, u32>,
    /// `VipCpScalingAspectDeltas`: by shared address, then by aspect, then by delta identifier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vip_deltas: BTreeMap<String, BTreeMap<String, BTreeMap<String, u32>>>,
    /// `VipCpInstantiationLevels`: by shared address, then by level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vip_levels: BTreeMap<String, BTreeMap<String, u32>>,
}

/// `tosca.datatypes.nfv.ScalingAspect`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aspect {
    /// Human readable name.
    pub name: String,
    /// What it scales.
    #[serde(default)]
    pub description: String,
    /// Highest scale level; the lowest is 0.
    pub max_scale_level: u32,
    /// Delta identifiers of the steps in order; a single one holds for every step.
    #[serde(default)]
    pub step_deltas: Vec<String>,
}

/// `tosca.datatypes.nfv.InstantiationLevel`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Scale level of each aspect.
    #[serde(default)]
    pub scale_info: BTreeMap<String, u32>,
}

/// The size a flavour is to have.
#[derive(Clone, Copy, Debug)]
pub enum Size<'a> {
    /// The default instantiation level, or the initial deltas where there is none.
    Default,
    /// An instantiation level by its identifier.
    Level(&'a str),
    /// A scale level for each aspect; an aspect not named is at 0.
    ScaleLevels(&'a BTreeMap<String, u32>),
}

/// Why a size cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// The flavour has no such level.
    #[error("the deployment flavour has no instantiation level `{wanted}`; it has {known}")]
    UnknownLevel {
        /// The level asked for.
        wanted: String,
        /// The levels there are.
        known: String,
    },
    /// The flavour has no such aspect.
    #[error("the deployment flavour has no scaling aspect `{wanted}`; it has {known}")]
    UnknownAspect {
        /// The aspect asked for.
        wanted: String,
        /// The aspects there are.
        known: String,
    },
    /// The level is beyond the aspect's maximum.
    #[error("scale level {wanted} of aspect `{aspect}` is above its maximum {max}")]
    AboveMaximum {
        /// The aspect.
        aspect: String,
        /// The level asked for.
        wanted: u32,
        /// The highest level.
        max: u32,
    },
}

fn known<T>(map: &BTreeMap<String, T>) -> String {
    if map.is_empty() { "none".to_owned() } else { map.keys().cloned().collect::<Vec<_>>().join(", ") }
}

impl Scaling {
    /// The instantiation level a request without one gets: the declared default, or the only level there is.
    #[must_use]
    pub fn default_level(&self) -> Option<&str> {
        let only = || self.levels.keys().next().filter(|_| self.levels.len() == 1);
        self.default_level.as_ref().or_else(only).map(String::as_str)
    }

    /// Scale level of every aspect for a size.
    ///
    /// # Errors
    /// [`SizeError`] when the size names what the flavour does not have.
    pub fn scale_levels(&self, size: Size<'_>) -> Result<BTreeMap<String, u32>, SizeError> {
        let given = match size {
            Size::Default => match self.default_level() {
                Some(level) => return self.scale_levels(Size::Level(level)),
                None => &BTreeMap::new(),
            },
            Size::Level(level) => match self.levels.get(level) {
                Some(level) => &level.scale_info,
                None => {
                    return Err(SizeError::UnknownLevel { wanted: level.to_owned(), known: known(&self.levels) });
                }
            },
            Size::ScaleLevels(levels) => levels,
        };
        for (aspect, wanted) in given {
            match self.aspects.get(aspect) {
                None => {
                    return Err(SizeError::UnknownAspect { wanted: aspect.clone(), known: known(&self.aspects) });
                }
                Some(a) if *wanted > a.max_scale_level => {
                    return Err(SizeError::AboveMaximum {
                        aspect: aspect.clone(),
                        wanted: *wanted,
                        max: a.max_scale_level,
                    });
                }
                Some(_) => {}
            }
        }
        Ok(self.aspects.keys().map(|a| (a.clone(), given.get(a).copied().unwrap_or(0))).collect())
    }

    /// Number of VNFCs of a VDU at a size.
    ///
    /// For an instantiation level `VduInstantiationLevels` decides where it speaks of the VDU; otherwise, and for scale
    /// levels, it is the initial delta plus the delta of every step taken. A VDU no policy mentions has one VNFC.
    ///
    /// # Errors
    /// [`SizeError`] when the size names what the flavour does not have.
    pub fn instances(&self, vdu: &str, size: Size<'_>) -> Result<u32, SizeError> {
        let levels = self.scale_levels(size)?;
        if let Some(n) = self.level_of(size).and_then(|l| self.vdu_levels.get(vdu)?.get(l)) {
            return Ok(*n);
        }
        let mut total = self.initial.get(vdu).copied().unwrap_or_else(|| u32::from(!self.scales(vdu)));
        for (aspect, at) in &levels {
            total = total.saturating_add(self.added(vdu, aspect, *at));
        }
        Ok(total)
    }

    /// Whether any aspect changes the number of VNFCs of the VDU.
    #[must_use]
    pub fn scales(&self, vdu: &str) -> bool {
        self.deltas.get(vdu).is_some_and(|d| !d.is_empty())
    }

    fn added(&self, vdu: &str, aspect: &str, level: u32) -> u32 {
        let Some(deltas) = self.deltas.get(vdu).and_then(|by_aspect| by_aspect.get(aspect)) else { return 0 };
        self.steps(aspect, level, deltas).fold(0, |sum, (n, times)| sum.saturating_add(n.saturating_mul(times)))
    }

    /// The instantiation level that a size names or stands for.
    pub(super) fn level_of<'a>(&'a self, size: Size<'a>) -> Option<&'a str> {
        match size {
            Size::Default => self.default_level(),
            Size::Level(level) => Some(level),
            Size::ScaleLevels(_) => None,
        }
    }

    /// The deltas of the steps from 0 to `level`, each with how often it is taken. Levels go up to 2³²: steps that are
    /// alike are never counted one by one.
    pub(super) fn steps<'a, T>(
        &'a self,
        aspect: &str,
        level: u32,
        deltas: &'a BTreeMap<String, T>,
    ) -> impl Iterator<Item = (&'a T, u32)> + use<'a, T> {
        let (alike, each): (Option<&T>, &[String]) = match self.aspects.get(aspect).map(|a| a.step_deltas.as_slice()) {
            None => (None, &[]),
            // The standard lets a policy with one delta leave `step_deltas` out.
            Some([]) => (deltas.values().next().filter(|_| deltas.len() == 1), &[]),
            Some([one]) => (deltas.get(one), &[]),
            Some(many) => (None, many),
        };
        let taken = each.iter().take(level as usize).filter_map(|id| deltas.get(id)).map(|delta| (delta, 1));
        alike.filter(|_| level > 0).map(|delta| (delta, level)).into_iter().chain(taken)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn scaling() -> Scaling {
        let aspect = |max, steps: &[&str]| Aspect {
            name: "a".into(),
            max_scale_level: max,
            step_deltas: steps.iter().map(|s| (*s).to_owned()).collect(),
            ..Aspect::default()
        };
        let level = |n| Level { scale_info: BTreeMap::from([("a".to_owned(), n)]), ..Level::default() };
        Scaling {
            aspects: BTreeMap::from([("a".into(), aspect(3, &["one"])), ("b".into(), aspect(2, &["one", "five"]))]),
            initial: BTreeMap::from([("web".into(), 1), ("db".into(), 2)]),
            deltas: BTreeMap::from([(
                "web".into(),
                BTreeMap::from([
                    ("a".into(), BTreeMap::from([("one".into(), 1)])),
                    ("b".into(), BTreeMap::from([("one".into(), 1), ("five".into(), 5)])),
                ]),
            )]),
            levels: BTreeMap::from([("small".into(), level(0)), ("big".into(), level(3))]),
            default_level: Some("small".into()),
            vdu_levels: BTreeMap::from([("db".into(), BTreeMap::from([("big".into(), 4)]))]),
            ..Scaling::default()
        }
    }

    #[test]
    fn levels_and_deltas() {
        let s = scaling();
        for (vdu, size, expected) in [
            ("web", Size::Default, 1),
            ("web", Size::Level("big"), 4),
            ("db", Size::Level("small"), 2),
            ("db", Size::Level("big"), 4),
            ("other", Size::Level("big"), 1),
        ] {
            assert_eq!(s.instances(vdu, size), Ok(expected), "{vdu} {size:?}");
        }
        let both = BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 2)]);
        assert_eq!(s.instances("web", Size::ScaleLevels(&both)), Ok(1 + 2 + 1 + 5));
    }

    #[test]
    fn unknown_sizes_are_told_with_what_there_is() {
        let s = scaling();
        assert!(s.instances("web", Size::Level("huge")).unwrap_err().to_string().contains("big, small"));
        let above = BTreeMap::from([("b".to_owned(), 3)]);
        assert!(s.instances("web", Size::ScaleLevels(&above)).unwrap_err().to_string().contains("maximum 2"));
        let unknown = BTreeMap::from([("z".to_owned(), 0)]);
        assert!(matches!(s.instances("web", Size::ScaleLevels(&unknown)), Err(SizeError::UnknownAspect { .. })));
    }

    #[test]
    fn levels_up_to_the_largest_number_are_computed_at_once() {
        let mut s = scaling();
        for aspect in s.aspects.values_mut() {
            aspect.max_scale_level = u32::MAX;
        }
        let highest = BTreeMap::from([("a".to_owned(), u32::MAX), ("b".to_owned(), u32::MAX)]);
        let start = std::time::Instant::now();
        assert_eq!(s.instances("web", Size::ScaleLevels(&highest)), Ok(u32::MAX));
        assert!(start.elapsed() < std::time::Duration::from_secs(1), "{:?}", start.elapsed());
        // Two deltas are two steps, however high the level is.
        let only_b = BTreeMap::from([("b".to_owned(), u32::MAX)]);
        assert_eq!(s.instances("web", Size::ScaleLevels(&only_b)), Ok(1 + 1 + 5));
    }

    proptest! {
        /// A step out never shrinks the VNF, changes only what its delta says, and steps of different aspects add up.
        #[test]
        fn steps_add_up(max in 1u32..20, initial in 0u32..5, deltas in prop::collection::vec(0u32..5, 1..20)) {
            let uniform = deltas.len() == 1;
            let max = if uniform { max } else { u32::try_from(deltas.len()).unwrap() };
            let ids: Vec<String> = (0..deltas.len()).map(|i| format!("d{i}")).collect();
            let s = Scaling {
                aspects: BTreeMap::from([("x".to_owned(), Aspect {
                    max_scale_level: max, step_deltas: ids.clone(), ..Aspect::default()
                })]),
                initial: BTreeMap::from([("v".to_owned(), initial)]),
                deltas: BTreeMap::from([("v".to_owned(), BTreeMap::from([(
                    "x".to_owned(), ids.into_iter().zip(deltas.iter().copied()).collect(),
                )]))]),
                ..Scaling::default()
            };
            let mut before = initial;
            for level in 0..=max {
                let at = BTreeMap::from([("x".to_owned(), level)]);
                let n = s.instances("v", Size::ScaleLevels(&at)).unwrap();
                let step = if level == 0 { 0 } else if uniform { deltas[0] } else { deltas[level as usize - 1] };
                prop_assert_eq!(n, before + step);
                before = n;
            }
            let beyond = BTreeMap::from([("x".to_owned(), max + 1)]);
            prop_assert!(s.instances("v", Size::ScaleLevels(&beyond)).is_err());
        }
    }
}
