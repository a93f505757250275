//! What a user, a script or a scheduler may do: `read,write,!ftp`.

use std::{collections::BTreeSet, convert::Infallible, fmt, str::FromStr};

use super::parse_list;

/// The policies that are granted. What is denied with `!`, and what is not named, are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies(BTreeSet<String>);

impl Policies {
    /// Whether a policy is granted.
    pub fn grants(&self, policy: &str) -> bool {
        self.0.contains(policy)
    }

    /// Whether everything that `other` grants is granted here too.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.is_subset(&self.0)
    }

    /// The granted ones, by name.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Policies {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let granted = parse_list(text).filter(|policy| !policy.starts_with('!'));
        Ok(Self(granted.map(str::to_owned).collect()))
    }
}

impl<P: Into<String>> FromIterator<P> for Policies {
    fn from_iter<I: IntoIterator<Item = P>>(policies: I) -> Self {
        Self(policies.into_iter().map(Into::into).collect())
    }
}

/// The granted ones, separated by commas.
impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_denials_make_no_difference() {
        let ours: Policies = "write,read,api".parse().unwrap();
        let theirs: Policies = "read,write,api,!ftp,!reboot".parse().unwrap();
        assert_eq!(ours, theirs);
        assert_eq!(theirs.to_string(), "api,read,write");
        assert!(theirs.grants("read") && !theirs.grants("ftp"));
        let more: Policies = "read,ftp".parse().unwrap();
        assert!(!ours.covers(&more));
        assert!(ours.covers(&Policies::default()));
    }
}
