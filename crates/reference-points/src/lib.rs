//! The ETSI NFV reference points this stack speaks, one module per arrow of the architecture picture (ETSI GS NFV 006):
//! types, paths and a client each. Services meet here and nowhere else.
//!
//! | module | reference point | producer | consumer |
//! | --- | --- | --- | --- |
//! | [`os_ma_nfvo`] | Os-Ma-nfvo, SOL005 | nfvo | OSS/BSS, `mano`, dashboard |
//! | [`or_vnfm`] | Or-Vnfm, SOL003 | vnfm and nfvo | nfvo and vnfm |
//! | [`or_vi`] | Or-Vi and Vi-Vnfm, IFA005 and IFA006 | vim-adapter | nfvo and vnfm |
//! | [`nf_vi`] | Nf-Vi | nfvi-agent | vim-adapter |
//! | [`ve_vnfm`] | Ve-Vnfm, SOL002 | VNF, element manager | vnfm |
//! | [`common`] | what all of them share (SOL013) | | |

pub mod common;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod nf_vi;
pub mod or_vi;
pub mod or_vnfm;
pub mod os_ma_nfvo;
pub mod ve_vnfm;
