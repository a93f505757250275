use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// Why a text cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// A name of something.
    #[error(
        "a name has 1 to {} characters, none of them control characters, and no space at its ends",
        Label::MAX
    )]
    Label,
    /// An e-mail address.
    #[error(
        "an e-mail address looks like name@example.org and has at most {} characters",
        Email::MAX
    )]
    Email,
    /// A password that somebody chose.
    #[error(
        "a password has {} to {} characters",
        NewPassword::MIN,
        NewPassword::MAX
    )]
    Password,
}

/// What people call something: shown, and never interpreted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 100, example = "Head office"))]
pub struct Label(String);

impl Label {
    /// Longest label in characters.
    pub const MAX: usize = 100;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        let length = text.chars().count();
        let fits = (1..=Self::MAX).contains(&length);
        if fits && text.trim() == text && !text.contains(char::is_control) {
            Ok(Self(text))
        } else {
            Err(InvalidText::Label)
        }
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An e-mail address, which is also the name a user logs in with. Kept in lower case: nobody's mail server tells
/// `Ann@` from `ann@`, and people type both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = "email", min_length = 3, max_length = 254, example = "ann@example.org"))]
pub struct Email(String);

impl Email {
    /// Longest address in bytes (RFC 5321).
    pub const MAX: usize = 254;

    /// The address in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        let text = text.trim().to_lowercase();
        let (name, domain) = text.rsplit_once('@').ok_or(InvalidText::Email)?;
        let strange = |c: char| c.is_control() || c.is_whitespace() || "\"<>()[]\\,;:".contains(c);
        if name.is_empty()
            || name.contains('@')
            || domain.is_empty()
            || text.len() > Self::MAX
            || text.contains(strange)
        {
            return Err(InvalidText::Email);
        }
        Ok(Self(text))
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret on its way between a client and the API: hidden in debug output, spelled out in JSON.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = "password", max_length = 256))]
pub struct Secret(SecretString);

impl Secret {
    /// The secret itself.
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

impl From<SecretString> for Secret {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

impl ExposeSecret<str> for Secret {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

/// A password that somebody chose, long enough to be one.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "SecretString")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = "password", min_length = 12, max_length = 256, example = "correct horse battery staple"))]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Shortest password in characters.
    pub const MIN: usize = 12;
    /// Longest password in characters.
    pub const MAX: usize = 256;

    /// The password itself.
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

impl Serialize for NewPassword {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl TryFrom<SecretString> for NewPassword {
    type Error = InvalidText;

    fn try_from(secret: SecretString) -> Result<Self, InvalidText> {
        let length = secret.expose_secret().chars().count();
        if (Self::MIN..=Self::MAX).contains(&length) {
            Ok(Self(secret))
        } else {
            Err(InvalidText::Password)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_e_mail_address_is_kept_in_lower_case() {
        let email = Email::try_from(" Ann@Example.ORG ".to_owned()).unwrap();
        assert_eq!(email.as_str(), "ann@example.org");
    }

    #[test]
    fn what_is_no_e_mail_address_is_refused() {
        for text in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "a b@c",
            "a@b@c",
            "a\nb@c",
            "<a>@b",
        ] {
            assert_eq!(
                Email::try_from(text.to_owned()),
                Err(InvalidText::Email),
                "{text:?}"
            );
        }
        let long = format!("{}@example.org", "x".repeat(Email::MAX));
        assert_eq!(Email::try_from(long), Err(InvalidText::Email));
    }

    #[test]
    fn a_label_is_counted_in_characters_and_has_no_control_characters() {
        assert!(Label::try_from("ä".repeat(Label::MAX)).is_ok());
        for text in ["", " x", "x ", "a\nb", &"x".repeat(Label::MAX + 1)] {
            assert_eq!(
                Label::try_from(text.to_owned()),
                Err(InvalidText::Label),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_password_has_a_length() {
        for (length, good) in [(11, false), (12, true), (256, true), (257, false)] {
            let secret = SecretString::from("x".repeat(length));
            assert_eq!(NewPassword::try_from(secret).is_ok(), good, "{length}");
        }
    }
}
