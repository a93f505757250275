//! The route controller: listens for routers' OpenVPN clients, admits them by the word of a control
//! plane, gives them their routes, probes them, and does as the control plane says.
//!
//! It holds no state that matters: the live connection is the proof that a link is up. Everything that
//! must be remembered is behind [`ControlPlane`]. [`Standalone`] is one in this process that has its grants from a
//! file, [`Remote`] one in another process; a third is whatever else shares a process with a [`Controller`].
//!
//! | module | holds |
//! |---|---|
//! | `listener` | the slots: accepts connections for one shard after the other |
//! | `shard` | the threads on which connections live |
//! | `admission` | who may cost us something before it has logged in (pure) |
//! | `tunnel` | one connection: socket, OpenVPN session, probes |
//! | `registry` | which connection is whose, and how orders reach it |
//! | `control_plane` | the trait that decides |
//! | `standalone` | deciding by a grants file and [`holdfast_failover::Fleet`] |
//! | `remote` | asking a control plane over HTTP, and getting on without it |
//! | `lifecycle` | draining, and the signals that ask a process for it |
//! | `certificates` | our CA, and certificates for the slots' addresses |

mod admission;
mod certificates;
mod control_plane;
mod events;
mod lifecycle;
mod listener;
mod log_budget;
mod metrics;
mod registry;
mod remote;
mod shard;
mod standalone;
mod tunnel;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use arc_swap::ArcSwap;
use holdfast_ovpn_proto::ServerConfig;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::{
    admission::AdmissionLimits,
    certificates::{Certificate, Identity, PairFault, own_authority, own_https},
    control_plane::{
        Command, ControlPlane, LoginRequest, LoginVerdict, Order, Report, ReportKind, StillGood,
        TunnelGrant, TunnelStream,
    },
    events::{EventFormat, EventSink},
    lifecycle::run_until_signal,
    remote::{Remote, RemoteOptions, run_remote},
    standalone::{ConfigError, Grants, Standalone, StandaloneOptions, run_standalone},
};
use crate::{
    listener::Listener, log_budget::LogBudget, metrics::Metrics, registry::Registry, shard::Shards,
};

/// How to run a controller.
#[derive(Debug, Clone)]
pub struct Options {
    /// The addresses that routers dial: the first tunnel of a site dials the first.
    pub slots: Vec<SocketAddr>,
    /// Where management tunnels dial, if that is none of the slots. Whoever dials it has the slot after the last.
    pub management: Option<SocketAddr>,
    /// What we show to them.
    pub identity: Identity,
    /// How much those may take who have not logged in.
    pub limits: AdmissionLimits,
    /// Between which ages of a tunnel's keys we renegotiate them.
    pub renegotiate_after: (Duration, Duration),
    /// Report measurements of each tunnel this often.
    pub health_every: Option<Duration>,
    /// Serve Prometheus text here.
    pub metrics: Option<SocketAddr>,
}

impl Options {
    /// Every address that is listened on, the slots first.
    fn listened(&self) -> Vec<SocketAddr> {
        let management = self.management.filter(|it| !self.slots.contains(it));
        self.slots.iter().copied().chain(management).collect()
    }
}

/// Ages of keys that stay clear of the hour after which stock clients renegotiate by themselves.
pub const RENEGOTIATE_AFTER: (Duration, Duration) =
    (Duration::from_secs(2700), Duration::from_secs(3240));

/// A running controller. It installs no signal handlers, so it may share its process with others.
///
/// Dropped without [`drain`](Self::drain), it leaves its clients to notice by themselves.
pub struct Controller<C> {
    shared: Arc<Shared<C>>,
    /// None once it has stopped.
    shards: Option<Shards>,
    addresses: Vec<SocketAddr>,
}

/// What the parts of a running controller share.
pub(crate) struct Shared<C> {
    pub(crate) control_plane: Arc<C>,
    pub(crate) registry: Registry,
    pub(crate) metrics: Metrics,
    /// For log lines about those who have not logged in.
    pub(crate) stranger_lines: LogBudget,
    /// For new connections; replaced when certificates change.
    pub(crate) session: ArcSwap<ServerConfig>,
    pub(crate) health_every: Option<Duration>,
    /// Cancelled when nobody is to be accepted any more.
    pub(crate) draining: CancellationToken,
    /// Cancelled when connections are to end at once.
    pub(crate) stop: CancellationToken,
    /// Everything but the connections, which are on their shards.
    pub(crate) tasks: TaskTracker,
}

impl<C: ControlPlane> Controller<C> {
    /// Listens on every slot, and does as the control plane says.
    ///
    /// # Errors
    /// When an address cannot be bound, or certificates cannot be made.
    pub async fn start(options: Options, control_plane: Arc<C>) -> anyhow::Result<Self> {
        let open_files = raise_open_files();
        let listened = options.listened();
        let session = options
            .identity
            .session_config(&listened, options.renegotiate_after)?;
        let shared = Arc::new(Shared {
            control_plane,
            registry: Registry::new(options.limits.within(open_files)),
            metrics: Metrics::new(),
            stranger_lines: LogBudget::new(Instant::now()),
            session: ArcSwap::from_pointee(session),
            health_every: options.health_every,
            draining: CancellationToken::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let shards = Shards::start().context("threads cannot be started")?;
        let listener = Listener::bind(&listened)?;
        let addresses = listener.addresses()?;
        for address in &addresses {
            tracing::info!(slot.address = %address, "listening");
        }
        if let Some(address) = options.metrics {
            metrics::serve(address, shared.clone()).await?;
        }
        shared.spawn_until_stop(registry::dispatch(shared.clone()));
        listener.start(&shards, &shared);
        Ok(Self {
            shared,
            shards: Some(shards),
            addresses,
        })
    }

    /// The bound addresses, in the order of the slots; after them that for management, if it is none of them.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Accepts nobody any more and tells every client to reconnect, spread over at most `window`. Returns when the
    /// last is gone or has had the time to go; [`stop`](Self::stop) ends what is left.
    pub async fn drain(&self, window: Duration) {
        lifecycle::drain(&self.shared, window).await;
    }

    /// Ends every connection now. The control plane has heard of each when this returns.
    pub async fn stop(mut self) {
        self.shared.draining.cancel();
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        if let Some(shards) = self.shards.take() {
            shards.finish().await;
        }
    }

    /// Runs a task for as long as the controller.
    pub(crate) fn run_beside(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.spawn_until_stop(task);
    }
}

impl<C> Drop for Controller<C> {
    fn drop(&mut self) {
        self.shared.draining.cancel();
        self.shared.stop.cancel();
    }
}

impl<C> Shared<C> {
    /// Runs a task of the controller's own, which has no end but the controller's.
    fn spawn_until_stop(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }
}

/// Every tunnel is an open file; the default soft limit of 1,024 is the first wall a controller hits. The
/// limit that is then in force.
fn raise_open_files() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
    let limit = match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(err) => {
            tracing::warn!(%err, "the limit of open files cannot be raised");
            soft
        }
    };
    tracing::info!(
        limit.open_files = limit,
        "tunnels are limited by open files"
    );
    usize::try_from(limit).unwrap_or(usize::MAX)
}
