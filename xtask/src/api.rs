//! `cargo xtask api`: property-based requests against a real `holdfast serve`, made up from `openapi.json`.
//!
//! Schemathesis reads the document and invents requests, good and bad ones. It fails the run when an answer is a
//! server error (which ones are not is in `api/answers.py`), or one that the document does not announce. It lives in a
//! folder below `target/`, and so does the installation that it maltreats.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use xshell::{Shell, cmd};

use crate::{demo::target_directory, packages};

/// Which one, because a newer one may ask more than the API was ready for.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// The check among [`CHECKS`] that is ours.
const ANSWERS: &str = "xtask/src/api/answers.py";

/// What makes an answer wrong. Left out is what guesses at intentions: whether an invented id "should" have been
/// refused, and whether a deleted thing "should" still be reachable.
const CHECKS: &str = "no_fault_of_the_server,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// Paths without invented requests: the stream that never ends, and what could lock this very run out.
const LEFT_OUT: &str = "/(events|session.*|tokens/.*)$";

/// How long the server may take to start, with a database to make.
const START: Duration = Duration::from_secs(60);

#[derive(Args)]
pub(crate) struct Api {
    /// How long to invent requests
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// Repeat the run that had this seed
    #[arg(long)]
    seed: Option<u64>,
}

impl Api {
    pub(crate) fn run(&self, shell: &Shell) -> anyhow::Result<()> {
        packages::install(shell, packages::CURL)?;
        let why = "invents requests for the API";
        let tools = packages::install_from_pypi(shell, SCHEMATHESIS, why)?;
        let schemathesis = tools.join("bin/schemathesis");
        cmd!(shell, "cargo build --package holdfast")
            .quiet()
            .run()?;
        let scratch = shell.create_temp_dir()?;
        let server = Server::start(shell, scratch.path())?;
        let header = format!("Authorization: Bearer {}", server.owner(shell)?);

        let location = server.url("/api/v1/openapi.json");
        let _answers = shell.push_env("SCHEMATHESIS_HOOKS", shell.current_dir().join(ANSWERS));
        // It leaves a folder of its own wherever it runs.
        let report = target_directory()?.join("api");
        shell.create_dir(&report)?;
        let _folder = shell.push_dir(&report);
        let (seconds, checks) = (self.seconds.to_string(), CHECKS);
        let seed = self.seed.map(|seed| format!("--seed={seed}"));
        cmd!(
            shell,
            "{schemathesis} run {location} --max-time={seconds} --checks={checks} --continue-on-failure"
        )
        .args(["--exclude-path-regex", LEFT_OUT, "--header", &header])
        .args(["--request-timeout=20", "--suppress-health-check=all"])
        .args(["--report=junit", "--report-dir"])
        .arg(report)
        .args(seed)
        .run()
        .with_context(|| format!("the API answered wrongly; its log is {}", server.keep_log()))?;
        Ok(())
    }
}

/// A fresh installation that listens on loopback only, and ends with this value.
struct Server {
    process: Child,
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    http: SocketAddr,
}

impl Server {
    fn start(shell: &Shell, scratch: &Path) -> anyhow::Result<Self> {
        let binary = target_directory()?.join("debug/holdfast");
        let data = scratch.join("data");
        let log = scratch.join("serve.log");
        let (http, slot) = (free_address()?, free_address()?);
        let process = Command::new(&binary)
            .args(["serve", "--data"])
            .arg(&data)
            .env("HOLDFAST_HTTP_LISTEN", http.to_string())
            .env("HOLDFAST_CONTROLLER_SLOTS", slot.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let mut server = Self {
            process,
            binary,
            data,
            log,
            http,
        };
        server.wait(shell)?;
        Ok(server)
    }

    fn wait(&mut self, shell: &Shell) -> anyhow::Result<()> {
        let health = self.url("/api/v1/health");
        let deadline = Instant::now() + START;
        while cmd!(shell, "curl --silent --fail --output /dev/null {health}")
            .quiet()
            .run()
            .is_err()
        {
            if let Some(status) = self.process.try_wait()? {
                bail!(
                    "holdfast serve ended with {status}:\n{}",
                    std::fs::read_to_string(&self.log)?
                );
            }
            if Instant::now() > deadline {
                bail!(
                    "holdfast serve does not answer after {START:?}; its log is {}",
                    self.keep_log()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Sets the installation up; the secret of a token that may do everything.
    fn owner(&self, shell: &Shell) -> anyhow::Result<String> {
        let (binary, data, http) = (&self.binary, &self.data, self.http.to_string());
        let slots = "127.0.0.1:443";
        let _http = shell.push_env("HOLDFAST_HTTP_LISTEN", http);
        let _slots = shell.push_env("HOLDFAST_CONTROLLER_SLOTS", slots);
        let link = cmd!(shell, "{binary} admin --data {data} setup-link").read()?;
        let (_, token) = link
            .trim()
            .rsplit_once('#')
            .context("the set-up link has no secret")?;
        let claim = serde_json::json!({
            "token": token,
            "organization": "property tests",
            "name": "Owner",
            "email": "owner@example.org",
            "password": "only on loopback, only today",
        });
        let (claim, url) = (claim.to_string(), self.url("/api/v1/setup"));
        cmd!(
            shell,
            "curl --silent --show-error --fail-with-body --json {claim} {url}"
        )
        .quiet()
        .ignore_stdout()
        .run()?;
        let printed = cmd!(
            shell,
            "{binary} admin --data {data} token create property-tests --role owner"
        )
        .read()?;
        let secret = printed.lines().last().context("no token was printed")?;
        Ok(secret.trim().to_owned())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Saves the log from the end of the scratch directory.
    fn keep_log(&self) -> String {
        let kept = target_directory().map(|target| target.join("api-serve.log"));
        match kept.and_then(|kept| Ok(std::fs::copy(&self.log, &kept).map(|_| kept)?)) {
            Ok(kept) => kept.display().to_string(),
            Err(err) => format!("lost: {err:#}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which whoever waited for it has said.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A loopback address that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
