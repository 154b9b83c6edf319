//! Or-Vnfm: the interfaces between NFVO and VNFM (ETSI GS NFV-SOL 003 v3.3.1), with their types, paths and clients.
//!
//! | API | producer | consumer | types | client |
//! | --- | --- | --- | --- | --- |
//! | `vnflcm/v2` | vnfm | nfvo | [`vnf_instance`], [`requests`], [`change_requests`], [`op_occ`], [`snapshot`], [`subscription`] | [`LcmClient`] |
//! | `vnffm/v1` | vnfm | nfvo | [`fault`] | [`FmClient`] |
//! | `vnfpm/v2`, `vnfpm/v1` | vnfm | nfvo | [`performance`], [`performance_v1`] | [`PmClient`] |
//! | `vnfind/v1` | vnfm | nfvo | [`indicator`] | [`IndicatorClient`] |
//! | `grant/v1` | nfvo | vnfm | [`grant`] | [`GrantClient`] |
//! | `vrqan/v1` | nfvo | vnfm | [`quota`] | [`QuotaClient`] |
//! | `vnfpkgm/v2` | nfvo | vnfm | [`crate::os_ma_nfvo::packages`] | [`OnboardedClient`] |
//!
//! Optional lists and maps are left out of the JSON when they are empty; other optional attributes are `Option`s.

pub mod change_requests;
pub mod client;
pub mod connectivity;
pub mod grant;
pub mod op_occ;
pub mod package_client;
pub mod requests;
pub mod snapshot;
pub mod sol;
pub mod subscription;
pub mod vnf_instance;

pub mod fault;
pub mod indicator;
pub mod monitoring_client;
pub mod performance;
pub mod performance_v1;
pub mod quota;

pub use change_requests::*;
pub use client::{GrantAnswer, GrantClient, LcmClient, paths};
pub use connectivity::*;
pub use grant::*;
pub use op_occ::*;
pub use package_client::OnboardedClient;
pub use requests::*;
pub use snapshot::*;
pub use sol::{
    ApiVersion, ApiVersionInformation, AuthType, BadTimestamp, Link, NotificationLink, ParamsBasic,
    ParamsOauth2ClientCredentials, SelfLink, SubscriptionAuthentication, Timestamp, UnknownName,
};
pub use subscription::*;
pub use vnf_instance::*;

pub use fault::*;
pub use indicator::*;
pub use monitoring_client::{FmClient, PmClient};
pub use performance::*;
pub use performance_v1::*;
pub use quota::*;
