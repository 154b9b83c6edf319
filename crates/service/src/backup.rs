//! Backup and restore of a service's database.
use std::path::Path;

use crate::config::BaseConfig;

/// Backup.
pub async fn backup(_base: &BaseConfig, _file: &Path) -> Result<String, String> {
    Err("not yet".into())
}

/// Restore.
pub async fn restore(_base: &BaseConfig, _file: &Path, _replace: bool) -> Result<String, String> {
    Err("not yet".into())
}

/// The URL with its password left out.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@').and_then(|(user, host)| user.split_once(':').map(|(name, _)| (name, host))) {
        Some((name, host)) => format!("{scheme}://{name}:***@{host}"),
        None => url.to_owned(),
    }
}
