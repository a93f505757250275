//! Text messages on the control channel, after key method 2: one per TLS record, ended by a NUL.

/// A text message by its first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// The client asks for its configuration.
    PushRequest,
    /// The client's configuration: the options after `PUSH_REPLY,`.
    PushReply(&'a str),
    /// A change of it: the options after `PUSH_UPDATE,`.
    PushUpdate(&'a str),
    /// Log-in refused, with the reason, which may be empty.
    AuthFailed(&'a str),
    /// The verdict on the log-in takes longer; with its keywords, which may be empty.
    AuthPending(&'a str),
    /// The client shall reconnect: flags and reason, which may be empty.
    Restart(&'a str),
    /// The client shall stop, with the reason, which may be empty.
    Halt(&'a str),
    /// The peer leaves.
    Exit,
    /// For the person in front of the client.
    Info(&'a str),
    /// Anything else; to be ignored, but counted.
    Unknown(&'a str),
}

impl<'a> Text<'a> {
    /// Reads one message, without its NUL.
    ///
    /// # Errors
    /// A byte outside printable ASCII. Such messages have been used to smuggle lines into logs
    /// (CVE-2024-5594), so none is let through.
    pub fn parse(message: &'a [u8]) -> Result<Self, TextError> {
        if let Some(&byte) = message.iter().find(|byte| !matches!(byte, b' '..=b'~')) {
            return Err(TextError::NotPrintable(byte));
        }
        let text = str::from_utf8(message).expect("printable ASCII is UTF-8");
        let (word, rest) = text.split_once(',').unwrap_or((text, ""));
        Ok(match word {
            "PUSH_REQUEST" => Self::PushRequest,
            "PUSH_REPLY" => Self::PushReply(rest),
            "PUSH_UPDATE" => Self::PushUpdate(rest),
            "AUTH_FAILED" => Self::AuthFailed(rest),
            "AUTH_PENDING" => Self::AuthPending(rest),
            "RESTART" => Self::Restart(rest),
            "HALT" => Self::Halt(rest),
            "EXIT" => Self::Exit,
            "INFO" | "INFO_PRE" => Self::Info(rest),
            _ => Self::Unknown(text),
        })
    }
}

/// Why bytes are not a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The first byte outside printable ASCII.
    #[error("text message contains the byte {0:#04x}")]
    NotPrintable(u8),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides_and_the_rest_is_kept() {
        let cases = [
            ("PUSH_REQUEST", Text::PushRequest),
            (
                "PUSH_REPLY,ping 3,ping-restart 9",
                Text::PushReply("ping 3,ping-restart 9"),
            ),
            ("PUSH_UPDATE,-route", Text::PushUpdate("-route")),
            ("AUTH_FAILED", Text::AuthFailed("")),
            (
                "AUTH_FAILED,wrong password, twice",
                Text::AuthFailed("wrong password, twice"),
            ),
            ("AUTH_PENDING,timeout 9", Text::AuthPending("timeout 9")),
            ("RESTART,[P]drain", Text::Restart("[P]drain")),
            ("HALT,", Text::Halt("")),
            ("EXIT", Text::Exit),
            ("INFO_PRE,CR_TEXT:R:who", Text::Info("CR_TEXT:R:who")),
            ("PUSH_REQUESTS", Text::Unknown("PUSH_REQUESTS")),
            ("CR_RESPONSE,eA==", Text::Unknown("CR_RESPONSE,eA==")),
            ("", Text::Unknown("")),
        ];
        for (message, text) in cases {
            assert_eq!(Text::parse(message.as_bytes()), Ok(text));
        }
    }

    #[test]
    fn control_characters_and_other_alphabets_are_refused() {
        for byte in [0, b'\n', 0x1b, 0x7f, 0x80, 0xff] {
            let message = [b"AUTH_FAILED,".as_slice(), &[byte]].concat();
            assert_eq!(Text::parse(&message), Err(TextError::NotPrintable(byte)));
        }
    }
}
