//! Controllers: that they are there, that they are not, and what they hold when they are back.

use std::collections::{BTreeMap, HashSet};

use holdfast_api_types::{
    SiteId, TunnelId,
    controller::{Report, ReportKind, Verdict, http::HeldTunnel},
};
use holdfast_failover::Arrival;
use holdfast_store::{StoreError, tunnel};

use super::{
    Engine, Source,
    configured::{self, Desired, LoggedIn},
    sources::Connection,
};

impl Engine {
    /// A controller begins to report. One that starts again has new connections, so it attaches anew.
    pub fn attach(&self) -> Source {
        self.with_desk(|desk, _| desk.sources.attach())
    }

    /// A controller's process has ended, and with it its connections. That is no fault of any link: tunnels have time
    /// to come back, here or elsewhere.
    pub fn detach(&self, source: Source, cause: &str) {
        let connections = self.desk().connections(source);
        for (connection, tunnel, _) in connections {
            self.lose(connection, tunnel, cause);
        }
        self.with_desk(|desk, _| desk.detach(source));
        self.streams_lost(source);
    }

    /// A controller does not answer. Its tunnels may well be up: nothing is decided about them.
    pub fn controller_lost(&self, source: Source, cause: &str) {
        self.with_desk(|desk, _| {
            for (site, tunnels) in by_site(desk.connections(source)) {
                desk.with_monitor(&site, |monitor| monitor.controller_lost(&tunnels, cause));
            }
        });
    }

    /// A controller answers, and says all that it holds. What it does not name any more, and had reported as up, is
    /// gone; what we do not know is adopted, if it may be connected.
    ///
    /// # Errors
    /// The store could not be read: ask the controller to say it again.
    pub async fn handle_snapshot(
        &self,
        source: Source,
        held: Vec<HeldTunnel>,
    ) -> Result<(), StoreError> {
        let connections = self.desk().connections(source);
        let numbers: HashSet<u64> = held.iter().map(|it| it.connection).collect();
        for (connection, tunnel, _) in connections {
            if !numbers.contains(&connection.number) && self.desk().is_up(&tunnel) {
                self.lose(
                    connection,
                    tunnel,
                    "it was lost while its controller could not report",
                );
            }
        }
        self.with_desk(|desk, _| desk.management.keep(source, &numbers));
        for tunnel in held {
            self.handle_readmitted(source, tunnel).await?;
        }
        self.with_desk(|desk, now| {
            for (site, tunnels) in by_site(desk.connections(source)) {
                desk.with_monitor(&site, |monitor| monitor.controller_back(&tunnels, now));
            }
        });
        Ok(())
    }

    /// A controller holds a tunnel that nobody here let in, or did before a restart.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn handle_readmitted(
        &self,
        source: Source,
        held: HeldTunnel,
    ) -> Result<(), StoreError> {
        let connection = Connection {
            source,
            number: held.connection,
        };
        if self.desk().connection(&held.tunnel) == Some(connection) {
            return Ok(());
        }
        if held.place.is_none() {
            return self.adopt_management(connection, held).await;
        }
        let changes = self.desk().nudges.count();
        let mut conn = self.0.store.read().await?;
        let check = tunnel::login_check(&mut conn, &held.tunnel).await?;
        let tunnels = configured::tunnels_of(&mut conn, &held.site).await?;
        drop(conn);
        let known = check
            .filter(|check| check.site_id == held.site)
            .and_then(|check| {
                let organization = tunnels.first()?.organization_id.clone();
                let desired = Desired::of(organization, (&check).into(), tunnels);
                let mut details = desired.tunnel(&held.tunnel)?.details?;
                // What its router has. If the store says otherwise it is renewed.
                details.gateway = held.gateway;
                let password_sha256 = check.password_sha256;
                Some((
                    held.place?,
                    desired,
                    LoggedIn {
                        details,
                        password_sha256,
                    },
                ))
            });
        let Some((place, desired, details)) = known else {
            self.with_desk(|desk, _| desk.turn_out(connection));
            return Ok(());
        };
        let site = held.site.clone();
        let arrival = Arrival {
            site: held.site.clone(),
            tunnel: held.tunnel.clone(),
            connection,
            gateway: held.gateway,
            details,
        };
        self.with_desk(|desk, now| desk.adopt(arrival, place, &desired, now));
        self.report_adopted(source, held);
        if self.desk().nudges.is_stale(&site, changes) {
            self.site_changed(&site);
        }
        Ok(())
    }

    /// Tells of an adopted tunnel what its controller would have told.
    fn report_adopted(&self, source: Source, held: HeldTunnel) {
        let Some(cipher) = held.cipher else { return };
        let report = |kind| Report {
            tunnel: held.tunnel.clone(),
            connection: held.connection,
            kind,
        };
        let up = ReportKind::Up {
            remote: held.remote,
            slot: held.slot,
            cipher,
        };
        self.report(source, report(up));
        if let Some(verdict) = held.verdict {
            let answered = report(ReportKind::Verdict(Verdict::Answered));
            match verdict {
                Verdict::Answered | Verdict::Missed | Verdict::Cleared => {
                    self.report(source, answered);
                }
                Verdict::Suspect { .. } => {
                    self.report(source, answered);
                    self.report(source, report(ReportKind::Verdict(verdict)));
                }
                Verdict::Dead { .. } => self.report(source, report(ReportKind::Verdict(verdict))),
            }
        }
    }

    fn lose(&self, connection: Connection, tunnel: TunnelId, cause: &str) {
        let report = Report {
            tunnel,
            connection: connection.number,
            kind: ReportKind::Down {
                cause: cause.into(),
                planned: true,
            },
        };
        self.report(connection.source, report);
    }
}

fn by_site(connections: Vec<(Connection, TunnelId, SiteId)>) -> BTreeMap<SiteId, Vec<TunnelId>> {
    let mut sites: BTreeMap<SiteId, Vec<TunnelId>> = BTreeMap::new();
    for (_, tunnel, site) in connections {
        sites.entry(site).or_default().push(tunnel);
    }
    sites
}
