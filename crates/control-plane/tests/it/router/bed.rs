//! A virtual router on loopback, the way to it, and a witness of what is done.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use holdfast_api_types::Place;
use holdfast_control_plane::router::{Direct, Line, Router, Witness};
use holdfast_routeros_plan::{Authority, Desired, Gateway, Memory, Mode, Slot};
use holdfast_routeros_proto::{Command, Login};
use holdfast_virtual_router::{
    ControlReply, ControlRequest, Faults, InterfaceSettings, KernelMode, Lease, Settings,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    task::JoinHandle,
};

/// Longer than anything here takes when all is well.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// A running router; it ends when this is dropped.
pub(crate) struct Bed {
    pub(crate) address: SocketAddr,
    directory: TempDir,
    task: JoinHandle<()>,
}

impl Bed {
    /// A router with two lines and a DHCP lease on each.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ready = directory.path().join("ready");
        let mut settings = Settings {
            kernel: KernelMode::Off,
            interfaces: vec![line(1), line(2)],
            configuration: "/ip/dhcp-client add interface=ether1 disabled=no\n\
                /ip/dhcp-client add interface=ether2 disabled=no\n"
                .into(),
            ..Settings::default()
        };
        settings.access.api.set_port(0);
        settings.access.ready = Some(ready.clone());
        settings.access.control = Some(directory.path().join("control"));
        let task = tokio::spawn(async move {
            holdfast_virtual_router::run(settings).await.unwrap();
        });
        let ready = tokio::time::timeout(LONG, async {
            loop {
                if let Ok(text) = std::fs::read_to_string(&ready) {
                    break serde_json::from_str::<serde_json::Value>(&text).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let ready = ready.await.expect("the router says that it is ready");
        Self {
            address: ready["api"].as_str().unwrap().parse().unwrap(),
            directory,
            task,
        }
    }

    /// The way to it.
    pub(crate) fn router(&self) -> Router {
        self.router_with_password("")
    }

    pub(super) fn router_with_password(&self, password: &str) -> Router {
        let dial = Direct {
            address: self.address.ip(),
            port: self.address.port(),
            trust: None,
        };
        let login = Login {
            user: "admin".into(),
            password: password.to_owned().into(),
        };
        Router::new(dial, login)
    }

    pub(super) async fn faults(&self, faults: Faults) {
        let path = self.directory.path().join("control");
        let stream = UnixStream::connect(path).await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let line = serde_json::to_string(&ControlRequest::Faults(faults)).unwrap() + "\n";
        writer.write_all(line.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reader).lines();
        let reply = lines.next_line().await.unwrap().unwrap();
        let _: ControlReply = serde_json::from_str(&reply).unwrap();
    }

    /// What is configured, line by line, without ids and without what changes by itself.
    pub(super) async fn configuration(&self) -> Vec<String> {
        const MENUS: &[(&str, &[&str])] = &[
            ("/interface/list", &["name", "comment"]),
            ("/interface/list/member", &["list", "interface", "comment"]),
            (
                "/interface/ovpn-client",
                &[
                    "name",
                    "connect-to",
                    "user",
                    "profile",
                    "disabled",
                    "comment",
                ],
            ),
            (
                "/ip/dhcp-client",
                &[
                    "interface",
                    "add-default-route",
                    "default-route-distance",
                    "script",
                ],
            ),
            ("/ip/firewall/filter", &["chain", "action", "comment"]),
            (
                "/ip/route",
                &[
                    "dst-address",
                    "gateway",
                    "distance",
                    "scope",
                    "blackhole",
                    "disabled",
                    "comment",
                ],
            ),
            (
                "/ppp/profile",
                &["name", "interface-list", "on-up", "on-down", "comment"],
            ),
            (
                "/system/scheduler",
                &["name", "interval", "on-event", "comment"],
            ),
            ("/system/script", &["name", "source", "comment"]),
            ("/tool/netwatch", &["host", "comment"]),
        ];
        let router = self.router();
        let mut lines = Vec::new();
        for (menu, fields) in MENUS {
            let mut wanted = fields.to_vec();
            wanted.push("dynamic");
            let rows = router.read(Command::print(menu).only(&wanted), LONG).await;
            for row in rows.unwrap() {
                if !row.flag("dynamic") {
                    lines.push(format!("{menu} {:?}", row.only(fields)));
                }
            }
        }
        lines.sort();
        lines
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn line(number: u8) -> InterfaceSettings {
    InterfaceSettings {
        lease: Some(Lease {
            address: [192, 0, number, 7].into(),
            prefix: 24,
            gateway: Some([192, 0, number, 1].into()),
            server: None,
            dns: vec![],
        }),
        ..InterfaceSettings::ethernet(format!("ether{number}"))
    }
}

/// An authority of its own.
pub(crate) fn authority() -> Authority {
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = rcgen::CertificateParams::new(vec![])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let fingerprint: [u8; 32] = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        authority.der(),
    ))
    .into();
    Authority {
        pem: authority.pem(),
        fingerprint: hex::encode(fingerprint),
    }
}

/// Two tunnels over the two lines.
pub(super) fn desired() -> Desired {
    let slot = |number: u8| Slot {
        number,
        interface: format!("ether{number}"),
        gateway: Gateway::Address([192, 0, number, 1].into()),
        controller: format!("203.0.113.{number}:443").parse().unwrap(),
        username: format!("user-{number}"),
        password: format!("password-{number}").into(),
        server: [198, 18, 0, number * 4 + 1].into(),
        metered: false,
        enabled: true,
        place: Place {
            rung: 2 - number,
            step: 10,
        },
        rank: number - 1,
    };
    Desired {
        slots: vec![slot(1), slot(2)],
        mode: Mode::Pushed,
        authority: authority(),
        management: None,
        watchdog: true,
    }
}

/// Notes everything, and stops when it was told to.
#[derive(Debug, Default)]
pub(super) struct Notes {
    lines: Mutex<Vec<Line>>,
    memory: Mutex<Memory>,
    /// Progress after which it wants an end; 0 never.
    stop_after: AtomicUsize,
}

/// It was told to stop.
#[derive(Debug)]
pub(super) struct Stopped;

impl Notes {
    pub(super) fn stopping_after(steps: usize) -> Self {
        let notes = Self::default();
        notes.stop_after.store(steps, Ordering::Relaxed);
        notes
    }

    /// The memory as it was kept last.
    pub(super) fn memory(&self) -> Memory {
        self.memory.lock().unwrap().clone()
    }

    pub(super) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap();
        let each: Vec<_> = lines.iter().map(|line| format!("{line:?}")).collect();
        each.join("\n")
    }

    /// Commands that were sent.
    pub(super) fn commands(&self) -> usize {
        let lines = self.lines.lock().unwrap();
        let commands = lines.iter().filter(|it| matches!(it, Line::Command(_)));
        commands.count()
    }
}

impl Witness for Notes {
    type Stop = Stopped;

    async fn tell(&self, line: Line) -> Result<(), Stopped> {
        self.lines.lock().unwrap().push(line);
        Ok(())
    }

    async fn progress(&self, _: usize, _: usize, _: &str) -> Result<(), Stopped> {
        match self.stop_after.load(Ordering::Relaxed) {
            0 => Ok(()),
            1 => Err(Stopped),
            left => {
                self.stop_after.store(left - 1, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    async fn remember(&self, memory: &Memory) -> Result<(), Stopped> {
        *self.memory.lock().unwrap() = memory.clone();
        Ok(())
    }
}
