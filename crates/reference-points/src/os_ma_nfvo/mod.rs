//! Os-Ma-nfvo: the interfaces that the NFVO offers to OSS/BSS and operators (ETSI GS NFV-SOL 005 v3.3.1), with their
//! types, paths and clients.
//!
//! | API | types | client |
//! | --- | --- | --- |
//! | `vnfpkgm/v2` | [`packages`] | [`PackageClient`] |
//! | `nsd/v2` | [`nsds`] | [`NsdClient`] |
//! | `nslcm/v2` | [`ns_instance`], [`ns_requests`], [`ns_op_occ`], [`ns_subscription`] | [`NsClient`] |
//!
//! Types that SOL005 shares with SOL003 live in [`crate::or_vnfm`]; types that it names alike but means otherwise carry
//! an `Ns` in front here.

pub mod images;
pub mod mano;
pub mod ns_client;
pub mod ns_instance;
pub mod ns_op_occ;
pub mod ns_requests;
pub mod ns_subscription;
pub mod nsds;
pub mod package_client;
pub mod packages;
pub mod verification;

pub use images::AddImage;
pub use ns_client::NsClient;
pub use ns_instance::*;
pub use ns_op_occ::*;
pub use ns_requests::*;
pub use ns_subscription::*;
pub use nsds::*;
pub use package_client::PackageClient;
pub use packages::*;
