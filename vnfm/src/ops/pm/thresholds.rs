//! When a threshold is crossed (SOL003 clause 6.5.3.4): upwards at value + hysteresis, downwards at value - hysteresis.

use reference_points::or_vnfm::{CrossingDirectionType, SimpleThresholdDetails};
use serde::{Deserialize, Serialize};

/// On which side of a threshold a metric was last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// Below, or not measured yet.
    #[default]
    Below,
    /// Above.
    Above,
}

/// The side that a value is on now, and the crossing that is told, if there is one. Within the band nothing changes.
pub fn cross(threshold: &SimpleThresholdDetails, before: Side, value: f64) -> (Side, Option<CrossingDirectionType>) {
    let SimpleThresholdDetails { threshold_value, hysteresis } = *threshold;
    match before {
        Side::Below if value >= threshold_value + hysteresis => (Side::Above, Some(CrossingDirectionType::Up)),
        Side::Above if value <= threshold_value - hysteresis => (Side::Below, Some(CrossingDirectionType::Down)),
        same => (same, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossing_is_told_once_and_not_within_the_band() {
        let threshold = SimpleThresholdDetails { threshold_value: 50.0, hysteresis: 5.0 };
        let (mut side, mut told) = (Side::default(), Vec::new());
        for value in [10.0, 54.0, 55.0, 70.0, 50.0, 45.1, 45.0, 20.0, 56.0] {
            let (now, crossing) = cross(&threshold, side, value);
            side = now;
            told.extend(crossing.map(|direction| (value, direction)));
        }
        use CrossingDirectionType::{Down, Up};
        assert_eq!(told, [(55.0, Up), (45.0, Down), (56.0, Up)]);
    }
}
