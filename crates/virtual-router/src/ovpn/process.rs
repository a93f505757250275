//! One attempt of `openvpn` to connect, from its start to its end.

use std::{
    fmt::Write,
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context;
use holdfast_routeros_proto::Row;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::Config;

/// A running `openvpn`; it ends when this is dropped.
pub(super) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Its files; secrets among them.
    _directory: TempDir,
}

/// What it says, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// The server has answered to what was asked of it.
    Pushed(String),
    /// Packets can pass.
    Connected,
    /// It is over, in the words of RouterOS.
    Failed(&'static str),
}

impl Process {
    /// Starts one that makes the interface `device`.
    pub(super) fn start(
        config: &Config,
        device: &str,
        obeys_restart: bool,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a directory for openvpn")?;
        let profile = write_files(directory.path(), config, device, obeys_restart)?;
        let mut command = Command::new("openvpn");
        command
            .arg("--config")
            .arg(profile)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        die_with_parent(&mut command);
        let mut child = command
            .spawn()
            .context("cannot start openvpn (package openvpn)")?;
        let output = child.stdout.take().context("openvpn has no output")?;
        Ok(Self {
            child,
            lines: BufReader::new(output).lines(),
            _directory: directory,
        })
    }

    /// The next thing that matters. After a failure nothing follows.
    pub(super) async fn next(&mut self) -> Said {
        while let Ok(Some(line)) = self.lines.next_line().await {
            tracing::trace!(%line, "openvpn");
            if let Some(said) = read(&line) {
                return said;
            }
        }
        let _ = self.child.wait().await;
        Said::Failed("peer disconnected")
    }
}

/// Reads a line of the log.
fn read(line: &str) -> Option<Said> {
    const FAILURES: &[(&str, &str)] = &[
        ("AUTH_FAILED", "authentication failed"),
        ("TLS Error", "TLS failed"),
        ("VERIFY ERROR", "TLS failed"),
        ("Connection refused", "could not connect"),
        ("Network is unreachable", "could not connect"),
        ("Inactivity timeout", "peer is not responding"),
        ("Connection reset", "peer disconnected"),
    ];
    if let Some((_, rest)) = line.split_once("Received control message: '")
        && rest.starts_with("PUSH_REPLY")
    {
        return Some(Said::Pushed(rest.trim_end_matches('\'').to_owned()));
    }
    if line.contains("Initialization Sequence Completed") {
        return Some(Said::Connected);
    }
    let failure = FAILURES.iter().find(|(words, _)| line.contains(words));
    failure.map(|(_, reason)| Said::Failed(reason))
}

fn write_files(
    directory: &Path,
    config: &Config,
    device: &str,
    obeys_restart: bool,
) -> anyhow::Result<PathBuf> {
    let row = &config.row;
    let login = directory.join("login");
    write_secret(
        &login,
        &format!("{}\n{}\n", row.text("user"), row.text("password")),
    )?;
    let authorities = directory.join("authorities.pem");
    write_secret(&authorities, &config.authorities)?;
    let mut profile = text(row, device);
    let _ = writeln!(profile, "auth-user-pass \"{}\"", login.display());
    let _ = writeln!(profile, "ca \"{}\"", authorities.display());
    if !obeys_restart {
        profile.push_str("pull-filter ignore ping-restart\npull-filter ignore ping-exit\n");
    }
    let path = directory.join("profile.ovpn");
    write_secret(&path, &profile)?;
    Ok(path)
}

/// The profile without its files. A connection that is lost ends the process: when to dial again is the router's to say.
fn text(row: &Row, device: &str) -> String {
    let cipher = cipher(row.text("cipher"));
    let auth = match row.text("auth") {
        "null" => "none".to_owned(),
        auth => auth.to_uppercase(),
    };
    let protocol = if row.text("protocol") == "udp" {
        "udp"
    } else {
        "tcp-client"
    };
    let host = row.text("connect-to").split('@').next().unwrap_or_default();
    let newest_tls = match row.text("tls-version") {
        "only-1.2" => "tls-version-max 1.2\n",
        _ => "",
    };
    format!(
        "client\n\
         dev {device}\n\
         dev-type tun\n\
         disable-dco\n\
         proto {protocol}\n\
         remote {host} {port}\n\
         nobind\n\
         route-noexec\n\
         ifconfig-noexec\n\
         remap-usr1 SIGTERM\n\
         connect-retry-max 1\n\
         connect-timeout 5\n\
         tls-version-min 1.2\n\
         {newest_tls}\
         cipher {cipher}\n\
         data-ciphers {cipher}\n\
         data-ciphers-fallback {cipher}\n\
         auth {auth}\n\
         tun-mtu {mtu}\n\
         pull-filter ignore cipher\n\
         verb 3\n",
        port = row.text("port"),
        mtu = row.text("max-mtu"),
    )
}

/// OpenVPN's name of a cipher.
fn cipher(name: &str) -> String {
    match name {
        "null" => "none".into(),
        "blowfish128" => "BF-CBC".into(),
        name => name.replacen("aes", "AES-", 1).to_uppercase(),
    }
}

fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let open = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let written = open.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

#[expect(unsafe_code, reason = "pre_exec has no safe form")]
fn die_with_parent(command: &mut Command) {
    let hook = || Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::SIGKILL)?);
    // SAFETY: between fork and exec the hook makes one system call and touches no memory of ours.
    unsafe { command.pre_exec(hook) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_log_are_understood() {
        let pushed = "2026-11-23 PUSH: Received control message: 'PUSH_REPLY,ping 1'";
        assert_eq!(read(pushed), Some(Said::Pushed("PUSH_REPLY,ping 1".into())));
        assert_eq!(
            read("2026-11-23 AUTH: Received control message: AUTH_FAILED"),
            Some(Said::Failed("authentication failed"))
        );
        assert_eq!(read("2026-11-23 UDPv4 link remote"), None);
    }

    #[test]
    fn a_router_that_does_not_obey_ping_restart_never_hears_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config {
            row: Row::new().with("connect-to", "192.0.2.1@main"),
            authorities: String::new(),
            list: None,
        };
        let profile = |name: &str, obeys: bool| {
            let directory = directory.path().join(name);
            fs::create_dir(&directory).unwrap();
            fs::read_to_string(write_files(&directory, &config, "ovpn1", obeys).unwrap()).unwrap()
        };
        assert!(!profile("obeys", true).contains("ping-restart"));
        let ignores = profile("ignores", false);
        assert!(ignores.contains("\npull-filter ignore ping-restart\n"));
        assert!(ignores.contains("\nremote 192.0.2.1 "), "{ignores}");
    }

    #[test]
    fn ciphers_are_called_as_openvpn_calls_them() {
        assert_eq!(cipher("aes256-cbc"), "AES-256-CBC");
        assert_eq!(cipher("aes128-gcm"), "AES-128-GCM");
    }
}
