//! Many connections at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_ovpn_proto::ClientConfig;
use tokio::{
    task::JoinSet,
    time::{sleep_until, timeout},
};

use crate::{
    dial,
    options::{Dial, TunnelOptions},
    tally::{Standing, Tally, TunnelReport},
    tls,
    tunnel::Tunnel,
    users::User,
};

/// Tunnels that were started, and more that are being started. They end when this is dropped.
pub(crate) struct Fleet {
    connections: usize,
    tally: Arc<Tally>,
    _tasks: JoinSet<()>,
}

impl Fleet {
    /// Begins to start tunnels, at the rate that is asked for.
    ///
    /// # Errors
    /// When the process may not open so many files, or the CA cannot be read.
    pub(crate) fn launch(dial: &Dial, tunnels: &TunnelOptions) -> anyhow::Result<Self> {
        dial::allow_files(dial.connections)?;
        let tally = Arc::new(Tally::new(Instant::now()));
        let config = client_config(dial, tunnels)?;
        let (target, sources) = (dial.target, dial.sources);
        let (reconnect, ours) = (tunnels.reconnect, tally.clone());
        let tunnel = move |index: usize| {
            let tunnel = Tunnel {
                target,
                source: dial::source(index, sources),
                config: Arc::new(config(index)),
                reconnect,
                tally: ours.clone(),
            };
            tunnel.run()
        };
        Ok(Self {
            connections: dial.connections,
            tally,
            _tasks: start_all(dial, tunnel),
        })
    }

    /// Waits until the tunnels stand as wanted. False when that takes longer than `patience`.
    pub(crate) async fn wait_for(
        &self,
        wanted: impl FnMut(&Standing) -> bool,
        patience: Duration,
    ) -> bool {
        let mut standing_rx = self.tally.standing();
        let reached = standing_rx.wait_for(wanted);
        timeout(patience, reached)
            .await
            .is_ok_and(|standing| standing.is_ok())
    }

    /// Where the tunnels stand now.
    pub(crate) fn standing(&self) -> Standing {
        *self.tally.standing().borrow()
    }

    /// What the tunnels have been through so far.
    pub(crate) fn report(&self) -> TunnelReport {
        self.tally.report(self.connections, Instant::now())
    }
}

/// Starts a task for each connection, evenly spread. All end when the returned set is dropped.
pub(crate) fn start_all<F>(dial: &Dial, task: impl Fn(usize) -> F + Send + 'static) -> JoinSet<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (connections, rate, start) = (dial.connections, dial.rate, Instant::now());
    let mut starter = JoinSet::new();
    starter.spawn(async move {
        let mut tasks = JoinSet::new();
        for index in 0..connections {
            let due = start + Duration::from_secs_f64(index as f64 / rate);
            sleep_until(due.into()).await;
            tasks.spawn(task(index));
        }
        while tasks.join_next().await.is_some() {}
    });
    starter
}

/// Makes the configuration of each connection: they differ in the user.
fn client_config(
    dial: &Dial,
    tunnels: &TunnelOptions,
) -> anyhow::Result<impl Fn(usize) -> ClientConfig + use<>> {
    let tls = tls::provider(dial.target.ip(), tunnels)?;
    let (cipher, auth) = tunnels.client.ciphers();
    let habits = tunnels.client.habits();
    let users = tunnels.users.clone();
    Ok(move |index| {
        let User { name, password } = users.of(index);
        ClientConfig {
            tls: tls.clone(),
            username: name,
            password,
            habits: habits.clone(),
            cipher,
            auth,
            renegotiate_after: None,
        }
    })
}
