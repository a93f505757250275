//! What our scripts do on a router.

use holdfast_api_types::Place;
use holdfast_routeros_plan::{
    ADOPTION_STEPS, Adoption, Authority, Change, Desired, Gateway, Management, Memory, Menu, Mode,
    Slot, plan, release,
};
use holdfast_routeros_proto::Row;

use crate::{console::Console, router::Router};

fn row(fields: &[(&str, &str)]) -> Row {
    fields.iter().copied().collect()
}

/// A router with a firewall, an API that is off, and one WAN by DHCP. The pasted line has imported the authority.
fn router(version: &str) -> Router {
    let mut router = Router::new(version);
    for action in ["accept", "drop", "drop"] {
        router.insert(Menu::Filter, row(&[("chain", "input"), ("action", action)]));
    }
    router.insert(
        Menu::Service,
        row(&[
            ("name", "api"),
            ("port", "8728"),
            ("disabled", "true"),
            ("address", ""),
        ]),
    );
    router.insert(
        Menu::Interface,
        row(&[("name", "ether1"), ("type", "ether")]),
    );
    let client = [
        ("interface", "ether1"),
        ("gateway", "192.0.2.1"),
        ("add-default-route", "yes"),
    ];
    router.insert(Menu::DhcpClient, row(&client));
    router.insert(
        Menu::Certificate,
        row(&[
            ("name", "holdfast-ca"),
            ("fingerprint", "5f0c"),
            ("trusted", "true"),
        ]),
    );
    router
}

fn management() -> Management {
    Management {
        endpoint: "203.0.113.1:443".parse().unwrap(),
        username: "MANAGEMENT".into(),
        password: "a \"secret\" $".to_owned().into(),
    }
}

fn adoption() -> Adoption {
    Adoption {
        script_url: "https://control.example/adoption/T/script".into(),
        authority_url: "https://control.example/authority".into(),
        progress_url: "https://control.example/adoption/T/progress".into(),
        check_in_url: "https://control.example/check-in".into(),
        check_in_token: "CHECK-IN".to_owned().into(),
        authority: Authority {
            pem: String::new(),
            fingerprint: "5F:0C".into(),
        },
        management: management(),
        user_password: "user".to_owned().into(),
    }
}

fn desired(slots: Vec<Slot>, mode: Mode) -> Desired {
    Desired {
        slots,
        mode,
        authority: adoption().authority,
        management: Some(management()),
        watchdog: true,
    }
}

fn slot() -> Slot {
    Slot {
        number: 1,
        interface: "ether1".into(),
        gateway: Gateway::Address([192, 0, 2, 1].into()),
        controller: "203.0.113.1:443".parse().unwrap(),
        username: "user-1".into(),
        password: "password-1".to_owned().into(),
        server: [198, 18, 0, 5].into(),
        metered: false,
        enabled: true,
        place: Place { rung: 1, step: 10 },
        rank: 0,
    }
}

fn console(router: &mut Router) -> Console<'_> {
    let version = router.version.to_string();
    Console::new(router)
        .fact("/system/identity", "name", r#"my "best\" router"#)
        .fact("/system/resource", "version", &version)
        .fact("/system/resource", "board-name", "hAP ax3")
        .fact("/system/resource", "uptime", "4d12:00:00")
        .fact("/system/routerboard", "serial-number", "HD0123")
        .fact("/system/device-mode", "flagged", "false")
        .fact("/system/device-mode", "scheduler", "yes")
}

/// What the script told: step, state, detail.
fn told(console: &Console<'_>) -> Vec<(String, String, String)> {
    let read = |body: &String| {
        let json: serde_json::Value =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        let field = |name: &str| json[name].as_str().unwrap().to_owned();
        (field("step"), field("state"), field("detail"))
    };
    console.posted.iter().map(read).collect()
}

fn adopt(router: &mut Router) {
    console(router).run(&adoption().script()).unwrap();
}

#[test]
fn adoption_tells_every_step_in_order_and_what_router_it_is() {
    let mut router = router("7.16.2");
    let mut console = console(&mut router);
    console.run(&adoption().script()).unwrap();
    let expected = ADOPTION_STEPS.iter().flat_map(|(step, _)| {
        ["running", "succeeded"].map(|state| ((*step).to_owned(), state.to_owned(), String::new()))
    });
    assert_eq!(told(&console), expected.collect::<Vec<_>>());
    let first: serde_json::Value = serde_json::from_str(&console.posted[0]).unwrap();
    assert_eq!(first["identity"], "my best router");
    assert_eq!(first["version"], "7.16.2");
    assert_eq!(first["board"], "hAP ax3");
    assert_eq!(first["serial"], "HD0123");
    assert_eq!(console.printed, ["Holdfast: the router is adopted."]);
}

#[test]
fn after_adoption_a_plan_without_tunnels_has_nothing_to_do() {
    for version in ["7.8", "7.16.2", "7.24"] {
        let mut router = router(version);
        adopt(&mut router);
        let observed = router.observe();
        let steps = plan(
            &desired(Vec::new(), Mode::Pushed),
            &observed,
            &Memory::default(),
        )
        .unwrap();
        assert!(steps.is_empty(), "{steps}");
        let user = &router.rows(Menu::User)[0];
        assert_eq!(user.text("address"), "198.18.0.0/15");
        let service = &router.rows(Menu::Service)[0];
        assert!(!service.flag("disabled"));
        assert_eq!(service.text("address"), "198.18.0.0/15");
    }
}

#[test]
fn adopted_twice_is_as_adopted_once() {
    let mut router = router("7.16.2");
    adopt(&mut router);
    let once = router.export();
    adopt(&mut router);
    assert_eq!(router.export(), once);
}

#[test]
fn released_the_router_is_as_it_was_whatever_its_api_was_like() {
    for (disabled, address) in [
        ("true", ""),
        ("false", ""),
        ("false", "10.0.0.0/8,192.168.88.0/24"),
        ("true", "10.0.0.0/8"),
    ] {
        let mut router = router("7.16.2");
        let service = &mut router.rows_mut(Menu::Service)[0];
        service.set("disabled", disabled);
        service.set("address", address);
        let before = router.export();
        adopt(&mut router);
        adopt(&mut router);
        let service = &router.rows(Menu::Service)[0];
        assert!(!service.flag("disabled"));
        if address.is_empty() && disabled == "false" {
            assert_eq!(service.text("address"), "", "what was open stays open");
        } else {
            assert!(service.text("address").ends_with("198.18.0.0/15"));
        }
        let plan = release(&router.observe(), &Memory::default());
        let [step] = &plan.steps[..] else {
            panic!("{plan}");
        };
        router.apply(&step.change).unwrap();
        let script = router
            .rows(Menu::Scheduler)
            .last()
            .unwrap()
            .text("on-event")
            .to_owned();
        console(&mut router).run(&script).unwrap();
        let own = "/certificate fingerprint=\"5f0c\" name=\"holdfast-ca\" trusted=\"true\"\n";
        assert_eq!(
            router.export(),
            before.replace(own, ""),
            "{disabled} {address:?}"
        );
    }
}

#[test]
fn a_router_that_cannot_be_adopted_is_told_why_and_left_alone() {
    let foreign = |router: &mut Router| {
        router.insert(Menu::User, row(&[("name", "holdfast"), ("group", "full")]));
    };
    let unknown = |router: &mut Router| router.rows_mut(Menu::Certificate).clear();
    let nothing = |_: &mut Router| {};
    type Prepare<'a> = &'a dyn Fn(&mut Router);
    let cases: [(&str, Prepare<'_>, &str, &str, &str); 6] = [
        (
            "7.7",
            &nothing,
            "",
            "check",
            "RouterOS 7.8 or newer is needed, this is 7.7: upgrade",
        ),
        (
            "6.49.10 (long-term)",
            &nothing,
            "",
            "check",
            "this is 6.49.10 (long-term): upgrade",
        ),
        (
            "7.16.2",
            &nothing,
            "flagged",
            "check",
            "possibly compromised",
        ),
        (
            "7.16.2",
            &nothing,
            "scheduler",
            "check",
            "forbids schedulers",
        ),
        (
            "7.16.2",
            &foreign,
            "",
            "check",
            "a user named holdfast that is not from Holdfast",
        ),
        ("7.16.2", &unknown, "", "authority", "paste the whole line"),
    ];
    for (version, prepare, mode, step, words) in cases {
        let mut router = router(version);
        prepare(&mut router);
        let before = router.export();
        let mut console = console(&mut router);
        if !mode.is_empty() {
            let value = if mode == "flagged" { "true" } else { "no" };
            console = console.fact("/system/device-mode", mode, value);
        }
        console.run(&adoption().script()).unwrap();
        let (last, state, detail) = told(&console).pop().unwrap();
        assert_eq!((last.as_str(), state.as_str()), (step, "failed"));
        assert!(detail.contains(words), "{detail}");
        assert!(console.printed[0].contains(words), "{:?}", console.printed);
        assert_eq!(router.export(), before);
    }
}

#[test]
fn adoption_says_when_the_tunnel_does_not_come_up() {
    let mut router = router("7.16.2");
    let mut console = console(&mut router);
    console.tunnels_come_up = false;
    console.run(&adoption().script()).unwrap();
    let (step, state, detail) = told(&console).pop().unwrap();
    assert_eq!((step.as_str(), state.as_str()), ("connect", "failed"));
    assert!(
        detail.contains("does the router reach 203.0.113.1:443"),
        "{detail}"
    );
}

#[test]
fn the_check_in_tells_who_is_there() {
    let mut router = router("7.16.2");
    adopt(&mut router);
    let mut scripts = router.rows(Menu::Script).iter();
    let script = scripts
        .find(|row| row.text("name") == "holdfast-check-in")
        .unwrap();
    let source = script.text("source").to_owned();
    assert!(source.contains("Authorization: Bearer CHECK-IN"));
    let mut console = console(&mut router);
    console.run(&source).unwrap();
    let json: serde_json::Value = serde_json::from_str(&console.posted[0]).unwrap();
    assert_eq!(json["identity"], "my best router");
    assert_eq!(json["version"], "7.16.2");
    assert_eq!(json["uptime"], "4d12:00:00");
}

/// An adopted router with one tunnel, which is up.
fn configured(mode: Mode) -> Router {
    let mut router = router("7.16.2");
    adopt(&mut router);
    let steps = plan(
        &desired(vec![slot()], mode),
        &router.observe(),
        &Memory::default(),
    )
    .unwrap();
    for step in &steps.steps {
        router.apply(&step.change).unwrap();
    }
    for client in router.rows_mut(Menu::OvpnClient) {
        client.set("running", "true");
    }
    router
}

fn of_slot<'r>(router: &'r Router, menu: Menu, comment: &str) -> &'r Row {
    let mut rows = router.rows(menu).iter();
    rows.find(|row| row.text("comment") == comment).unwrap()
}

#[test]
fn a_gateway_that_dhcp_changes_is_followed_and_the_tunnel_dials_anew() {
    let mut router = configured(Mode::Pushed);
    let script = router.rows(Menu::DhcpClient)[0].text("script").to_owned();
    let mut console = console(&mut router);
    console.run(&script).unwrap();
    assert_eq!(console.switched, [""; 0], "nothing has changed");
    console.router.rows_mut(Menu::DhcpClient)[0].unset("gateway");
    console.run(&script).unwrap();
    assert_eq!(
        console.switched, [""; 0],
        "a lease that is lost says nothing"
    );
    console.router.rows_mut(Menu::DhcpClient)[0].set("gateway", "192.0.2.254");
    console.run(&script).unwrap();
    assert_eq!(console.switched, ["disable", "enable"]);
    let hop = of_slot(&router, Menu::Route, "holdfast:next-hop:1");
    assert_eq!(hop.text("gateway"), "192.0.2.254%ether1");
    let wanted = desired(vec![slot()], Mode::Pushed);
    assert!(
        plan(&wanted, &router.observe(), &Memory::default())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_tunnel_that_is_off_stays_off_when_its_gateway_changes_or_its_watchdog_barks() {
    let mut router = configured(Mode::Pushed);
    let follow = router.rows(Menu::DhcpClient)[0].text("script").to_owned();
    let bark = of_slot(&router, Menu::Netwatch, "holdfast:watchdog:1")
        .text("down-script")
        .to_owned();
    router.rows_mut(Menu::DhcpClient)[0].set("gateway", "192.0.2.254");
    for client in router.rows_mut(Menu::OvpnClient) {
        client.set("running", "false");
        client.set("disabled", "true");
    }
    let mut console = console(&mut router);
    console.run(&follow).unwrap();
    console.run(&bark).unwrap();
    assert_eq!(console.switched, [""; 0]);
    assert!(of_slot(&router, Menu::OvpnClient, "holdfast:tunnel:1").flag("disabled"));
}

#[test]
fn the_watchdog_redials_a_tunnel_that_is_up() {
    let mut router = configured(Mode::Pushed);
    let bark = of_slot(&router, Menu::Netwatch, "holdfast:watchdog:1")
        .text("down-script")
        .to_owned();
    let mut console = console(&mut router);
    console.run(&bark).unwrap();
    assert_eq!(console.switched, ["disable", "enable"]);
}

#[test]
fn the_profile_switches_the_ladder_of_its_own_tunnel() {
    let mut router = configured(Mode::Local);
    router.insert(
        Menu::Route,
        row(&[
            ("dst-address", "0.0.0.0/0"),
            ("comment", "holdfast:ladder:2"),
            ("disabled", "true"),
        ]),
    );
    let profile = of_slot(&router, Menu::PppProfile, "holdfast:profile:1").clone();
    let is_on = |router: &Router, comment: &str| {
        let rows = router
            .rows(Menu::Route)
            .iter()
            .filter(|row| row.text("comment") == comment);
        rows.map(|row| !row.flag("disabled")).collect::<Vec<_>>()
    };
    assert_eq!(is_on(&router, "holdfast:ladder:1"), [false, false]);
    console(&mut router).run(profile.text("on-up")).unwrap();
    assert_eq!(is_on(&router, "holdfast:ladder:1"), [true, true]);
    assert_eq!(is_on(&router, "holdfast:ladder:2"), [false]);
    console(&mut router).run(profile.text("on-down")).unwrap();
    assert_eq!(is_on(&router, "holdfast:ladder:1"), [false, false]);
}

#[test]
fn release_needs_nobody_on_the_other_end() {
    let mut router = router("7.16.2");
    adopt(&mut router);
    let plan = release(&router.observe(), &Memory::default());
    assert!(!plan.cuts_off(), "a dead man would only bring it back");
    let Change::Add { menu, .. } = &plan.steps[0].change else {
        panic!("{plan}");
    };
    assert_eq!(*menu, Menu::Scheduler);
    router.apply(&plan.steps[0].change).unwrap();
    let again = release(&router.observe(), &Memory::default());
    assert!(again.is_empty(), "it was told already: {again}");
}
