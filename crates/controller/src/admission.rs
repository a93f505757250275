//! Who may cost us something before it has proved who it is. Pure: time and connections come in, the
//! decision goes out.
//!
//! Two things are scarce: places for connections that have not logged in, and places for TLS handshakes
//! in progress. Both are shared by source address, so that no flood from one address keeps another out.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};

/// A handshake that has not moved for this long gives way when somebody waits.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// How much the unknown may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AdmissionLimits {
    /// Connections that have not logged in.
    pub(crate) connections: usize,
    /// Handshakes in progress.
    pub(crate) handshakes: usize,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshakes: 256,
        }
    }
}

impl AdmissionLimits {
    /// No more than half of the files that the process may open: the others are for tunnels.
    pub(crate) fn within(self, open_files: usize) -> Self {
        let connections = self.connections.min(open_files / 2).max(1);
        Self {
            connections,
            ..self
        }
    }
}

/// What became of other connections because of a call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// These may start their handshakes.
    pub(crate) admitted: Vec<u64>,
    /// These must go.
    pub(crate) evicted: Vec<u64>,
}

#[derive(Debug)]
pub(crate) struct Admission {
    limits: AdmissionLimits,
    connections: HashMap<u64, Connection>,
    sources: BTreeMap<IpAddr, Source>,
    handshakes: usize,
    /// Sources with somebody waiting, in the order in which they are served.
    turns: VecDeque<IpAddr>,
}

#[derive(Debug)]
struct Connection {
    source: IpAddr,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Silent,
    Waiting,
    Handshaking { moved: Instant },
}

#[derive(Debug, Default)]
struct Source {
    /// All its connections, oldest first.
    connections: VecDeque<u64>,
    /// Those that wait for a handshake.
    waiting: VecDeque<u64>,
}

impl Admission {
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            connections: HashMap::new(),
            sources: BTreeMap::new(),
            handshakes: 0,
            turns: VecDeque::new(),
        }
    }

    /// A connection was accepted. Where there are too many, the oldest of the source that has most goes.
    pub(crate) fn connect(&mut self, id: u64, address: IpAddr, now: Instant) -> Outcome {
        let source = network_of(address);
        let mut outcome = Outcome::default();
        if self.connections.len() >= self.limits.connections
            && let Some(victim) = self.oldest_of_largest_source()
        {
            outcome.admitted = self.leave(victim, now).admitted;
            outcome.evicted.push(victim);
        }
        self.connections.insert(
            id,
            Connection {
                source,
                stage: Stage::Silent,
            },
        );
        self.sources
            .entry(source)
            .or_default()
            .connections
            .push_back(id);
        outcome
    }

    /// A connection has sent a plausible first packet and wants to shake hands.
    pub(crate) fn request(&mut self, id: u64, now: Instant) -> Outcome {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Outcome::default();
        };
        if connection.stage != Stage::Silent {
            return Outcome::default();
        }
        connection.stage = Stage::Waiting;
        let address = connection.source;
        let source = self.sources.entry(address).or_default();
        if source.waiting.is_empty() {
            self.turns.push_back(address);
        }
        source.waiting.push_back(id);
        self.serve(now)
    }

    /// A handshake has moved on.
    pub(crate) fn moved(&mut self, id: u64, now: Instant) {
        if let Some(Connection {
            stage: Stage::Handshaking { moved },
            ..
        }) = self.connections.get_mut(&id)
        {
            *moved = now;
        }
    }

    /// A connection has logged in or is gone.
    pub(crate) fn leave(&mut self, id: u64, now: Instant) -> Outcome {
        let Some(connection) = self.connections.remove(&id) else {
            return Outcome::default();
        };
        if let Some(source) = self.sources.get_mut(&connection.source) {
            source.connections.retain(|other| *other != id);
            source.waiting.retain(|other| *other != id);
            if source.waiting.is_empty() {
                self.turns.retain(|turn| *turn != connection.source);
            }
            if source.connections.is_empty() {
                self.sources.remove(&connection.source);
            }
        }
        if matches!(connection.stage, Stage::Handshaking { .. }) {
            self.handshakes -= 1;
        }
        self.serve(now)
    }

    /// Gives free places to those who wait, one source after the other; makes room where a handshake has
    /// stalled. To be called now and then while somebody waits.
    pub(crate) fn serve(&mut self, now: Instant) -> Outcome {
        let mut outcome = Outcome::default();
        while !self.turns.is_empty() {
            if self.handshakes >= self.limits.handshakes {
                let Some(stalled) = self.stalled(now) else {
                    break;
                };
                self.remove_stalled(stalled);
                outcome.evicted.push(stalled);
            }
            let Some(id) = self.next_in_turn() else { break };
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.stage = Stage::Handshaking { moved: now };
                self.handshakes += 1;
                outcome.admitted.push(id);
            }
        }
        outcome
    }

    /// Whether anybody waits for a handshake.
    pub(crate) fn is_anybody_waiting(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Connections that have not logged in.
    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Handshakes in progress.
    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes
    }

    fn next_in_turn(&mut self) -> Option<u64> {
        let address = self.turns.pop_front()?;
        let source = self.sources.get_mut(&address)?;
        let id = source.waiting.pop_front();
        if !source.waiting.is_empty() {
            self.turns.push_back(address);
        }
        id
    }

    fn oldest_of_largest_source(&self) -> Option<u64> {
        let largest = self
            .sources
            .values()
            .max_by_key(|source| source.connections.len())?;
        largest.connections.front().copied()
    }

    /// The handshake that has stood still longest, of the source that has most of them.
    fn stalled(&self, now: Instant) -> Option<u64> {
        let mut by_source: HashMap<IpAddr, (usize, Instant, u64)> = HashMap::new();
        for (id, connection) in &self.connections {
            let Stage::Handshaking { moved } = connection.stage else {
                continue;
            };
            let entry = by_source
                .entry(connection.source)
                .or_insert((0, moved, *id));
            entry.0 += 1;
            if moved < entry.1 {
                (entry.1, entry.2) = (moved, *id);
            }
        }
        by_source
            .into_values()
            .filter(|(_, moved, _)| now.duration_since(*moved) >= STALLED_AFTER)
            .max_by_key(|(count, moved, _)| (*count, now.duration_since(*moved)))
            .map(|(_, _, id)| id)
    }

    fn remove_stalled(&mut self, id: u64) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        self.handshakes -= 1;
        if let Some(source) = self.sources.get_mut(&connection.source) {
            source.connections.retain(|other| *other != id);
            if source.connections.is_empty() {
                self.sources.remove(&connection.source);
            }
        }
    }
}

/// One customer usually has a whole IPv6 /56, but a single IPv4 address.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => {
                let mut octets = v6.octets();
                octets[7..].fill(0);
                IpAddr::from(octets)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AdmissionLimits = AdmissionLimits {
        connections: 100,
        handshakes: 4,
    };

    fn attacker() -> IpAddr {
        [192, 0, 2, 66].into()
    }

    fn neighbour() -> IpAddr {
        [198, 51, 100, 1].into()
    }

    #[test]
    fn ten_thousand_half_open_connections_do_not_keep_another_address_out() {
        let now = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..10_000 {
            let evicted = admission.connect(id, attacker(), now).evicted;
            assert_eq!(evicted.len(), usize::from(id >= 100));
        }
        let outcome = admission.connect(10_000, neighbour(), now);
        assert_eq!(outcome.evicted, [9_900]);
        assert_eq!(admission.request(10_000, now).admitted, [10_000]);
        for id in 10_001..10_500 {
            let evicted = admission.connect(id, attacker(), now).evicted;
            assert!(!evicted.contains(&10_000));
        }
    }

    #[test]
    fn half_of_the_files_are_left_to_tunnels() {
        assert_eq!(LIMITS.within(20_000), LIMITS);
        assert_eq!(LIMITS.within(60).connections, 30);
        assert_eq!(LIMITS.within(0).connections, 1);
    }

    #[test]
    fn waiting_sources_take_turns() {
        let now = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..10 {
            admission.connect(id, attacker(), now);
            admission.request(id, now);
        }
        admission.connect(50, neighbour(), now);
        assert!(admission.request(50, now).admitted.is_empty());
        assert_eq!(admission.leave(0, now).admitted, [4]);
        assert_eq!(admission.leave(1, now).admitted, [50]);
    }

    #[test]
    fn a_stalled_handshake_gives_way_and_a_moving_one_does_not() {
        let start = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..4 {
            admission.connect(id, attacker(), start);
            assert_eq!(admission.request(id, start).admitted, [id]);
        }
        admission.connect(50, neighbour(), start);
        assert_eq!(admission.request(50, start), Outcome::default());
        let later = start + STALLED_AFTER;
        for id in [0, 1, 3] {
            admission.moved(id, later);
        }
        let outcome = admission.serve(later);
        assert_eq!((outcome.evicted, outcome.admitted), (vec![2], vec![50]));
    }

    #[test]
    fn everything_is_forgotten_when_all_have_left() {
        let now = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..60 {
            let source = if id % 2 == 0 { attacker() } else { neighbour() };
            admission.connect(id, source, now);
            admission.request(id, now);
        }
        for id in 0..60 {
            admission.leave(id, now);
        }
        assert_eq!((admission.connections(), admission.handshakes()), (0, 0));
        assert!(admission.sources.is_empty() && !admission.is_anybody_waiting());
    }

    #[test]
    fn addresses_of_one_ipv6_customer_are_one_source() {
        let one: IpAddr = "2001:db8:1:100::1".parse().unwrap();
        let other: IpAddr = "2001:db8:1:1ff:9::2".parse().unwrap();
        assert_eq!(network_of(one), network_of(other));
        assert_ne!(
            network_of(one),
            network_of("2001:db8:1:200::1".parse().unwrap())
        );
        assert_eq!(network_of("::ffff:192.0.2.66".parse().unwrap()), attacker());
    }
}
