//! One connection of one client.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use holdfast_routeros_proto::{
    Command, Feature, Request, RequestId, Row, Server, ServerConfig, ServerEvent, Trap,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{broadcast::error::RecvError, mpsc},
    task::{AbortHandle, JoinSet},
};

use super::{
    active::ActiveUser,
    listener::Service,
    users::{is_allowed, log_in},
};
use crate::{
    actions::{self, Replies},
    faults::Cut,
    model::{Answer, Caller, Change, Id, no_such_command, not_permitted, split_path},
    router::{Event, Router},
};

/// A connection from its first byte to its last.
pub(super) struct Session {
    router: Router,
    service: Service,
    peer: IpAddr,
    server: Server,
    caller: Option<Caller>,
    /// Commands that take time.
    running: BTreeMap<RequestId, AbortHandle>,
    tasks: JoinSet<()>,
    said_tx: mpsc::Sender<(RequestId, Said)>,
    said_rx: mpsc::Receiver<(RequestId, Said)>,
    /// Menus that the client is told of.
    listening: BTreeMap<RequestId, String>,
    /// The connection is to be cut without a word.
    cut: bool,
    /// Shows whoever is logged in, until it is dropped.
    active: Option<ActiveUser>,
}

/// What a command that takes time has to say.
#[derive(Debug)]
enum Said {
    Row(Row),
    Over(Result<Answer, Trap>),
}

/// Replies that wait for a client that does not read.
const WAITING: usize = 64;

/// Most bytes that are read at once.
const READ: usize = 16 << 10;

impl Session {
    pub(super) fn new(router: Router, service: Service, peer: IpAddr) -> Self {
        let (said_tx, said_rx) = mpsc::channel(WAITING);
        let settings = router.settings();
        let server = Server::new(ServerConfig {
            challenge: settings.behaviour.challenge_login.then(rand::random),
            empty_replies: settings.version.has(Feature::EmptyReply),
        });
        Self {
            router,
            service,
            peer,
            server,
            caller: None,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            said_tx,
            said_rx,
            listening: BTreeMap::new(),
            cut: false,
            active: None,
        }
    }

    /// Serves the client until either has enough.
    pub(super) async fn run(mut self, stream: impl AsyncRead + AsyncWrite) {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut events = self.router.events();
        let mut settings = self.router.watch_settings();
        let mut input = vec![0; READ];
        let mut output = Vec::new();
        while !self.cut {
            let slow = Duration::from_millis(settings.borrow().faults.slow_reply_ms);
            if self.server.poll_transmit(&mut output) {
                tokio::time::sleep(slow).await;
                if writer.write_all(&output).await.is_err() {
                    return;
                }
                output.clear();
            }
            if self.server.is_closed() {
                let _ = writer.shutdown().await;
                return;
            }
            let silent = settings.borrow().faults.silent;
            tokio::select! {
                read = reader.read(&mut input), if !silent => match read {
                    Ok(0) | Err(_) => self.server.handle_eof(),
                    Ok(length) => self.server.handle_bytes(&input[..length]),
                },
                Some((id, said)) = self.said_rx.recv(), if !silent => self.pass_on(id, said),
                event = events.recv() => self.notice(event),
                _ = settings.changed() => {}
                // Only so that what is over is forgotten.
                Some(_) = self.tasks.join_next() => {}
            }
            while let Some(event) = self.server.poll_event() {
                self.react(event);
            }
        }
        // What was answered before the cut may be on its way.
        self.server.poll_transmit(&mut output);
        let _ = writer.write_all(&output).await;
    }

    fn react(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Authorize { user, proof } => {
                let router = self.router.clone();
                self.caller = router.read(|database| log_in(database, &user, &proof, self.peer));
                match &self.caller {
                    Some(caller) => {
                        router.note_log_in(&caller.user);
                        let active =
                            ActiveUser::new(&router, &caller.user, self.peer, self.service);
                        self.active = Some(active);
                        self.server.admit();
                    }
                    None => self.server.refuse(),
                }
            }
            ServerEvent::Request { id, request } => self.begin(id, request),
            ServerEvent::Cancelled(id) => {
                self.listening.remove(&id);
                if let Some(task) = self.running.remove(&id) {
                    task.abort();
                }
            }
            ServerEvent::Closed(cause) => tracing::debug!(peer = %self.peer, %cause, "closed"),
        }
    }

    fn begin(&mut self, id: RequestId, request: Request) {
        // After the cut nothing more is heard.
        let Some(caller) = self.caller.clone().filter(|_| !self.cut) else {
            return;
        };
        if request.verb() == "listen" {
            return self.listen(id, &request, &caller);
        }
        let all_properties = request.proplist.is_empty();
        let command = Command::new(request.path)
            .with_all(request.attributes.iter())
            .matching(request.query);
        match self.router.cut_at(&command) {
            Some(Cut::Before) => {
                self.cut = true;
                return;
            }
            Some(Cut::After) => self.cut = true,
            None => {}
        }
        let is_slow = all_properties
            && matches!(split_path(&command).1, "print" | "getall")
            && self.router.settings().faults.slow_print_ms > 0;
        if !is_slow && let Some(result) = actions::run_now(&self.router, &caller, &command) {
            if !self.cut {
                self.end(id, result);
            }
            return;
        }
        let task = self.tasks.spawn(carry_out(
            self.router.clone(),
            caller,
            command,
            id,
            self.said_tx.clone(),
            is_slow,
        ));
        self.running.insert(id, task);
    }

    fn listen(&mut self, id: RequestId, request: &Request, caller: &Caller) {
        let menu = request.menu();
        if self.router.read(|database| database.spec(menu).is_none()) {
            self.server.fail(id, no_such_command());
        } else if !caller.policies.grants("read") {
            self.server.fail(id, not_permitted());
        } else {
            self.listening.insert(id, menu.to_owned());
        }
    }

    fn pass_on(&mut self, id: RequestId, said: Said) {
        match said {
            Said::Row(row) => self.server.row(id, &row),
            Said::Over(result) => {
                self.running.remove(&id);
                self.end(id, result);
            }
        }
    }

    fn end(&mut self, id: RequestId, result: Result<Answer, Trap>) {
        match result {
            Ok(answer) => {
                for row in &answer.rows {
                    self.server.row(id, row);
                }
                self.server.done(id, answer.ret.as_deref());
            }
            Err(trap) => self.server.fail(id, trap),
        }
    }

    fn notice(&mut self, event: Result<Event, RecvError>) {
        match event {
            Ok(Event::Changed(change)) => {
                if change.menu == "/ip/service" {
                    self.check_service();
                }
                self.tell(&change);
            }
            Ok(Event::Restart) => self.cut = true,
            Ok(
                Event::Up { .. } | Event::Down { .. } | Event::Lease { .. } | Event::Redial { .. },
            )
            | Err(RecvError::Lagged(_) | RecvError::Closed) => {}
        }
    }

    /// Ends the connection if the service no longer is for this client.
    fn check_service(&mut self) {
        let open = self.router.read(|database| {
            let service = database.named("/ip/service", self.service.name());
            service.is_some_and(|service| {
                !service.is_disabled() && is_allowed(service.text("address"), self.peer)
            })
        });
        if !open {
            self.server.fatal("service is not available");
        }
    }

    fn tell(&mut self, change: &Change) {
        let caller = self.caller.as_ref();
        let secrets = caller.is_some_and(|caller| caller.policies.grants("sensitive"));
        for (request, menu) in &self.listening {
            let Some(row) = self.changed_row(menu, change, secrets) else {
                continue;
            };
            self.server.row(*request, &row);
        }
    }

    fn changed_row(&self, menu: &str, change: &Change, secrets: bool) -> Option<Row> {
        self.router.read(|database| {
            let spec = database.spec(menu)?;
            let concerns = change.menu == menu
                || spec.family == "/interface"
                    && menu == "/interface"
                    && database.spec(change.menu)?.interface_type.is_some();
            if !concerns {
                return None;
            }
            if change.removed {
                return Some(dead(change.id));
            }
            let secrets = secrets && !database.version().has(Feature::HiddenSecrets);
            let item = database.item(menu, change.id)?;
            Some(database.row(menu, item, secrets))
        })
    }
}

fn dead(id: Id) -> Row {
    Row::new()
        .with(Row::ID, id.to_string())
        .with(".dead", "yes")
}

/// Runs a command that takes time, and says what it says.
async fn carry_out(
    router: Router,
    caller: Caller,
    command: Command,
    id: RequestId,
    said_tx: mpsc::Sender<(RequestId, Said)>,
    is_slow: bool,
) {
    if is_slow {
        let slow = router.settings().faults.slow_print_ms;
        tokio::time::sleep(Duration::from_millis(slow)).await;
    }
    let (row_tx, mut row_rx) = mpsc::channel(1);
    let replies = Replies::new(row_tx);
    let work = async {
        let result = actions::run(&router, &caller, &command, &replies).await;
        drop(replies);
        result
    };
    let forward = async {
        while let Some(row) = row_rx.recv().await {
            // The session is over, and so is this task soon.
            let _ = said_tx.send((id, Said::Row(row))).await;
        }
    };
    let (result, ()) = tokio::join!(work, forward);
    let _ = said_tx.send((id, Said::Over(result))).await;
}
