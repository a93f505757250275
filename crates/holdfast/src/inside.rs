//! The control plane of this process, as the route controller of this process knows it.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use holdfast_api_types::StreamId;
use holdfast_control_plane::engine::{Engine, Source};
use holdfast_controller::{
    AdmissionLimits, Certificate, Command, ControlPlane, Controller, Identity, LoginRequest,
    LoginVerdict, Options, RENEGOTIATE_AFTER, Report, StillGood, TunnelStream,
};

use crate::{config::ControllerConfig, data::DataDir};

/// The engine, without a network between.
pub(crate) struct Inside {
    engine: Engine,
    source: Source,
}

impl Inside {
    /// A controller that begins to ask this engine.
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            source: engine.attach(),
            engine,
        }
    }

    /// The controller has ended, and with it every connection.
    pub(crate) fn gone(&self) {
        self.engine.detach(self.source, "this controller stops");
    }
}

impl ControlPlane for Inside {
    async fn authorize(&self, login: LoginRequest) -> LoginVerdict {
        self.engine.authorize(self.source, login).await
    }

    async fn reauthorize(&self, login: LoginRequest) -> StillGood {
        self.engine.reauthorize(login).await
    }

    fn report(&self, report: Report) {
        self.engine.report(self.source, report);
    }

    fn take_commands(&self) -> Vec<Command> {
        self.engine.take_commands(self.source)
    }

    async fn commands_waiting(&self) {
        self.engine.commands_waiting(self.source).await;
    }

    fn stream_opened(&self, stream: StreamId, bytes: TunnelStream) {
        let bytes = Box::new(bytes);
        self.engine.stream_opened(self.source, &stream, bytes);
    }

    fn stream_failed(&self, stream: StreamId, cause: String) {
        self.engine.stream_failed(self.source, &stream, cause);
    }
}

/// Starts the route controller of this process.
pub(crate) async fn start_controller(
    config: &ControllerConfig,
    data: &DataDir,
    metrics: Option<SocketAddr>,
    control_plane: Arc<Inside>,
) -> anyhow::Result<Controller<Inside>> {
    let usual = AdmissionLimits::default();
    let options = Options {
        slots: config.slots.clone(),
        management: config.management.map(SocketAddr::V4),
        identity: identity(config, data.path())?,
        limits: AdmissionLimits {
            connections: config.connections_before_login.unwrap_or(usual.connections),
            handshakes: config.handshakes.unwrap_or(usual.handshakes),
        },
        renegotiate_after: RENEGOTIATE_AFTER,
        health_every: Some(HEALTH_EVERY),
        metrics,
    };
    Controller::start(options, control_plane).await
}

/// The control plane keeps one measurement of a tunnel for each second.
const HEALTH_EVERY: Duration = Duration::from_secs(1);

/// What routers are shown.
pub(crate) fn identity(config: &ControllerConfig, data: &Path) -> anyhow::Result<Identity> {
    let Some(tls) = &config.tls else {
        return Ok(Identity::Own {
            data: data.to_owned(),
        });
    };
    let pair = Certificate::read(&tls.pair.certificate, &tls.pair.key).map_err(|fault| {
        let (key, file) = match fault.in_key {
            true => ("key", &tls.pair.key),
            false => ("certificate", &tls.pair.certificate),
        };
        anyhow::anyhow!("controller.tls.{key} = {file:?}: {fault}")
    })?;
    Ok(Identity::Certificate(pair))
}
