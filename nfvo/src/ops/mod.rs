//! Operations, pure: what a network service shall consist of, which steps make or end it, where resources go. Nothing here
//! reads a clock, a network or a database.

pub mod addresses;
pub mod demand;
pub mod design;
pub mod held;
pub mod params;
pub mod placement;
pub mod plan;
pub mod pursue;
pub mod resolve;
#[cfg(test)]
pub mod tests;
