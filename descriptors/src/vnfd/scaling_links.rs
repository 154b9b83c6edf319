//! How wide a virtual link is and how many shared addresses there are at a size of the flavour: the counterparts of
//! [`Scaling::instances`] for `VnfVirtualLink` and `VipCp` (SOL001 clause 6.10).

use super::scaling::{Scaling, Size, SizeError};
use crate::network::Bitrate;

impl Scaling {
    /// Bit rate of a virtual link at a size, or `None` where no policy speaks of it; its profile holds then.
    ///
    /// For an instantiation level `VirtualLinkInstantiationLevels` decides where it speaks of the link; otherwise, and for
    /// scale levels, it is `VirtualLinkBitrateInitialDelta` plus the delta of every step taken.
    ///
    /// # Errors
    /// [`SizeError`] when the size names what the flavour does not have.
    pub fn link_bitrate(&self, link: &str, size: Size<'_>) -> Result<Option<Bitrate>, SizeError> {
        let levels = self.scale_levels(size)?;
        if let Some(said) = self.level_of(size).and_then(|l| self.link_levels.get(link)?.get(l)) {
            return Ok(Some(*said));
        }
        let mut total = self.link_initial.get(link).copied();
        for (aspect, at) in &levels {
            let Some(deltas) = self.link_deltas.get(link).and_then(|d| d.get(aspect)) else { continue };
            for (delta, times) in self.steps(aspect, *at, deltas) {
                let plus = |have: u64, more: u64| have.saturating_add(more.saturating_mul(times.into()));
                let sum = total.get_or_insert_default();
                sum.root_bps = plus(sum.root_bps, delta.root_bps);
                sum.leaf_bps = match (sum.leaf_bps, delta.leaf_bps) {
                    (None, None) => None,
                    (have, more) => Some(plus(have.unwrap_or_default(), more.unwrap_or_default())),
                };
            }
        }
        Ok(total)
    }

    /// Number of instances of a shared address at a size; one where no policy speaks of it.
    ///
    /// # Errors
    /// [`SizeError`] when the size names what the flavour does not have.
    pub fn vip_instances(&self, vip: &str, size: Size<'_>) -> Result<u32, SizeError> {
        let levels = self.scale_levels(size)?;
        if let Some(said) = self.level_of(size).and_then(|l| self.vip_levels.get(vip)?.get(l)) {
            return Ok(*said);
        }
        let scales = self.vip_deltas.get(vip).is_some_and(|d| !d.is_empty());
        let mut total = self.vip_initial.get(vip).copied().unwrap_or_else(|| u32::from(!scales));
        for (aspect, at) in &levels {
            let Some(deltas) = self.vip_deltas.get(vip).and_then(|d| d.get(aspect)) else { continue };
            let steps = self.steps(aspect, *at, deltas);
            total = steps.fold(total, |sum, (n, times)| sum.saturating_add(n.saturating_mul(times)));
        }
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::super::scaling::{Aspect, Level};
    use super::*;

    fn rate(root_bps: u64, leaf_bps: Option<u64>) -> Bitrate {
        Bitrate { root_bps, leaf_bps }
    }

    #[test]
    fn bit_rates_and_addresses_grow_with_the_steps() {
        let aspect = Aspect { max_scale_level: 2, step_deltas: vec!["d".into()], ..Aspect::default() };
        let level = |n| Level { scale_info: BTreeMap::from([("a".to_owned(), n)]), ..Level::default() };
        let scaling = Scaling {
            aspects: BTreeMap::from([("a".to_owned(), aspect)]),
            levels: BTreeMap::from([("small".to_owned(), level(0)), ("big".to_owned(), level(2))]),
            link_initial: BTreeMap::from([("net".to_owned(), rate(100, Some(10)))]),
            link_deltas: BTreeMap::from([(
                "net".to_owned(),
                BTreeMap::from([("a".to_owned(), BTreeMap::from([("d".to_owned(), rate(50, None))]))]),
            )]),
            link_levels: BTreeMap::from([("net".to_owned(), BTreeMap::from([("small".to_owned(), rate(70, None))]))]),
            vip_initial: BTreeMap::from([("vip".to_owned(), 1)]),
            vip_deltas: BTreeMap::from([(
                "vip".to_owned(),
                BTreeMap::from([("a".to_owned(), BTreeMap::from([("d".to_owned(), 2)]))]),
            )]),
            ..Scaling::default()
        };
        assert_eq!(scaling.link_bitrate("net", Size::Level("big")), Ok(Some(rate(200, Some(10)))));
        assert_eq!(scaling.link_bitrate("net", Size::Level("small")), Ok(Some(rate(70, None))));
        assert_eq!(scaling.link_bitrate("other", Size::Level("big")), Ok(None));
        assert_eq!(scaling.vip_instances("vip", Size::Level("big")), Ok(5));
        assert_eq!(scaling.vip_instances("other", Size::Level("big")), Ok(1));
        let mut high = scaling.clone();
        high.aspects.get_mut("a").unwrap().max_scale_level = u32::MAX;
        let highest = BTreeMap::from([("a".to_owned(), u32::MAX)]);
        let rate_there = high.link_bitrate("net", Size::ScaleLevels(&highest));
        assert_eq!(rate_there, Ok(Some(rate(100 + 50 * u64::from(u32::MAX), Some(10)))));
        assert_eq!(high.vip_instances("vip", Size::ScaleLevels(&highest)), Ok(u32::MAX));
        let above = BTreeMap::from([("a".to_owned(), 3)]);
        assert!(scaling.link_bitrate("net", Size::ScaleLevels(&above)).is_err());
    }
}
