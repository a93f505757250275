//! A router on loopback, and a client of it.

use std::{net::SocketAddr, time::Duration};

use holdfast_routeros_proto::{Client, ClientEvent, ClosedCause, Command, Login, Row, Tag, Trap};
use holdfast_virtual_router::{
    ControlReply, ControlRequest, InterfaceSettings, KernelMode, Lease, Settings,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, UnixStream},
    task::JoinHandle,
    time::timeout,
};

/// Longer than anything here takes when all is well.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A router with two lines and a DHCP lease on each, and without a kernel.
pub(crate) fn two_lines() -> Settings {
    let line = |number: u8| {
        let lease = Lease {
            address: [198, 51, 100 + number, 7].into(),
            prefix: 24,
            gateway: Some([198, 51, 100 + number, 1].into()),
            server: None,
            dns: vec![],
        };
        InterfaceSettings {
            lease: Some(lease),
            ..InterfaceSettings::ethernet(format!("ether{number}"))
        }
    };
    Settings {
        kernel: KernelMode::Off,
        interfaces: vec![line(1), line(2)],
        ..Settings::default()
    }
}

/// A running router; it ends when this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) tls_address: Option<SocketAddr>,
    directory: TempDir,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(mut settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ready = directory.path().join("ready");
        settings.access.api.set_port(0);
        settings.access.ready = Some(ready.clone());
        settings.access.control = Some(directory.path().join("control"));
        let task = tokio::spawn(async move {
            holdfast_virtual_router::run(settings).await.unwrap();
        });
        let ready = timeout(LONG, async {
            loop {
                if let Ok(text) = std::fs::read_to_string(&ready) {
                    let ready: serde_json::Value = serde_json::from_str(&text).unwrap();
                    break ready;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let ready = ready.await.expect("the router says that it is ready");
        let address = |name: &str| ready[name].as_str().map(|text| text.parse().unwrap());
        Self {
            address: address("api").unwrap(),
            tls_address: address("api-tls"),
            directory,
            task,
        }
    }

    pub(crate) async fn client(&self) -> Session {
        Session::log_in(self.address, "admin", "").await.unwrap()
    }

    /// Changes something as the lab does.
    pub(crate) async fn control(&self, request: &ControlRequest) -> ControlReply {
        let path = self.directory.path().join("control");
        let stream = UnixStream::connect(path).await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let line = serde_json::to_string(request).unwrap() + "\n";
        writer.write_all(line.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reader).lines();
        let reply = lines.next_line().await.unwrap().unwrap();
        serde_json::from_str(&reply).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client that is logged in.
pub(crate) struct Session {
    client: Client,
    stream: TcpStream,
}

impl Session {
    pub(crate) async fn log_in(
        address: SocketAddr,
        user: &str,
        password: &str,
    ) -> Result<Self, ClosedCause> {
        let stream = TcpStream::connect(address).await.unwrap();
        let client = Client::new(Login {
            user: user.into(),
            password: password.to_owned().into(),
        });
        let mut session = Self { client, stream };
        match session.event().await {
            ClientEvent::LoggedIn => Ok(session),
            ClientEvent::Closed(cause) => Err(cause),
            other => panic!("{other:?} before the log-in"),
        }
    }

    /// The next thing that happens.
    pub(crate) async fn event(&mut self) -> ClientEvent {
        timeout(LONG, self.next_event())
            .await
            .expect("the router answers")
    }

    async fn next_event(&mut self) -> ClientEvent {
        let mut bytes = vec![0; 4096];
        loop {
            let mut out = Vec::new();
            if self.client.poll_transmit(&mut out) {
                // A connection that was cut shows when reading.
                let _ = self.stream.write_all(&out).await;
            }
            if let Some(event) = self.client.poll_event() {
                return event;
            }
            match self.stream.read(&mut bytes).await {
                Ok(0) | Err(_) => self.client.handle_eof(),
                Ok(length) => self.client.handle_bytes(&bytes[..length]),
            }
        }
    }

    pub(crate) fn send(&mut self, command: &Command) -> Tag {
        self.client.send(command)
    }

    pub(crate) fn cancel(&mut self, tag: Tag) {
        self.client.cancel(tag);
    }

    /// Carries out one command.
    pub(crate) async fn run(&mut self, command: &Command) -> Result<(Vec<Row>, String), Trap> {
        let tag = self.send(command);
        let mut rows = Vec::new();
        loop {
            match self.event().await {
                ClientEvent::Row { tag: of, row } if of == tag => rows.push(row),
                ClientEvent::Finished { tag: of, result } if of == tag => {
                    return result.map(|ret| (rows, ret.unwrap_or_default()));
                }
                ClientEvent::Closed(cause) => panic!("{command}: {cause}"),
                _ => {}
            }
        }
    }

    pub(crate) async fn print(&mut self, menu: &str) -> Vec<Row> {
        self.run(&Command::print(menu)).await.unwrap().0
    }

    /// Adds an item and returns its id.
    pub(crate) async fn add(&mut self, menu: &str, values: &[(&str, &str)]) -> String {
        let command = Command::add(menu).with_all(values.iter().copied());
        self.run(&command).await.unwrap().1
    }

    /// What the router says against a command.
    pub(crate) async fn refused(&mut self, command: Command) -> String {
        self.run(&command).await.unwrap_err().message
    }

    /// Waits until a menu has an item for which it holds.
    pub(crate) async fn wait_for(&mut self, menu: &str, holds: impl Fn(&Row) -> bool) -> Row {
        let found = timeout(LONG, async {
            loop {
                if let Some(row) = self.print(menu).await.into_iter().find(&holds) {
                    break row;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        found.await.expect("the menu gets such an item")
    }
}
