//! How a router is reached: through whatever leads to it at the moment, with one session that is kept while it is used.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::Duration,
};

use futures_util::future::{BoxFuture, join_all};
use holdfast_routeros_proto::{Command, Login, Row};
use tokio::{
    net::TcpStream,
    sync::{Mutex, MutexGuard},
};

use super::{
    session::{Answer, CommandError, Io, Session},
    tls::{self, Trust},
};

/// A router that does not take a connection or a log-in for so long is away.
const OPEN_WITHIN: Duration = Duration::from_millis(1500);

/// So often a read is begun anew because its connection died under it.
const READS: usize = 3;

/// An open stream to the API of a router.
pub struct Opened {
    /// The bytes.
    pub io: Box<dyn Io>,
    /// What they go through, as people call it: a tunnel's name, `management` or `direct`.
    pub via: String,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { io: _, via } = self;
        f.debug_struct("Opened").field("via", via).finish()
    }
}

/// Opens streams to one router, by the best way that there is at the moment.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// Opens one, or says precisely why not.
    fn dial(&self) -> BoxFuture<'_, Result<Opened, String>>;
}

/// A router that has an address of its own.
#[derive(Debug, Clone)]
pub struct Direct {
    /// Its address.
    pub address: IpAddr,
    /// The port of its API.
    pub port: u16,
    /// Who it must be; none speaks without TLS, and the password is then seen by everybody on the way.
    pub trust: Option<Trust>,
}

impl Dial for Direct {
    fn dial(&self) -> BoxFuture<'_, Result<Opened, String>> {
        Box::pin(async {
            let (address, port) = (self.address, self.port);
            let tcp = TcpStream::connect((address, port)).await;
            let tcp = tcp.map_err(|err| format!("{address} port {port}: {err}"))?;
            // Commands are small, and each waits for its answer.
            tcp.set_nodelay(true).map_err(|err| err.to_string())?;
            let io: Box<dyn Io> = match &self.trust {
                None => Box::new(tcp),
                Some(trust) => Box::new(tls::connect(address, tcp, trust).await?),
            };
            let via = "direct".into();
            Ok(Opened { io, via })
        })
    }
}

/// Why something was not done at a router.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// It cannot be reached, and why.
    #[error("the router cannot be reached: {0}")]
    Away(String),
    /// It was reached, and the command has no answer.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// The way to one router. Clones are the same.
#[derive(Debug, Clone)]
pub struct Router(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    dial: Box<dyn Dial>,
    login: Login,
    session: Mutex<Option<Session>>,
    via: Lock<Option<String>>,
    /// Whoever changes something has it.
    pen: Mutex<()>,
}

impl Router {
    /// The way to a router.
    pub fn new(dial: impl Dial, login: Login) -> Self {
        Self(Arc::new(Shared {
            dial: Box::new(dial),
            login,
            session: Mutex::new(None),
            via: Lock::new(None),
            pen: Mutex::new(()),
        }))
    }

    /// What the session goes through; none while there is no session.
    pub fn via(&self) -> Option<String> {
        let is_open = match self.0.session.try_lock() {
            Ok(session) => session.as_ref().is_some_and(|it| !it.is_closed()),
            Err(_) => false,
        };
        let via = self.0.via.lock().unwrap_or_else(PoisonError::into_inner);
        via.clone().filter(|_| is_open)
    }

    /// Waits until nobody else changes this router, and keeps others from it.
    pub async fn pen(&self) -> MutexGuard<'_, ()> {
        self.0.pen.lock().await
    }

    /// Forgets the session, so that the next command shows whether the router can still be reached.
    pub async fn hang_up(&self) {
        *self.0.session.lock().await = None;
    }

    /// Sends a command once. When its connection is lost nobody knows what became of it: look before you repeat it.
    ///
    /// # Errors
    /// The router is away, refuses, or does not answer `within`.
    pub async fn send(&self, command: Command, within: Duration) -> Result<Answer, AccessError> {
        let session = self.session().await?;
        let answer = session.run(command, within).await;
        if matches!(answer, Err(CommandError::Lost(_) | CommandError::Late(_))) {
            self.forget(&session).await;
        }
        Ok(answer?)
    }

    /// Sends a command that only reads, again by another way if the first one dies.
    ///
    /// # Errors
    /// The router is away, refuses, or does not answer `within`.
    pub async fn read(&self, command: Command, within: Duration) -> Result<Vec<Row>, AccessError> {
        let mut attempt = 1;
        loop {
            match self.send(command.clone(), within).await {
                Ok(answer) => return Ok(answer.rows),
                Err(AccessError::Command(CommandError::Lost(_))) if attempt < READS => attempt += 1,
                Err(err) => return Err(err),
            }
        }
    }

    /// Sends commands that only read, all at once; the answers in the same order.
    pub async fn read_all(
        &self,
        commands: impl IntoIterator<Item = Command>,
        within: Duration,
    ) -> Vec<Result<Vec<Row>, AccessError>> {
        let reads = commands
            .into_iter()
            .map(|command| self.read(command, within));
        join_all(reads).await
    }

    async fn session(&self) -> Result<Session, AccessError> {
        let mut slot = self.0.session.lock().await;
        if let Some(session) = slot.as_ref().filter(|session| !session.is_closed()) {
            return Ok(session.clone());
        }
        let (session, via) = self.open().await.map_err(AccessError::Away)?;
        *slot = Some(session.clone());
        *self.0.via.lock().unwrap_or_else(PoisonError::into_inner) = Some(via);
        Ok(session)
    }

    async fn open(&self) -> Result<(Session, String), String> {
        let opened = tokio::time::timeout(OPEN_WITHIN, self.0.dial.dial()).await;
        let Opened { io, via } = opened.map_err(|_| {
            format!(
                "nothing answers where its API should be within {} ms",
                OPEN_WITHIN.as_millis()
            )
        })??;
        let login = self.0.login.clone();
        let session = Session::log_in(io, login, OPEN_WITHIN).await;
        Ok((session.map_err(|err| format!("through {via}: {err}"))?, via))
    }

    /// The next command opens another session, unless somebody has done so already.
    async fn forget(&self, dead: &Session) {
        let mut slot = self.0.session.lock().await;
        if slot.as_ref().is_some_and(|session| session.is(dead)) {
            *slot = None;
        }
    }
}
