//! The NFVO over real HTTP, with a VNFM and a vim-adapter that this program plays. With `MANO_SHARED` set, every exchange is
//! held against ETSI's schemas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod grants;
mod hostile;
mod lab;
mod lists;
mod openapi;
mod packages;
mod peers;
mod services;
mod signed;
mod sol006;
mod sol013;
