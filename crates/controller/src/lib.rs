//! The route controller: listens for routers' OpenVPN clients, admits them by the word of a control
//! plane, gives them their routes, probes them, and does as the control plane says.
//!
//! It holds no state that matters: the live connection is the proof that a link is up. Everything that
//! must be remembered is behind [`ControlPlane`], of which [`Standalone`] (grants from a file) is one.
//!
//! | module | holds |
//! |---|---|
//! | `listener` | the slots: accepts connections for one shard after the other |
//! | `shard` | the threads on which connections live |
//! | `admission` | who may cost us something before it has logged in (pure) |
//! | `tunnel` | one connection: socket, OpenVPN session, probes |
//! | `registry` | which connection is whose, and how orders reach it |
//! | `control_plane` | the trait that decides |
//! | `standalone` | deciding by a grants file and [`holdfast_failover::Site`] |
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
mod shard;
mod standalone;
mod tunnel;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use arc_swap::ArcSwap;
use holdfast_ovpn_proto::ServerConfig;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::AdmissionLimits, events::EventSink, lifecycle::Lifecycle, listener::Listener,
    log_budget::LogBudget, metrics::Metrics, registry::Registry, shard::Shards,
};
pub use crate::{
    control_plane::{
        Command, ControlPlane, LoginRequest, LoginVerdict, Order, Report, ReportKind, StillGood,
        TunnelGrant,
    },
    events::EventFormat,
    standalone::{ConfigError, Grants, Standalone},
};

/// How to run the stand-alone controller.
#[derive(Debug, Clone)]
pub struct Options {
    /// The grants file.
    pub grants: PathBuf,
    /// Where our CA and certificates are kept when the grants file names none.
    pub data: PathBuf,
    /// Print link events on standard output.
    pub events: Option<EventFormat>,
    /// Report measurements of each tunnel this often.
    pub health_every: Option<Duration>,
    /// Serve Prometheus text here.
    pub metrics: Option<SocketAddr>,
    /// Longest time over which a drain spreads its reconnects.
    pub drain: Duration,
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

impl<C> Shared<C> {
    /// Runs a task of the process's own, which has no end but the process's.
    fn spawn_until_stop(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }
}

/// Runs the stand-alone controller until it is told to stop.
///
/// # Errors
/// When the grants file is wrong ([`ConfigError`]), an address cannot be bound, or certificates cannot
/// be made.
pub async fn run_standalone(options: Options) -> anyhow::Result<()> {
    let grants = Grants::load(&options.grants)?;
    let open_files = raise_open_files();
    let session = session_config(&grants, &options.data)?;
    let mut lifecycle = Lifecycle::new().context("signal handlers cannot be installed")?;
    let slots = grants.slots.clone();
    let limits = grants.limits;
    let control_plane = Arc::new(Standalone::new(grants, EventSink::new(options.events)));

    let shared = Arc::new(Shared {
        control_plane: control_plane.clone(),
        registry: Registry::new(limits.within(open_files)),
        metrics: Metrics::new(),
        stranger_lines: LogBudget::new(Instant::now()),
        session: ArcSwap::from_pointee(session),
        health_every: options.health_every,
        draining: CancellationToken::new(),
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    });
    let shards = Shards::start().context("threads cannot be started")?;
    let listener = Listener::bind(&slots)?;
    for address in listener.addresses()? {
        tracing::info!(slot.address = %address, "listening");
    }
    if let Some(address) = options.metrics {
        metrics::serve(address, shared.clone()).await?;
    }
    let reload = reload(shared.clone(), options.data.clone(), slots, limits);
    shared.spawn_until_stop(standalone::follow_file(options.grants, reload));
    shared.spawn_until_stop(standalone::keep_time(control_plane));
    shared.spawn_until_stop(registry::dispatch(shared.clone()));
    listener.start(&shards, &shared);
    lifecycle.wait_for_stop().await;
    lifecycle.drain(&shared, options.drain).await;
    shards.finish().await;
    Ok(())
}

/// Takes a changed grants file into use: new certificates for new connections, new grants for all.
fn reload(
    shared: Arc<Shared<Standalone>>,
    data: PathBuf,
    slots: Vec<SocketAddr>,
    limits: AdmissionLimits,
) -> impl Fn(Grants) + Send {
    move |grants| {
        if grants.slots != slots {
            tracing::warn!("listen.slots has changed: that takes effect at the next start");
        }
        if grants.limits != limits {
            tracing::warn!("limits have changed: that takes effect at the next start");
        }
        match session_config(&grants, &data) {
            Ok(session) => shared.session.store(Arc::new(session)),
            Err(err) => tracing::error!(err = format!("{err:#}"), "the old certificates stay"),
        }
        shared.control_plane.replace_grants(grants);
    }
}

fn session_config(grants: &Grants, data: &Path) -> anyhow::Result<ServerConfig> {
    let Grants {
        certificate,
        slots,
        renegotiate_after,
        ..
    } = grants;
    certificates::session_config(certificate.as_ref(), slots, *renegotiate_after, data)
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
