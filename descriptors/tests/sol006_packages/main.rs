//! Packages and archives whose descriptor is one of SOL006 (SOL004 clause 4.1, SOL007 clause 4.1), and packages of Open
//! Source MANO.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/encodings.rs"]
#[allow(dead_code)]
mod encodings;
mod entry;
mod files;
mod osm;
mod same;
mod sources;
mod verdicts;
