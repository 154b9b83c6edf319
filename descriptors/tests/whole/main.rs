//! Descriptors read whole: one module for each subject of TOSCA, VNFDs, NSDs and PNFDs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builtin_types;
mod lossless;
mod mutations;
mod nsd_forwarding;
mod nsd_parts;
mod nsd_scaling;
mod pnfd;
mod read;
mod tosca_everywhere;
mod tosca_functions;
mod tosca_imports;
mod tosca_substitution;
mod tosca_types;
mod tosca_values;
mod versions;
mod versions_ns;
mod vnfd_compute;
mod vnfd_containers;
mod vnfd_lcm;
mod vnfd_network;
mod vnfd_scaling;
