//! How long the engine takes to decide on a log-in, for `cargo xtask bench control-plane`:
//! `authorize DATABASE USERS LOGINS` logs in LOGINS of the tunnels in USERS and prints rows of a Markdown table.
//!
//! The database is a real one, as `seed` makes it; the engine writes link states into it meanwhile, as it always does.

use std::{
    env, fs,
    io::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use holdfast_api_types::controller::{LoginRequest, LoginVerdict};
use holdfast_control_plane::{
    clock::SystemClock,
    engine::{Engine, Source},
    events::Bus,
};
use holdfast_store::Store;
use secrecy::SecretString;
use tokio::{task::JoinSet, time::sleep};

/// Log-ins that are decided at the same time, so that there is always one for each reader of the store to do.
const CALLERS: usize = 16;

/// Just after a start, backups wait for those ranked before them; that is not what is measured here.
const SETTLE: Duration = Duration::from_secs(11);

/// For the engine to write what it has decided.
const WRITE_WITHIN: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [database, users, logins] = arguments.as_slice() else {
        bail!("usage: authorize DATABASE USERS LOGINS");
    };
    let logins = logins.parse().context("LOGINS is not a number")?;
    let users = fs::read_to_string(users).with_context(|| format!("cannot read {users}"))?;
    let users: Vec<_> = users.lines().filter_map(|it| it.split_once(' ')).collect();
    ensure!(
        (1..=users.len()).contains(&logins),
        "there are {} users: LOGINS is to be between 1 and that",
        users.len()
    );

    let took = measure(Path::new(database), &requests(&users, logins)).await?;
    let table = rows(users.len(), took);
    write!(std::io::stdout(), "{table}").context("cannot print the result")
}

/// Log-ins of tunnels from all over the database.
fn requests(users: &[(&str, &str)], logins: usize) -> Vec<LoginRequest> {
    let spread = users.iter().step_by(users.len() / logins).take(logins);
    (0..)
        .zip(spread)
        .map(|(connection, (name, password))| LoginRequest {
            connection,
            username: (*name).into(),
            password: SecretString::from(*password),
            remote: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000),
            slot: 0,
        })
        .collect()
}

/// How long the log-ins took.
struct Took {
    /// Each one, sorted.
    each: Vec<Duration>,
    /// All of them, one beside the other.
    all: Duration,
}

async fn measure(database: &Path, requests: &[LoginRequest]) -> anyhow::Result<Took> {
    let store = Store::open(database).await?;
    let engine = Engine::start(store.clone(), Arc::new(SystemClock), Bus::new()).await?;
    let source = engine.attach();
    sleep(SETTLE).await;

    let start = Instant::now();
    let mut callers = JoinSet::new();
    for share in requests.chunks(requests.len().div_ceil(CALLERS)) {
        callers.spawn(log_in(engine.clone(), source, share.to_vec()));
    }
    let mut each = Vec::with_capacity(requests.len());
    while let Some(share) = callers.join_next().await {
        each.extend(share??);
    }
    let all = start.elapsed();

    engine.stop(WRITE_WITHIN).await;
    store.close().await;
    each.sort_unstable();
    Ok(Took { each, all })
}

/// One caller: one log-in after the other.
async fn log_in(
    engine: Engine,
    source: Source,
    requests: Vec<LoginRequest>,
) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(requests.len());
    for request in requests {
        let name = request.username.clone();
        let asked = Instant::now();
        let verdict = engine.authorize(source, request).await;
        took.push(asked.elapsed());
        ensure!(
            matches!(verdict, LoginVerdict::Granted(_)),
            "{name} was not let in: {verdict:?}"
        );
    }
    Ok(took)
}

fn rows(stored: usize, took: Took) -> String {
    let logins = took.each.len();
    let percentile = |percent: usize| {
        let rank = (logins * percent).div_ceil(100).max(1);
        took.each[rank - 1].as_secs_f64() * 1e3
    };
    format!(
        "| deciding on a log-in, {stored} tunnels stored, {CALLERS} callers: p50 | {:.2} ms |\n\
         | the same: p99 | {:.2} ms |\n\
         | {logins} log-ins decided | {:.0} per s |\n",
        percentile(50),
        percentile(99),
        logins as f64 / took.all.as_secs_f64(),
    )
}
