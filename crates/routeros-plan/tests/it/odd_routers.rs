//! Routers that answer anything at all: what is made of it may be wrong, but it is made.

use holdfast_api_types::Place;
use holdfast_routeros_plan::{
    Authority, Desired, Gateway, Memory, Menu, Mode, Observed, Plan, Slot, dead_man, gateways,
    interfaces, plan, release, removal, unlike_pushed, validate,
};
use holdfast_routeros_proto::{Row, Version};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_assert, proptest},
    sample::select,
};

/// Values that mean something somewhere, and some that mean nothing anywhere.
const VALUES: &[&str] = &[
    "",
    "true",
    "false",
    "yes",
    "no",
    "none",
    "all",
    "*1",
    "*2",
    "ether1",
    "ether2",
    "bridge",
    "pppoe-out",
    "lte",
    "vlan",
    "ovpn-out",
    "WAN",
    "LAN",
    "main",
    "192.0.2.1",
    "192.0.2.1%ether1",
    "%",
    "ether1%",
    "192.0.2.7/24",
    "0.0.0.0/0",
    "10.0.0.0/31",
    "10.0.0.1/32",
    "255.255.255.255/30",
    "0.0.0.0/32",
    "1.2.3.4/0",
    "2001:db8::1/64",
    "300.1.1.1/99",
    "0",
    "1",
    "201",
    "249",
    "255",
    "256",
    "-1",
    "99999999999",
    "holdfast-1",
    "holdfast-ca",
    "holdfast:pin:1",
    "holdfast:next-hop:1",
    "holdfast:tunnel:1",
    "holdfast:ladder:9",
    "holdfast:default:1",
    "holdfast:wan:1",
    "holdfast:management",
    "holdfast:accept",
    "holdfast:follow:255",
    "# holdfast:follow:1",
    "input",
    "srcnat",
    "drop",
    "accept",
    "masquerade",
    "bound",
    "searching...",
    "default,default",
    "main:1",
    "\r\n",
    "ü",
    "\"$\\",
];

fn answers() -> impl Strategy<Value = Vec<Vec<Vec<&'static str>>>> {
    vec(vec(vec(select(VALUES), 40), 0..4), 40)
}

/// The rows of a read whose fields are these values.
fn rows(proplist: &str, values: &[Vec<&'static str>]) -> Vec<Row> {
    let names: Vec<_> = proplist.split(',').collect();
    let row = |(index, values): (usize, &Vec<&'static str>)| {
        let fields = names
            .iter()
            .zip(values)
            .filter(|(_, value)| **value != "none");
        let row: Row = fields.map(|(name, value)| (*name, *value)).collect();
        row.with(Row::ID, format!("*{index:X}"))
    };
    values.iter().enumerate().map(row).collect()
}

fn slot(number: u8, interface: &str, gateway: Gateway) -> Slot {
    Slot {
        number,
        interface: interface.into(),
        gateway,
        controller: format!("203.0.113.1:{number}").parse().unwrap(),
        username: "u".into(),
        password: "p".to_owned().into(),
        server: [198, 18, 0, 1].into(),
        metered: false,
        enabled: true,
        place: Place { rung: 4, step: 99 },
        rank: 255,
    }
}

proptest! {
    #[test]
    fn whatever_a_router_answers_nothing_panics(
        answers in answers(), local in any::<bool>(), plausible in any::<bool>(),
    ) {
        let version = Version::release(7, 24, 0);
        let requests = Observed::queries(&version);
        let read = requests.iter().zip(&answers).map(|(request, values)| rows(request.proplist, values)).collect();
        let mut observed = Observed::read(version, read)
            .with(Menu::Arp, rows("address,interface,complete", &answers[0]))
            .with(Menu::Neighbor, rows("address,interface,identity", &answers[1]));
        if plausible {
            let interface = |name: &str, kind: &str| Row::new().with("name", name).with("type", kind);
            let address = Row::new().with("address", "192.0.2.7/24").with("interface", "ether1");
            observed = observed
                .with(Menu::Interface, vec![interface("ether1", "ether"), interface("lte", "lte")])
                .with(Menu::Address, vec![address])
                .with(Menu::BridgePort, Vec::new())
                .with(Menu::SafeMode, Vec::new())
                .with(Menu::DeviceMode, Vec::new())
                .with(Menu::DhcpClient, Vec::new());
        }
        let desired = Desired {
            slots: vec![
                slot(1, "ether1", Gateway::Address([192, 0, 2, 1].into())),
                slot(255, "lte", Gateway::Interface),
            ],
            mode: if local { Mode::Local } else { Mode::Pushed },
            authority: Authority { pem: String::new(), fingerprint: String::new() },
            management: None,
            watchdog: true,
        };
        let memory = Memory::default();
        let texts = |plan: &Plan| {
            let guard = dead_man(&observed, plan, u32::MAX);
            (plan.to_text(), plan.cuts_off(), guard.arm.len())
        };
        match plan(&desired, &observed, &memory) {
            Ok(plan) => drop(texts(&plan)),
            Err(refusals) => prop_assert!(!plausible || refusals.iter().all(|refusal| refusal.field == "name")),
        }
        texts(&removal(&observed, &memory));
        texts(&release(&observed, &memory));
        validate(&desired, &observed);
        let seen = interfaces(&observed);
        for name in seen.iter().map(|view| view.name.as_str()).chain(["ether1", ""]) {
            gateways(name, &observed);
        }
        unlike_pushed(255, Place { rung: 4, step: 99 }, observed.rows(Menu::Route));
    }
}
