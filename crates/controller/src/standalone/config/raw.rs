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
    pub(super) fn override_by(&mut self, variable: impl Fn(&str) -> Option<String>) {
        if let Some(slots) = variable("HOLDFAST_LISTEN_SLOTS") {
            self.listen.slots = slots
                .split(',')
                .map(|slot| slot.trim().to_owned())
                .collect();
        }
        if let Some(path) = variable("HOLDFAST_TLS_CERTIFICATE") {
            self.tls.certificate = Some(path.into());
        }
        if let Some(path) = variable("HOLDFAST_TLS_KEY") {
            self.tls.key = Some(path.into());
        }
    }
}

/// A mistake that TOML or the type of a key makes plain: the line, the key there, and what is wrong.
pub(super) fn in_line(text: &str, err: &toml::de::Error) -> String {
    let message = plain(err.message());
    let Some(span) = err.span() else {
        return message;
    };
    let line = text[..span.start].matches('\n').count();
    let key = text.lines().nth(line).and_then(|line| line.split_once('='));
    let key = key.map(|(key, _)| key.trim());
    let line = line + 1;
    match key.filter(|_| message.starts_with("invalid ")) {
        // The message would show the password.
        Some(key) if key.starts_with("password") => {
            format!("line {line}: {key}: write it in quotes")
        }
        Some(key) => format!("line {line}: {key}: {message}"),
        None => format!("line {line}: {message}"),
    }
}

/// A message of the parser, in one line and without the names of our types.
fn plain(message: &str) -> String {
    message
        .replace('\n', "; ")
        .replace("expected i64", "expected a whole number")
        .replace("expected u64", "expected a whole number of at least 0")
        .replace("expected usize", "expected a whole number of at least 0")
}
