//! A client of the HTTP API, as a program of an operator's would be, over connections that somebody else opens: those
//! of the lab begin in a network namespace.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, bail};
use holdfast_api_types::api::{ErrorBody, ErrorEnvelope};
use serde::{Serialize, de::DeserializeOwned};

/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a connection to the server.
type Connect = dyn Fn() -> io::Result<TcpStream> + Send + Sync;

/// An HTTP API, with or without credentials.
pub struct Api {
    host: String,
    connect: Box<Connect>,
    credential: Credential,
}

/// What shows the server who we are.
#[derive(Clone)]
enum Credential {
    Nobody,
    /// `name=value`.
    Cookie(String),
    Token(String),
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body; may be empty.
    pub body: Vec<u8>,
}

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// What the server says about it.
    pub error: ErrorBody,
}

impl Api {
    /// The API at `host:port`, on connections of one's own making.
    pub fn new(
        host: impl Into<String>,
        connect: impl Fn() -> io::Result<TcpStream> + Send + Sync + 'static,
    ) -> Self {
        Self {
            host: host.into(),
            connect: Box::new(connect),
            credential: Credential::Nobody,
        }
    }

    /// The API at an address that this process reaches by itself.
    pub fn at(address: SocketAddr) -> Self {
        Self::new(address.to_string(), move || {
            TcpStream::connect_timeout(&address, PATIENCE)
        })
    }

    /// Shows an API token from now on.
    pub fn use_token(&mut self, token: impl Into<String>) {
        self.credential = Credential::Token(token.into());
    }

    /// Shows the session that an answer has opened from now on.
    ///
    /// # Errors
    /// When the answer set no cookie.
    pub fn use_session(&mut self, answer: &Answer) -> anyhow::Result<()> {
        let cookie = answer
            .header("set-cookie")
            .context("the answer opened no session")?;
        let pair = cookie.split(';').next().unwrap_or(cookie);
        self.credential = Credential::Cookie(pair.to_owned());
        Ok(())
    }

    /// Reads.
    ///
    /// # Errors
    /// A [`Refusal`], or that the server cannot be reached or understood.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.send("GET", path, &[], None)?.json()
    }

    /// Makes something.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.send_json("POST", path, &[], body)?.json()
    }

    /// Changes something.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.send_json("PATCH", path, &[], body)?.json()
    }

    /// Sends JSON and returns the answer itself, unless it is an error.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn send_json(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &impl Serialize,
    ) -> anyhow::Result<Answer> {
        let body = serde_json::to_vec(body)?;
        self.send(method, path, headers, Some(&body))
    }

    /// Sends a request and returns the answer itself, unless it is an error.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        json: Option<&[u8]>,
    ) -> anyhow::Result<Answer> {
        let what = || format!("{method} {path}");
        let answer = self
            .exchange(method, path, headers, json)
            .with_context(what)?;
        if answer.status < 400 {
            return Ok(answer);
        }
        let Ok(envelope) = serde_json::from_slice::<ErrorEnvelope>(&answer.body) else {
            bail!(
                "{method} {path}: status {} without an error envelope",
                answer.status
            );
        };
        let refusal = Refusal {
            status: answer.status,
            error: envelope.error,
        };
        Err(anyhow::Error::new(refusal).context(what()))
    }

    /// One request on one connection, in HTTP/1.0: the end of the answer is the end of the connection.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        json: Option<&[u8]>,
    ) -> anyhow::Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.0\r\nhost: {}\r\n", self.host);
        let mut header =
            |name: &str, value: &str| request.push_str(&format!("{name}: {value}\r\n"));
        match &self.credential {
            Credential::Nobody => {}
            Credential::Cookie(cookie) => {
                header("cookie", cookie);
                header("origin", &format!("http://{}", self.host));
            }
            Credential::Token(token) => header("authorization", &format!("Bearer {token}")),
        }
        for (name, value) in headers {
            header(name, value);
        }
        if let Some(body) = json {
            header("content-type", "application/json");
            header("content-length", &body.len().to_string());
        }
        request.push_str("\r\n");

        let mut stream = (self.connect)().context("the server cannot be reached")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(&[request.as_bytes(), json.unwrap_or_default()].concat())?;
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .context("the answer broke off")?;
        Answer::parse(&answer).context("the answer is not HTTP")
    }
}

impl Answer {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; an empty one is `null`.
    ///
    /// # Errors
    /// When it is not what was expected.
    pub fn json<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        let body: &[u8] = if self.body.is_empty() {
            b"null"
        } else {
            &self.body
        };
        serde_json::from_slice(body).with_context(|| format!("unexpected answer: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        Some(Self {
            status,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        })
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the token nor the cookie.
        f.debug_struct("Api")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.error.message)?;
        for field in &self.error.fields {
            write!(f, "; {}: {}", field.field, field.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
        thread::JoinHandle,
    };

    use serde_json::{Value, json};

    use super::*;

    /// Answers one request with these bytes and returns what it was asked.
    fn serve(answer: &'static str) -> (Api, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Api::at(listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            let mut length = 0;
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut request).unwrap() > 2 {
                if let Some((_, text)) = request.rsplit_once("content-length: ") {
                    length = text.trim().parse().unwrap_or(length);
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            request.push_str(std::str::from_utf8(&body).unwrap());
            stream.write_all(answer.as_bytes()).unwrap();
            request
        });
        (api, server)
    }

    #[test]
    fn a_request_carries_body_and_token_and_the_answer_is_typed() {
        let (mut api, server) = serve("HTTP/1.0 201 Created\r\nETag: \"7\"\r\n\r\n{\"id\":5}");
        api.use_token("hft_secret");
        let answer: Value = api.post("/api/v1/sites", &json!({"name": "a"})).unwrap();
        assert_eq!(answer, json!({"id": 5}));
        let request = server.join().unwrap();
        assert!(
            request.starts_with("POST /api/v1/sites HTTP/1.0\r\nhost: 127.0.0.1:"),
            "{request}"
        );
        assert!(
            request.contains("authorization: Bearer hft_secret\r\n"),
            "{request}"
        );
        assert!(request.ends_with("\r\n\r\n{\"name\":\"a\"}"), "{request}");
        assert!(!format!("{api:?}").contains("hft_secret"));
    }

    #[test]
    fn a_session_is_shown_as_a_browser_shows_it() {
        let (mut api, server) = serve("HTTP/1.0 204 No Content\r\n\r\n");
        let opened =
            b"HTTP/1.0 201 Created\r\nset-cookie: holdfast-session=hfs_1; HttpOnly\r\n\r\n";
        api.use_session(&Answer::parse(opened).unwrap()).unwrap();
        api.send("DELETE", "/api/v1/session", &[], None).unwrap();
        let request = server.join().unwrap();
        assert!(
            request.contains("\r\ncookie: holdfast-session=hfs_1\r\n"),
            "{request}"
        );
        assert!(
            request.contains("\r\norigin: http://127.0.0.1:"),
            "{request}"
        );
    }

    #[test]
    fn an_error_envelope_becomes_a_refusal() {
        let (api, server) = serve(
            "HTTP/1.0 422 X\r\n\r\n{\"error\":{\"code\":\"invalid\",\"message\":\"no\",\"request_id\":\"R\",\
             \"fields\":[{\"field\":\"gateway\",\"value\":\"x\",\"message\":\"write an address\"}]}}",
        );
        let err = api.get::<Value>("/x").unwrap_err();
        assert_eq!(err.downcast_ref::<Refusal>().unwrap().status, 422);
        assert_eq!(
            format!("{err:#}"),
            "GET /x: 422: no; gateway: write an address"
        );
        server.join().unwrap();
    }
}
