//! A client and a server that are joined by their bytes, and a small table behind the server.

use std::collections::BTreeMap;

use holdfast_routeros_proto::{
    Category, Client, ClientEvent, Login, Request, RequestId, Row, Server, ServerConfig,
    ServerEvent, Trap,
};

/// The only user that the table's router knows.
pub(crate) const USER: &str = "wf-api";

/// Its password.
pub(crate) const PASSWORD: &str = "s3cret";

/// The log-in that fits.
pub(crate) fn login() -> Login {
    Login {
        user: USER.into(),
        password: PASSWORD.into(),
    }
}

/// Both ends of a connection.
pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) table: Table,
    /// What the client told, in order.
    pub(crate) told: Vec<ClientEvent>,
    /// Sizes of the segments that bytes travel in, over and over.
    segments: Vec<usize>,
    segment: usize,
}

impl Pair {
    pub(crate) fn new(login: Login, config: ServerConfig) -> Self {
        Self::segmented(login, config, vec![1 << 20])
    }

    pub(crate) fn segmented(login: Login, config: ServerConfig, segments: Vec<usize>) -> Self {
        Self {
            client: Client::new(login),
            server: Server::new(config),
            table: Table::default(),
            told: Vec::new(),
            segments,
            segment: 0,
        }
    }

    /// Moves bytes both ways until there are none; what the client told meanwhile.
    pub(crate) fn run(&mut self) -> Vec<ClientEvent> {
        let before = self.told.len();
        loop {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            let sent = self.client.poll_transmit(&mut up);
            for segment in self.cut(&up) {
                self.server.handle_bytes(segment);
                self.serve();
            }
            let answered = self.server.poll_transmit(&mut down);
            for segment in self.cut(&down) {
                self.client.handle_bytes(segment);
                self.told
                    .extend(std::iter::from_fn(|| self.client.poll_event()));
            }
            self.told
                .extend(std::iter::from_fn(|| self.client.poll_event()));
            if !sent && !answered {
                return self.told[before..].to_vec();
            }
        }
    }

    fn serve(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match event {
                ServerEvent::Authorize { user, proof } if user == USER && proof.fits(PASSWORD) => {
                    self.server.admit();
                }
                ServerEvent::Authorize { .. } => self.server.refuse(),
                ServerEvent::Request { id, request } => {
                    self.table.serve(&mut self.server, id, &request);
                }
                ServerEvent::Cancelled(id) => self.table.listeners.retain(|own| *own != id),
                ServerEvent::Closed(_) => {}
            }
        }
    }

    fn cut<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut cut = Vec::new();
        while !bytes.is_empty() {
            let size = self.segments[self.segment % self.segments.len()].clamp(1, bytes.len());
            self.segment += 1;
            let (segment, rest) = bytes.split_at(size);
            cut.push(segment);
            bytes = rest;
        }
        cut
    }
}

/// A menu with items, whatever its path.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) items: BTreeMap<String, Row>,
    next: u32,
    pub(crate) listeners: Vec<RequestId>,
}

impl Table {
    fn serve(&mut self, server: &mut Server, id: RequestId, request: &Request) {
        match request.verb() {
            "print" | "getall" => {
                let wanted = self.items.values().filter(|row| request.query.matches(row));
                wanted.for_each(|row| server.row(id, row));
                server.done(id, None);
            }
            "add" => {
                self.next += 1;
                let own = format!("*{:X}", self.next);
                let row = request.attributes.clone().with(Row::ID, own.clone());
                self.items.insert(own.clone(), row);
                self.tell(server, &own);
                server.done(id, Some(&own));
            }
            "remove" => match self.items.remove(request.attributes.text(Row::ID)) {
                Some(row) => {
                    let gone = Row::new()
                        .with(Row::ID, row.text(Row::ID))
                        .with(".dead", "yes");
                    self.listeners
                        .iter()
                        .for_each(|listener| server.row(*listener, &gone));
                    server.done(id, None);
                }
                None => server.fail(id, Trap::of(Category::Missing, "no such item")),
            },
            "listen" => self.listeners.push(id),
            _ => server.fail(id, Trap::new("no such command")),
        }
    }

    fn tell(&self, server: &mut Server, own: &str) {
        for listener in &self.listeners {
            server.row(*listener, &self.items[own]);
        }
    }
}
