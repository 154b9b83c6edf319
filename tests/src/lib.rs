//! What the stories share: a lab of the four services as processes that can be killed, over a simulated VIM or over a
//! private NFVI with real libvirt, Open vSwitch and OVN.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod cli;
pub mod cloud;
pub mod conformance;
pub mod disk;
pub mod em;
pub mod ground;
pub mod kill;
pub mod lab;
pub mod nfvi;
pub mod openstack;
pub mod other_nfvo;
pub mod patience;
pub mod process;
pub mod samples;
pub mod schemathesis;
pub mod subscriber;
pub mod traffic;
pub mod vnfs;
