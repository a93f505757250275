//! What is wrong, as long as it is.

use std::collections::BTreeMap;

use holdfast_api_types::{FaultType, LinkState, TunnelId};

use super::{Admission, Life, Link, Monitor, MonitorEffect};

/// Which fault of a site: of each there is one open at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultKey {
    /// The tunnel; none where it is the site's.
    pub tunnel: Option<TunnelId>,
    /// What is wrong.
    pub kind: FaultType,
}

impl FaultKey {
    fn of_site(kind: FaultType) -> Self {
        Self { tunnel: None, kind }
    }

    fn of(link: &Link, kind: FaultType) -> Self {
        Self {
            tunnel: Some(link.tunnel().clone()),
            kind,
        }
    }
}

impl Monitor {
    /// Opens the faults whose condition holds, closes the others.
    pub(super) fn settle_faults(&mut self) {
        let wrong = self.wrong();
        let over: Vec<FaultKey> = self
            .open
            .keys()
            .filter(|fault| !wrong.contains_key(fault))
            .cloned()
            .collect();
        for fault in over {
            let cause = self.end_of(&fault);
            self.open.remove(&fault);
            self.effects
                .push_back(MonitorEffect::FaultClosed { fault, cause });
        }
        for (fault, cause) in wrong {
            let effect = match self.open.insert(fault.clone(), cause.clone()) {
                None => MonitorEffect::FaultOpened { fault, cause },
                Some(before) if before != cause => MonitorEffect::FaultUpdated { fault, cause },
                Some(_) => continue,
            };
            self.effects.push_back(effect);
        }
    }

    fn wrong(&self) -> BTreeMap<FaultKey, String> {
        let mut wrong = BTreeMap::new();
        for link in &self.links {
            self.wrong_with(link, &mut wrong);
        }
        if self.is_offline() {
            let cause = "no tunnel of the site carries packets".into();
            wrong.insert(FaultKey::of_site(FaultType::SiteOffline), cause);
        }
        if let Some(cause) = self.why_on_backup() {
            wrong.insert(FaultKey::of_site(FaultType::RunningOnBackup), cause);
        }
        if let Some(cause) = self.links.iter().find_map(|it| it.out_of_sight.clone()) {
            wrong.insert(FaultKey::of_site(FaultType::ControllerLost), cause);
        }
        wrong
    }

    fn wrong_with(&self, link: &Link, wrong: &mut BTreeMap<FaultKey, String>) {
        if link.told.state == LinkState::Offline {
            wrong.insert(FaultKey::of(link, FaultType::LinkOffline), link.cause());
        }
        let degraded = FaultKey::of(link, FaultType::LinkDegraded);
        if link.is_degraded() || link.quality.is_bad() && self.open.contains_key(&degraded) {
            wrong.insert(degraded, link.quality.cause());
        }
        if link.flapping {
            let cause = "it comes and goes: every return is held longer".into();
            wrong.insert(FaultKey::of(link, FaultType::LinkFlapping), cause);
        }
    }

    /// Why the first in the order does not have the traffic, if that is a fault.
    fn why_on_backup(&self) -> Option<String> {
        let first = self.first()?;
        let key = FaultKey::of_site(FaultType::RunningOnBackup);
        let before = self.open.get(&key);
        let Some(active) = &self.active else {
            // Between two tunnels nobody has the traffic; and after a restart nobody knows.
            return before.filter(|_| !self.is_offline()).cloned();
        };
        if active == first.tunnel() {
            return None;
        }
        let reason = match &first.life {
            Life::Offline { .. } => "is offline",
            Life::Recovering {
                after_fault: true, ..
            } => "is held after its return",
            Life::Online
            | Life::Away {
                was_online: true, ..
            } if first.quality.is_bad() => "is degraded",
            // On its way back, or asked to go for a moment: not a fault by itself.
            Life::Online
            | Life::Recovering { .. }
            | Life::Away { .. }
            | Life::Awaited { .. }
            | Life::NeverSeen => return before.cloned(),
        };
        let carrier = self.link(active)?;
        Some(format!(
            "traffic leaves through {}: {} {reason}",
            carrier.configured.name, first.configured.name
        ))
    }

    /// How a fault whose condition holds no longer has ended.
    fn end_of(&self, fault: &FaultKey) -> String {
        let Some(tunnel) = &fault.tunnel else {
            return match fault.kind {
                FaultType::SiteOffline if self.links.iter().any(Link::may_be_active) => {
                    "a tunnel carries packets again"
                }
                FaultType::ControllerLost => "its controller answers again",
                FaultType::RunningOnBackup if self.active.is_some() => {
                    "traffic leaves through the first in the order again"
                }
                FaultType::RunningOnBackup if self.is_offline() => "the site is offline",
                FaultType::SiteOffline
                | FaultType::RunningOnBackup
                | FaultType::LinkOffline
                | FaultType::LinkDegraded
                | FaultType::LinkFlapping
                | FaultType::ConfigurationDrift => "its tunnels were changed",
            }
            .into();
        };
        let Some(link) = self.link(tunnel) else {
            return "the tunnel was removed".into();
        };
        match (&link.configured.admission, fault.kind) {
            (Admission::Off(cause), _) => cause.clone(),
            (Admission::Unconfigured, _) => link.cause(),
            (Admission::Open, FaultType::LinkDegraded) => match link.life {
                Life::Online | Life::Away { .. } => "it meets its targets again".into(),
                Life::NeverSeen
                | Life::Recovering { .. }
                | Life::Awaited { .. }
                | Life::Offline { .. } => "it is offline".into(),
            },
            (Admission::Open, FaultType::LinkFlapping) => "it has been steady for its hold".into(),
            (
                Admission::Open,
                FaultType::LinkOffline
                | FaultType::SiteOffline
                | FaultType::RunningOnBackup
                | FaultType::ControllerLost
                | FaultType::ConfigurationDrift,
            ) => "it carries packets again".into(),
        }
    }
}
