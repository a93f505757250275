//! A changed grants file takes effect on living tunnels, and only where it must.

use holdfast_api_types::LinkEventKind;

use crate::bed::{Bed, Client, ClientPlan, Controller, PATIENCE, grants, password};

/// Both tunnels are up and hold their routes.
fn two_tunnels<'a>(bed: &'a Bed, controller: &Controller) -> [Client<'a>; 2] {
    let clients = ["wan1", "wan2"].map(|tunnel| Client::connect(bed, controller, tunnel));
    bed.expect_routes(&[
        ("0.0.0.0/1", 1, 90),
        ("128.0.0.0/1", 1, 90),
        ("default", 2, 110),
    ]);
    controller.expect_event("wan1", 0, is_push_of(1));
    controller.expect_event("wan2", 0, is_push_of(0));
    clients
}

#[test]
fn a_new_order_raises_the_standby_above_the_active_tunnel_which_is_left_alone() {
    let bed = Bed::with_wans(2);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let _clients = two_tunnels(&bed, &controller);
    let before = controller.sequence();
    controller.reload(&bed, &grants(&["wan2", "wan1"]));
    bed.expect_routes(&[
        ("0.0.0.0/1", 1, 90),
        ("128.0.0.0/1", 1, 90),
        ("0.0.0.0/2", 2, 70),
        ("64.0.0.0/2", 2, 70),
        ("128.0.0.0/2", 2, 70),
        ("192.0.0.0/2", 2, 70),
    ]);
    let (_, planned) = controller.expect_down("wan2", before);
    assert!(planned);
    let pushed = controller.expect_event("wan2", before, is_push_of(2));
    let active = controller.expect_event("wan2", before, |kind| {
        matches!(kind, LinkEventKind::TunnelActive { .. })
    });
    assert!(pushed.sequence < active.sequence);
    assert_eq!(downs_of("wan1", &controller), 0);
}

#[test]
fn a_changed_password_ends_that_tunnel_alone() {
    let bed = Bed::with_wans(2);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let [mut changed, _other] = two_tunnels(&bed, &controller);
    let text = grants(&["wan1", "wan2"]).replace(&password("wan1"), "a new one");
    controller.reload(&bed, &text);
    let (cause, _) = controller.expect_down("wan1", 0);
    assert_eq!(cause, "closed: its grant was changed or withdrawn");
    // It still has the old password.
    changed.expect("AUTH_FAILED");
    changed.program().wait(PATIENCE);
    bed.expect_routes(&[("default", 2, 110)]);
    let before = controller.sequence();
    let _changed = ClientPlan::new(&bed, &controller, "wan1")
        .with_login("wan1", "a new one")
        .start();
    controller.expect_up("wan1", before);
    assert_eq!(downs_of("wan2", &controller), 0);
}

#[test]
fn a_tunnel_that_is_no_longer_granted_is_ended() {
    let bed = Bed::with_wans(2);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let [mut gone, _other] = two_tunnels(&bed, &controller);
    controller.reload(&bed, &grants(&["wan2"]));
    gone.expect("AUTH_FAILED");
    gone.program().wait(PATIENCE);
    bed.expect_routes(&[("default", 2, 110)]);
    assert_eq!(downs_of("wan2", &controller), 0);
}

fn is_push_of(rung: u8) -> impl Fn(&LinkEventKind) -> bool {
    move |kind| matches!(kind, LinkEventKind::RoutesPushed { place, .. } if place.rung == rung)
}

fn downs_of(tunnel: &str, controller: &Controller) -> usize {
    let events = controller.events().into_iter();
    let downs = events.filter(|event| {
        event.tunnel.as_str() == tunnel && matches!(event.kind, LinkEventKind::TunnelDown { .. })
    });
    downs.count()
}
