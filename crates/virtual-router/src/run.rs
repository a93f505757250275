//! A virtual router from its start to its end.

mod control;
mod gateways;
mod links;
mod world;

pub(crate) use links::write as write_links;

pub use control::{Reply as ControlReply, Request as ControlRequest};

use std::path::Path;

use anyhow::Context;

use crate::{
    model::Caller,
    ovpn::Clients,
    router::Router,
    scripts,
    server::{self, Service},
    settings::Settings,
    setup,
};

/// Runs a virtual router in the network namespace of this process until the future is dropped.
///
/// # Errors
/// When the settings make no sense, an address is in use, or the kernel was asked for and cannot be had.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    settings.check()?;
    let router = Router::new(settings.clone());
    router.update(|database| setup::furnish(database, &settings));
    let configuration = settings.configuration.clone();
    let configured = scripts::run_source(&router, configuration, Caller::system(), Vec::new());
    configured
        .await
        .context("the configuration at the start cannot be carried out")?;
    let world = world::World::open(router.clone()).await?;
    let access = &settings.access;
    let plain = server::bind(router.clone(), Service::Plain, access.api).await?;
    let tls = match access.api_tls {
        Some(address) => Some(server::bind(router.clone(), Service::Tls, address).await?),
        None => None,
    };
    let control = access.control.as_deref().map(control::bind).transpose()?;
    tracing::info!(api = %plain.address(), version = %settings.version, "the router is up");
    if let Some(path) = &access.ready {
        say_ready(path, &plain, tls.as_ref())?;
    }
    let tls = async {
        match tls {
            Some(tls) => tls.serve().await,
            None => std::future::pending().await,
        }
    };
    let control = async {
        match control {
            Some(control) => control.serve(&router).await,
            None => std::future::pending().await,
        }
    };
    let tunnels = Clients::new(router.clone()).run();
    let hooks = scripts::run_hooks(router.clone());
    let scheduler = scripts::run_scheduler(router.clone());
    let netwatch = scripts::run_netwatch(router.clone());
    tokio::join!(
        world.run(),
        tunnels,
        hooks,
        scheduler,
        netwatch,
        plain.serve(),
        tls,
        control
    );
    Ok(())
}

/// Writes the addresses for whoever waits for them, whole or not at all.
fn say_ready(
    path: &Path,
    plain: &server::Bound,
    tls: Option<&server::Bound>,
) -> anyhow::Result<()> {
    let ready = serde_json::json!({
        "api": plain.address(),
        "api-tls": tls.map(server::Bound::address),
    });
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, ready.to_string())
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
