//! Proving to a subscriber who the notifications come from (SOL013 clause 8.3.4): Basic, a token by OAuth 2.0 client
//! credentials, or the service's certificate. What of a request to subscribe cannot work is told here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reference_points::common::Fault;
use reference_points::or_vnfm::{AuthType, SubscriptionAuthentication};

/// What is wrong with the authentication that a subscriber at `uri` asks for. `certified`: the service has a certificate.
pub(super) fn faults(authentication: &SubscriptionAuthentication, uri: &str, certified: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let types = &authentication.auth_type;
    if types.contains(&AuthType::TlsCert) {
        if !certified {
            let fault = Fault::new("/authentication/authType", "TLS_CERT: this service has no certificate");
            faults.push(fault.mend("another method, or service.callbacks.tls in the service's configuration"));
        }
        if !uri.starts_with("https://") {
            let fault = Fault::new("/callbackUri", "shows no certificate: TLS_CERT needs an https:// address");
            faults.push(fault.mend("https://HOST:PORT/PATH"));
        }
    }
    if types.contains(&AuthType::Basic) {
        let basic = authentication.params_basic.as_ref();
        if basic.is_none_or(|b| b.user_name.is_none() || b.password.is_none()) {
            faults.push(Fault::new("/authentication/paramsBasic", "lacks userName or password").mend("give both"));
        }
        if basic.and_then(|b| b.user_name.as_deref()).is_some_and(|n| n.contains(':')) {
            faults.push(Fault::new("/authentication/paramsBasic/userName", "holds a colon, which Basic cannot carry"));
        }
    } else if types.contains(&AuthType::Oauth2ClientCredentials) {
        let oauth = authentication.params_oauth2_client_credentials.as_ref();
        let at = "/authentication/paramsOauth2ClientCredentials";
        if oauth.is_none_or(|o| o.client_id.is_none() || o.client_password.is_none() || o.token_endpoint.is_none()) {
            faults.push(Fault::new(at, "lacks clientId, clientPassword or tokenEndpoint").mend("give all three"));
        }
        if let Some(uri) = oauth.and_then(|o| o.token_endpoint.as_deref())
            && let Some(why) = unusable(uri)
        {
            faults.push(
                Fault::new(format!("{at}/tokenEndpoint"), why).mend("http://HOST:PORT/PATH or https://HOST:PORT/PATH"),
            );
        }
    } else if !types.contains(&AuthType::TlsCert) {
        let fault = Fault::new("/authentication/authType", "names no method that this service can use");
        faults.push(fault.mend("BASIC, OAUTH2_CLIENT_CREDENTIALS or TLS_CERT, or no authentication at all"));
    }
    faults
}

/// Why an address cannot be called; `None` when it can.
pub(super) fn unusable(uri: &str) -> Option<String> {
    if uri.len() > 2048 {
        return Some("is longer than 2048 bytes".to_owned());
    }
    match reqwest::Url::parse(uri) {
        Err(error) => Some(format!("is no address: {error}")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
            Some("is no http:// or https:// address".to_owned())
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("holds credentials, which belong into authentication".to_owned())
        }
        Ok(_) => None,
    }
}

/// Value of an `Authorization` header.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
