//! What each operation will do, decided without touching anything: pure functions from descriptor, request and record to
//! a plan of steps.

pub mod adopt;
pub mod alarms;
pub mod automatic;
pub mod blueprint;
pub mod converge;
pub mod expand;
pub mod grants;
pub mod heal;
pub mod hooks;
pub mod ids;
pub mod instantiate;
pub mod inventory;
pub mod modify;
pub mod occurrence;
pub mod operate;
pub mod params;
pub mod pm;
pub mod properties;
pub mod record;
pub mod revert;
pub mod scale;
pub mod snapshot;
pub mod terminate;
pub mod transition;
pub mod ve;
pub mod verify;
