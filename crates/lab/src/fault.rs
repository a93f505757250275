//! What can go wrong.

use std::{fmt, time::Duration};

use crate::wire::Direction;

/// Something that goes wrong on one internet connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LineFault {
    /// The cable between the router and the ISP is out: the interface has no carrier.
    PortDown,
    /// The ISP's uplink swallows everything, while its gateway still answers.
    BlackHole,
    /// The ISP's gateway is dead, while the interface keeps its carrier.
    GatewayDead,
    /// The ISP's uplink swallows one direction.
    OneWayLoss(Direction),
    /// The ISP's uplink loses this share of packets in each direction, 0 to 1.
    Loss(f64),
    /// The ISP's uplink swallows everything for this long, then heals by itself.
    Blip(Duration),
    /// The router's client is killed; its supervisor starts it again.
    ClientKilled,
}

/// Something that goes wrong with the controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerFault {
    /// SIGKILL, and it stays away.
    Killed,
    /// SIGTERM, then started again.
    Restarted,
    /// All controllers vanish from the network without a word.
    Gone,
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortDown => f.write_str("port down"),
            Self::BlackHole => f.write_str("upstream black hole"),
            Self::GatewayDead => f.write_str("gateway dead"),
            Self::OneWayLoss(Direction::Up) => f.write_str("one-way loss, upwards"),
            Self::OneWayLoss(Direction::Down) => f.write_str("one-way loss, downwards"),
            Self::OneWayLoss(Direction::Both) => f.write_str("loss both ways"),
            Self::Loss(share) => write!(f, "{:.0} % loss", share * 100.0),
            Self::Blip(length) => write!(f, "blip of {} ms", length.as_millis()),
            Self::ClientKilled => f.write_str("client killed"),
        }
    }
}

impl fmt::Display for ControllerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Killed => "controller killed",
            Self::Restarted => "controller restarted",
            Self::Gone => "all controllers gone",
        })
    }
}
