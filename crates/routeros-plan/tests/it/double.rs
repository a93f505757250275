//! The virtual router, which knows what RouterOS's menus have and take, gets every kind of command.

use holdfast_api_types::Place;
use holdfast_routeros_plan::{
    Authority, Desired, Gateway, Memory, Menu, Mode, Observed, Plan, Slot, dead_man, plan, removal,
};
use holdfast_routeros_proto::{Command, Query, Row, Version};
use holdfast_virtual_router::model::{Caller, Database};

struct Double {
    database: Database,
    memory: Memory,
}

impl Double {
    /// Two DHCP clients, one static WAN with a default route, a LAN, a firewall that drops.
    fn new(version: &str) -> Self {
        let mut double = Self {
            database: Database::new(version.parse().unwrap()),
            memory: Memory::default(),
        };
        for name in ["ether1", "ether2", "ether3", "ether4"] {
            let row = Row::new().with("name", name).with("default-name", name);
            double
                .database
                .add_item("/interface/ethernet", &row)
                .unwrap();
        }
        for line in [
            "/interface/list/add =name=WAN",
            "/ip/address/add =address=192.0.2.7/24 =interface=ether1",
            "/ip/address/add =address=198.51.100.7/24 =interface=ether2",
            "/ip/address/add =address=203.0.113.200/24 =interface=ether3",
            "/ip/dhcp-client/add =interface=ether1 =default-route-distance=1 =disabled=no",
            "/ip/dhcp-client/add =interface=ether2 =default-route-distance=2 =script=theirs =disabled=no",
            "/ip/route/add =dst-address=0.0.0.0/0 =gateway=203.0.113.254",
            "/ip/firewall/filter/add =chain=input =action=drop =in-interface=ether1",
            "/ip/firewall/nat/add =chain=srcnat =action=masquerade =out-interface-list=WAN",
            "/file/add =name=ca.pem =contents=pem",
        ] {
            double.send(&Command::read(line.split(' ')).unwrap());
        }
        // Importing is not the database's affair.
        let certificate = Row::new()
            .with("name", "holdfast-ca")
            .with("fingerprint", "5f0c")
            .with("trusted", "true");
        double
            .database
            .add_item("/certificate", &certificate)
            .unwrap();
        double
    }

    fn send(&mut self, command: &Command) -> Vec<Row> {
        let answer = self.database.execute(&Caller::system(), command);
        match answer {
            Ok(answer) => answer.rows,
            Err(trap) => panic!("{command}: {trap}"),
        }
    }

    fn observe(&mut self) -> Observed {
        let version: Version = self.database.version().clone();
        let requests = Observed::queries(&version);
        let answers = requests
            .iter()
            .map(|request| {
                if request.optional && !self.database.has_menu(request.menu.path()) {
                    return Vec::new();
                }
                self.send(&request.to_command())
            })
            .collect();
        Observed::read(version, answers)
    }

    fn carry_out(&mut self, plan: &Plan) {
        let observed = self.observe();
        let guard = dead_man(&observed, plan, 60);
        for change in &guard.arm {
            self.send(&change.to_command());
        }
        assert!(self.observe().dead_man_is_armed());
        for (position, step) in plan.steps.iter().enumerate() {
            if position == plan.commit_point() {
                self.disarm(&guard.disarm);
            }
            self.memory.sending(step);
            self.send(&step.change.to_command());
            self.memory.sent(step);
        }
        if plan.commit_point() == plan.steps.len() {
            self.disarm(&guard.disarm);
        }
        assert!(!self.observe().dead_man_is_armed());
    }

    fn disarm(&mut self, commands: &[holdfast_routeros_plan::Change]) {
        for change in commands {
            self.send(&change.to_command());
        }
    }

    /// What is configured, without ids.
    fn configuration(&mut self) -> Vec<String> {
        let version = self.database.version().clone();
        let menus = Observed::queries(&version)
            .into_iter()
            .map(|request| request.menu);
        let mut lines = Vec::new();
        for menu in menus.filter(|menu| *menu != Menu::Resource) {
            if self.database.has_menu(menu.path()) {
                for mut row in self.send(&Command::print(menu.path())) {
                    row.unset(Row::ID);
                    lines.push(format!("{} {row:?}", menu.path()));
                }
            }
        }
        lines
    }
}

pub(crate) fn desired(mode: Mode, one_address: bool) -> Desired {
    let wans = [
        ("ether1", [192, 0, 2, 1]),
        ("ether2", [198, 51, 100, 1]),
        ("ether3", [203, 0, 113, 254]),
    ];
    let slots = wans
        .iter()
        .zip(1u8..)
        .map(|(&(interface, gateway), number)| Slot {
            number,
            interface: interface.into(),
            gateway: Gateway::Address(gateway.into()),
            controller: if one_address {
                format!("100.64.0.1:{}", 442 + u16::from(number))
                    .parse()
                    .unwrap()
            } else {
                format!("100.64.0.{number}:443").parse().unwrap()
            },
            username: format!("user-{number}"),
            password: format!("password-{number}").into(),
            server: [198, 18, 0, number * 4 + 1].into(),
            metered: false,
            enabled: true,
            place: Place {
                rung: 3 - number,
                step: 10,
            },
            rank: number - 1,
        });
    Desired {
        slots: slots.collect(),
        mode,
        authority: Authority {
            pem: String::new(),
            fingerprint: "5f0c".into(),
        },
        management: None,
        watchdog: true,
    }
}

#[test]
fn it_takes_what_mends_a_drift() {
    let mut double = Double::new("7.20.8");
    let wanted = desired(Mode::Pushed, false);
    let steps = plan(&wanted, &double.observe(), &double.memory).unwrap();
    double.carry_out(&steps);
    for (menu, comment, change) in [
        (
            Menu::Route,
            "holdfast:pin-shadow:1",
            "/ip/route/set =!blackhole= =gateway=ether1",
        ),
        (
            Menu::Route,
            "holdfast:next-hop:1",
            "/ip/route/set =check-gateway=ping =blackhole=yes",
        ),
        (Menu::Route, "holdfast:pin:2", "/ip/route/remove"),
        (Menu::Filter, "holdfast:accept", "/ip/firewall/filter/move"),
        (
            Menu::OvpnClient,
            "holdfast:tunnel:2",
            "/interface/ovpn-client/set =use-peer-dns=yes =port=1194",
        ),
        (
            Menu::PppProfile,
            "holdfast:profile:3",
            "/ppp/profile/set =!interface-list= =on-up=x",
        ),
        (
            Menu::Netwatch,
            "holdfast:watchdog:1",
            "/tool/netwatch/set =interval=1m =disabled=yes",
        ),
    ] {
        let tagged = Query::equals("comment", comment);
        let rows = double.send(&Command::print(menu.path()).matching(tagged));
        let key = if change.ends_with("/move") {
            "numbers"
        } else {
            ".id"
        };
        let change_by_hand = Command::read(change.split(' ')).unwrap();
        double.send(&change_by_hand.with(key, rows[0].text(Row::ID)));
        let steps = plan(&wanted, &double.observe(), &double.memory).unwrap();
        assert!(!steps.is_empty(), "{change}");
        double.carry_out(&steps);
        let rest = plan(&wanted, &double.observe(), &double.memory).unwrap();
        assert!(rest.is_empty(), "{change}\n{rest}");
    }
}

#[test]
fn it_takes_every_command_and_is_as_it_was_afterwards() {
    for version in ["7.8", "7.16.2", "7.18rc1", "7.21", "7.24"] {
        let mut double = Double::new(version);
        let before = double.configuration();
        for (mode, one_address) in [
            (Mode::Pushed, false),
            (Mode::Local, false),
            (Mode::Local, true),
            (Mode::Pushed, true),
            (Mode::Pushed, false),
        ] {
            let wanted = desired(mode, one_address);
            let steps = plan(&wanted, &double.observe(), &double.memory).unwrap();
            assert!(!steps.is_empty());
            double.carry_out(&steps);
            let rest = plan(&wanted, &double.observe(), &double.memory).unwrap();
            assert!(
                rest.is_empty(),
                "{version}, {mode}, one address: {one_address}\n{rest}"
            );
        }
        let steps = removal(&double.observe(), &double.memory);
        double.carry_out(&steps);
        let after = double.configuration();
        let without_authority = before
            .iter()
            .filter(|line| !line.starts_with("/certificate"));
        assert_eq!(
            without_authority.cloned().collect::<Vec<_>>(),
            after,
            "{version}"
        );
    }
}
