//! Ve-Vnfm: what the VNFM asks of a VNF or its element manager (ETSI GS NFV-SOL 002), with types and clients.
//!
//! | API | producer | consumer | types | client |
//! | --- | --- | --- | --- | --- |
//! | `lcmcoord/v1` (v3.5.1 clause 10) | EM or VNF | vnfm | [`lcmcoord`] | [`CoordClient`] |
//! | `vnfconfig/v1` (v3.3.1 clause 9) | VNF | vnfm | [`vnfconfig`] | [`ConfigClient`] |
//! | `vnfind/v1` (v3.3.1 clause 8) | EM or VNF | vnfm | [`crate::or_vnfm::indicator`] | [`crate::or_vnfm::IndicatorClient`] |

pub mod lcmcoord;
pub mod vnfconfig;

pub use lcmcoord::*;
pub use vnfconfig::*;
