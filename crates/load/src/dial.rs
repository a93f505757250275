//! TCP connections, from as many loopback addresses as it takes.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// A server that does not even accept within this time counts as a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the process has open besides its connections.
const OTHER_FILES: u64 = 64;

/// Lets the process open a file for every connection.
///
/// # Errors
/// When the hard limit is too low, with the way to raise it.
pub(crate) fn allow_files(connections: usize) -> anyhow::Result<()> {
    let needed = connections as u64 + OTHER_FILES;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(
        hard >= needed,
        "{connections} connections need {needed} open files but the hard limit is {hard}; \
         raise it with `ulimit -Hn {needed}` as root, or LimitNOFILE= in a unit"
    );
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
            .context("cannot raise the limit of open files")?;
    }
    Ok(())
}

/// Where connection `index` dials from; `None` leaves it to the kernel.
pub(crate) fn source(index: usize, sources: usize) -> Option<Ipv4Addr> {
    let nth = index.checked_rem(sources)?;
    // 127.0.0.x is left to whoever else is on this machine.
    let (third, fourth) = (1 + nth / 250 % 250, 1 + nth % 250);
    Some(Ipv4Addr::new(127, 0, third as u8, fourth as u8))
}

pub(crate) async fn connect(target: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = if target.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_nodelay(true)?;
    if let Some(source) = source {
        socket.bind(SocketAddr::new(IpAddr::V4(source), 0))?;
    }
    timeout(PATIENCE, socket.connect(target))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sources_are_different_loopback_addresses_used_in_turn() {
        let sources: BTreeSet<_> = (0..2000).filter_map(|index| source(index, 1000)).collect();
        assert_eq!(sources.len(), 1000);
        assert!(sources.iter().all(Ipv4Addr::is_loopback));
        assert_eq!(source(3, 0), None);
    }

    #[test]
    fn more_connections_than_files_are_refused_with_the_mend() {
        let error = allow_files(usize::MAX / 2).unwrap_err();
        assert!(error.to_string().contains("ulimit -Hn"), "{error}");
    }
}
