//! The user that scripts run as.

/// File of the users of this system.
const PASSWD: &str = "/etc/passwd";

/// A user and its group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Account {
    /// The account of a name, or of `UID:GID`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(user: &str) -> Result<Self, String> {
        let numbers = user.split_once(':').and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)));
        let account = match numbers {
            Some((uid, gid)) => Self { uid, gid },
            None => {
                let text = std::fs::read_to_string(PASSWD).map_err(|e| format!("{PASSWD} cannot be read: {e}"))?;
                Self::named(&text, user).ok_or_else(|| format!("{PASSWD} has no user {user:?}"))?
            }
        };
        if account.uid == 0 || account.gid == 0 {
            return Err("scripts do not run as root".to_owned());
        }
        Ok(account)
    }

    fn named(passwd: &str, user: &str) -> Option<Self> {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(user))?;
        let mut fields = line.split(':').skip(2);
        Some(Self { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn accounts_are_named_or_numbered_and_never_root() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nvnf:x:900:901::/:/bin/false\n";
        assert_eq!(Account::named(passwd, "vnf"), Some(Account { uid: 900, gid: 901 }));
        assert_eq!(Account::named(passwd, "vn"), None);
        assert_eq!(Account::of("12:13").unwrap(), Account { uid: 12, gid: 13 });
        assert!(Account::of("0:13").unwrap_err().contains("root"));
        assert!(Account::of("root").unwrap_err().contains("root"));
        assert!(Account::of("nobody-of-that-name").unwrap_err().contains("no user"));
    }
}
