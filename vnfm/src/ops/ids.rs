//! Where new identifiers come from: random in service, counted in tests, so that `plan()` is a pure function.

use uuid::Uuid;

/// A source of new identifiers.
pub trait IdSource: Send {
    /// A new one.
    fn mint(&mut self) -> Uuid;
}

/// Random identifiers.
#[derive(Debug, Default, Clone, Copy)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn mint(&mut self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Identifiers that count, for tests whose result must be the same every time.
#[derive(Debug, Default, Clone, Copy)]
pub struct CountedIds(pub u128);

impl IdSource for CountedIds {
    fn mint(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + self.0)
    }
}
