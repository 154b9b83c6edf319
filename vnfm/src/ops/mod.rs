//! What each operation will do, decided without touching anything: pure functions from descriptor, request and record to
//! a plan of steps.

pub mod blueprint;
pub mod expand;
pub mod grants;
pub mod heal;
pub mod ids;
pub mod instantiate;
pub mod inventory;
pub mod modify;
pub mod occurrence;
pub mod operate;
pub mod params;
pub mod properties;
pub mod record;
pub mod scale;
pub mod terminate;
