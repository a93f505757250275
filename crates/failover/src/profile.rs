use std::time::Duration;

use holdfast_api_types::{
    ConnectionType,
    controller::{ProfileName, Role},
};

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How a tunnel is probed, and what its silence means: every number of a [`Watch`](crate::Watch).
///
/// The times are those of a short path. A watch lengthens them on a path whose measured round trip is
/// longer, see [`Watch`](crate::Watch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeProfile {
    /// Between two probes of the active tunnel.
    pub active_interval: Duration,
    /// Between two probes of a standby tunnel.
    pub standby_interval: Duration,
    /// Between two probes while a tunnel is suspected, or while a burst was asked for.
    pub burst_interval: Duration,
    /// A probe without an answer for this long is missed.
    pub answer_within: Duration,
    /// Silence that makes a tunnel suspect, if at least one probe is missed.
    pub suspect_after: Duration,
    /// Silence that makes a tunnel dead, if at least `missed_for_dead` probes are missed.
    pub dead_after: Duration,
    /// Probes sent since the last sign of life, each of them missed, that make a tunnel dead. Because
    /// they must have been sent, a stall of this process condemns nobody.
    pub missed_for_dead: usize,
    /// Seconds of idleness after which the router's client sends a ping (OpenVPN's `ping`).
    pub ping: u32,
    /// Seconds of silence after which the router's client gives the tunnel up (OpenVPN's `ping-restart`).
    pub ping_restart: u32,
}

impl ProbeProfile {
    /// For fibre, copper, ethernet and coaxial lines: dead after 0.45 s.
    ///
    /// `ping 1` with `ping-restart 3` is the fastest keepalive that does not restart healthy stock clients.
    pub const fn fast() -> Self {
        Self {
            active_interval: Duration::from_millis(100),
            standby_interval: Duration::from_millis(300),
            burst_interval: Duration::from_millis(50),
            answer_within: Duration::from_millis(100),
            suspect_after: Duration::from_millis(250),
            dead_after: Duration::from_millis(450),
            missed_for_dead: 4,
            ping: 1,
            ping_restart: 3,
        }
    }

    /// For microwave and satellite lines, and where nothing is known: dead after 1.5 s.
    pub const fn normal() -> Self {
        Self {
            active_interval: Duration::from_millis(500),
            standby_interval: Duration::from_secs(1),
            burst_interval: Duration::from_millis(100),
            answer_within: Duration::from_millis(300),
            suspect_after: Duration::from_secs(1),
            dead_after: Duration::from_millis(1500),
            missed_for_dead: 4,
            ping: 5,
            ping_restart: 15,
        }
    }

    /// For mobile and metered lines: one probe in 10 s, dead 5 s after the first that is not answered.
    pub const fn saver() -> Self {
        Self {
            active_interval: Duration::from_secs(10),
            standby_interval: Duration::from_secs(30),
            burst_interval: Duration::from_millis(500),
            answer_within: Duration::from_secs(2),
            suspect_after: Duration::from_secs(2),
            dead_after: Duration::from_secs(5),
            missed_for_dead: 4,
            ping: 10,
            ping_restart: 60,
        }
    }

    /// What the name stands for.
    pub const fn of(name: ProfileName) -> Self {
        match name {
            ProfileName::Fast => Self::fast(),
            ProfileName::Normal => Self::normal(),
            ProfileName::Saver => Self::saver(),
        }
    }

    /// What a tunnel is probed by unless somebody says otherwise: sparingly where probes may cost money, fast where
    /// the line is known to be fast.
    pub const fn usual(connection: Option<ConnectionType>, metered: bool) -> ProfileName {
        let Some(connection) = connection else {
            return if metered {
                ProfileName::Saver
            } else {
                ProfileName::Normal
            };
        };
        match connection {
            _ if metered => ProfileName::Saver,
            ConnectionType::ThreeG
            | ConnectionType::FourG
            | ConnectionType::Lte
            | ConnectionType::FiveG => ProfileName::Saver,
            ConnectionType::Fibre
            | ConnectionType::Copper
            | ConnectionType::Ethernet
            | ConnectionType::Coaxial => ProfileName::Fast,
            ConnectionType::Microwave
            | ConnectionType::Vsat
            | ConnectionType::Satellite
            | ConnectionType::Other => ProfileName::Normal,
        }
    }

    /// Time between two probes of a tunnel in `role` that nobody suspects.
    pub const fn interval(&self, role: Role) -> Duration {
        match role {
            Role::Active => self.active_interval,
            Role::Standby => self.standby_interval,
        }
    }

    /// Bytes that the probes of a tunnel in `role` cost in 30 days, both directions together, as the ISP
    /// counts them.
    ///
    /// A probe and its answer are IP packets of 60 bytes. Each is sealed (2 bytes of length, 8 of header,
    /// 16 of tag) and travels in a TCP segment (52 bytes with timestamps); the answer is acknowledged by
    /// one more segment.
    pub const fn bytes_per_month(&self, role: Role) -> u64 {
        const SEGMENT: u64 = 52;
        const PER_PROBE: u64 = 2 * (60 + 26 + SEGMENT) + SEGMENT;
        // `Duration` cannot be divided by another in a const fn; milliseconds are exact for every profile.
        (MONTH.as_millis() / self.interval(role).as_millis()) as u64 * PER_PROBE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_and_metered_lines_are_probed_sparingly() {
        let usual = ProbeProfile::usual;
        assert_eq!(
            usual(Some(ConnectionType::FiveG), false),
            ProfileName::Saver
        );
        assert_eq!(usual(Some(ConnectionType::Fibre), true), ProfileName::Saver);
        assert_eq!(usual(Some(ConnectionType::Fibre), false), ProfileName::Fast);
        assert_eq!(
            usual(Some(ConnectionType::Vsat), false),
            ProfileName::Normal
        );
        assert_eq!(usual(None, false), ProfileName::Normal);
    }

    #[test]
    fn the_saver_profile_stays_below_a_hundred_megabytes_a_month() {
        assert_eq!(
            ProbeProfile::saver().bytes_per_month(Role::Active),
            259_200 * 328
        );
        assert!(ProbeProfile::saver().bytes_per_month(Role::Active) < 100_000_000);
    }

    #[test]
    fn a_standby_costs_less_than_the_active_tunnel() {
        for profile in ProfileName::ALL.map(ProbeProfile::of) {
            assert!(profile.bytes_per_month(Role::Standby) < profile.bytes_per_month(Role::Active));
        }
    }
}
