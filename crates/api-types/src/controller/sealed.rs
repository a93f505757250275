use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A grant that only the tunnel's own password opens: the control plane seals it, a controller keeps it and
/// can make nothing of it until the router logs in again. Hexadecimal in JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealedGrant(Box<[u8]>);

/// Why a text is no sealed grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed grant is written as pairs of hexadecimal digits")]
pub struct NotHex;

impl SealedGrant {
    /// The bytes, sealed as they are.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SealedGrant {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl FromStr for SealedGrant {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        hex::decode(text).map(Self::from).map_err(|_| NotHex)
    }
}

impl TryFrom<String> for SealedGrant {
    type Error = NotHex;

    fn try_from(text: String) -> Result<Self, NotHex> {
        text.parse()
    }
}

impl From<SealedGrant> for String {
    fn from(sealed: SealedGrant) -> Self {
        hex::encode(sealed.0)
    }
}

impl fmt::Debug for SealedGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedGrant({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_grant_is_hexadecimal_in_json_and_says_only_its_length_in_a_log() {
        let sealed = SealedGrant::from(vec![1, 0xab]);
        let json = serde_json::to_string(&sealed).unwrap();
        assert_eq!(json, r#""01ab""#);
        assert_eq!(serde_json::from_str::<SealedGrant>(&json).unwrap(), sealed);
        assert_eq!(format!("{sealed:?}"), "SealedGrant(2 bytes)");
        let err = serde_json::from_str::<SealedGrant>(r#""0g""#).unwrap_err();
        assert!(
            err.to_string().contains("pairs of hexadecimal digits"),
            "{err}"
        );
    }
}
