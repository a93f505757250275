//! The grants file as it is written.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    #[serde(default)]
    pub(super) listen: RawListen,
    #[serde(default)]
    pub(super) tls: RawTls,
    #[serde(default)]
    pub(super) limits: RawLimits,
    #[serde(default)]
    pub(super) tunnels: Vec<RawTunnel>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawListen {
    #[serde(default)]
    pub(super) slots: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) renegotiate_seconds: Option<[u64; 2]>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) connections_before_login: Option<usize>,
    pub(super) handshakes: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTunnel {
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretString>,
    pub(super) password_sha256: Option<String>,
    pub(super) site: Option<String>,
    pub(super) rank: Option<i64>,
    pub(super) gateway: Option<String>,
    pub(super) profile: Option<String>,
    #[serde(default)]
    pub(super) any_username: bool,
}

impl RawFile {
    /// Takes `HOLDFAST_*` variables for the keys of the file; what is wrong with them comes back.
    pub(super) fn override_by(&mut self, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let mut mistakes = Vec::new();
        if let Some(slots) = variable("HOLDFAST_LISTEN_SLOTS") {
            self.listen.slots = list(&slots);
        }
        if let Some(path) = variable("HOLDFAST_TLS_CERTIFICATE") {
            self.tls.certificate = Some(path.into());
        }
        if let Some(path) = variable("HOLDFAST_TLS_KEY") {
            self.tls.key = Some(path.into());
        }
        let mut numbers = |name: &str| -> Option<Vec<u64>> {
            let text = variable(name)?;
            let numbers: Option<Vec<u64>> = list(&text)
                .iter()
                .map(|number| number.parse().ok())
                .collect();
            if numbers.is_none() {
                mistakes.push(format!(
                    "environment {name} = {text:?}: write whole numbers"
                ));
            }
            numbers
        };
        if let Some(ages) = numbers("HOLDFAST_TLS_RENEGOTIATE_SECONDS") {
            self.tls.renegotiate_seconds = ages.try_into().ok().or(Some([0, 0]));
        }
        let mut number =
            |name| Some(usize::try_from(*numbers(name)?.first()?).unwrap_or(usize::MAX));
        if let Some(limit) = number("HOLDFAST_LIMITS_CONNECTIONS_BEFORE_LOGIN") {
            self.limits.connections_before_login = Some(limit);
        }
        if let Some(limit) = number("HOLDFAST_LIMITS_HANDSHAKES") {
            self.limits.handshakes = Some(limit);
        }
        mistakes
    }
}

/// Parts between commas.
fn list(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).collect()
}

/// A mistake that TOML or the type of a key makes plain: the line, the key there, and what is wrong.
pub(super) fn in_line(text: &str, err: &toml::de::Error) -> String {
    let message = plain(err.message());
    let Some(span) = err.span() else {
        return message;
    };
    let before = &text[..span.start];
    let line = before.matches('\n').count() + 1;
    match key_of_value(before) {
        // The message would show the password.
        Some(key) if key.starts_with("password") => {
            format!("line {line}: {key}: write it in quotes")
        }
        Some(key) => format!("line {line}: {key}: {message}"),
        None => format!("line {line}: {message}"),
    }
}

/// The key of a value that begins where this text ends.
fn key_of_value(before: &str) -> Option<&str> {
    let key = before.trim_end().strip_suffix('=')?.trim_end();
    key.rsplit(|c: char| c.is_whitespace() || "{,".contains(c))
        .next()
}

/// A message of the parser, in one line and without the names of our types.
fn plain(message: &str) -> String {
    message
        .replace('\n', "; ")
        .replace("expected i64", "expected a whole number")
        .replace("expected u64", "expected a whole number of at least 0")
        .replace("expected usize", "expected a whole number of at least 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_overrides_what_the_file_says() {
        let text = "[listen]\nslots = [\"192.0.2.1:443\"]\n[tls]\nkey = \"a.key\"\n";
        let mut raw: RawFile = toml::from_str(text).unwrap();
        let mistakes = raw.override_by(|name| match name {
            "HOLDFAST_LISTEN_SLOTS" => Some("192.0.2.8:443, 192.0.2.9:443".into()),
            "HOLDFAST_TLS_CERTIFICATE" => Some("b.pem".into()),
            "HOLDFAST_TLS_RENEGOTIATE_SECONDS" => Some("10, 20".into()),
            "HOLDFAST_LIMITS_HANDSHAKES" => Some("many".into()),
            _ => None,
        });
        assert_eq!(
            mistakes,
            [r#"environment HOLDFAST_LIMITS_HANDSHAKES = "many": write whole numbers"#]
        );
        assert_eq!(raw.tls.renegotiate_seconds, Some([10, 20]));
        assert_eq!(raw.listen.slots, ["192.0.2.8:443", "192.0.2.9:443"]);
        assert_eq!(raw.tls.certificate, Some("b.pem".into()));
        assert_eq!(raw.tls.key, Some("a.key".into()));
    }

    #[test]
    fn a_mistake_names_line_and_key_but_no_password() {
        let mistake = |text: &str| {
            let err = toml::from_str::<RawFile>(text).err().unwrap();
            in_line(text, &err)
        };
        assert_eq!(
            mistake("[limits]\nhandshakes = -1\n"),
            "line 2: handshakes: invalid value: integer `-1`, expected a whole number of at least 0"
        );
        for text in [
            "[[tunnels]]\npassword = 4711\n",
            "tunnels = [\n{ username = \"a\", password=4711 }]\n",
        ] {
            assert_eq!(mistake(text), "line 2: password: write it in quotes");
        }
        let open = mistake("[[tunnels]]\npassword = \"4711\n");
        assert!(!open.contains("4711"), "{open}");
    }
}
