//! From the user name and password to the tunnel that they belong to.

use std::time::{Duration, Instant};

use holdfast_failover::ProbeProfile;
use holdfast_ovpn_proto::{Grant, Login};
use secrecy::SecretString;

use super::{Tunnel, link::Link};
use crate::{
    control_plane::{ControlPlane, LoginRequest, LoginVerdict, StillGood, TunnelGrant},
    registry,
};

/// A wrong password costs its sender this much before it hears so.
const REFUSAL_DELAY: Duration = Duration::from_secs(1);

/// Clients that redial at once would otherwise come back hundreds of times a second.
const TURNING_AWAY_DELAY: Duration = Duration::from_secs(1);

/// How long we wait for a verdict before the router is told to come back.
const VERDICT_WITHIN: Duration = Duration::from_secs(8);

/// How our own agent names itself in IV_VER.
const OUR_AGENT: &str = "holdfast-";

impl<C: ControlPlane> Tunnel<C> {
    pub(super) async fn authorize(&mut self, login: Login) {
        let ours = login
            .peer
            .version
            .as_deref()
            .is_some_and(|version| version.starts_with(OUR_AGENT));
        // Backups wait here for their primary, which must find a free place meanwhile.
        self.shared.registry.handshake_complete(self.id);
        if self.shared.draining.is_cancelled() {
            return self
                .session
                .unavailable("this controller stops", Instant::now());
        }
        let request = self.request(login);
        let username = request.username.clone();
        let verdict = self.shared.control_plane.authorize(request);
        let verdict = tokio::time::timeout(VERDICT_WITHIN, verdict).await;
        // An older connection of the tunnel has to go, perhaps.
        registry::deliver(&self.shared);
        let now = Instant::now();
        let no_verdict = LoginVerdict::Unavailable("no verdict in time".into());
        match verdict.unwrap_or(no_verdict) {
            LoginVerdict::Granted(grant) => self.admit(*grant, ours, now),
            LoginVerdict::Refused(reason) => {
                if let Some(left_out) = self.shared.stranger_lines.take(now) {
                    tracing::warn!(tunnel.user = username, remote = %self.remote, reason, left_out, "log-in refused");
                }
                self.shared.metrics.refused();
                tokio::time::sleep(REFUSAL_DELAY).await;
                self.session.reject(&reason, Instant::now());
            }
            LoginVerdict::Unavailable(reason) => {
                tokio::time::sleep(TURNING_AWAY_DELAY).await;
                self.session.unavailable(&reason, Instant::now());
            }
        }
    }

    pub(super) async fn reauthorize(&mut self, login: Login) {
        let request = self.request(login);
        let verdict = self.shared.control_plane.reauthorize(request);
        let verdict = tokio::time::timeout(VERDICT_WITHIN, verdict).await;
        let now = Instant::now();
        match verdict.unwrap_or(StillGood::Yes) {
            StillGood::Yes => self.session.confirm(now),
            StillGood::No(reason) => self.session.reject(&reason, now),
        }
    }

    fn request(&self, login: Login) -> LoginRequest {
        LoginRequest {
            connection: self.id,
            username: login.username,
            password: SecretString::from(login.password.as_str()),
            remote: self.remote,
            slot: self.slot,
        }
    }

    fn admit(&mut self, grant: TunnelGrant, ours: bool, now: Instant) {
        self.shared
            .registry
            .admit(self.id, &grant.site, &self.mailbox);
        let profile = ProbeProfile::of(grant.profile);
        self.session.grant(
            Grant {
                address: grant.address,
                prefix: grant.prefix,
                server: grant.server,
                routes: grant.routes.clone(),
                ping: profile.ping,
                ping_restart: profile.ping_restart,
            },
            now,
        );
        let mut link = Link::new(&grant, self.id, self.shared.health_every, now);
        if ours {
            link.expect_swaps();
        }
        self.link = Some(Box::new(link));
    }
}
