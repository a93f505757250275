use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// Longest id in bytes. RouterOS allows 27 characters in the user name of its OpenVPN client, and the
/// user name is the tunnel id, so the same bound serves all ids.
const MAX_LEN: usize = 64;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id: use 1 to {MAX_LEN} letters, digits, '-', '_', '.' or '@'")]
pub struct InvalidId {
    text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(
            value_type = String,
            min_length = 1,
            max_length = 64,
            example = "01J9ZQ3V6N8W4T2K5R7M1X0ABC"
        ))]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if is_id(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { text: text.chars().take(MAX_LEN).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

id! {
    /// An organization: whoever owns sites and users, and sees no other organization's.
    OrganizationId
}
id! {
    /// A user of an organization.
    UserId
}
id! {
    /// An API token of an organization.
    TokenId
}
id! {
    /// A site: one router with several internet connections.
    SiteId
}
id! {
    /// A WAN tunnel; also the user name its router logs in with.
    TunnelId
}

id! {
    /// A fault.
    FaultId
}
id! {
    /// A comment on a fault.
    CommentId
}
id! {
    /// A job.
    JobId
}
id! {
    /// A route controller.
    ControllerId
}
id! {
    /// One life of a route controller's process.
    RunId
}
id! {
    /// A stream of bytes between the control plane and a port of a router, through one of its tunnels.
    StreamId
}
id! {
    /// An entry of the audit log.
    AuditId
}

fn is_id(text: &str) -> bool {
    (1..=MAX_LEN).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_takes_a_ulid_and_a_name() {
        assert!("01J9ZQ3V6N8W4T2K5R7M1X0ABC".parse::<TunnelId>().is_ok());
        assert!("head-office".parse::<SiteId>().is_ok());
    }

    #[test]
    fn an_id_refuses_empty_long_and_control_characters() {
        for text in ["", &"x".repeat(65), "a\nb", "a b", "ä"] {
            let err = text.parse::<TunnelId>().unwrap_err();
            assert!(err.to_string().contains("is not an id"), "{err}");
        }
    }
}
