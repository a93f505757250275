//! A router that is nothing but rows: for what the virtual router has only with a kernel beneath it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use holdfast_routeros_proto::{Request, Row, Server, ServerConfig, ServerEvent, Trap};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// It ends when this is dropped.
pub(super) struct Scripted {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    menus: Mutex<BTreeMap<String, Vec<Row>>>,
    changes: Mutex<Vec<String>>,
}

impl Scripted {
    /// A router with one version and nothing else.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(accept(listener, shared.clone()));
        let router = Self {
            address,
            shared,
            task,
        };
        let resource = Row::new()
            .with("version", "7.20.6 (stable)")
            .with("board-name", "test");
        router.put("/system/resource", vec![resource]);
        router.put(
            "/system/identity",
            vec![Row::new().with("name", "scripted")],
        );
        router
    }

    /// The rows of a menu from now on.
    pub(super) fn put(&self, menu: &str, rows: Vec<Row>) {
        self.shared
            .menus
            .lock()
            .unwrap()
            .insert(menu.to_owned(), rows);
    }

    pub(super) fn rows(&self, menu: &str) -> Vec<Row> {
        let menus = self.shared.menus.lock().unwrap();
        menus.get(menu).cloned().unwrap_or_default()
    }

    /// Every command so far that changed something.
    pub(super) fn changes(&self) -> Vec<String> {
        self.shared.changes.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream, shared.clone()));
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut server = Server::new(ServerConfig::default());
    let mut bytes = vec![0; 4096];
    while !server.is_closed() {
        match stream.read(&mut bytes).await {
            Ok(len) if len > 0 => server.handle_bytes(&bytes[..len]),
            Ok(_) | Err(_) => server.handle_eof(),
        }
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::Authorize { .. } => server.admit(),
                ServerEvent::Request { id, request } => match shared.answer(&request) {
                    Ok(rows) => {
                        rows.iter().for_each(|row| server.row(id, row));
                        server.done(id, None);
                    }
                    Err(trap) => server.fail(id, trap),
                },
                ServerEvent::Cancelled(_) | ServerEvent::Closed(_) => {}
            }
        }
        let mut out = Vec::new();
        server.poll_transmit(&mut out);
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}

impl Shared {
    fn answer(&self, request: &Request) -> Result<Vec<Row>, Trap> {
        let mut menus = self.menus.lock().unwrap();
        let rows = menus.entry(request.menu().to_owned()).or_default();
        if request.verb() == "print" {
            let wanted = rows.iter().filter(|row| request.query.matches(row));
            return Ok(wanted.cloned().collect());
        }
        let ids: Vec<&str> = request.attributes.text(".id").split(',').collect();
        // What has ended by itself can be read once more, and that is all.
        let is_named =
            |row: &Row| !row.flag("ended") && row.id().is_some_and(|id| ids.contains(&id));
        if rows.iter().filter(|row| is_named(row)).count() < ids.len() {
            return Err(Trap::new("no such item (4)"));
        }
        match request.verb() {
            "remove" => rows.retain(|row| !is_named(row)),
            "set" => {
                let changes = request.attributes.iter().filter(|(name, _)| *name != ".id");
                for (name, value) in changes {
                    let named = rows.iter_mut().filter(|row| is_named(row));
                    named.for_each(|row| row.set(name, value));
                }
            }
            other => return Err(Trap::new(format!("no such command: {other}"))),
        }
        let attributes = request.attributes.iter();
        let words: Vec<_> = attributes
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let line = format!("{} {}", request.path, words.join(" "));
        self.changes.lock().unwrap().push(line);
        Ok(Vec::new())
    }
}
