//! Which site has which router, and the way to each.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use futures_util::future::BoxFuture;
use holdfast_api_types::{SiteId, api::FieldFault};
use holdfast_routeros_proto::Login;
use holdfast_store::{
    StoreError,
    router::{self, Direct as DirectRow},
};

use super::{
    access::{AccessError, Dial, Direct, Opened, Router},
    observe::ObserveError,
    tls::Trust,
};
use crate::{
    App,
    engine::Engine,
    vault::{OpenError, router_password},
};

/// Where RouterOS has its API, unless its owner has moved it. Adoption lets us in there.
const API_PORT: u16 = 8728;

/// Why a router gave no answer.
#[derive(Debug)]
pub enum RouterError {
    /// It cannot be reached; why, in words a person reads.
    Unreachable(String),
    /// What is configured cannot be brought to it.
    Invalid(Vec<FieldFault>),
    /// Our own mistake.
    Internal(Box<dyn Error + Send + Sync>),
}

impl From<StoreError> for RouterError {
    fn from(err: StoreError) -> Self {
        Self::Internal(err.into())
    }
}

impl From<OpenError> for RouterError {
    fn from(err: OpenError) -> Self {
        Self::Internal(err.into())
    }
}

impl From<ObserveError> for RouterError {
    fn from(err: ObserveError) -> Self {
        match err {
            // Whoever is told says himself that it cannot be reached.
            ObserveError::Access(AccessError::Away(why)) => Self::Unreachable(why),
            ObserveError::Access(AccessError::Command(_)) | ObserveError::Version { .. } => {
                Self::Unreachable(err.to_string())
            }
        }
    }
}

/// The routers that were spoken to, by site. Each is read from the store when it is first needed.
#[derive(Default)]
pub struct Routers {
    engine: OnceLock<Engine>,
    known: Mutex<HashMap<SiteId, Router>>,
}

impl Routers {
    /// Connects the engine whose tunnels lead to routers, once. Until then only those with an address of their own can
    /// be reached.
    pub fn connect(&self, engine: Engine) {
        let connected = self.engine.set(engine);
        assert!(connected.is_ok(), "a control plane has one engine");
    }

    /// Through what the router of a site is reached now: the name of a tunnel, `management` or `direct`.
    pub fn via(&self, site: &SiteId) -> Option<String> {
        self.known().get(site)?.via()
    }

    /// The credentials for the router of a site are not good any more: what is open to it is closed when whoever is at
    /// it has finished, and it is read from the store anew.
    pub fn dismiss(&self, site: &SiteId) {
        self.known().remove(site);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SiteId, Router>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Routers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routers")
            .field("known", &self.known().len())
            .finish_non_exhaustive()
    }
}

/// The way to the router of a site. Nothing is sent.
///
/// # Errors
/// The site has no router, or what is stored of it cannot be read.
pub(crate) async fn reach(app: &App, site: &SiteId) -> Result<Router, RouterError> {
    if let Some(known) = app.routers().known().get(site) {
        return Ok(known.clone());
    }
    let mut conn = app.store().read().await?;
    let row = router::of_site(&mut conn, site).await?;
    let login = router::api_login(&mut conn, site).await?;
    drop(conn);
    let (Some(row), Some(login)) = (row, login) else {
        return Err(RouterError::Unreachable("no router was adopted".into()));
    };
    let password = app
        .vault()
        .open_text(&router_password(site), &login.password_sealed)?;
    let login = Login {
        user: login.user,
        password,
    };
    let way = match row.direct {
        Some(direct) => Router::new(direct_way(app, &direct)?, login),
        None => Router::new(through_tunnels(app, site)?, login),
    };
    // Whoever was quicker has the session.
    let mut known = app.routers().known();
    Ok(known.entry(site.clone()).or_insert(way).clone())
}

fn direct_way(app: &App, row: &DirectRow) -> Result<Direct, RouterError> {
    let address = row.address.parse().map_err(|_| {
        let why = format!("its address {:?} is no IP address", row.address);
        RouterError::Unreachable(why)
    })?;
    let trust = row.tls.then(|| match row.fingerprint {
        Some(fingerprint) => Trust::Fingerprint(fingerprint),
        None => Trust::Authority(app.config().ca.clone()),
    });
    Ok(Direct {
        address,
        port: row.port,
        trust,
    })
}

fn through_tunnels(app: &App, site: &SiteId) -> Result<ThroughTunnels, RouterError> {
    let engine = app.routers().engine.get().cloned();
    let engine = engine.ok_or_else(|| {
        RouterError::Unreachable("this control plane has no tunnels to routers".into())
    })?;
    Ok(ThroughTunnels {
        engine,
        site: site.clone(),
    })
}

/// A router that is behind the tunnels which it has dialled itself.
#[derive(Debug)]
struct ThroughTunnels {
    engine: Engine,
    site: SiteId,
}

impl Dial for ThroughTunnels {
    fn dial(&self) -> BoxFuture<'_, Result<Opened, String>> {
        Box::pin(async {
            let stream = self.engine.open_stream(&self.site, API_PORT).await;
            let stream = stream.map_err(|err| err.to_string())?;
            let via = stream.via().to_string();
            Ok(Opened {
                io: Box::new(stream),
                via,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_that_a_router_cannot_be_reached() {
        let away = ObserveError::from(AccessError::Away("none of its tunnels is up".into()));
        let RouterError::Unreachable(why) = away.into() else {
            panic!("a router that is away is unreachable");
        };
        assert_eq!(why, "none of its tunnels is up");
    }
}
