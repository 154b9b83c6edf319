//! Titles of problems that end when a VIM allows more than it did. Who meets one may wait for that.

/// No host of the VIM can take a compute as it is wanted, or none that might take it answers.
pub const NO_VALID_HOST: &str = "No valid host";
/// A limit of the account or project is reached.
pub const QUOTA_EXCEEDED: &str = "Quota exceeded";

/// Whether a problem of this title ends when a VIM allows more.
pub fn is(title: &str) -> bool {
    [NO_VALID_HOST, QUOTA_EXCEEDED].contains(&title)
}
