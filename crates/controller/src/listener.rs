//! The slots: one listening socket each.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::{
    Shared,
    control_plane::ControlPlane,
    shard::{Shard, Shards},
    tunnel,
};

/// Connections the kernel may hold for us; a fleet that redials comes all at once.
const BACKLOG: i32 = 4096;

/// When the process is out of files, accepting again at once would spin.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Connections that a shard accepts before the next one may. Few, so that a storm meets all processors; not one,
/// because a change wakes two threads.
const TURN: usize = 32;

pub(crate) struct Listener {
    slots: Vec<Slot>,
}

struct Slot {
    number: usize,
    socket: std::net::TcpListener,
}

impl Listener {
    /// Binds every slot, in order.
    pub(crate) fn bind(addresses: &[SocketAddr]) -> anyhow::Result<Self> {
        let slots = addresses.iter().enumerate().map(|(number, address)| {
            let socket = bind(*address).with_context(|| {
                format!("listen.slots: cannot listen on {address}: is the address on this machine, and the port free?")
            })?;
            Ok(Slot { number, socket })
        });
        Ok(Self {
            slots: slots.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The bound addresses.
    pub(crate) fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        let addresses = self.slots.iter().map(|slot| slot.socket.local_addr());
        addresses.collect()
    }

    /// Accepts on every slot until the process drains.
    pub(crate) fn start<C: ControlPlane>(self, shards: &Shards, shared: &Arc<Shared<C>>) {
        for slot in self.slots {
            let round = go_round(slot, shards.all().to_vec(), shared.clone());
            shared.tasks.spawn(round);
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Lends a slot to one shard after the other until the process drains.
async fn go_round<C: ControlPlane>(slot: Slot, shards: Vec<Shard>, shared: Arc<Shared<C>>) {
    let slot = Arc::new(slot);
    while !shared.draining.is_cancelled() {
        let Some(shard) = shards.iter().min_by_key(|shard| shard.connections()) else {
            return;
        };
        let turn = take_turn(slot.clone(), shard.clone(), shared.clone());
        shard.run(turn).await;
    }
}

/// Accepts a number of connections for one shard, on its own thread.
async fn take_turn<C: ControlPlane>(slot: Arc<Slot>, shard: Shard, shared: Arc<Shared<C>>) {
    let taken = async {
        if let Err(err) = accept(&slot, &shard, &shared).await {
            tracing::warn!(slot = slot.number, %err, "a connection cannot be accepted");
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
        }
    };
    shared.draining.run_until_cancelled(taken).await;
}

async fn accept<C: ControlPlane>(
    slot: &Slot,
    shard: &Shard,
    shared: &Arc<Shared<C>>,
) -> std::io::Result<()> {
    // Readiness belongs to the runtime of one thread, so each turn has a listener of its own.
    let listener = TcpListener::from_std(slot.socket.try_clone()?)?;
    for _ in 0..TURN {
        let (stream, remote) = listener.accept().await?;
        // Keepalive packets are small and must not wait for an acknowledgement.
        if let Err(err) = stream.set_nodelay(true) {
            tracing::debug!(%remote, %err, "a connection was gone before it began");
            continue;
        }
        shard.adopt(tunnel::drive(stream, remote, slot.number, shared.clone()));
    }
    Ok(())
}
