//! What handlers ask of routers. Whoever speaks to them is connected as the engine is.

use std::{fmt, future::Future, pin::Pin, sync::OnceLock};

use holdfast_api_types::{
    SiteId, TunnelId,
    api::{FieldFault, GatewayCandidates, RouterInterfaces, RouterPlan},
};

/// An answer of a router, later.
pub type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, RouterError>> + Send + 'a>>;

/// Why a router gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouterError {
    /// It cannot be reached; why, in words a person reads.
    Unreachable(String),
    /// What is configured cannot be brought to it.
    Invalid(Vec<FieldFault>),
}

/// Reads routers as they are at this moment. Each answer or refusal comes within two seconds.
pub trait Routers: fmt::Debug + Send + Sync + 'static {
    /// The interfaces of the router of a site, those that can be a WAN first.
    fn interfaces<'a>(&'a self, site: &'a SiteId) -> Reading<'a, RouterInterfaces>;

    /// The gateways that an interface of it may have, the most certain first.
    fn gateways<'a>(
        &'a self,
        site: &'a SiteId,
        interface: &'a str,
    ) -> Reading<'a, GatewayCandidates>;

    /// What would be changed on it for its tunnels in this order; `None` is the configured one.
    fn plan<'a>(
        &'a self,
        site: &'a SiteId,
        order: Option<&'a [TunnelId]>,
    ) -> Reading<'a, RouterPlan>;

    /// Through what it is reached now: the name of a tunnel, `management` or `direct`.
    fn via(&self, site: &SiteId) -> Option<String>;

    /// Its credentials are not good any more: what is open to it is closed.
    fn dismiss(&self, site: &SiteId);
}

/// Stands in until somebody speaks to routers.
#[derive(Debug, Default)]
pub(crate) struct MaybeRouters(OnceLock<Box<dyn Routers>>);

impl MaybeRouters {
    /// Connects whoever speaks to routers, once.
    pub(crate) fn connect(&self, routers: Box<dyn Routers>) {
        let connected = self.0.set(routers);
        assert!(connected.is_ok(), "one part speaks to routers");
    }

    fn absent<'a, T: Send + 'a>() -> Reading<'a, T> {
        Box::pin(async {
            Err(RouterError::Unreachable(
                "this control plane holds no connection to it".into(),
            ))
        })
    }
}

impl Routers for MaybeRouters {
    fn interfaces<'a>(&'a self, site: &'a SiteId) -> Reading<'a, RouterInterfaces> {
        self.0
            .get()
            .map_or_else(Self::absent, |it| it.interfaces(site))
    }

    fn gateways<'a>(
        &'a self,
        site: &'a SiteId,
        interface: &'a str,
    ) -> Reading<'a, GatewayCandidates> {
        self.0
            .get()
            .map_or_else(Self::absent, |it| it.gateways(site, interface))
    }

    fn plan<'a>(
        &'a self,
        site: &'a SiteId,
        order: Option<&'a [TunnelId]>,
    ) -> Reading<'a, RouterPlan> {
        self.0
            .get()
            .map_or_else(Self::absent, |it| it.plan(site, order))
    }

    fn via(&self, site: &SiteId) -> Option<String> {
        self.0.get().and_then(|it| it.via(site))
    }

    fn dismiss(&self, site: &SiteId) {
        if let Some(it) = self.0.get() {
            it.dismiss(site);
        }
    }
}
