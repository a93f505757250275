use crate::{Kind, Tag, script::quoted_text};

/// Switches a slot's ladder routes, when its tunnel comes up and when it goes.
///
/// What the profile tells a hook about its tunnel differs between kinds of tunnels, so it is not asked.
pub(crate) fn ladder_hook(slot: u8, on: bool) -> String {
    let verb = if on { "enable" } else { "disable" };
    let ladder = quoted_text(&Tag::of_slot(Kind::Ladder, slot).to_string());
    format!("/ip/route {verb} [find comment={ladder}]")
}

/// Makes a tunnel dial again that is up and answers nothing. One that is switched off stays so.
pub(crate) fn redial(slot: u8) -> String {
    let tunnel = quoted_text(&Tag::of_slot(Kind::Tunnel, slot).to_string());
    format!(
        "\
:foreach tunnel in=[/interface/ovpn-client find comment={tunnel}] do={{
  :if ([/interface/ovpn-client get $tunnel running] = true) do={{
    /interface/ovpn-client disable $tunnel
    :delay 1s
    /interface/ovpn-client enable $tunnel
  }}
}}"
    )
}
