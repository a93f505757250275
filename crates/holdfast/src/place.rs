//! Where an installation is: its configuration and its data.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use clap::Args as ClapArgs;
use holdfast_control_plane::{
    App, Config as AppConfig, ForRouters, Parts, clock::SystemClock, password::Passwords,
    vault::Vault,
};
use holdfast_controller::own_authority;
use holdfast_store::Store;

use crate::{
    config::{Config, ConfigError, ControllerConfig},
    data::DataDir,
};

/// The arguments that `serve`, `control-plane` and `admin` share.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Place {
    /// The configuration; /etc/holdfast/holdfast.toml if that is there
    ///
    /// The environment overrides every key: HOLDFAST_HTTP_LISTEN is `listen` of `[http]`.
    #[arg(long, value_name = "FILE", env = "HOLDFAST_CONFIG", global = true)]
    config: Option<PathBuf>,

    /// Where database, keys and certificates are kept
    #[arg(
        long,
        value_name = "DIR",
        env = "HOLDFAST_DATA",
        default_value = "holdfast-data",
        global = true
    )]
    data: PathBuf,
}

impl Place {
    /// Reads the configuration.
    pub(crate) fn config(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref())
    }

    /// The data directory, made if need be.
    pub(crate) fn make_data(&self) -> anyhow::Result<DataDir> {
        DataDir::make(&self.data)
    }

    /// The data directory of an installation that has been started before.
    pub(crate) fn data(&self) -> anyhow::Result<DataDir> {
        DataDir::existing(&self.data)
    }

    /// Where the data directory is or will be.
    pub(crate) fn data_path(&self) -> &Path {
        &self.data
    }
}

/// What routers are to trust.
fn authority(config: &ControllerConfig, data: &DataDir) -> anyhow::Result<String> {
    match &config.tls {
        Some(tls) => read_authority(&tls.ca),
        None => own_authority(data.path()),
    }
}

/// The operator's own authority.
pub(crate) fn read_authority(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| {
        format!("controller.tls.ca = {file:?} cannot be read: give the path of a PEM file")
    })
}

/// Opens database and key of an installation.
pub(crate) async fn open(
    data: &DataDir,
    config: &Config,
    for_routers: ForRouters,
) -> anyhow::Result<App> {
    let http = &config.http;
    let vault = Vault::in_directory(data.path())?;
    let store = Store::open(&data.database()).await;
    let store = store.with_context(|| format!("--data: {}", data.path().display()))?;
    Ok(App::new(Parts {
        store,
        vault,
        clock: Arc::new(SystemClock),
        passwords: Passwords::new(),
        config: AppConfig {
            public_url: http.public_url.clone(),
            trusted_proxies: http.trusted_proxies.clone(),
            slots: config.controller.slots.clone(),
            management: config.controller.management,
            ca: authority(&config.controller, data)?,
            for_routers,
        },
    }))
}
