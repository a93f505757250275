//! Connections that the kernel tracks, by way of the program `conntrack`.

use anyhow::{Context, ensure};
use holdfast_routeros_proto::{Row, value::format_duration};
use std::time::Duration;
use tokio::process::Command;

use super::Kernel;

impl Kernel {
    /// Tracked connections as rows of `/ip/firewall/connection`.
    pub(crate) async fn connections(&self) -> anyhow::Result<Vec<Row>> {
        let output = conntrack(&["-L", "-f", "ipv4", "-o", "extended"]).await?;
        Ok(output.lines().filter_map(read).collect())
    }

    /// Forgets a connection, so that its next packet is the first of a new one.
    pub(crate) async fn forget_connection(&self, row: &Row) -> anyhow::Result<()> {
        let mut arguments = vec!["-D", "-f", "ipv4", "-p", row.text("protocol")];
        let address = |name: &str| {
            row.text(name)
                .split(':')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let (source, destination) = (address("src-address"), address("dst-address"));
        arguments.extend(["--orig-src", &source, "--orig-dst", &destination]);
        if let (Some(from), Some(to)) = (row.get("src-port"), row.get("dst-port")) {
            arguments.extend(["--orig-port-src", from, "--orig-port-dst", to]);
        }
        conntrack(&arguments).await.map(drop)
    }
}

async fn conntrack(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("conntrack")
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot start conntrack (package conntrack)")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    // It fails where nothing fits, or does not any more, which is as good as removed.
    let is_gone = problem.contains("0 flow entries") || problem.contains("doesn't exist");
    ensure!(output.status.success() || is_gone, "conntrack: {problem}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Reads `ipv4 2 tcp 6 431999 ESTABLISHED src=... dst=... sport=... dport=... src=... [ASSURED] ...`: first the way that
/// the connection was made, then the way of the answers.
fn read(line: &str) -> Option<Row> {
    let mut words = line.split_whitespace();
    let protocol = words.nth(2)?;
    let timeout: u64 = words.nth(1)?.parse().ok()?;
    let mut row = Row::new()
        .with("protocol", protocol)
        .with("timeout", format_duration(Duration::from_secs(timeout)))
        .with("seen-reply", (!line.contains("[UNREPLIED]")).to_string())
        .with("assured", line.contains("[ASSURED]").to_string())
        .with("confirmed", "true");
    let mut ways: [Way<'_>; 2] = Default::default();
    let mut way = 0;
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            if protocol == "tcp" && word.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                row.set("tcp-state", word.to_lowercase().replace('_', "-"));
            }
            continue;
        };
        match name {
            "src" => {
                way = usize::from(!ways[0].source.is_empty());
                ways[way].source = value;
            }
            "dst" => ways[way].destination = value,
            "sport" => ways[way].ports.0 = Some(value),
            "dport" => ways[way].ports.1 = Some(value),
            _ => {}
        }
    }
    let [original, reply] = ways;
    row.set("srcnat", (reply.destination != original.source).to_string());
    row.set("dstnat", (reply.source != original.destination).to_string());
    original.write(&mut row, "");
    reply.write(&mut row, "reply-");
    Some(row)
}

#[derive(Default)]
struct Way<'a> {
    source: &'a str,
    destination: &'a str,
    ports: (Option<&'a str>, Option<&'a str>),
}

impl Way<'_> {
    /// RouterOS shows ports together with addresses, and newer versions by themselves as well.
    fn write(&self, row: &mut Row, prefix: &str) {
        let ends = [
            ("src", self.source, self.ports.0),
            ("dst", self.destination, self.ports.1),
        ];
        for (end, address, port) in ends {
            let shown = match port {
                Some(port) => format!("{address}:{port}"),
                None => address.to_owned(),
            };
            row.set(format!("{prefix}{end}-address"), shown);
            if let Some(port) = port {
                row.set(format!("{prefix}{end}-port"), port);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_translated_connection_is_read_with_both_of_its_ways() {
        let line = "ipv4     2 tcp      6 431999 ESTABLISHED src=192.168.88.10 dst=172.31.1.1 \
                    sport=40000 dport=80 src=172.31.1.1 dst=192.0.2.2 sport=80 dport=40000 \
                    [ASSURED] mark=0 use=1";
        let row = read(line).unwrap();
        assert_eq!(row.text("src-address"), "192.168.88.10:40000");
        assert_eq!(row.text("reply-dst-address"), "192.0.2.2:40000");
        assert_eq!(row.text("tcp-state"), "established");
        assert_eq!(row.text("timeout"), "4d23h59m59s");
        assert!(row.flag("srcnat") && !row.flag("dstnat") && row.flag("assured"));
    }

    #[test]
    fn a_connection_without_ports_is_read_too() {
        let line = "ipv4     2 icmp     1 29 src=127.0.0.1 dst=127.0.0.2 type=8 code=0 id=10973 \
                    [UNREPLIED] src=127.0.0.2 dst=127.0.0.1 type=0 code=0 id=10973 mark=0 use=1";
        let row = read(line).unwrap();
        assert_eq!(row.text("dst-address"), "127.0.0.2");
        assert!(!row.flag("seen-reply"));
        assert_eq!(row.get("src-port"), None);
    }
}
