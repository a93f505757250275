//! Log-ins and renegotiations.

use std::time::{Duration, Instant};

use holdfast_api_types::{
    SiteId, TunnelId,
    controller::{LoginRequest, LoginVerdict, StillGood, TunnelGrant},
};
use holdfast_failover::{Admission, Arrival, addresses};
use holdfast_store::{Sha256, StoreError, tunnel};
use secrecy::ExposeSecret;
use sha2::Digest;
use subtle::ConstantTimeEq;

use super::{
    Engine, Source,
    configured::{self, Desired, Details, LoggedIn},
    sources::Connection,
};

/// One answer for a wrong name and a wrong password: neither is confirmed to a guesser.
const WRONG: &str = "user name or password is wrong";

/// How often a waiting backup looks whether those ranked before it are up.
const LOOK_FOR_OTHERS: Duration = Duration::from_millis(50);

/// So often the store may change under a log-in before its router is asked to come back.
const ATTEMPTS: u32 = 5;

/// A tunnel with the right password, and its site as the store said after `changes` changes.
struct Known {
    tunnel: TunnelId,
    site: SiteId,
    password_sha256: Sha256,
    desired: Desired,
    changes: u64,
}

impl Engine {
    /// Decides on a log-in at a controller.
    ///
    /// A tunnel whose password is wrong is refused. One that may not connect, although its password is right, is told
    /// why and to come back: an operator may let it in at any time, and a stock client that is refused stops for good.
    pub async fn authorize(&self, source: Source, login: LoginRequest) -> LoginVerdict {
        match self.decide(source, &login).await {
            Ok(verdict) => verdict,
            Err(err) => {
                tracing::warn!(
                    err = &err as &dyn std::error::Error,
                    "a log-in could not be decided"
                );
                LoginVerdict::Unavailable("the database does not answer".into())
            }
        }
    }

    /// Decides whether the credentials of an established tunnel are still good. A database that does not answer is no
    /// reason to cut it.
    pub async fn reauthorize(&self, login: LoginRequest) -> StillGood {
        match self.decide_again(&login).await {
            Ok(verdict) => verdict,
            Err(err) => {
                tracing::warn!(
                    err = &err as &dyn std::error::Error,
                    "a renegotiation could not be checked"
                );
                StillGood::Yes
            }
        }
    }

    /// [`Self::reauthorize`] for whoever knows what to do without the store.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn decide_again(&self, login: &LoginRequest) -> Result<StillGood, StoreError> {
        Ok(match self.known(login).await? {
            Ok(known) => match known.details() {
                Ok(_) => StillGood::Yes,
                Err(reason) => StillGood::No(reason),
            },
            Err(reason) => match self.known_management(login).await? {
                Some(_) => StillGood::Yes,
                None => StillGood::No(reason.into()),
            },
        })
    }

    /// [`Self::authorize`] for whoever knows what to do without the store.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn decide(
        &self,
        source: Source,
        login: &LoginRequest,
    ) -> Result<LoginVerdict, StoreError> {
        let asked = self.0.clock.instant();
        let mut has_waited = false;
        for _ in 0..ATTEMPTS {
            let known = match self.known(login).await? {
                Ok(known) => known,
                Err(reason) => {
                    let management = self.decide_management(source, login).await?;
                    return Ok(management.unwrap_or(LoginVerdict::Refused(reason.into())));
                }
            };
            let details = match known.details() {
                Ok(details) => details,
                Err(reason) => return Ok(LoginVerdict::Unavailable(reason)),
            };
            if !std::mem::replace(&mut has_waited, true)
                && self
                    .wait_for_better(&known.site, &known.tunnel, asked)
                    .await
            {
                continue;
            }
            let connection = Connection {
                source,
                number: login.connection,
            };
            if self.desk().connection(&known.tunnel) == Some(connection) {
                // Its controller did not wait for us and has let it in by itself: this answer goes nowhere.
                return Ok(LoginVerdict::Unavailable("it is in already".into()));
            }
            if let Some(grant) = self.admit(known, details, connection) {
                return Ok(LoginVerdict::Granted(Box::new(grant)));
            }
        }
        Ok(LoginVerdict::Unavailable(
            "its site is being changed".into(),
        ))
    }

    /// Who logs in: two queries, and nothing remembered. The inner error is what its router is told.
    async fn known(&self, login: &LoginRequest) -> Result<Result<Known, &'static str>, StoreError> {
        let changes = self.desk().nudges.count();
        let Ok(tunnel) = login.username.parse::<TunnelId>() else {
            return Ok(Err(WRONG));
        };
        let mut conn = self.0.store.read().await?;
        let check = tunnel::login_check(&mut conn, &tunnel).await?;
        let Some(check) = check.filter(|check| is_password(&check.password_sha256, login)) else {
            return Ok(Err(WRONG));
        };
        let tunnels = configured::tunnels_of(&mut conn, &check.site_id).await?;
        drop(conn);
        let Some(organization) = tunnels.first().map(|it| it.organization_id.clone()) else {
            return Ok(Err(WRONG));
        };
        Ok(Ok(Known {
            tunnel,
            desired: Desired::of(organization, (&check).into(), tunnels),
            site: check.site_id,
            password_sha256: check.password_sha256,
            changes,
        }))
    }

    /// Lets those ranked before this tunnel come back first, just after a start. Returns whether time has passed.
    async fn wait_for_better(&self, site: &SiteId, tunnel: &TunnelId, asked: Instant) -> bool {
        if !self.desk().is_starting(asked) {
            return false;
        }
        let should_wait = || {
            self.desk()
                .should_wait(site, tunnel, asked, self.0.clock.instant())
        };
        let mut waited = false;
        while should_wait() {
            tokio::time::sleep(LOOK_FOR_OTHERS).await;
            waited = true;
        }
        waited
    }

    /// None if the site has been changed since it was read.
    fn admit(&self, known: Known, details: Details, connection: Connection) -> Option<TunnelGrant> {
        let Known {
            tunnel,
            site,
            password_sha256,
            desired,
            changes,
        } = known;
        let arrival = Arrival {
            site: site.clone(),
            tunnel: tunnel.clone(),
            connection,
            gateway: details.gateway,
            details: LoggedIn {
                details,
                password_sha256,
            },
        };
        let (place, routes) = self.with_desk(|desk, now| {
            (!desk.nudges.is_stale(&site, changes)).then(|| desk.admit(arrival, &desired, now))
        })?;
        let ends = addresses::of_network(details.address_index);
        Some(TunnelGrant {
            tunnel,
            site,
            address: ends.router,
            server: ends.server,
            prefix: addresses::PREFIX,
            place: Some(place),
            routes,
            profile: details.profile,
        })
    }
}

impl Known {
    /// What the tunnel gets, or why it may not connect.
    fn details(&self) -> Result<Details, String> {
        let Some(this) = self.desired.tunnel(&self.tunnel) else {
            return Err(WRONG.into());
        };
        match (&this.configured.admission, this.details) {
            (Admission::Open, Some(details)) => Ok(details),
            (Admission::Off(cause), _) => Err(format!("the tunnel may not connect: {cause}")),
            (Admission::Open | Admission::Unconfigured, _) => Err(
                "the tunnel is not configured yet: give it a gateway and a connection type".into(),
            ),
        }
    }
}

/// Compares in constant time.
pub(super) fn is_password(sha256: &Sha256, login: &LoginRequest) -> bool {
    let digest: Sha256 = sha2::Sha256::digest(login.password.expose_secret().as_bytes()).into();
    digest.ct_eq(sha256).into()
}
