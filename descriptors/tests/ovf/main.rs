//! OVF appliances: read, made into VNF packages, written again (DSP0243).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod appliance;
mod descriptor;
mod disks;
mod hostile;
mod made;
mod round_trip;
