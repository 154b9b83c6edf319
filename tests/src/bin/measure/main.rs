//! Measurements of the whole stack on real libvirt, Open vSwitch and OVN; run by `tests/measure`. They print numbers and
//! judge nothing: what a machine is worth differs, so ratios within one run are what counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lcm;
mod memory;
mod onboard;
mod openstack;
mod raw;
mod speed;

use std::process::ExitCode;

const HELP: &str = "measure WHAT

  speed [ROUNDS]    time from request to COMPLETED, less libvirt's own work, beside a raw concurrent libvirt + OVSDB script
  memory [MINUTES]  proportional set size of the four services after idle minutes (default 5) with the sample service
  image [MIB]       peak memory of each service while a package with an image of so many MiB (default 2048) passes through
  onboard [MIB]     how fast a VNF package with an image of so many MiB (default 1024) is onboarded, beside sha256sum
  lcm [INSTANCES]   VNF lifecycle management on the simulated VIM with so many instances (default 10000), on both databases
  openstack [ROUNDS] VNFs of 1, 2 and 4 servers on an OpenStack beside a script with its SDK; deploy/openstack-lab runs";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let number = args.next().and_then(|text| text.parse().ok());
    match what.as_str() {
        "speed" => speed::run(number.unwrap_or(5)).await,
        "memory" => memory::idle(number.unwrap_or(5)).await,
        "image" => memory::image(number.unwrap_or(2048)).await,
        "onboard" => onboard::run(number.unwrap_or(1024)).await,
        "openstack" => openstack::run(number.unwrap_or(3)).await,
        "lcm" => lcm::run(number.unwrap_or(10_000)).await,
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
