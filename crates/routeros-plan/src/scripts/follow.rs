use crate::{Kind, Tag, script::quoted_text};

/// Carries the gateway that DHCP has given an interface into the slot's next hop, and into its own default route where
/// the DHCP client makes none.
///
/// The tunnel dials anew: its connection came from an address that is most likely gone.
pub(crate) fn follow(slot: u8, interface: &str) -> String {
    let tag = |kind| quoted_text(&Tag::of_slot(kind, slot).to_string());
    let (hop, tunnel, default) = (tag(Kind::NextHop), tag(Kind::Tunnel), tag(Kind::Default));
    let on = quoted_text(interface);
    let through = quoted_text(&format!("%{interface}"));
    format!(
        "\
{mark}
:local gateway \"\"
:do {{ :set gateway [:tostr [/ip/dhcp-client get [find interface={on}] gateway]] }} on-error={{}}
:if ([:len $gateway] > 0) do={{
  :local wanted ($gateway . {through})
  :foreach hop in=[/ip/route find comment={hop}] do={{
    :if ([/ip/route get $hop gateway] != $wanted) do={{
      :local tunnel [/interface/ovpn-client find comment={tunnel} disabled=no]
      /interface/ovpn-client disable $tunnel
      /ip/route set $hop gateway=$wanted
      /ip/route set [find comment={default}] gateway=$wanted
      /interface/ovpn-client enable $tunnel
    }}
  }}
}}",
        mark = mark(slot),
    )
}

/// Whether a script is one of ours.
pub(crate) fn is_follow(script: &str) -> bool {
    let first = script.lines().next().unwrap_or_default().trim_end();
    let tag = first
        .strip_prefix("# ")
        .and_then(|tag| tag.parse::<Tag>().ok());
    tag.is_some_and(|tag| tag.kind == Kind::Follow)
}

fn mark(slot: u8) -> String {
    format!("# {}", Tag::of_slot(Kind::Follow, slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_script_is_told_from_others() {
        assert!(is_follow(&follow(1, "ether1")));
        assert!(is_follow(&follow(2, "my wan").replace('\n', "\r\n")));
        for script in [
            "",
            ":log info hello",
            "# holdfast",
            "# holdfast:pin:1\n",
            ":log info 1\n# holdfast:follow:1",
        ] {
            assert!(!is_follow(script), "{script}");
        }
    }

    #[test]
    fn names_with_spaces_are_quoted() {
        let script = follow(1, "my wan");
        assert!(script.contains(r#"[find interface="my wan"]"#), "{script}");
        assert!(script.contains(r#"($gateway . "%my wan")"#), "{script}");
    }
}
