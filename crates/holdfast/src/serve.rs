//! `holdfast serve`: control plane and route controller in one process.

use std::{io::IsTerminal, process::ExitCode};

use clap::Args as ClapArgs;
use holdfast_control_plane::{App, SetupLink, http};
use holdfast_store::user;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, HttpConfig},
    data::DataDir,
    http::HttpServer,
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
}

const EXAMPLE: &str = r#"Without a file, on a machine with two addresses:

  HOLDFAST_CONTROLLER_SLOTS=203.0.113.1:443,203.0.113.2:443 holdfast serve --data /var/lib/holdfast

The same as /etc/holdfast/holdfast.toml, behind a proxy that speaks HTTPS:

  [http]
  listen = "127.0.0.1:8080"
  public_url = "https://holdfast.example.org"

  [[controller.slots]]            # one for each internet connection of a site
  address = "203.0.113.1:443"
  [[controller.slots]]
  address = "203.0.113.2:443""#;

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = match args.place.config() {
        Ok(config) => config,
        Err(err) => return Ok(crate::misused(&err)),
    };
    logging::start(&config.log);
    let data = args.place.make_data()?;
    let _lock = data.lock()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(&config, &data))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: &Config, data: &DataDir) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let app = place::open(data, &config.http).await?;
    let server = HttpServer::bind(&config.http, http::router::router(app.clone())).await?;
    tracing::info!(http.address = %server.address()?, "the API listens");
    offer_set_up(&app, &config.http).await?;

    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(stop.clone()));
    signals.next().await;
    stop.cancel();
    tokio::select! {
        ended = serving => ended?,
        () = signals.next() => tracing::info!("stopping without waiting any longer"),
    }
    app.store().clone().close().await;
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
