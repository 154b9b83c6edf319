//! Small types that every SOL interface uses: links, times, enumerations, subscription authentication, API versions
//! (SOL013 clauses 5 and 9, SOL003 clause 4.4.1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A text that is not one of the names a specification defines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a {what}: it is one of {}", known.join(", "))]
pub struct UnknownName {
    /// The type that was expected.
    pub what: &'static str,
    /// The text found, cut to 80 characters.
    pub found: String,
    /// Every name that would do.
    pub known: &'static [&'static str],
}

/// Declares an enumeration with the names SOL gives its values: serde, `as_str`, `ALL`, `Display` and `FromStr`.
macro_rules! sol_enum {
    ($(#[doc = $doc:literal])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the specification.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in the specification.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        // By hand: the derive reads the source and does not see names that a macro hands on.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some(concat!($($doc, "\n",)*).trim()))
                    .enum_values(Some([$($text,)+]))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::or_vnfm::sol::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    $crate::or_vnfm::sol::UnknownName {
                        what: stringify!($name),
                        found: text.chars().take(80).collect(),
                        known: &[$($text,)+],
                    }
                })
            }
        }
    };
}
pub(crate) use sol_enum;

/// A link to a resource (SOL013 clause 5.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// URI of the resource.
    pub href: String,
}

impl Link {
    /// A link to `href`.
    pub fn new(href: impl Into<String>) -> Self {
        Self { href: href.into() }
    }

    /// True for a link that leads nowhere: the producer gave none.
    pub fn is_empty(&self) -> bool {
        self.href.is_empty()
    }
}

impl<T: Into<String>> From<T> for Link {
    fn from(href: T) -> Self {
        Self::new(href)
    }
}

/// A link inside a notification: an absolute URI or a path, as SOL013 clause 5.3 allows there.
pub type NotificationLink = Link;

/// `_links` of a resource that only links to itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SelfLink {
    /// The resource itself.
    #[serde(rename = "self")]
    pub self_: Link,
}

impl SelfLink {
    /// `_links` with `href` as `self`.
    pub fn new(href: impl Into<String>) -> Self {
        Self { self_: Link::new(href) }
    }
}

/// A point in time (SOL013 `DateTime`, RFC 3339), in UTC with microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            // Outside the years RFC 3339 can write; no clock gives such a time.
            None => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an RFC 3339 date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not an RFC 3339 date and time: {why}")]
pub struct BadTimestamp {
    /// The text found, cut to 80 characters.
    pub found: String,
    /// What is wrong with it.
    pub why: String,
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why: String| BadTimestamp { found: text.chars().take(80).collect(), why };
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|error| bad(error.to_string()))?;
        i64::try_from(time.unix_timestamp_nanos() / 1_000).map(Self).map_err(|error| bad(error.to_string()))
    }
}

impl From<Timestamp> for String {
    fn from(value: Timestamp) -> Self {
        value.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = BadTimestamp;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// How a producer authenticates when it delivers notifications (SOL013 clause 8.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionAuthentication {
    /// Methods that the subscriber accepts.
    pub auth_type: Vec<AuthType>,
    /// Parameters of BASIC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params_basic: Option<ParamsBasic>,
    /// Parameters of OAUTH2_CLIENT_CREDENTIALS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params_oauth2_client_credentials: Option<ParamsOauth2ClientCredentials>,
}

sol_enum! {
    /// How a notification's sender proves who it is.
    pub enum AuthType {
        /// HTTP Basic.
        Basic = "BASIC",
        /// OAuth 2.0 client credentials.
        Oauth2ClientCredentials = "OAUTH2_CLIENT_CREDENTIALS",
        /// TLS client certificate.
        TlsCert = "TLS_CERT",
    }
}

/// HTTP Basic credentials. Its debug form hides the password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParamsBasic {
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl fmt::Debug for ParamsBasic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParamsBasic").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

/// OAuth 2.0 client credentials. Its debug form hides the password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParamsOauth2ClientCredentials {
    /// Client identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Client password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_password: Option<String>,
    /// Where to get the access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
}

impl fmt::Debug for ParamsOauth2ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParamsOauth2ClientCredentials")
            .field("client_id", &self.client_id)
            .field("token_endpoint", &self.token_endpoint)
            .finish_non_exhaustive()
    }
}

/// Versions of an API that a producer serves (SOL013 clause 9.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiVersionInformation {
    /// Prefix of the API's URIs: `{apiRoot}/{apiName}/{apiMajorVersion}/`.
    pub uri_prefix: String,
    /// Versions served.
    pub api_versions: Vec<ApiVersion>,
}

/// One version of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiVersion {
    /// `MAJOR.MINOR.PATCH`.
    pub version: String,
    /// It will go away; absent reads as false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_deprecated: Option<bool>,
    /// When it will go away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retirement_date: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_timestamp_is_rfc_3339_in_utc_and_keeps_microseconds() {
        let time = Timestamp::from_micros(1_700_000_000_123_456);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.123456Z");
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!("2023-11-14T23:13:20.123456+01:00".parse(), Ok(time));
        assert!("2023-11-14".parse::<Timestamp>().unwrap_err().to_string().contains("2023-11-14"));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = "Basic".parse::<AuthType>().unwrap_err().to_string();
        assert_eq!(error, "\"Basic\" is not a AuthType: it is one of BASIC, OAUTH2_CLIENT_CREDENTIALS, TLS_CERT");
        for value in AuthType::ALL {
            assert_eq!(value.as_str().parse(), Ok(*value));
        }
    }

    #[test]
    fn passwords_stay_out_of_debug_output() {
        let basic = ParamsBasic { user_name: Some("nfvo".into()), password: Some("hunter2".into()) };
        assert!(!format!("{basic:?}").contains("hunter2"));
    }
}
