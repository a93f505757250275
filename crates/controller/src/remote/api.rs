//! Requests to the control plane, and what a failed one means.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use holdfast_api_types::{RunId, StreamId, controller::stream};
use reqwest::{
    Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode, Upgraded, Url,
    header::{ACCEPT, CONNECTION, HeaderValue, UPGRADE},
};
use serde::{Serialize, de::DeserializeOwned};

use super::RemoteOptions;

/// How long a connection may take to open.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// The stream of commands is never silent for so long: the control plane writes a comment every 15 s.
const STREAM_SILENT_AT_MOST: Duration = Duration::from_secs(45);

/// How often it is looked whether a control plane that says nothing in a router's stream is still there.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);

/// How much of a refusal's text is shown.
const SHOWN_AT_MOST: usize = 300;

/// The control plane as the other end of a wire.
pub(super) struct Api {
    base: Url,
    token_file: PathBuf,
    token: ArcSwap<HeaderValue>,
    /// For log-ins. A connection is driven by the thread that has opened it, and those of log-ins end before
    /// the last event is sent.
    asking: Client,
    /// For events.
    telling: Client,
    /// For the stream of commands.
    listening: Client,
    /// For the streams of routers, each of which has a connection of its own and may be silent for long.
    carrying: Client,
}

/// Why there is no answer to a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// Nobody is there, or nobody who can answer now.
    #[error("{reason}")]
    Away {
        reason: String,
        /// Whether the request may have been carried out all the same.
        may_have_arrived: bool,
    },
    /// The token is not that of a controller.
    #[error("the control plane refuses this controller's token")]
    Unwelcome,
    /// The control plane is there and does not understand us.
    #[error("the control plane answers {status}: {text}")]
    Rejected { status: StatusCode, text: String },
}

impl Api {
    pub(super) fn new(options: &RemoteOptions) -> anyhow::Result<Self> {
        let base = base(&options.control_plane)?;
        let client = |builder: ClientBuilder| -> anyhow::Result<Client> {
            let mut builder = builder.connect_timeout(CONNECT_WITHIN).no_proxy();
            if let Some(file) = &options.ca {
                builder = builder.tls_certs_only(authorities(file)?);
            }
            builder.build().context("no HTTP client can be made")
        };
        Ok(Self {
            base,
            token: ArcSwap::from_pointee(read_token(&options.token_file)?),
            token_file: options.token_file.clone(),
            asking: client(Client::builder())?,
            telling: client(Client::builder())?,
            listening: client(Client::builder().read_timeout(STREAM_SILENT_AT_MOST))?,
            carrying: client(
                Client::builder()
                    .tcp_keepalive(KEEP_ALIVE_EVERY)
                    .tcp_keepalive_interval(KEEP_ALIVE_EVERY)
                    .tcp_keepalive_retries(3),
            )?,
        })
    }

    /// Asks about a log-in.
    pub(super) async fn ask<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        within: Duration,
    ) -> Result<A, CallError> {
        self.post(&self.asking, path, body, within).await
    }

    /// Tells of events.
    pub(super) async fn tell<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        within: Duration,
    ) -> Result<A, CallError> {
        self.post(&self.telling, path, body, within).await
    }

    /// Opens the stream of commands.
    pub(super) async fn listen(&self, run: &RunId) -> Result<Response, CallError> {
        let mut url = self.url("commands");
        url.query_pairs_mut().append_pair("run", run.as_str());
        let request = self.listening.get(url);
        self.send(request.header(ACCEPT, "text/event-stream")).await
    }

    /// A connection for the bytes of a router's stream; none if nobody waits for it any more.
    pub(super) async fn bring(
        &self,
        run: &RunId,
        stream: &StreamId,
        within: Duration,
    ) -> Result<Option<Upgraded>, CallError> {
        let mut url = self.url(&format!("streams/{stream}"));
        url.query_pairs_mut().append_pair("run", run.as_str());
        let request = self.carrying.get(url);
        let request = request
            .header(CONNECTION, "upgrade")
            .header(UPGRADE, stream::PROTOCOL);
        let upgraded = async {
            let response = match self.send(request).await {
                Err(CallError::Rejected {
                    status: StatusCode::NOT_FOUND,
                    ..
                }) => return Ok(None),
                response => response?,
            };
            let status = response.status();
            if status != StatusCode::SWITCHING_PROTOCOLS {
                let text = "is there a proxy that does not pass on Upgrade?".into();
                return Err(CallError::Rejected { status, text });
            }
            response.upgrade().await.map(Some).map_err(|err| away(&err))
        };
        let answered = tokio::time::timeout(within, upgraded).await;
        answered.unwrap_or_else(|_| {
            Err(CallError::Away {
                reason: "no answer in time".into(),
                may_have_arrived: true,
            })
        })
    }

    /// Waits until the file holds another token than the one that was refused, and takes that into use.
    pub(super) async fn token_mended(&self, look_every: Duration) {
        let refused = self.token.load_full();
        loop {
            tokio::time::sleep(look_every).await;
            // The other conversation may have found it first.
            if self.token.load_full() != refused {
                return;
            }
            // A file that is wrong now may be half-way to being right.
            if let Ok(token) = read_token(&self.token_file)
                && token != *refused
            {
                self.token.store(token.into());
                return;
            }
        }
    }

    async fn post<A: DeserializeOwned>(
        &self,
        client: &Client,
        path: &str,
        body: &impl Serialize,
        within: Duration,
    ) -> Result<A, CallError> {
        let request = client.post(self.url(path)).json(body).timeout(within);
        let response = self.send(request).await?;
        let status = response.status();
        let body = response.bytes().await.map_err(|err| away(&err))?;
        serde_json::from_slice(&body).map_err(|err| CallError::Rejected {
            status,
            text: format!("what it says cannot be read: {err}"),
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, CallError> {
        let token = HeaderValue::clone(&self.token.load());
        let request = request.header(reqwest::header::AUTHORIZATION, token);
        let response = request.send().await.map_err(|err| away(&err))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let is_away = status.is_server_error()
            || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
        if is_away {
            return Err(CallError::Away {
                reason: format!("it answers {status}"),
                may_have_arrived: false,
            });
        }
        if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
            return Err(CallError::Unwelcome);
        }
        let text = response.text().await.unwrap_or_default();
        let text = text.chars().take(SHOWN_AT_MOST).collect();
        Err(CallError::Rejected { status, text })
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}controller/v1/{path}", self.base.path()));
        url
    }
}

/// The deepest cause says most: what went wrong with which socket.
fn away(err: &reqwest::Error) -> CallError {
    let mut cause: &dyn std::error::Error = err;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let reason = match err.is_timeout() {
        true => "no answer in time".into(),
        false => cause.to_string(),
    };
    CallError::Away {
        reason,
        may_have_arrived: !err.is_connect(),
    }
}

/// A URL that paths can be added to.
fn base(text: &str) -> anyhow::Result<Url> {
    const MEND: &str = "write it as https://holdfast.example.com";
    let mut url = Url::parse(text)
        .map_err(|err| anyhow::anyhow!("--control-plane: {text:?} is not a URL ({err}): {MEND}"))?;
    if !["http", "https"].contains(&url.scheme()) || url.query().is_some() {
        bail!("--control-plane: {text:?} is not the address of a control plane: {MEND}");
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    if url.scheme() == "http" && !is_this_machine(&url) {
        tracing::warn!(
            "the control plane is spoken to without TLS: passwords of tunnels can be read on the way"
        );
    }
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn read_token(file: &Path) -> anyhow::Result<HeaderValue> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("--token-file: {} cannot be read", file.display()))?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        bail!(
            "--token-file: {} should hold one token and nothing else",
            file.display()
        );
    }
    let mut token = HeaderValue::try_from(format!("Bearer {token}"))
        .with_context(|| format!("--token-file: what {} holds is no token", file.display()))?;
    token.set_sensitive(true);
    Ok(token)
}

fn authorities(file: &Path) -> anyhow::Result<Vec<Certificate>> {
    let pem =
        std::fs::read(file).with_context(|| format!("--ca: {} cannot be read", file.display()))?;
    let authorities = Certificate::from_pem_bundle(&pem)
        .with_context(|| format!("--ca: {} is not in PEM form", file.display()))?;
    if authorities.is_empty() {
        bail!("--ca: there is no certificate in {}", file.display());
    }
    Ok(authorities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_have_a_path_and_must_be_one_of_http() {
        for (text, expected) in [
            ("https://holdfast.example", "https://holdfast.example/"),
            ("http://127.0.0.1:8080/h", "http://127.0.0.1:8080/h/"),
        ] {
            assert_eq!(base(text).unwrap().as_str(), expected);
        }
        for text in [
            "holdfast.example",
            "ftp://holdfast.example",
            "https://h?x=1",
        ] {
            let err = base(text).unwrap_err().to_string();
            assert!(err.contains(text) && err.contains("write it as"), "{err}");
        }
    }

    #[test]
    fn a_token_is_one_word() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hfc_abc\n").unwrap();
        let token = read_token(file.path()).unwrap();
        assert_eq!(token.to_str().unwrap(), "Bearer hfc_abc");
        assert!(!format!("{token:?}").contains("abc"));
        for text in ["", "\n", "two words", "\u{1}"] {
            std::fs::write(file.path(), text).unwrap();
            let err = read_token(file.path()).unwrap_err().to_string();
            assert!(err.contains("--token-file"), "{err}");
        }
    }
}
