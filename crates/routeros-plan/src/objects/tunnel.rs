//! OpenVPN clients, their profiles, and what watches over them.

use std::net::SocketAddrV4;

use secrecy::SecretString;

use crate::{Kind, Management, Menu, Mode, Slot, Tag, names, object::Object, scripts};

/// Cipher and digest, the same on every release. GCM would want no digest up to 7.16, and 7.17 is reported to garble it
/// over TCP.
const CIPHER: &str = "aes256-cbc";
const DIGEST: &str = "sha256";

/// The client of a slot. Whether it is `disabled` is decided beside it.
pub(crate) fn client_of(slot: &Slot, mode: Mode) -> Object {
    let tag = Tag::of_slot(Kind::Tunnel, slot.number);
    let name = names::of_slot(slot.number);
    let title = format!("tunnel of slot {}", slot.number);
    let object = Object::new(Menu::OvpnClient, tag, title);
    let object = client(
        object,
        &name,
        slot.controller,
        &slot.username,
        &slot.password,
    );
    object.with("route-nopull", yes_no(mode == Mode::Local))
}

/// Every property: defaults differ between devices and between manuals.
fn client(
    object: Object,
    name: &str,
    endpoint: SocketAddrV4,
    user: &str,
    password: &SecretString,
) -> Object {
    object
        .with("name", name)
        .with("connect-to", endpoint.ip())
        .with("port", endpoint.port())
        .with("protocol", "tcp")
        .with("mode", "ip")
        .with("user", user)
        .secret("password", password)
        .with("profile", name)
        .with("certificate", "none")
        .with("verify-server-certificate", "yes")
        .with("tls-version", "only-1.2")
        .with("cipher", CIPHER)
        .with("auth", DIGEST)
        .with("use-peer-dns", "no")
        .with("add-default-route", "no")
        .with("max-mtu", 1500)
}

/// The profile of a slot's tunnel. Where the router holds the ladder itself, the profile switches it.
pub(crate) fn profile_of(slot: &Slot, mode: Mode) -> Object {
    let title = format!("profile of slot {}", slot.number);
    let tag = Tag::of_slot(Kind::Profile, slot.number);
    let object = Object::new(Menu::PppProfile, tag, title)
        .with("name", names::of_slot(slot.number))
        .with("interface-list", names::LIST);
    match mode {
        Mode::Pushed => object.default("on-up", "").default("on-down", ""),
        Mode::Local => object
            .with("on-up", scripts::ladder_hook(slot.number, true))
            .with("on-down", scripts::ladder_hook(slot.number, false)),
    }
}

/// The management tunnel and its profile, which comes first. It gets no routes.
pub(crate) fn management(management: &Management) -> [Object; 2] {
    let tag = Tag::of(Kind::Management);
    let profile = Object::new(Menu::PppProfile, tag, "profile of the management tunnel")
        .with("name", names::MANAGEMENT)
        .with("interface-list", names::LIST)
        .default("on-up", "")
        .default("on-down", "");
    let object = Object::new(Menu::OvpnClient, tag, "management tunnel");
    let Management {
        endpoint,
        username,
        password,
    } = management;
    let client = client(object, names::MANAGEMENT, *endpoint, username, password)
        .with("route-nopull", "yes")
        .with("disabled", "no");
    [profile, client]
}

/// Three pings in a row that all go unanswered. How long an answer takes is of no matter: satellites are slow.
pub(crate) fn watchdog(slot: &Slot) -> Object {
    let patience = "5s";
    let tag = Tag::of_slot(Kind::Watchdog, slot.number);
    Object::new(
        Menu::Netwatch,
        tag,
        format!("watchdog of slot {}", slot.number),
    )
    .with("host", slot.server)
    .with("type", "icmp")
    .with("interval", "3s")
    .with("packet-count", 3)
    .with("packet-interval", "500ms")
    .with("thr-loss-percent", 85)
    .with("thr-avg", patience)
    .with("thr-max", patience)
    .with("thr-stdev", patience)
    .with("thr-jitter", patience)
    .with("startup-delay", "30s")
    .with("down-script", scripts::redial(slot.number))
    .with("disabled", "no")
}

pub(crate) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
