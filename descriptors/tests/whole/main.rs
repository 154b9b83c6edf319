//! Descriptors read whole: one module for each subject of TOSCA, VNFDs, NSDs and PNFDs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builtin_types;
