//! A WAN tunnel as the lab configures it: what the server lets it have and what its client is told.

use std::{fmt::Write as _, fs, net::Ipv4Addr, net::SocketAddrV4, path::Path};

use holdfast_api_types::{ConnectionType, Place, Route};

use crate::topology::{Isp, Plan};

pub(crate) const SITE: &str = "lab";

/// One tunnel per internet connection, named after its ISP.
#[derive(Debug, Clone)]
pub(crate) struct Tunnel {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) connection: ConnectionType,
    pub(crate) interface: String,
    pub(crate) gateway: Ipv4Addr,
    pub(crate) slot: SocketAddrV4,
}

impl Tunnel {
    pub(crate) fn new(isp: &Isp, plan: Plan) -> Self {
        Self {
            name: isp.name.clone(),
            password: format!("{}-secret", isp.name),
            connection: isp.connection,
            interface: plan.wan_interface(),
            gateway: plan.gateway(),
            slot: plan.slot(),
        }
    }

    /// The OpenVPN profile of this tunnel's client. Without `persist-tun`, which would keep a dead tunnel's routes.
    /// The log-in goes to a file in `dir`.
    pub(crate) fn profile(&self, line: usize, ca: &Path, dir: &Path) -> anyhow::Result<String> {
        let login = dir.join(format!("{}.login", self.name));
        fs::write(&login, format!("{}\n{}\n", self.name, self.password))?;
        Ok(format!(
            "client\n\
             dev tun{number}\n\
             dev-type tun\n\
             proto tcp-client\n\
             remote {ip} {port}\n\
             nobind\n\
             auth-user-pass \"{login}\"\n\
             ca \"{ca}\"\n\
             remote-cert-tls server\n\
             connect-retry 0 5\n\
             connect-timeout 3\n\
             resolv-retry infinite\n\
             verb 3\n",
            number = line + 1,
            ip = self.slot.ip(),
            port = self.slot.port(),
            login = login.display(),
            ca = ca.display(),
        ))
    }
}

/// The grants file of our controller. `order` lists the tunnels by rank.
pub(crate) fn grants(tunnels: &[Tunnel], order: &[usize]) -> String {
    let slots: Vec<_> = tunnels.iter().map(|t| format!("\"{}\"", t.slot)).collect();
    let mut text = format!("[listen]\nslots = [{}]\n", slots.join(", "));
    for (rank, tunnel) in order.iter().map(|&i| &tunnels[i]).enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[tunnels]]\n\
             username = \"{}\"\n\
             password = \"{}\"\n\
             site = \"{SITE}\"\n\
             rank = {rank}\n\
             gateway = \"{}\"\n\
             profile = \"fast\"\n",
            tunnel.name, tunnel.password, tunnel.gateway
        );
    }
    text
}

/// What the stock server pushes to the tunnel of this rank: the same ladder, but fixed.
pub(crate) fn pushed_routes(tunnel: &Tunnel, rank: usize, count: usize) -> String {
    let rungs = (count - 1).min(4);
    let place = Place {
        rung: rungs.saturating_sub(rank) as u8,
        step: 10 + rank.saturating_sub(rungs) as u8,
    };
    ladder(place, tunnel.gateway)
        .iter()
        .map(|route| {
            let mask = u32::MAX
                .checked_shl(32 - u32::from(route.prefix))
                .unwrap_or(0);
            let mask = Ipv4Addr::from_bits(mask);
            format!(
                "push \"route {} {mask} {} {}\"\n",
                route.network, route.gateway, route.metric
            )
        })
        .collect()
}

fn ladder(place: Place, gateway: Ipv4Addr) -> Vec<Route> {
    let prefix = place.rung;
    (0..1_u32 << prefix)
        .map(|i| Route {
            network: Ipv4Addr::from_bits(i.checked_shl(32 - u32::from(prefix)).unwrap_or(0)),
            prefix,
            gateway,
            metric: (5 - u32::from(place.rung)) * 20 + u32::from(place.step),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Layout;

    fn tunnels(count: usize) -> Vec<Tunnel> {
        let isps = Isp::usual(count).unwrap();
        (1..)
            .zip(&isps)
            .map(|(number, isp)| {
                let layout = Layout::default();
                Tunnel::new(isp, Plan { number, layout })
            })
            .collect()
    }

    #[test]
    fn with_two_tunnels_the_primary_gets_two_halves_and_the_backup_the_whole() {
        let tunnels = tunnels(2);
        assert_eq!(
            pushed_routes(&tunnels[0], 0, 2),
            "push \"route 0.0.0.0 128.0.0.0 192.0.2.1 90\"\n\
             push \"route 128.0.0.0 128.0.0.0 192.0.2.1 90\"\n"
        );
        assert_eq!(
            pushed_routes(&tunnels[1], 1, 2),
            "push \"route 0.0.0.0 0.0.0.0 198.51.100.1 110\"\n"
        );
    }

    #[test]
    fn the_sixth_of_six_tunnels_shares_the_lowest_rung_with_a_worse_metric() {
        let tunnels = tunnels(6);
        assert_eq!(pushed_routes(&tunnels[0], 0, 6).lines().count(), 16);
        assert!(pushed_routes(&tunnels[4], 4, 6).ends_with(" 110\"\n"));
        assert!(pushed_routes(&tunnels[5], 5, 6).ends_with(" 111\"\n"));
    }

    #[test]
    fn the_grants_file_ranks_tunnels_in_the_order_given() {
        let grants = grants(&tunnels(2), &[1, 0]);
        assert!(grants.starts_with("[listen]\nslots = [\"172.31.0.1:443\", \"172.31.0.2:443\"]\n"));
        let lte = grants.find("username = \"lte\"").unwrap();
        let fibre = grants.find("username = \"fibre\"").unwrap();
        assert!(lte < grants.find("rank = 0").unwrap());
        assert!(fibre > grants.find("rank = 0").unwrap());
    }
}
