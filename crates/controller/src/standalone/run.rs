//! The controller that needs no control plane: a grants file, and a process of its own.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use super::{Grants, Standalone, follow_file, keep_time};
use crate::{
    Controller, Identity, Options, Shared,
    admission::AdmissionLimits,
    events::{EventFormat, EventSink},
    lifecycle::run_until_signal,
};

/// How to run the stand-alone controller.
#[derive(Debug, Clone)]
pub struct StandaloneOptions {
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

/// Runs the stand-alone controller until it is told to stop by SIGTERM or SIGINT.
///
/// # Errors
/// When the grants file is wrong ([`ConfigError`](super::ConfigError)), an address cannot be bound, or certificates
/// cannot be made.
pub async fn run_standalone(options: StandaloneOptions) -> anyhow::Result<()> {
    let window = options.drain;
    run_until_signal(start(options), window).await
}

async fn start(options: StandaloneOptions) -> anyhow::Result<Controller<Standalone>> {
    let StandaloneOptions {
        grants: file,
        data,
        events,
        health_every,
        metrics,
        drain: _,
    } = options;
    let grants = Grants::load(&file)?;
    let (slots, limits) = (grants.slots.clone(), grants.limits);
    let options = Options {
        slots: slots.clone(),
        management: None,
        identity: identity(&grants, &data),
        limits,
        renegotiate_after: grants.renegotiate_after,
        health_every,
        metrics,
    };
    let standalone = Arc::new(Standalone::new(grants, EventSink::new(events)));
    let controller = Controller::start(options, standalone.clone()).await?;
    let reload = reload(controller.shared.clone(), data, slots, limits);
    controller.run_beside(follow_file(file, reload));
    controller.run_beside(keep_time(standalone));
    Ok(controller)
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
        let identity = identity(&grants, &data);
        match identity.session_config(&grants.slots, grants.renegotiate_after) {
            Ok(session) => shared.session.store(Arc::new(session)),
            Err(err) => tracing::error!(err = format!("{err:#}"), "the old certificates stay"),
        }
        shared.control_plane.replace_grants(grants);
    }
}

fn identity(grants: &Grants, data: &std::path::Path) -> Identity {
    match &grants.certificate {
        Some(certificate) => Identity::Certificate(certificate.clone()),
        None => Identity::Own { data: data.into() },
    }
}
