//! `/tool/fetch`, by way of the program `curl`.

use std::{io::Write, process::Stdio};

use holdfast_routeros_proto::{Command, Row, Trap, value::parse_list};
use tempfile::NamedTempFile;
use tokio::process;

use crate::{
    model::{Answer, Caller, failure, has_flag, missing},
    router::Router,
};

/// Seconds after which a fetch is given up.
const PATIENCE: &str = "30";

/// Most that `output=user` can hold.
const MOST_OUTPUT: usize = 64 << 10;

pub(super) async fn run(
    router: &Router,
    caller: &Caller,
    command: &Command,
) -> Result<Answer, Trap> {
    caller.require("test")?;
    if !router.settings().device_mode.fetch {
        return Err(failure("not allowed by device-mode"));
    }
    let url = command.get("url").ok_or_else(|| missing("url"))?;
    let body = get(router, command, url).await?;
    match command.get("output") {
        Some("none") => Ok(Answer::done()),
        Some("user" | "user-with-headers") => {
            let data: String = body.chars().take(MOST_OUTPUT).collect();
            let row = Row::new().with("status", "finished").with("data", data);
            Ok(Answer::list(vec![row]))
        }
        Some(_) | None => {
            let last = url.rsplit('/').next().unwrap_or("file");
            router.write_file(command.get("dst-path").unwrap_or(last), &body);
            Ok(Answer::list(vec![Row::new().with("status", "finished")]))
        }
    }
}

async fn get(router: &Router, command: &Command, url: &str) -> Result<String, Trap> {
    let authorities = authorities(router).map_err(failure)?;
    let mut curl = process::Command::new("curl");
    curl.args([
        "--silent",
        "--max-time",
        PATIENCE,
        "--location",
        "--max-redirs",
        "2",
    ])
    .args(["--write-out", "\n%{http_code}"])
    .stdin(Stdio::null())
    .kill_on_drop(true);
    let checks = command
        .get("check-certificate")
        .unwrap_or("no")
        .starts_with("yes");
    if checks {
        curl.arg("--cacert").arg(authorities.path());
    } else {
        curl.arg("--insecure");
    }
    if let Some(method) = command.get("http-method") {
        curl.args(["--request", &method.to_uppercase()]);
    }
    for header in parse_list(command.get("http-header-field").unwrap_or("")) {
        curl.args(["--header", header]);
    }
    if let Some(data) = command.get("http-data") {
        curl.args(["--data-binary", data]);
    }
    curl.arg(url);
    let output = curl
        .output()
        .await
        .map_err(|error| failure(format!("cannot start curl: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (body, status) = text.rsplit_once('\n').unwrap_or((&text, "000"));
    match (output.status.code(), status) {
        (Some(0), "200" | "201" | "202" | "204") => Ok(body.to_owned()),
        (Some(0), "404") => Err(failure("Status 404, Not Found")),
        (Some(0), status) => Err(failure(format!("Status {status}"))),
        (Some(60 | 35 | 51), _) => Err(failure("SSL: ssl: certificate verification failed")),
        (Some(28), _) => Err(failure("Idle timeout")),
        _ if has_flag(command, "keep-result") => Err(failure("connection failed")),
        _ => Err(failure("Fetch failed with connection error")),
    }
}

/// Certificates that the router trusts, as a file.
fn authorities(router: &Router) -> std::io::Result<NamedTempFile> {
    let pem = router.read(|database| {
        let trusted = database
            .items("/certificate")
            .filter(|item| item.is("trusted"));
        trusted
            .filter_map(|item| item.get("pem").map(str::to_owned))
            .collect::<Vec<_>>()
    });
    let mut file = NamedTempFile::new()?;
    file.write_all(pem.join("\n").as_bytes())?;
    Ok(file)
}
