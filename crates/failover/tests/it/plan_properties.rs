//! Plans under random sequences of promotions, losses and returns, on a model router.

use holdfast_api_types::{MAX_ROUTES_PER_PUSH, Place, TunnelId};
use holdfast_failover::{
    Step,
    ladder::{TOP_RUNG, canonical, routes},
    switch::{admit, emergency, next_step},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::router::Router;

/// What happens to the site. Indices choose among the tunnels to which it can happen.
#[derive(Debug, Clone)]
enum Happening {
    /// The operator moves one configured tunnel to another rank.
    Reorder(Index, Index),
    /// A live tunnel stops carrying packets; its router notices only later.
    Lose(Index),
    /// A dead tunnel logs in again and is held long enough.
    Return(Index),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Happening::Reorder(from, to)),
        any::<Index>().prop_map(Happening::Lose),
        any::<Index>().prop_map(Happening::Return),
    ];
    vec(one, 1..40)
}

struct Model {
    router: Router,
    order: Vec<TunnelId>,
    live: Vec<TunnelId>,
}

impl Model {
    fn new(tunnels: usize) -> Self {
        let order: Vec<TunnelId> = (0..tunnels)
            .map(|rank| format!("t{rank}").parse().unwrap())
            .collect();
        let mut router = Router::default();
        for (tunnel, place) in order.iter().zip(canonical(tunnels)) {
            router.install(tunnel, place);
        }
        Self {
            router,
            live: order.clone(),
            order,
        }
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Reorder(from, to) => {
                let moved = self.order.remove(from.index(self.order.len()));
                self.order.insert(to.index(self.order.len() + 1), moved);
            }
            Happening::Lose(which) if self.live.len() > 1 => {
                let dead = self.live.remove(which.index(self.live.len()));
                self.fail_over();
                self.router.withdraw(&dead);
            }
            Happening::Return(which) if self.live.len() < self.order.len() => {
                let away: Vec<&TunnelId> = self
                    .order
                    .iter()
                    .filter(|tunnel| !self.live.contains(tunnel))
                    .collect();
                let tunnel = away[which.index(away.len())].clone();
                self.admit(tunnel);
            }
            Happening::Lose(_) | Happening::Return(_) => {}
        }
        self.settle();
    }

    /// The dead tunnel's routes are still installed.
    fn fail_over(&mut self) {
        if let Some(step) = emergency(self.router.places(), &self.live_order()) {
            self.re_push(&step);
            assert_eq!(
                self.router.carrying(),
                Some(&step.tunnel),
                "the emergency re-push did not take the traffic"
            );
        }
    }

    fn admit(&mut self, tunnel: TunnelId) {
        let active = self.router.carrying().cloned();
        let place = admit(self.router.places(), &self.order, &tunnel);
        check_push(place);
        self.router.install(&tunnel, place);
        assert_eq!(
            self.router.carrying(),
            active.as_ref(),
            "{tunnel} has traffic without having been probed"
        );
        self.live.push(tunnel);
    }

    /// Plans and re-pushes until nothing is left to do.
    fn settle(&mut self) {
        let order = self.live_order();
        let wanted = order[0].clone();
        let before = self.router.carrying().unwrap().clone();
        let mut re_pushes = 0;
        while let Some(step) = next_step(self.router.places(), &order) {
            re_pushes += 1;
            assert!(
                re_pushes <= order.len(),
                "no end in sight: {:?} for {order:?}",
                self.router
            );
            self.re_push_unnoticed(&step, &[&before, &wanted]);
        }
        assert_eq!(self.router.carrying(), Some(&wanted));
        self.check_rest(&order, before != wanted);
    }

    fn re_push(&mut self, step: &Step) {
        check_push(step.place);
        self.router.withdraw(&step.tunnel);
        self.router.install(&step.tunnel, step.place);
    }

    /// A re-push during which traffic stays with `allowed`, whether or not the router heeds metrics.
    fn re_push_unnoticed(&mut self, step: &Step, allowed: &[&TunnelId]) {
        check_push(step.place);
        let shared_before = self.router.on_longest_prefix().len() > 1;
        self.router.withdraw(&step.tunnel);
        self.check_traffic(allowed, shared_before);
        self.router.install(&step.tunnel, step.place);
        self.check_traffic(allowed, shared_before);
    }

    fn check_traffic(&self, allowed: &[&TunnelId], shared_before: bool) {
        let carrying = self
            .router
            .carrying()
            .expect("there is a route while a tunnel lives");
        assert!(
            allowed.contains(&carrying),
            "{carrying} carries traffic: {:?}",
            self.router
        );
        if !shared_before {
            let may_carry = self.router.on_longest_prefix();
            assert!(
                may_carry.iter().all(|tunnel| allowed.contains(tunnel)),
                "{may_carry:?} may carry traffic"
            );
        }
    }

    fn check_rest(&self, order: &[TunnelId], has_switched: bool) {
        let places: Vec<Place> = order
            .iter()
            .map(|tunnel| self.router.places()[tunnel])
            .collect();
        assert!(
            places.windows(2).all(|pair| pair[0].better_than(pair[1])),
            "{order:?} is not respected: {places:?}"
        );
        if has_switched && order.len() <= usize::from(TOP_RUNG) {
            assert!(places[0].rung < TOP_RUNG, "no headroom left: {places:?}");
        }
        if has_switched && order.len() <= usize::from(TOP_RUNG) + 1 {
            assert!(
                places.windows(2).all(|pair| pair[0].rung > pair[1].rung),
                "a rung is shared: {places:?}"
            );
        }
    }

    fn live_order(&self) -> Vec<TunnelId> {
        self.order
            .iter()
            .filter(|tunnel| self.live.contains(tunnel))
            .cloned()
            .collect()
    }
}

fn check_push(place: Place) {
    let pushed = routes(place, [192, 0, 2, 1].into());
    assert!(pushed.len() <= MAX_ROUTES_PER_PUSH);
    assert!(
        place.rung == 0 || place.step < 20,
        "{place:?} has the metric of another rung"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn traffic_has_a_route_and_the_best_live_tunnel_gets_it(tunnels in 1usize..=8, story in happenings()) {
        let mut model = Model::new(tunnels);
        for happening in &story {
            model.happen(happening);
        }
    }
}
