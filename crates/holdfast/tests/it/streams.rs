//! Streams to a router inside its tunnel: engine, HTTP, controller, and a stock client whose kernel answers.

use std::{
    io::{Error, ErrorKind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use holdfast_api_types::SiteId;
use holdfast_control_plane::{
    App, Config, Parts,
    clock::SystemClock,
    controllers::Controllers,
    engine::{Engine, RouterStream},
    http,
    password::Passwords,
    vault::Vault,
};
use holdfast_controller::{
    AdmissionLimits, Controller, Identity, Options, RENEGOTIATE_AFTER, Remote, RemoteOptions,
};
use holdfast_store::Store;
use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, split},
    net::TcpListener,
};

use crate::bed::{
    Bed, PATIENCE, Program, Server, ServerPlan, admin, make_site, openvpn, part_arguments, profile,
};

const DATA: &str = "data";

/// What goes each way.
const MEGABYTE: usize = 1 << 20;

/// What the inside says when it waits for the client to go.
const HALF_WAY: &str = "half way";

#[test]
fn a_megabyte_goes_both_ways_and_a_tunnel_that_dies_ends_the_stream_in_words() {
    let office = Bed::on_loopback();
    let (site, profile, token) = prepare(&office);
    let bed = Bed::with_wans(1);
    let data = office.path(DATA);
    let token = bed.write("token", &token);
    let [slot, _] = office.slots();
    let arguments = [
        data.to_str().unwrap(),
        &site,
        &slot,
        token.to_str().unwrap(),
    ];
    let mut inside = bed.start_part("streams::exchange_inside", &arguments);
    inside.err().expect("listening");

    let mut command = bed.command(openvpn());
    command
        .arg("--config")
        .arg(bed.write("wan1.ovpn", &profile));
    command.args(["--dev", "tun1", "--disable-dco"]);
    let mut client = Program::start("the client", command);
    client.out().expect("Initialization Sequence Completed");
    inside.err().expect(HALF_WAY);
    client.kill();
    let ended = inside.err().expect("ended: ");
    assert!(ended.contains("its tunnel is gone: "), "{ended}");
    assert!(inside.wait(PATIENCE).success());
}

/// A data directory with a site: its id, the profile of its first tunnel, and a controller's token.
fn prepare(office: &Bed) -> (String, String, String) {
    let mut server: Server = ServerPlan::control_plane(office, DATA).start();
    let api = server.set_up(office, DATA);
    let tunnel = make_site(&api).remove(0);
    let profile = profile(&api, &tunnel);
    let tunnel: serde_json::Value = api.get(&format!("/api/v1/tunnels/{tunnel}")).unwrap();
    let printed = admin(office, DATA, &["token", "create", "edge", "--controller"]);
    let token = printed.split_whitespace().last().unwrap().to_owned();
    server.signal(Signal::SIGTERM);
    assert!(server.wait(PATIENCE).success());
    let site = tunnel["site_id"].as_str().unwrap().to_owned();
    (site, profile, token)
}

#[test]
#[ignore = "another test runs it inside a network of its own"]
fn exchange_inside() {
    let Some([data, site, slot, token]) = part_arguments() else {
        return;
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = start_engine(Path::new(&data)).await;
        let _controller = start_controller(Path::new(&data), &engine, &slot, &token).await;
        tokio::spawn(echo());
        let mut stream = open(&engine.engine, &site.parse().unwrap()).await;
        exchange(&mut stream).await;
        tracing::info!("{HALF_WAY}");
        let ended = cut_off(&mut stream).await;
        tracing::info!("ended: {ended}");
    });
}

/// An engine, and where controllers find it.
struct Inside {
    engine: Engine,
    url: String,
}

async fn start_engine(data: &Path) -> Inside {
    let store = Store::open(&data.join("holdfast.db")).await.unwrap();
    let app = App::new(Parts {
        store: store.clone(),
        vault: Vault::in_directory(data).unwrap(),
        clock: Arc::new(SystemClock),
        passwords: Passwords::new(),
        config: Config::default(),
    });
    let (clock, bus) = (app.clock().clone(), app.bus().clone());
    let engine = Engine::start(store, clock, bus).await.unwrap();
    let router = http::controllers::router(Controllers::new(app, engine.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Inside { engine, url }
}

async fn start_controller(
    data: &Path,
    inside: &Inside,
    slot: &str,
    token: &str,
) -> Controller<Remote> {
    let remote = Remote::new(&RemoteOptions {
        control_plane: inside.url.clone(),
        token_file: token.into(),
        ca: None,
    });
    let remote = Arc::new(remote.unwrap());
    let running = remote.clone();
    tokio::spawn(async move { running.run().await });
    let options = Options {
        slots: vec![slot.parse().unwrap()],
        management: None,
        identity: Identity::Own { data: data.into() },
        limits: AdmissionLimits::default(),
        renegotiate_after: RENEGOTIATE_AFTER,
        health_every: None,
        metrics: None,
    };
    Controller::start(options, remote).await.unwrap()
}

/// The router's service: it is reached at the client's address in the tunnel and says back what it is told.
async fn echo() {
    let listener = TcpListener::bind("0.0.0.0:8728").await.unwrap();
    loop {
        let (stream, from) = listener.accept().await.unwrap();
        assert!(from.ip().to_string().starts_with("198.18."), "{from}");
        let (mut read, mut write) = split(stream);
        tokio::spawn(async move { tokio::io::copy(&mut read, &mut write).await });
    }
}

/// As soon as there is a way.
async fn open(engine: &Engine, site: &SiteId) -> RouterStream {
    let opened = async {
        loop {
            match engine.open_stream(site, 8728).await {
                Ok(stream) => return stream,
                Err(err) => {
                    tracing::info!(%err, "no stream yet");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, opened).await.unwrap()
}

async fn exchange(stream: &mut RouterStream) {
    let sent: Vec<u8> = (0..MEGABYTE).map(|n| (n * 7 + n / 251) as u8).collect();
    let mut received = vec![0; MEGABYTE];
    let (mut read, mut write) = split(stream);
    let both = async {
        tokio::try_join!(write.write_all(&sent), read.read_exact(&mut received)).unwrap();
    };
    tokio::time::timeout(2 * PATIENCE, both).await.unwrap();
    assert!(received == sent, "what came back is not what was sent");
}

/// Goes on until the stream breaks; why it did.
async fn cut_off(stream: &mut RouterStream) -> Error {
    let broken = async {
        let mut piece = [7; 4096];
        loop {
            if let Err(err) = stream.write_all(&piece).await {
                return err;
            }
            match stream.read(&mut piece).await {
                Ok(0) => return ErrorKind::UnexpectedEof.into(),
                Ok(_) => {}
                Err(err) => return err,
            }
        }
    };
    tokio::time::timeout(PATIENCE, broken).await.unwrap()
}
