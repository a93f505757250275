//! What lets the controller reach the router through the tunnels.

use holdfast_failover::addresses;

use crate::{
    Kind, Menu, Tag, names,
    object::{Object, Placement},
};

/// The controller's addresses inside the tunnels.
pub(crate) fn controllers() -> String {
    let (network, length) = addresses::pool();
    format!("{network}/{length}")
}

/// The list that tunnels are put in by their profile, and the rules for it. They stand before whatever could drop.
///
/// `port` is where the API listens.
pub(crate) fn of_router(port: &str) -> Vec<Object> {
    let accept = |kind: Kind| {
        Object::new(Menu::Filter, Tag::of(kind), kind.title())
            .with("chain", "input")
            .with("action", "accept")
            .with("in-interface-list", names::LIST)
            .with("src-address", controllers())
            .placed(Placement::BeforeDrops { chain: "input" })
    };
    vec![
        Object::new(Menu::InterfaceList, Tag::of(Kind::List), Kind::List.title())
            .with("name", names::LIST),
        accept(Kind::Accept)
            .with("protocol", "tcp")
            .with("dst-port", port)
            .with("disabled", "no"),
        accept(Kind::AcceptProbes)
            .with("protocol", "icmp")
            .with("disabled", "no"),
    ]
}
