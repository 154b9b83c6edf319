//! Proving to a subscriber who the notifications come from (SOL013 clause 8.3.4): Basic, or a token by OAuth 2.0 client
//! credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reference_points::common::{CallError, Client, Fault};
use reference_points::or_vnfm::{AuthType, SubscriptionAuthentication};
use serde::Deserialize;

/// What is wrong with the authentication that a subscriber asks for.
pub(super) fn faults(authentication: &SubscriptionAuthentication) -> Vec<Fault> {
    let mut faults = Vec::new();
    let types = &authentication.auth_type;
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
            faults.push(Fault::new(format!("{at}/tokenEndpoint"), why).mend("http://HOST:PORT/PATH"));
        }
    } else {
        let fault = Fault::new("/authentication/authType", "names no method that this service can use");
        faults.push(fault.mend("BASIC or OAUTH2_CLIENT_CREDENTIALS, or no authentication at all"));
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
        Ok(url) if url.scheme() != "http" || !url.has_host() => Some("is no http:// address".to_owned()),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("holds credentials, which belong into authentication".to_owned())
        }
        Ok(_) => None,
    }
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// The headers that authenticate a call-back.
///
/// # Errors
/// The token endpoint gives no token.
pub(super) async fn headers(
    client: &Client,
    authentication: Option<&SubscriptionAuthentication>,
) -> Result<Vec<(String, String)>, CallError> {
    let Some(authentication) = authentication else { return Ok(Vec::new()) };
    if authentication.auth_type.contains(&AuthType::Basic) {
        let params = authentication.params_basic.clone().unwrap_or_default();
        let header = basic(&params.user_name.unwrap_or_default(), &params.password.unwrap_or_default());
        return Ok(vec![("authorization".to_owned(), header)]);
    }
    let params = authentication.params_oauth2_client_credentials.clone().unwrap_or_default();
    let own = basic(&params.client_id.unwrap_or_default(), &params.client_password.unwrap_or_default());
    let endpoint = params.token_endpoint.unwrap_or_default();
    let fields = [("grant_type", "client_credentials")];
    let token: Token = client.form(&endpoint, &[("authorization".to_owned(), own)], &fields).await?;
    Ok(vec![("authorization".to_owned(), format!("Bearer {}", token.access_token))])
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
