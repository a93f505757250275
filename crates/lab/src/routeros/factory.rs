//! A router as its owner has it before it hears of us: the vendor's default configuration, with every internet connection
//! plugged in.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    network::Line,
    topology::{LAN_GATEWAY, Plan},
};

/// What the vendor gives routers of this kind, less what has nothing to do with us. Only the first WAN interface is in
/// the list `WAN`.
const DEFAULTS: &str = "\
/interface list add name=WAN comment=\"defconf\"
/interface list add name=LAN comment=\"defconf\"
/interface list member add list=LAN interface=lan comment=\"defconf\"
/ip firewall filter add chain=input action=accept connection-state=established,related,untracked \
comment=\"defconf: accept established,related,untracked\"
/ip firewall filter add chain=input action=drop connection-state=invalid comment=\"defconf: drop invalid\"
/ip firewall filter add chain=input action=accept protocol=icmp comment=\"defconf: accept ICMP\"
/ip firewall filter add chain=input action=drop in-interface-list=!LAN \
comment=\"defconf: drop all not coming from LAN\"
/ip firewall nat add chain=srcnat out-interface-list=WAN action=masquerade comment=\"defconf: masquerade\"
";

/// Its settings.
pub(super) fn settings(lines: &[Line]) -> Value {
    let mut script = format!("{DEFAULTS}/ip address add address={LAN_GATEWAY}/24 interface=lan\n");
    for (distance, line) in (1..).zip(lines) {
        // Writing to a String cannot fail.
        let _ = write!(script, "{}", connection(line.plan, distance));
    }
    if let Some(first) = lines.first() {
        let _ = writeln!(
            script,
            "/interface list member add list=WAN interface={} comment=\"defconf\"",
            first.plan.routeros_interface()
        );
    }
    super::settings(lines, script)
}

/// What brings a line its address and a default route.
fn connection(plan: Plan, distance: u8) -> String {
    let wan = plan.wan_interface();
    match plan.layout.pppoe {
        true => format!(
            "/interface pppoe-client add name={} interface={wan} user=lab password=lab \
             add-default-route=yes default-route-distance={distance} disabled=no\n",
            plan.routeros_interface()
        ),
        false => format!(
            "/ip dhcp-client add interface={wan} default-route-distance={distance} disabled=no\n"
        ),
    }
}
