//! `holdfast serve` and `holdfast control-plane`: the control plane, with a route controller in the same process or
//! without.

use std::{
    io::IsTerminal,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Args as ClapArgs;
use holdfast_control_plane::{
    App, SetupLink, controllers::Controllers, engine::Engine, http, jobs::Jobs, router::Keeper,
};
use holdfast_controller::{Controller, EventSink};
use holdfast_store::user;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, HttpConfig},
    controller::Format,
    dashboard,
    data::DataDir,
    for_routers::RoutersDoor,
    http::HttpServer,
    inside::{self, Inside, start_controller},
    lab_socket::LabSocket,
    logging,
    place::{self, Place},
    signals::Signals,
};

/// Everything in one process: HTTP API, database and route controller
///
/// Needs one thing from you: the addresses that routers dial. On its first start it makes its database, its keys and
/// its certificates in the data directory, and offers a link with which you make the first account.
///
/// SIGTERM drains: tunnels are told to reconnect, spread over time, and requests under way are answered; a second
/// SIGTERM stops at once.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLE)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,

    /// Print link events and measurements on standard output, one per line
    #[arg(long, value_name = "FORMAT", env = "HOLDFAST_EVENTS")]
    events: Option<Format>,

    /// Serve Prometheus text at http://ADDR/metrics
    #[arg(long, value_name = "ADDR", env = "HOLDFAST_METRICS")]
    metrics: Option<SocketAddr>,

    /// The control socket of the lab that this runs in: the dashboard then has a panel to break things
    #[arg(long, value_name = "SOCKET", hide = true)]
    lab: Option<PathBuf>,
}

/// At the end: what was decided last is to be in the database.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

const EXAMPLE: &str = r#"Without a file, on a machine with two addresses:

  HOLDFAST_CONTROLLER_SLOTS=203.0.113.1:443,203.0.113.2:443 holdfast serve --data /var/lib/holdfast

The same as /etc/holdfast/holdfast.toml, behind a proxy that speaks HTTPS:

  [http]
  listen = "127.0.0.1:8080"
  public_url = "https://holdfast.example.org"

  [[controller.slots]]            # one for each internet connection of a site
  address = "203.0.113.1:443"
  [[controller.slots]]
  address = "203.0.113.2:443"

  # [http.routers]                # where MikroTiks are adopted, with a certificate from Holdfast's own authority
  # listen = "203.0.113.1:8443"   # unless set: port 8443 of the first slot, if that is not 127.0.0.1; or "off"
  # url = "https://HOST:PORT"     # how routers reach it, if not by that address
  # [controller]
  # management = "203.0.113.9:443"  # where management tunnels of routers dial; the first slot unless set"#;

/// The HTTP API and the database, for route controllers in other processes
///
/// As `holdfast serve`, but nobody listens on the slots: start `holdfast controller --control-plane URL` on the machines
/// that have their addresses, each with a token from `holdfast admin token create NAME --controller`. The slots are
/// configured here all the same: they go into the profiles of routers. MikroTiks are adopted where `listen` under
/// `[http.routers]` says, and nowhere unless it is set.
#[derive(Debug, ClapArgs)]
pub(crate) struct ControlPlaneArgs {
    #[command(flatten)]
    place: Place,

    /// Print link events and measurements on standard output, one per line
    #[arg(long, value_name = "FORMAT", env = "HOLDFAST_EVENTS")]
    events: Option<Format>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let inside = Some(Slots {
        metrics: args.metrics,
        lab: args.lab.clone(),
    });
    run_with(&args.place, args.events, inside)
}

pub(crate) fn run_control_plane(args: &ControlPlaneArgs) -> anyhow::Result<ExitCode> {
    run_with(&args.place, args.events, None)
}

/// What is to be known of a route controller in this process.
struct Slots {
    metrics: Option<SocketAddr>,
    /// The lab that its slots are in, if they are in one.
    lab: Option<PathBuf>,
}

fn run_with(
    place: &Place,
    events: Option<Format>,
    slots: Option<Slots>,
) -> anyhow::Result<ExitCode> {
    let config = match place.config() {
        Ok(config) => config,
        Err(err) => return Ok(crate::misused(&err)),
    };
    logging::start(&config.log);
    let data = place.make_data()?;
    let _lock = data.lock()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(&config, &data, events, slots))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(
    config: &Config,
    data: &DataDir,
    events: Option<Format>,
    slots: Option<Slots>,
) -> anyhow::Result<()> {
    // Heard from the beginning: a signal during the start must not kill us halfway.
    let mut signals = Signals::new()?;
    let running = start(config, data, events, slots).await?;
    offer_set_up(&running.app, &config.http).await?;
    signals.next().await;
    tokio::select! {
        () = running.drain(config.controller.drain) => {}
        () = signals.next() => tracing::info!("stopping without waiting any longer"),
    }
    running.stop().await
}

/// What runs until the end.
struct Running {
    app: App,
    engine: Engine,
    jobs: Jobs,
    keeper: Keeper,
    /// The route controller in this process, if there is one.
    controller: Option<(Controller<Inside>, Arc<Inside>)>,
    /// Looks after those in other processes.
    watch: JoinHandle<()>,
    stop_http: CancellationToken,
    http: Vec<JoinHandle<()>>,
}

async fn start(
    config: &Config,
    data: &DataDir,
    events: Option<Format>,
    slots: Option<Slots>,
) -> anyhow::Result<Running> {
    let RoutersDoor { door, whereabouts } =
        RoutersDoor::open(config, data, slots.is_some()).await?;
    let app = place::open(data, config, whereabouts).await?;
    let (store, clock, bus) = (app.store().clone(), app.clock().clone(), app.bus().clone());
    let engine = Engine::start(store, clock, bus).await?;
    let events = EventSink::new(events.map(Into::into));
    engine.follow_links(move |site, tunnel, kind| events.emit(site, tunnel, kind.clone()));
    app.connect_reconciler(engine.clone());
    app.routers().connect(engine.clone());

    let controllers = Controllers::new(app.clone(), engine.clone());
    let router = http::router::router(app.clone());
    let router = router.merge(http::controllers::router(controllers.clone()));
    let router = dashboard::beside(router, app.config().https());
    let server = HttpServer::bind(&config.http, router).await?;
    let for_routers = http::router::for_routers(app.clone());
    let for_routers = door.map(|door| HttpServer::behind(door, for_routers));
    let controller = match slots {
        None => None,
        Some(Slots { metrics, lab }) => {
            if let Some(socket) = lab {
                app.connect_lab(LabSocket::new(socket));
            }
            let inside = Arc::new(Inside::new(engine.clone()));
            let controller =
                start_controller(&config.controller, data, metrics, inside.clone()).await?;
            Some((controller, inside))
        }
    };
    tracing::info!(http.address = %server.address()?, "the API listens");
    let stop_http = CancellationToken::new();
    Ok(Running {
        jobs: Jobs::start(app.clone()),
        keeper: Keeper::start(app.clone(), engine.clone()),
        app,
        engine,
        controller,
        watch: tokio::spawn(async move { controllers.watch().await }),
        http: [Some(server), for_routers]
            .into_iter()
            .flatten()
            .map(|server| tokio::spawn(server.serve(stop_http.clone())))
            .collect(),
        stop_http,
    })
}

impl Running {
    /// Tells every client of this process to reconnect, while the API still answers.
    async fn drain(&self, window: Duration) {
        if let Some((controller, _)) = &self.controller {
            controller.drain(window).await;
        }
    }

    /// Ends everything, whoever is still there: those who write first, the database last.
    async fn stop(self) -> anyhow::Result<()> {
        if let Some((controller, inside)) = self.controller {
            controller.stop().await;
            inside.gone();
        }
        self.watch.abort();
        self.stop_http.cancel();
        for server in self.http {
            server.await?;
        }
        self.keeper.stop().await;
        self.jobs.stop().await;
        self.engine.stop(WRITE_WITHIN).await;
        self.app.store().clone().close().await;
        Ok(())
    }
}

/// Reads the certificates that the configuration names, as a start would.
pub(crate) fn check_files(config: &Config, data: &Path) -> anyhow::Result<()> {
    if let Some(tls) = &config.http.tls {
        crate::http::acceptor(tls)?;
    }
    if let Some(tls) = &config.controller.tls {
        inside::identity(&config.controller, data)?;
        place::read_authority(&tls.ca)?;
    }
    Ok(())
}

/// An installation without any user cannot be logged in to. The link is a secret, so it is shown to a person and never
/// logged: service managers keep what we print for years.
async fn offer_set_up(app: &App, http: &HttpConfig) -> anyhow::Result<()> {
    if user::any(&mut *app.store().read().await?).await? {
        return Ok(());
    }
    if !std::io::stderr().is_terminal() {
        tracing::info!(
            "there is no account yet: `holdfast admin setup-link` prints the link that makes the first"
        );
        return Ok(());
    }
    if let Some(link) = SetupLink::make(app).await? {
        tracing::info!(expires_at = %link.expires_at, "there is no account yet: a set-up link was made");
        eprintln!("Make the first account: {}", link.url(&http.origin()));
    }
    Ok(())
}
