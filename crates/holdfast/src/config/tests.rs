use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    parse_with(text, &[])
}

fn parse_with(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = |name: &str| {
        let found = environment.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Config::parse(Path::new("/etc/h/holdfast.toml"), text, &environment)
}

fn mistakes(text: &str) -> Vec<String> {
    let err = parse(text).unwrap_err().to_string();
    err.lines().map(str::to_owned).collect()
}

const SMALL: &str = "[[controller.slots]]\naddress = \"203.0.113.1:443\"\n";

#[test]
fn slots_are_all_that_must_be_said() {
    let config = parse(SMALL).unwrap();
    assert_eq!(config.http.listen, USUAL_LISTEN);
    assert_eq!(config.http.public_url, None);
    assert_eq!(
        config.controller.slots,
        ["203.0.113.1:443".parse().unwrap()]
    );
    assert_eq!(config.controller.drain, Duration::from_secs(10));
    assert_eq!(config.log.format, Format::Text);
}

#[test]
fn everything_that_is_written_arrives() {
    let config = parse(
        r#"
        [http]
        listen = "[::1]:8443"
        public_url = "https://holdfast.example.org"
        trusted_proxies = ["10.0.0.1"]
        tls = { certificate = "web.pem", key = "/keys/web.key" }

        [controller]
        drain_seconds = 2.5
        management = "203.0.113.9:443"
        slots = [{ address = "203.0.113.1:443" }, { address = "203.0.113.2:443" }]
        limits = { connections_before_login = 5, handshakes = 6 }

        [controller.tls]
        certificate = "slots.pem"
        key = "slots.key"
        ca = "ca.pem"

        [log]
        level = "warn,holdfast=debug"
        format = "json"
        "#,
    )
    .unwrap();
    assert_eq!(config.http.listen.to_string(), "[::1]:8443");
    let url = config.http.public_url.unwrap();
    assert_eq!(url.origin(), "https://holdfast.example.org");
    assert_eq!(config.http.trusted_proxies.len(), 1);
    let tls = config.http.tls.unwrap();
    assert_eq!(tls.certificate, Path::new("/etc/h/web.pem"));
    assert_eq!(tls.key, Path::new("/keys/web.key"));
    let tls = config.controller.tls.unwrap();
    assert_eq!(tls.pair.certificate, Path::new("/etc/h/slots.pem"));
    assert_eq!(tls.ca, Path::new("/etc/h/ca.pem"));
    assert_eq!(config.controller.slots.len(), 2);
    assert_eq!(config.controller.drain, Duration::from_millis(2500));
    let management = "203.0.113.9:443".parse().unwrap();
    assert_eq!(config.controller.management, Some(management));
    assert_eq!(config.controller.connections_before_login, Some(5));
    assert_eq!(config.controller.handshakes, Some(6));
    assert_eq!(config.log.format, Format::Json);
}

#[test]
fn the_environment_overrides_the_file_and_can_do_without_it() {
    let config = parse_with(
        SMALL,
        &[
            ("HOLDFAST_HTTP_LISTEN", "127.0.0.1:9000"),
            ("HOLDFAST_CONTROLLER_SLOTS", "192.0.2.8:443, 192.0.2.9:443"),
            ("HOLDFAST_CONTROLLER_LIMITS_HANDSHAKES", "7"),
            ("HOLDFAST_LOG_FORMAT", ""),
        ],
    )
    .unwrap();
    assert_eq!(config.http.listen.port(), 9000);
    assert_eq!(config.controller.slots.len(), 2);
    assert_eq!(config.controller.handshakes, Some(7));
    assert!(parse_with("", &[("HOLDFAST_CONTROLLER_SLOTS", "192.0.2.8:443")]).is_ok());
}

#[test]
fn a_wrong_variable_is_named_as_one() {
    let err = parse_with(SMALL, &[("HOLDFAST_HTTP_LISTEN", "here")]).unwrap_err();
    let text = r#"environment: HOLDFAST_HTTP_LISTEN = "here": write an address and a port, as in "127.0.0.1:8080""#;
    assert_eq!(err.to_string(), text);
}

#[test]
fn every_mistake_is_reported_at_once_with_its_mend() {
    let text = r#"
        colour = "red"
        [http]
        lisen = "127.0.0.1:1"
        listen = 8080
        public_url = "holdfast.example.org"
        trusted_proxies = "nobody"
        tls = { key = "web.key" }
        [controller]
        drain_seconds = 0
        management = "0.0.0.0:8443"
        limits = { handshakes = 0 }
        [[controller.slots]]
        adress = "203.0.113.1:443"
        [[controller.slots]]
        address = "0.0.0.0:443"
        [log]
        format = "xml"
    "#;
    let expected = [
        r#"http.listen = 8080: write an address and a port, as in "127.0.0.1:8080""#,
        r#"http.public_url = "holdfast.example.org": write scheme and host as browsers see them, as in "https://holdfast.example.org""#,
        r#"http.trusted_proxies = "nobody": write the addresses of your proxies, as in ["127.0.0.1"]"#,
        "http.tls.certificate is missing: add the certificate chain for web.key",
        "http.lisen is unknown: known in [http] are listen, public_url, routers, tls, trusted_proxies",
        r#"controller.slots[0].address is missing: write an address of this machine that routers reach, and a port, as in "203.0.113.1:443""#,
        "controller.slots[0].adress is unknown: known in [controller.slots[0]] are address",
        "controller.slots = 0.0.0.0:443: write the address that routers dial: it goes into their profiles",
        r#"controller.management = 0.0.0.0:8443: write an IPv4 address of this machine that management tunnels dial, and a port, as in "203.0.113.9:443""#,
        "controller.drain_seconds = 0: write a number of seconds from 0.1 to 86400",
        "controller.limits.handshakes = 0: write a whole number of at least 1: nobody could log in with 0",
        r#"log.format = "xml": write text or json"#,
        "colour is unknown: known here are controller, http, log",
    ];
    let expected = expected.map(|line| format!("/etc/h/holdfast.toml: {line}"));
    assert_eq!(mistakes(text), expected);
}

#[test]
fn routers_are_listened_for_beside_the_first_slot_unless_that_is_loopback() {
    let config = parse(SMALL).unwrap();
    let usual = config.http.routers.usual(&config.controller.slots);
    assert_eq!(usual, Some("203.0.113.1:8443".parse().unwrap()));

    let slots = ["127.0.0.1:443".parse().unwrap()];
    assert_eq!(config.http.routers.usual(&slots), None);
    let url = [("HOLDFAST_HTTP_ROUTERS_URL", "https://routers.example.org")];
    let config = parse_with(SMALL, &url).unwrap();
    let usual = config.http.routers.usual(&slots);
    assert_eq!(usual, Some("127.0.0.1:8443".parse().unwrap()));

    let off = [("HOLDFAST_HTTP_ROUTERS_LISTEN", "off")];
    let config = parse_with(SMALL, &off).unwrap();
    assert_eq!(config.http.routers.listen, Some(RoutersListen::Off));
}

#[test]
fn a_listener_for_routers_that_could_not_serve_them_is_refused() {
    let with = |more: &str| {
        let slots = SMALL.replace("[[", "\n[[");
        let [mistake] = &mistakes(&format!("[http.routers]\n{more}\n{slots}"))[..] else {
            panic!("one mistake in {more}");
        };
        mistake.replace("/etc/h/holdfast.toml: ", "")
    };
    assert_eq!(
        with(r#"listen = "0.0.0.0:8443""#),
        r#"http.routers.url is missing: add how routers reach 0.0.0.0:8443, as in "https://203.0.113.1:8443""#
    );
    assert_eq!(
        with(r#"url = "http://routers.example.org""#),
        r#"http.routers.url = "http://routers.example.org": routers come over HTTPS alone: write https://"#
    );
    let off = with("listen = \"off\"\nurl = \"https://routers.example.org\"");
    assert!(off.contains("nobody would answer there"), "{off}");
    let tls = "[controller.tls]\ncertificate = \"a\"\nkey = \"b\"\nca = \"c\"\n";
    let own = with(&format!("listen = \"203.0.113.1:8443\"\n{tls}"));
    assert!(own.contains("remove [http.routers]"), "{own}");
}

#[test]
fn a_file_that_is_no_toml_is_told_by_line() {
    let [mistake] = &mistakes("[http]\nlisten = 127.0.0.1\n")[..] else {
        panic!("one mistake");
    };
    assert!(
        mistake.starts_with("/etc/h/holdfast.toml: line 2: "),
        "{mistake}"
    );
}

#[test]
fn without_slots_nobody_could_dial() {
    let mistakes = mistakes("");
    assert!(
        mistakes[0].contains("controller.slots is missing"),
        "{mistakes:?}"
    );
}
