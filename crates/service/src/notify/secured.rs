//! Calling subscribers over TLS (SOL013 clause 8.3.4): whose certificates are believed, and the service's own. Tokens of
//! token endpoints are kept until they expire.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reference_points::common::{CallError, Client, Tls};
use reference_points::or_vnfm::{AuthType, ParamsOauth2ClientCredentials, SubscriptionAuthentication};
use serde::Deserialize;

use super::authenticate::basic;
use crate::config::{CallbackConfig, TlsConfig};
use crate::run::BoxError;

/// Seconds before its end at which a token is not used any more: a delivery takes a while.
const MARGIN_SECS: i64 = 30;
/// Tokens kept; each belongs to a subscription, and those are bounded too.
const MAX_TOKENS: usize = 1000;

/// Clients for call-backs. Cloning shares them and their tokens.
#[derive(Clone)]
pub struct Callers {
    plain: Client,
    /// The one that shows the service's certificate.
    certified: Option<Client>,
    tokens: Arc<Mutex<HashMap<String, Token>>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    /// Microseconds since the Unix epoch.
    until: i64,
}

/// Answer of a token endpoint (RFC 6749 clause 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
}

impl std::fmt::Debug for Callers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callers").field("certified", &self.certified.is_some()).finish_non_exhaustive()
    }
}

impl Default for Callers {
    fn default() -> Self {
        Self { plain: Client::new("subscriber", ""), certified: None, tokens: Arc::default() }
    }
}

impl Callers {
    /// Clients as the configuration wants them. The files are read once, at start.
    ///
    /// # Errors
    /// A file cannot be read, or is no certificate or key.
    pub fn new(config: &CallbackConfig) -> Result<Self, BoxError> {
        let Some(TlsConfig { ca_file, cert_file, key_file }) = &config.tls else { return Ok(Self::default()) };
        let read = |path: &std::path::Path| {
            std::fs::read(path).map_err(|e| format!("service.callbacks.tls: {}: {e}", path.display()))
        };
        let ca = ca_file.as_deref().map(read).transpose()?;
        let plain = Client::secured("subscriber", &Tls { ca: ca.clone(), own: None })?;
        let certified = match (cert_file, key_file) {
            (Some(cert), Some(key)) => {
                let own = Some((read(cert)?, key.read()?.into_bytes()));
                Some(Client::secured("subscriber", &Tls { ca, own })?)
            }
            _ => None,
        };
        Ok(Self { plain, certified, tokens: Arc::default() })
    }

    /// Whether the service has a certificate to show.
    pub(super) fn has_certificate(&self) -> bool {
        self.certified.is_some()
    }

    /// The client for a subscriber.
    pub(super) fn client(&self, authentication: Option<&SubscriptionAuthentication>) -> &Client {
        let certified = authentication.is_some_and(|a| a.auth_type.contains(&AuthType::TlsCert));
        self.certified.as_ref().filter(|_| certified).unwrap_or(&self.plain)
    }

    /// The headers that authenticate a call-back. `now` in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// The token endpoint gives no token.
    pub(super) async fn headers(
        &self,
        authentication: Option<&SubscriptionAuthentication>,
        now: i64,
    ) -> Result<Vec<(String, String)>, CallError> {
        let Some(authentication) = authentication else { return Ok(Vec::new()) };
        let types = &authentication.auth_type;
        let value = if types.contains(&AuthType::Basic) {
            let params = authentication.params_basic.clone().unwrap_or_default();
            basic(&params.user_name.unwrap_or_default(), &params.password.unwrap_or_default())
        } else if types.contains(&AuthType::Oauth2ClientCredentials) {
            let params = authentication.params_oauth2_client_credentials.clone().unwrap_or_default();
            format!("Bearer {}", self.token(&params, now).await?)
        } else {
            return Ok(Vec::new());
        };
        Ok(vec![("authorization".to_owned(), value)])
    }

    /// Forgets the token of a subscriber that did not take it.
    pub(super) fn forget(&self, authentication: Option<&SubscriptionAuthentication>) {
        if let Some(params) = authentication.and_then(|a| a.params_oauth2_client_credentials.as_ref()) {
            self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(params));
        }
    }

    async fn token(&self, params: &ParamsOauth2ClientCredentials, now: i64) -> Result<String, CallError> {
        let key = key(params);
        let kept = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(token) = kept.filter(|token| token.until > now) {
            return Ok(token.text);
        }
        let own = basic(
            params.client_id.as_deref().unwrap_or_default(),
            params.client_password.as_deref().unwrap_or_default(),
        );
        let endpoint = params.token_endpoint.as_deref().unwrap_or_default();
        let fields = [("grant_type", "client_credentials")];
        let granted: Granted = self.plain.form(endpoint, &[("authorization".to_owned(), own)], &fields).await?;
        // Without a time nobody knows how long it holds: it is asked for again.
        if let Some(seconds) = granted.expires_in.map(|s| s - MARGIN_SECS).filter(|s| *s > 0) {
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.retain(|_, token| token.until > now);
            if tokens.len() < MAX_TOKENS {
                let until = now.saturating_add(seconds.saturating_mul(1_000_000));
                tokens.insert(key, Token { text: granted.access_token.clone(), until });
            }
        }
        Ok(granted.access_token)
    }
}

/// What a token belongs to.
fn key(params: &ParamsOauth2ClientCredentials) -> String {
    let part = |p: &Option<String>| p.clone().unwrap_or_default();
    format!("{}\n{}\n{}", part(&params.token_endpoint), part(&params.client_id), part(&params.client_password))
}
