//! Where an OVSDB server listens: the `unix:` and `tcp:` forms that Open vSwitch's own tools take.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Error;

/// Address of an OVSDB server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A Unix stream socket.
    Unix(PathBuf),
    /// A host name or address (IPv6 without brackets) and its port.
    Tcp(String, u16),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
            Endpoint::Tcp(host, port) if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Endpoint::Tcp(host, port) => write!(f, "tcp:{host}:{port}"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    /// Parses `unix:PATH`, `tcp:HOST:PORT` or `tcp:[IPV6]:PORT`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = |why: &str| Error::Endpoint { text: text.to_owned(), why: why.to_owned() };
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(bad("the path after `unix:` is empty"));
            }
            return Ok(Endpoint::Unix(PathBuf::from(path)));
        }
        let Some(rest) = text.strip_prefix("tcp:") else {
            return Err(bad("it must begin with `unix:` or `tcp:`"));
        };
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| bad("the port is missing"))?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(bad("the host is empty"));
        }
        match port.parse::<u16>() {
            Ok(port) if port != 0 => Ok(Endpoint::Tcp(host.to_owned(), port)),
            _ => Err(bad("the port must be a number from 1 to 65535")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_survives_a_round_trip() {
        for text in ["unix:/run/openvswitch/db.sock", "tcp:127.0.0.1:6641", "tcp:[fd00::1]:6641", "tcp:ovn.example:1"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            ("ssl:host:1", "begin with"),
            ("unix:", "empty"),
            ("tcp:host", "port is missing"),
            ("tcp::6641", "host is empty"),
            ("tcp:host:0", "1 to 65535"),
            ("tcp:host:70000", "1 to 65535"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
