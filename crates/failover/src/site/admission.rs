//! The place of a tunnel that logs in.

use std::collections::BTreeMap;

use holdfast_api_types::{Place, TunnelId};

use super::{
    Site,
    tunnel::{Trust, Tunnel},
};
use crate::{ladder::canonical, switch};

impl Site {
    /// The place for `tunnel`, and what becomes of it when it answers.
    pub(super) fn admission(&self, tunnel: &TunnelId) -> (Place, Trust) {
        if let Some(push) = self.tunnels.get(tunnel).and_then(|it| it.push.as_ref()) {
            return (push.place, push.trust);
        }
        let others = Others { site: self, tunnel };
        if self.grace_until.is_some()
            && let Some(place) = self
                .canonical_place(tunnel)
                .filter(|place| others.leave_free(*place))
        {
            return (place, Trust::Unblemished);
        }
        let place = match others.best(Tunnel::is_serving, |it| it.held) {
            Some(served) => {
                let current = others
                    .claims()
                    .filter(|(_, place)| *place <= served)
                    .collect();
                switch::admit(&current, &self.order, tunnel)
            }
            None => self.place_of_the_needed(tunnel, &others),
        };
        (place, Trust::Held)
    }

    fn canonical_place(&self, tunnel: &TunnelId) -> Option<Place> {
        let rank = self.order.iter().position(|other| other == tunnel)?;
        canonical(self.order.len()).get(rank).copied()
    }

    /// Nobody serves: the routes of a dead tunnel must not be in the way of this one.
    fn place_of_the_needed(&self, tunnel: &TunnelId, others: &Others<'_>) -> Place {
        let alone = switch::admit(&BTreeMap::new(), &self.order, tunnel);
        let arriving = others.best(Tunnel::may_carry, Tunnel::claim);
        let in_the_way = others
            .best(Tunnel::lingers, Tunnel::claim)
            .filter(|place| *place >= alone && Some(*place) > arriving);
        match in_the_way.and_then(switch::above) {
            Some(above) => above,
            None if others.leave_free(alone) => alone,
            None => switch::admit(&others.claims().collect(), &self.order, tunnel),
        }
    }
}

/// The tunnels of a site but one.
struct Others<'a> {
    site: &'a Site,
    tunnel: &'a TunnelId,
}

impl<'a> Others<'a> {
    fn iter(&self) -> impl Iterator<Item = (&'a TunnelId, &'a Tunnel)> {
        let but = self.tunnel;
        self.site
            .tunnels
            .iter()
            .filter(move |(tunnel, _)| *tunnel != but)
            .map(|(tunnel, it)| (tunnel, it.as_ref()))
    }

    fn claims(&self) -> impl Iterator<Item = (TunnelId, Place)> {
        self.iter()
            .filter_map(|(tunnel, it)| Some((tunnel.clone(), it.claim()?)))
    }

    /// The best `place` of those that `are` so.
    fn best(&self, are: fn(&Tunnel) -> bool, place: fn(&Tunnel) -> Option<Place>) -> Option<Place> {
        self.iter()
            .filter(|(_, it)| are(it))
            .filter_map(|(_, it)| place(it))
            .max()
    }

    fn leave_free(&self, place: Place) -> bool {
        self.claims().all(|(_, claimed)| claimed != place)
    }
}
