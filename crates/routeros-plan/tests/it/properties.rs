//! What holds for every plan, whatever the router looks like and wherever the connection is cut.

use holdfast_api_types::Place;
use holdfast_routeros_plan::{
    Authority, Desired, Gateway, Management, Memory, Menu, Mode, Observed, Plan, Slot, dead_man,
    plan, removal,
};
use holdfast_routeros_proto::Row;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
    sample::Index,
};

use crate::{console, router::Router};

/// How one WAN of a router is connected.
#[derive(Debug, Clone, Copy)]
enum Wan {
    Dhcp { distance: u8, scripted: bool },
    Static { default_route: bool },
    Pppoe { default_route: bool },
    Lte,
}

#[derive(Debug, Clone)]
struct World {
    version: &'static str,
    wans: Vec<Wan>,
    drops: bool,
    wan_list: bool,
}

/// What is wanted of it.
#[derive(Debug, Clone)]
struct Wish {
    /// Which WAN, switched on, metered, rung; in the site's order.
    slots: Vec<(usize, bool, bool, u8)>,
    mode: Mode,
    one_address: bool,
    management: bool,
    watchdog: bool,
}

const VERSIONS: &[&str] = &[
    "7.8 (stable)",
    "7.16.2 (stable)",
    "7.18rc1 (testing)",
    "7.20.8 (stable)",
    "7.24 (stable)",
];

fn worlds() -> impl Strategy<Value = World> {
    let wan = prop_oneof![
        (1..5u8, any::<bool>()).prop_map(|(distance, scripted)| Wan::Dhcp { distance, scripted }),
        any::<bool>().prop_map(|default_route| Wan::Static { default_route }),
        any::<bool>().prop_map(|default_route| Wan::Pppoe { default_route }),
        Just(Wan::Lte),
    ];
    let version = (0..VERSIONS.len()).prop_map(|index| VERSIONS[index]);
    (version, vec(wan, 2..5), any::<bool>(), any::<bool>()).prop_map(
        |(version, wans, drops, wan_list)| World {
            version,
            wans,
            drops,
            wan_list,
        },
    )
}

fn wishes() -> impl Strategy<Value = Wish> {
    let slots = vec((any::<Index>(), any::<bool>(), any::<bool>(), 0..4u8), 0..4);
    let mode = prop_oneof![Just(Mode::Pushed), Just(Mode::Local)];
    (slots, mode, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(slots, mode, one_address, management, watchdog)| {
            let mut wans: Vec<(usize, bool, bool, u8)> = Vec::new();
            for (wan, on, metered, rung) in slots {
                let wan = wan.index(8);
                if wans.iter().all(|(other, ..)| *other != wan) {
                    wans.push((wan, on, metered, rung));
                }
            }
            Wish {
                slots: wans,
                mode,
                one_address,
                management,
                watchdog,
            }
        },
    )
}

fn name(index: usize, wan: Wan) -> String {
    match wan {
        Wan::Dhcp { .. } | Wan::Static { .. } => format!("ether{index}"),
        Wan::Pppoe { .. } => format!("pppoe-out{index}"),
        Wan::Lte => format!("lte{index}"),
    }
}

fn gateway(index: usize, wan: Wan) -> Gateway {
    match wan {
        Wan::Dhcp { .. } | Wan::Static { .. } => Gateway::Address([10, 0, index as u8, 1].into()),
        Wan::Pppoe { .. } | Wan::Lte => Gateway::Interface,
    }
}

impl World {
    fn router(&self) -> Router {
        let mut router = Router::new(self.version);
        let row = |fields: &[(&str, &str)]| fields.iter().copied().collect::<Row>();
        if self.wan_list {
            router.insert(Menu::InterfaceList, row(&[("name", "WAN")]));
        }
        if self.drops {
            router.insert(Menu::Filter, row(&[("chain", "input"), ("action", "drop")]));
        }
        for (index, wan) in self.wans.iter().copied().enumerate() {
            let name = name(index, wan);
            let kind = match wan {
                Wan::Dhcp { .. } | Wan::Static { .. } => "ether",
                Wan::Pppoe { .. } => "pppoe-out",
                Wan::Lte => "lte",
            };
            router.insert(
                Menu::Interface,
                row(&[("name", &name), ("type", kind), ("running", "true")]),
            );
            let address = format!("10.0.{index}.2/24");
            let gateway = format!("10.0.{index}.1");
            router.insert(
                Menu::Address,
                row(&[("address", &address), ("interface", &name)]),
            );
            match wan {
                Wan::Dhcp { distance, scripted } => {
                    let script = if scripted { ":log info theirs" } else { "" };
                    let distance = distance.to_string();
                    let fields = [
                        ("interface", name.as_str()),
                        ("gateway", &gateway),
                        ("add-default-route", "yes"),
                        ("default-route-distance", &distance),
                        ("script", script),
                    ];
                    router.insert(Menu::DhcpClient, row(&fields));
                }
                Wan::Static {
                    default_route: true,
                } => {
                    let fields = [
                        ("dst-address", "0.0.0.0/0"),
                        ("gateway", gateway.as_str()),
                        ("immediate-gw", &format!("{gateway}%{name}")),
                        ("distance", "1"),
                        ("static", "true"),
                    ];
                    router.insert(Menu::Route, row(&fields));
                }
                Wan::Static {
                    default_route: false,
                } => {}
                Wan::Pppoe { default_route } => {
                    let adds = if default_route { "true" } else { "false" };
                    let fields = [
                        ("name", name.as_str()),
                        ("interface", "ether9"),
                        ("add-default-route", adds),
                        ("default-route-distance", "1"),
                    ];
                    router.insert(Menu::PppoeClient, row(&fields));
                }
                Wan::Lte => {
                    let apn = format!("apn{index}");
                    router.insert(Menu::Lte, row(&[("name", &name), ("apn-profiles", &apn)]));
                    let fields = [
                        ("name", apn.as_str()),
                        ("add-default-route", "true"),
                        ("default-route-distance", "2"),
                    ];
                    router.insert(Menu::LteApn, row(&fields));
                }
            }
        }
        router
    }

    fn desired(&self, wish: &Wish) -> Desired {
        let slots = wish
            .slots
            .iter()
            .enumerate()
            .filter(|(_, (wan, ..))| *wan < self.wans.len());
        let slots = slots.map(|(rank, &(index, enabled, metered, rung))| {
            let wan = self.wans[index];
            let number = index as u8 + 1;
            let controller = if wish.one_address {
                format!("203.0.113.1:{}", 440 + u16::from(number))
            } else {
                format!("203.0.113.{number}:443")
            };
            Slot {
                number,
                interface: name(index, wan),
                gateway: gateway(index, wan),
                controller: controller.parse().unwrap(),
                username: format!("user-{number}"),
                password: format!("password-{number}").into(),
                server: [198, 18, 0, number * 4 + 1].into(),
                metered,
                enabled,
                place: Place { rung, step: 10 },
                rank: rank as u8,
            }
        });
        Desired {
            slots: slots.collect(),
            mode: wish.mode,
            authority: Authority {
                pem: "pem of 5f0c".into(),
                fingerprint: "5f0c".into(),
            },
            management: wish.management.then(|| Management {
                endpoint: "203.0.113.1:443".parse().unwrap(),
                username: "management".into(),
                password: "management-password".to_owned().into(),
            }),
            watchdog: wish.watchdog,
        }
    }
}

/// A router, and what is remembered of it.
#[derive(Debug, Clone)]
struct Site {
    router: Router,
    memory: Memory,
}

impl Site {
    fn new(world: &World) -> Self {
        Self {
            router: world.router(),
            memory: Memory::default(),
        }
    }

    fn plan(&self, desired: &Desired) -> Plan {
        plan(desired, &self.router.observe(), &self.memory)
            .unwrap_or_else(|refusals| panic!("{refusals:?}"))
    }

    /// Sends the first so many steps.
    fn send(&mut self, plan: &Plan, steps: usize) {
        for step in &plan.steps[..steps] {
            self.memory.sending(step);
            let answer = self.router.apply(&step.change);
            answer.unwrap_or_else(|error| panic!("{}: {error}", step.command_text()));
            self.memory.sent(step);
        }
    }

    fn bring_to(&mut self, desired: &Desired) {
        let plan = self.plan(desired);
        self.send(&plan, plan.steps.len());
    }

    /// What the router does when nobody calls the dead man off.
    fn revert(&mut self, observed: &Observed, plan: &Plan) {
        let guard = dead_man(observed, plan, 60);
        for change in &guard.arm {
            self.router.apply(change).unwrap();
        }
        let scripts = self.router.rows(Menu::Script).iter();
        let source = scripts
            .map(|row| row.text("source").to_owned())
            .next()
            .unwrap();
        console::run(&mut self.router, &source).unwrap();
    }
}

proptest! {
    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(world in worlds(), first in wishes(), second in wishes()) {
        let mut site = Site::new(&world);
        for wish in [first, second] {
            let desired = world.desired(&wish);
            site.bring_to(&desired);
            let rest = site.plan(&desired);
            prop_assert!(rest.is_empty(), "{rest}");
        }
    }

    #[test]
    fn a_plan_that_was_cut_off_anywhere_is_taken_up_again(
        world in worlds(), first in wishes(), second in wishes(), cut in any::<Index>(),
    ) {
        let mut site = Site::new(&world);
        site.bring_to(&world.desired(&first));
        let desired = world.desired(&second);
        let plan = site.plan(&desired);
        site.send(&plan, cut.index(plan.steps.len() + 1));
        site.bring_to(&desired);
        prop_assert!(site.plan(&desired).is_empty());
    }

    #[test]
    fn the_dead_man_brings_back_the_old_state_wherever_the_plan_was_cut(
        world in worlds(), first in wishes(), second in wishes(), cut in any::<Index>(),
    ) {
        let mut site = Site::new(&world);
        site.bring_to(&world.desired(&first));
        let before = site.router.export();
        let observed = site.router.observe();
        let plan = site.plan(&world.desired(&second));
        site.send(&plan, cut.index(plan.commit_point() + 1));
        let mut twice = site.clone();
        site.revert(&observed, &plan);
        similar(&before, &site.router.export())?;
        twice.revert(&observed, &plan);
        twice.revert(&observed, &plan);
        similar(&before, &twice.router.export())?;
    }

    #[test]
    fn removal_leaves_a_router_as_it_was(world in worlds(), first in wishes(), second in wishes()) {
        let mut site = Site::new(&world);
        let before = site.router.export();
        for wish in [first, second] {
            let wish = Wish { management: false, ..wish };
            site.bring_to(&world.desired(&wish));
        }
        let plan = removal(&site.router.observe(), &site.memory);
        site.send(&plan, plan.steps.len());
        similar(&before, &site.router.export())?;
        prop_assert!(removal(&site.router.observe(), &site.memory).is_empty());
    }

    #[test]
    fn somebody_elses_objects_are_never_touched(world in worlds(), wish in wishes()) {
        let mut site = Site::new(&world);
        let theirs = Row::new()
            .with("dst-address", "203.0.113.1/32")
            .with("gateway", "10.9.9.9")
            .with("static", "true")
            .with("comment", "holdfast:pin:1 (old)");
        let id = site.router.insert(Menu::Route, theirs.clone());
        site.bring_to(&world.desired(&wish));
        let plan = removal(&site.router.observe(), &site.memory);
        site.send(&plan, plan.steps.len());
        let kept = site.router.rows(Menu::Route).iter().find(|row| row.id() == Some(&id)).cloned();
        prop_assert_eq!(kept, Some(theirs.with(Row::ID, &id)));
    }

    #[test]
    fn meanwhile_there_is_always_a_default_route_that_nobody_took_away(world in worlds(), wish in wishes()) {
        let mut site = Site::new(&world);
        let sources = default_sources(&site.router);
        let plan = site.plan(&world.desired(&wish));
        for step in 0..plan.steps.len() {
            site.send(&Plan { steps: vec![plan.steps[step].clone()], warnings: Vec::new() }, 1);
            prop_assert!(default_sources(&site.router) >= sources);
        }
    }

    #[test]
    fn no_text_shows_a_secret(world in worlds(), wish in wishes()) {
        let site = Site::new(&world);
        let plan = site.plan(&world.desired(&wish));
        let debug = format!("{plan:?}");
        for text in [plan.to_text(), debug] {
            prop_assert!(!text.contains("password-") && !text.contains("-password"), "{text}");
        }
    }
}

/// How many ways out the main table has, ladder aside.
fn default_sources(router: &Router) -> usize {
    let adds = |menu| {
        router
            .rows(menu)
            .iter()
            .filter(|row| row.flag("add-default-route"))
            .count()
    };
    let routes = router.rows(Menu::Route).iter().filter(|row| {
        row.text("dst-address") == "0.0.0.0/0"
            && row.text("routing-table").is_empty()
            && !row.text("gateway").is_empty()
    });
    adds(Menu::DhcpClient) + adds(Menu::PppoeClient) + adds(Menu::LteApn) + routes.count()
}

/// The same configuration. The certificate stays when a change is taken back, since it harms nobody.
fn similar(before: &str, after: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    let missing = |from: &str, text: &str| {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("/certificate"));
        let lines = lines.filter(|line| from.lines().all(|other| other != *line));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (lost, new) = (missing(after, before), missing(before, after));
    prop_assert!(
        lost.is_empty() && new.is_empty(),
        "lost {lost:#?}\nnew {new:#?}"
    );
    let rules = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("/ip/firewall"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    prop_assert_eq!(rules(before), rules(after));
    Ok(())
}
