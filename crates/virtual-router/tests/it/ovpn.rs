//! OpenVPN clients of the router, against the stock server.

use std::{
    fs,
    path::Path,
    process::{Child, Command as Program, Stdio},
    time::Duration,
};

use holdfast_routeros_proto::{Command, Row};
use holdfast_virtual_router::{Behaviour, CertificateSettings, ControlRequest, Settings};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{
    kernel::{Site, says},
    namespace::{Provider, ip, run_in_namespace},
    support::LONG,
};

/// Keys and certificates of a server, and who vouches for it.
struct Server {
    directory: TempDir,
    authority: String,
}

/// A server that runs until this is dropped.
struct Serving(Child);

impl Server {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        // The usual name is the same for everybody.
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(["server".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let path = directory.path();
        fs::write(path.join("ca.pem"), &authority).unwrap();
        fs::write(path.join("server.pem"), certificate.pem()).unwrap();
        fs::write(path.join("server.key"), key.serialize_pem()).unwrap();
        Self {
            directory,
            authority,
        }
    }

    /// Serves at 192.0.2.1:1194, pushing these options.
    fn serve(&self, provider: &Provider, pushes: &[String]) -> Serving {
        let mut text = "port 1194\nproto tcp-server\ndev tun\ntopology subnet\n\
                        server 100.64.8.0 255.255.255.0\nca ca.pem\ncert server.pem\n\
                        key server.key\ndh none\nverify-client-cert none\nscript-security 2\n\
                        auth-user-pass-verify /bin/true via-env\nusername-as-common-name\n\
                        data-ciphers AES-256-CBC\nauth SHA256\nkeepalive 1 4\n"
            .to_owned();
        for push in pushes {
            text += &format!("push \"{push}\"\n");
        }
        let path = self.directory.path().to_owned();
        fs::write(path.join("server.conf"), text).unwrap();
        provider.run(move || Serving(start(&path)))
    }

    /// The router trusts it.
    fn introduce(&self, settings: &mut Settings) {
        settings.behaviour.redial_delay_ms = 100;
        settings.certificates.push(CertificateSettings {
            name: "holdfast-ca".into(),
            pem: self.authority.clone(),
            key: None,
            trusted: true,
        });
    }
}

fn start(directory: &Path) -> Child {
    Program::new("openvpn")
        .args([
            "--cd",
            directory.to_str().unwrap(),
            "--config",
            "server.conf",
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("openvpn is installed (package openvpn)")
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The halves of the internet by the virtual next hop of the first line.
fn ladder() -> Vec<String> {
    let half = |network: &str| format!("route {network} 128.0.0.0 100.127.255.1 50");
    vec![half("0.0.0.0"), half("128.0.0.0")]
}

fn add_client() -> Command {
    Command::add("/interface/ovpn-client")
        .with("name", "holdfast-1")
        .with("connect-to", "192.0.2.1")
        .with("user", "u")
        .with("password", "p")
        .with("auth", "sha256")
        .with("cipher", "aes256-cbc")
        .with("profile", "holdfast-1")
        .with("disabled", "no")
}

async fn connect(site: &mut Site) {
    let session = &mut site.session;
    let hop = [
        ("dst-address", "100.127.255.1"),
        ("gateway", "192.0.2.1%ether1"),
        ("scope", "10"),
    ];
    session.add("/ip/route", &hop).await;
    session.add("/interface/list", &[("name", "tunnels")]).await;
    let profile = [("name", "holdfast-1"), ("interface-list", "tunnels")];
    session.add("/ppp/profile", &profile).await;
    session.run(&add_client()).await.unwrap();
}

fn is_up(row: &Row) -> bool {
    row.text("name") == "holdfast-1" && row.flag("running")
}

#[test]
fn a_client_brings_the_routes_it_is_pushed_and_takes_them_along() {
    run_in_namespace(
        "ovpn::a_client_brings_the_routes_it_is_pushed_and_takes_them_along",
        || async {
            let server = Server::new();
            let mut site = Site::start(|settings| server.introduce(settings)).await;
            let serving = server.serve(&site.provider, &ladder());
            connect(&mut site).await;
            let session = &mut site.session;
            session.wait_for("/interface", is_up).await;
            let pushed = |row: &Row| row.text("dst-address") == "128.0.0.0/1";
            let route = session.wait_for("/ip/route", pushed).await;
            assert!(route.flag("vpn") && route.flag("dynamic") && route.flag("active"));
            assert_eq!(
                (route.text("gateway"), route.text("distance")),
                ("100.127.255.1", "50")
            );
            says("route", "0.0.0.0/1 via 192.0.2.1 dev ether1 proto 201").await;
            let monitor = Command::new("/interface/ovpn-client/monitor")
                .with("numbers", "holdfast-1")
                .with("once", "");
            let (rows, _) = session.run(&monitor).await.unwrap();
            assert_eq!(rows[0].text("status"), "connected");
            assert_eq!(rows[0].text("local-address"), "100.64.8.2");
            assert_eq!(rows[0].text("encoding"), "AES256-CBC/SHA256");
            let members = session.print("/interface/list/member").await;
            assert!(
                members
                    .iter()
                    .any(|row| row.text("interface") == "holdfast-1")
            );
            // Packets pass, so the interface is one of the kernel with its address.
            let ping = Command::new("/tool/ping")
                .with("address", "100.64.8.1")
                .with("count", "1");
            assert_eq!(session.run(&ping).await.unwrap().0[0].text("received"), "1");

            drop(serving);
            let down = |row: &Row| row.text("name") == "holdfast-1" && !row.flag("running");
            session.wait_for("/interface", down).await;
            assert!(
                !session
                    .print("/ip/route")
                    .await
                    .iter()
                    .any(|row| row.flag("vpn"))
            );

            let _serving = server.serve(&site.provider, &ladder());
            session.wait_for("/interface", is_up).await;
            let disable =
                Command::new("/interface/ovpn-client/disable").with("numbers", "holdfast-1");
            session.run(&disable).await.unwrap();
            session.wait_for("/interface", down).await;
            assert!(
                !session
                    .print("/ip/route")
                    .await
                    .iter()
                    .any(|row| row.flag("vpn"))
            );
        },
    );
}

#[test]
fn a_router_that_does_not_honour_gateways_puts_the_tunnel_s_own() {
    run_in_namespace(
        "ovpn::a_router_that_does_not_honour_gateways_puts_the_tunnel_s_own",
        || async {
            let server = Server::new();
            let stubborn = |settings: &mut Settings| {
                server.introduce(settings);
                settings.behaviour.honours_gateway = false;
                settings.behaviour.honours_metric = false;
            };
            let mut site = Site::start(stubborn).await;
            let _serving = server.serve(&site.provider, &ladder());
            connect(&mut site).await;
            let pushed = |row: &Row| row.flag("vpn");
            let route = site.session.wait_for("/ip/route", pushed).await;
            assert_eq!(
                (route.text("gateway"), route.text("distance")),
                ("100.64.8.1", "1")
            );
        },
    );
}

#[test]
fn a_client_that_is_pushed_too_many_routes_hangs() {
    run_in_namespace(
        "ovpn::a_client_that_is_pushed_too_many_routes_hangs",
        || async {
            let server = Server::new();
            let few = |settings: &mut Settings| {
                server.introduce(settings);
                settings.behaviour.most_pushed_routes = Some(1);
            };
            let mut site = Site::start(few).await;
            let _serving = server.serve(&site.provider, &ladder());
            connect(&mut site).await;
            let monitor = Command::new("/interface/ovpn-client/monitor")
                .with("numbers", "holdfast-1")
                .with("once", "");
            let hangs = timeout(LONG, async {
                loop {
                    let (rows, _) = site.session.run(&monitor).await.unwrap();
                    if rows[0].text("status").starts_with("using encoding") {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
            hangs.await.expect("it comes as far as that");
            assert!(
                !site
                    .session
                    .print("/ip/route")
                    .await
                    .iter()
                    .any(|row| row.flag("vpn"))
            );

            let behaviour = Behaviour {
                redial_delay_ms: 100,
                ..Behaviour::default()
            };
            site.router
                .control(&ControlRequest::Behaviour(behaviour))
                .await;
            let redial = ControlRequest::Redial {
                interface: "holdfast-1".into(),
            };
            site.router.control(&redial).await;
            site.session.wait_for("/interface", is_up).await;
        },
    );
}

#[test]
fn a_silent_server_is_noticed_by_the_ping_restart_it_has_pushed() {
    run_in_namespace(
        "ovpn::a_silent_server_is_noticed_by_the_ping_restart_it_has_pushed",
        || async {
            let server = Server::new();
            let mut site = Site::start(|settings| server.introduce(settings)).await;
            let _serving = server.serve(&site.provider, &[]);
            connect(&mut site).await;
            site.session.wait_for("/interface", is_up).await;
            // The cable stays in and nothing comes back.
            site.provider.ip("address del 192.0.2.1/24 dev ether1");
            let down = |row: &Row| row.text("name") == "holdfast-1" && !row.flag("running");
            site.session.wait_for("/interface", down).await;
            assert!(ip("link").contains("ether1"));
        },
    );
}
