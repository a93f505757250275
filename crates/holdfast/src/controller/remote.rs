//! The arguments of a controller whose control plane is elsewhere.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Args as ClapArgs;
use holdfast_controller::{
    AdmissionLimits, Certificate, Identity, Options, RENEGOTIATE_AFTER, RemoteOptions, run_remote,
};

/// The control plane keeps one measurement of a tunnel for each second.
const HEALTH_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "With a control plane")]
pub(super) struct RemoteArgs {
    /// Ask this control plane, and do as it says
    #[arg(long, value_name = "URL", env = "HOLDFAST_CONTROL_PLANE",
          requires_all = ["token_file", "slots"])]
    control_plane: Option<String>,

    /// The file with this controller's token, from `holdfast admin token create NAME --controller`
    #[arg(
        long,
        value_name = "FILE",
        env = "HOLDFAST_TOKEN_FILE",
        requires = "control_plane"
    )]
    token_file: Option<PathBuf>,

    /// Trust the control plane by these authorities in PEM form, instead of the system's
    #[arg(
        long,
        value_name = "FILE",
        env = "HOLDFAST_CA",
        requires = "control_plane"
    )]
    ca: Option<PathBuf>,

    /// The addresses that routers dial, slot 1 first
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "HOLDFAST_CONTROLLER_SLOTS",
        value_delimiter = ',',
        requires = "control_plane"
    )]
    slots: Vec<SocketAddr>,

    /// Where management tunnels dial, if that is none of the slots; the control plane has the same in its configuration
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "HOLDFAST_CONTROLLER_MANAGEMENT",
        requires = "control_plane"
    )]
    management: Option<SocketAddr>,

    /// The certificate chain that routers see, in PEM form, instead of one from the CA in --data
    #[arg(long, value_name = "FILE", env = "HOLDFAST_CONTROLLER_TLS_CERTIFICATE",
          requires_all = ["control_plane", "key"])]
    certificate: Option<PathBuf>,

    /// The private key of --certificate
    #[arg(
        long,
        value_name = "FILE",
        env = "HOLDFAST_CONTROLLER_TLS_KEY",
        requires = "certificate"
    )]
    key: Option<PathBuf>,
}

impl RemoteArgs {
    /// Runs the controller until it is told to stop.
    pub(super) async fn run(
        self,
        data: PathBuf,
        metrics: Option<SocketAddr>,
        drain: Duration,
    ) -> anyhow::Result<()> {
        let options = Options {
            identity: self.identity(data)?,
            slots: self.slots,
            management: self.management,
            limits: AdmissionLimits::default(),
            renegotiate_after: RENEGOTIATE_AFTER,
            health_every: Some(HEALTH_EVERY),
            metrics,
        };
        let remote = RemoteOptions {
            control_plane: self.control_plane.context("--control-plane is missing")?,
            token_file: self.token_file.context("--token-file is missing")?,
            ca: self.ca,
        };
        run_remote(options, &remote, drain).await
    }

    fn identity(&self, data: PathBuf) -> anyhow::Result<Identity> {
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Ok(Identity::Own { data });
        };
        let pair = Certificate::read(certificate, key);
        let pair = pair.map_err(|fault| {
            let (argument, file) = match fault.in_key {
                true => ("--key", key),
                false => ("--certificate", certificate),
            };
            anyhow::anyhow!("{argument}: {} {fault}", file.display())
        })?;
        Ok(Identity::Certificate(pair))
    }
}
