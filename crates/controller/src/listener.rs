//! The slots: one listening socket each.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::{Shared, control_plane::ControlPlane, tunnel};

/// Connections the kernel may hold for us; a fleet that redials comes all at once.
const BACKLOG: i32 = 4096;

/// When the process is out of files, accepting again at once would spin.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

pub(crate) struct Listener {
    slots: Vec<TcpListener>,
}

impl Listener {
    /// Binds every slot, in order.
    pub(crate) fn bind(addresses: &[SocketAddr]) -> anyhow::Result<Self> {
        let slots = addresses.iter().map(|address| {
            bind(*address).with_context(|| {
                format!("listen.slots: cannot listen on {address}: is the address on this machine, and the port free?")
            })
        });
        Ok(Self {
            slots: slots.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The bound addresses.
    pub(crate) fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        self.slots.iter().map(TcpListener::local_addr).collect()
    }

    /// Accepts on every slot until the process drains.
    pub(crate) fn start<C: ControlPlane>(self, shared: &Arc<Shared<C>>) {
        for (slot, listener) in self.slots.into_iter().enumerate() {
            shared.tasks.spawn(accept(listener, slot, shared.clone()));
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

async fn accept<C: ControlPlane>(listener: TcpListener, slot: usize, shared: Arc<Shared<C>>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => start(stream, remote, slot, &shared),
                Err(err) => {
                    tracing::warn!(slot, %err, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            },
            () = shared.draining.cancelled() => return,
        }
    }
}

fn start<C: ControlPlane>(
    stream: TcpStream,
    remote: SocketAddr,
    slot: usize,
    shared: &Arc<Shared<C>>,
) {
    // Keepalive packets are small and must not wait for an acknowledgement.
    if let Err(err) = stream.set_nodelay(true) {
        tracing::debug!(%remote, %err, "a connection was gone before it began");
        return;
    }
    shared
        .tasks
        .spawn(tunnel::drive(stream, remote, slot, shared.clone()));
}
