//! The agent of one NFVI host. It is told over Nf-Vi which machines, volumes and images shall be there, keeps that, and
//! makes it so with libvirt and Open vSwitch; what happens it tells as events.
//!
//! ```text
//! api (thin handlers) -> app (decisions) -> store (what shall be, SQL per noun)
//!                                            |
//!                     reconcile: plan (pure) -> act -> hypervisor/ (libvirt, domain XML pure; sim)
//!                                                      switch/     (Open vSwitch by OVSDB; sim)
//!                                                      media/      (images, disks, config drives)
//! ```
//!
//! The agent owns no machine's process: it may be stopped, killed and replaced while they run.

pub mod api;
pub mod app;
pub mod config;
pub mod facts;
pub mod hypervisor;
pub mod media;
pub mod numbers;
pub mod reconcile;
pub mod serve;
pub mod store;
pub mod switch;
