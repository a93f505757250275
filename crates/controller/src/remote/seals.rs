//! What to admit tunnels by while the control plane is away: their sealed grants. Pure.

use std::{
    collections::{BTreeSet, HashMap},
    net::Ipv4Addr,
    time::Instant,
};

use holdfast_api_types::{
    Place, TunnelId,
    controller::{SealedGrant, TunnelGrant},
};
use holdfast_failover::ladder;
use holdfast_sealed_grant::OpenError;
use jiff::Timestamp;

/// Tunnels whose grants are kept, a kilobyte or two each. Beyond it, whoever has not logged in for longest is
/// forgotten: far more than one process can have connected.
const TUNNELS_AT_MOST: usize = 100_000;

/// The sealed grants of the tunnels that have logged in here.
#[derive(Debug, Default)]
pub(super) struct Seals {
    by_tunnel: HashMap<TunnelId, Seal>,
    /// The same tunnels, the oldest log-in first.
    by_age: BTreeSet<(Instant, TunnelId)>,
}

#[derive(Debug)]
struct Seal {
    sealed: SealedGrant,
    kept_at: Instant,
    /// Where the tunnel was put after its log-in, and with which gateway.
    moved_to: Option<(Place, Ipv4Addr)>,
}

impl Seals {
    /// Keeps the grant of a log-in in place of any older one of its tunnel.
    pub(super) fn keep(&mut self, tunnel: &TunnelId, sealed: SealedGrant, now: Instant) {
        self.forget(tunnel);
        if self.by_tunnel.len() >= TUNNELS_AT_MOST
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.by_tunnel.remove(&oldest);
        }
        self.by_age.insert((now, tunnel.clone()));
        let seal = Seal {
            sealed,
            kept_at: now,
            moved_to: None,
        };
        self.by_tunnel.insert(tunnel.clone(), seal);
    }

    /// The tunnel is to have another place than that of its grant.
    pub(super) fn moved(&mut self, tunnel: &TunnelId, place: Place, gateway: Ipv4Addr) {
        if let Some(seal) = self.by_tunnel.get_mut(tunnel) {
            seal.moved_to = Some((place, gateway));
        }
    }

    pub(super) fn forget(&mut self, tunnel: &TunnelId) {
        if let Some(seal) = self.by_tunnel.remove(tunnel) {
            self.by_age.remove(&(seal.kept_at, tunnel.clone()));
        }
    }

    /// The grant of a tunnel, with the place that it held last; none when the tunnel is not known here.
    pub(super) fn open(
        &self,
        tunnel: &TunnelId,
        password: &str,
        now: Timestamp,
    ) -> Option<Result<TunnelGrant, OpenError>> {
        let seal = self.by_tunnel.get(tunnel)?;
        let opened = holdfast_sealed_grant::open(&seal.sealed, tunnel, password, now);
        Some(opened.map(|mut grant| {
            if let Some((place, gateway)) = seal.moved_to {
                grant.place = Some(place);
                grant.routes = ladder::routes(place, gateway);
            }
            grant
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use holdfast_api_types::controller::ProfileName;
    use holdfast_sealed_grant::{LIFETIME, SALT_LEN, seal};

    use super::*;

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    fn id(name: &str) -> TunnelId {
        name.parse().unwrap()
    }

    fn noon() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn sealed(tunnel: &TunnelId) -> SealedGrant {
        let place = Place { rung: 0, step: 10 };
        let grant = TunnelGrant {
            tunnel: tunnel.clone(),
            site: "office".parse().unwrap(),
            address: Ipv4Addr::new(198, 18, 0, 2),
            server: Ipv4Addr::new(198, 18, 0, 1),
            prefix: 30,
            place: Some(place),
            routes: ladder::routes(place, GATEWAY),
            profile: ProfileName::Fast,
        };
        seal(&grant, "secret", noon() + LIFETIME, [7; SALT_LEN])
    }

    #[test]
    fn the_password_opens_the_grant_of_a_tunnel_that_was_here() {
        let mut seals = Seals::default();
        let fibre = id("fibre");
        seals.keep(&fibre, sealed(&fibre), Instant::now());
        let grant = seals.open(&fibre, "secret", noon()).unwrap().unwrap();
        assert_eq!(grant.tunnel, fibre);
        let refused = seals.open(&fibre, "guess", noon()).unwrap();
        assert_eq!(refused, Err(OpenError::Refused));
        let expired = seals.open(&fibre, "secret", noon() + LIFETIME).unwrap();
        assert!(matches!(expired, Err(OpenError::Expired { .. })));
        assert!(seals.open(&id("lte"), "secret", noon()).is_none());
        seals.forget(&fibre);
        assert!(seals.open(&fibre, "secret", noon()).is_none());
    }

    #[test]
    fn a_tunnel_returns_to_the_place_that_it_held_last() {
        let mut seals = Seals::default();
        let fibre = id("fibre");
        seals.keep(&fibre, sealed(&fibre), Instant::now());
        let place = Place { rung: 2, step: 10 };
        seals.moved(&fibre, place, GATEWAY);
        let grant = seals.open(&fibre, "secret", noon()).unwrap().unwrap();
        assert_eq!(grant.place, Some(place));
        assert_eq!(grant.routes, ladder::routes(place, GATEWAY));
        // A new log-in was granted a place of its own.
        seals.keep(&fibre, sealed(&fibre), Instant::now());
        let grant = seals.open(&fibre, "secret", noon()).unwrap().unwrap();
        assert_eq!(grant.place.map(|place| place.rung), Some(0));
    }

    #[test]
    fn at_the_bound_the_oldest_log_in_is_forgotten() {
        let mut seals = Seals::default();
        let start = Instant::now();
        let grant = sealed(&id("t0"));
        for number in 0..=TUNNELS_AT_MOST as u64 {
            let at = start + Duration::from_millis(number);
            seals.keep(&id(&format!("t{number}")), grant.clone(), at);
        }
        assert_eq!(seals.by_tunnel.len(), TUNNELS_AT_MOST);
        assert_eq!(seals.by_age.len(), TUNNELS_AT_MOST);
        assert!(seals.open(&id("t0"), "secret", noon()).is_none());
        assert!(seals.open(&id("t1"), "secret", noon()).is_some());
    }
}
