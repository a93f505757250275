//! Routes, and what leads a tunnel onto them.

use holdfast_api_types::Place;
use holdfast_failover::{addresses::virtual_next_hop, ladder as rungs};

use crate::{
    Gateway, Kind, Menu, Pinning, Slot, Tag, names,
    object::{Object, Placement},
};

/// Gateways of pushed routes are looked up among routes of at most this scope.
const HOP_SCOPE: u8 = 10;

/// Static routes whose gateway is a virtual next hop look further than the scope of that.
const OVER_HOP: u8 = 11;

/// The scope of ordinary static routes.
const PLAIN_SCOPE: u8 = 30;

/// Beneath everything that could lead anywhere.
const SHADOW_DISTANCE: u8 = 250;

/// What a slot's tunnel needs before it may dial: the way to its gateway, and what keeps it there.
///
/// The blackhole matters when the WAN's own gateway is gone: the route above it then leaves the table, and without a
/// shadow the tunnel would dial out through another WAN and fake liveness.
pub(crate) fn path_of(slot: &Slot, gateway: Gateway, pinning: Pinning) -> Vec<Object> {
    let mut objects = vec![next_hop(slot, gateway)];
    match pinning {
        Pinning::Address => objects.extend(host_pin(slot)),
        Pinning::Port => objects.extend(port_pin(slot)),
    }
    objects
}

fn route(kind: Kind, slot: &Slot) -> Object {
    let title = format!("{} of slot {}", kind.title(), slot.number);
    Object::new(Menu::Route, Tag::of_slot(kind, slot.number), title)
}

/// A route that leads somewhere, nowhere filtered and always on.
fn leading(object: Object, gateway: impl ToString, target_scope: u8) -> Object {
    object
        .with("gateway", gateway)
        .with("target-scope", target_scope)
        .cleared("blackhole")
        .default("check-gateway", "none")
        .with("disabled", "no")
}

fn next_hop(slot: &Slot, gateway: Gateway) -> Object {
    let object = route(Kind::NextHop, slot)
        .with(
            "dst-address",
            format!("{}/32", virtual_next_hop(slot.number)),
        )
        .default("routing-table", "main")
        .with("distance", 1)
        .with("scope", HOP_SCOPE);
    leading(object, gateway.through(&slot.interface), HOP_SCOPE)
}

fn blackhole(object: Object) -> Object {
    object
        .with("blackhole", "yes")
        .with("distance", SHADOW_DISTANCE)
        .cleared("gateway")
        .with("disabled", "no")
}

fn host_pin(slot: &Slot) -> [Object; 2] {
    let to_controller = |object: Object| {
        object
            .with("dst-address", format!("{}/32", slot.controller.ip()))
            .default("routing-table", "main")
    };
    let pin = to_controller(route(Kind::Pin, slot))
        .with("distance", 1)
        .with("scope", PLAIN_SCOPE);
    let shadow = to_controller(route(Kind::PinShadow, slot));
    [
        leading(pin, virtual_next_hop(slot.number), OVER_HOP),
        blackhole(shadow),
    ]
}

/// Slots share the controller's address and differ by port, so the port chooses a routing table.
///
/// The first look-up, before the mark, gives the connection the source address of another WAN. So it is translated by a
/// rule of our own, whatever rules the router has.
fn port_pin(slot: &Slot) -> Vec<Object> {
    let number = slot.number;
    let table = names::of_slot(number);
    let tag = Tag::of_slot(Kind::Pin, number);
    let to_controller = |object: Object| {
        object
            .with("protocol", "tcp")
            .with("dst-address", slot.controller.ip())
            .with("dst-port", slot.controller.port())
    };
    let in_table = |object: Object| {
        object
            .with("dst-address", "0.0.0.0/0")
            .with("routing-table", &table)
    };
    let mark = Object::new(Menu::Mangle, tag, format!("mark of slot {number}"))
        .with("chain", "output")
        .with("action", "mark-routing")
        .with("new-routing-mark", &table)
        .with("passthrough", "no");
    let source = Object::new(Menu::Nat, tag, format!("source address of slot {number}"))
        .with("chain", "srcnat")
        .with("action", "masquerade")
        .with("out-interface", &slot.interface)
        .placed(Placement::First { chain: "srcnat" });
    let pin = in_table(route(Kind::Pin, slot))
        .with("distance", 1)
        .with("scope", PLAIN_SCOPE);
    let shadow = in_table(route(Kind::PinShadow, slot));
    vec![
        Object::new(
            Menu::RoutingTable,
            tag,
            format!("routing table of slot {number}"),
        )
        .with("name", &table)
        .initially("fib", "yes")
        .with("disabled", "no"),
        leading(pin, virtual_next_hop(number), OVER_HOP),
        blackhole(shadow),
        to_controller(source).with("disabled", "no"),
        to_controller(mark).with("disabled", "no"),
    ]
}

/// The slot's routes on the ladder, for a router that holds them itself. Their distance tells places apart that share a
/// rung.
pub(crate) fn ladder(slot: &Slot, on: bool) -> Vec<Object> {
    let Place { step, .. } = slot.place;
    let hop = virtual_next_hop(slot.number);
    rungs::routes(slot.place, hop)
        .into_iter()
        .map(|rung| {
            let network = format!("{}/{}", rung.network, rung.prefix);
            let title = format!("ladder route to {network} of slot {}", slot.number);
            let tag = Tag::of_slot(Kind::Ladder, slot.number);
            let object = Object::new(Menu::Route, tag, title)
                .with("dst-address", network)
                .keyed_by("dst-address")
                .default("routing-table", "main")
                .with("distance", u16::from(step) + 1)
                .with("scope", PLAIN_SCOPE)
                .with("gateway", hop)
                .with("target-scope", OVER_HOP)
                .cleared("blackhole")
                .default("check-gateway", "none");
            object.with("disabled", if on { "no" } else { "yes" })
        })
        .collect()
}

/// The WAN's own default route, for when no tunnel lives. The gateway is asked by ARP whether it lives: every gateway
/// answers that, and many do not answer a ping.
pub(crate) fn default_route(slot: &Slot, gateway: Gateway, distance: u8) -> Object {
    let object = route(Kind::Default, slot)
        .with("dst-address", "0.0.0.0/0")
        .default("routing-table", "main")
        .with("gateway", gateway.through(&slot.interface))
        .with("distance", distance)
        .with("scope", PLAIN_SCOPE)
        .with("target-scope", HOP_SCOPE)
        .cleared("blackhole")
        .with("disabled", "no");
    match gateway {
        Gateway::Address(_) => object.with("check-gateway", "arp"),
        Gateway::Interface => object.default("check-gateway", "none"),
    }
}

/// What looks every few seconds whether DHCP has changed the slot's gateway, where the DHCP client already has a script.
pub(crate) fn follower(slot: &Slot) -> Object {
    let title = format!("follower of the gateway of slot {}", slot.number);
    Object::new(
        Menu::Scheduler,
        Tag::of_slot(Kind::Follow, slot.number),
        title,
    )
    .with("name", names::follow(slot.number))
    .with("interval", "10s")
    .with(
        "on-event",
        crate::scripts::follow(slot.number, &slot.interface),
    )
    .with("policy", "read,write,test")
    .with("disabled", "no")
}
