//! Who may cost us something before it has proved who it is. Pure: time and connections come in, the
//! decision goes out.
//!
//! Two things are scarce: places for connections that have not logged in, and places for TLS handshakes
//! in progress. Both are shared by source address, so that no flood from one address keeps another out: who
//! has most gives way to who has less. Every call costs little however many there are, for whoever floods us
//! makes the calls.

mod limits;
mod ranking;
mod turns;

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    net::IpAddr,
    time::{Duration, Instant},
};

pub use self::limits::AdmissionLimits;
use self::{ranking::Ranking, turns::Turns};

/// A handshake that has not moved for this long gives way when somebody waits.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// The time every handshake gets, however many of its source there are. On a good path it needs a tenth of
/// it; without it a storm of honest sources would throw each other out.
const UNDISTURBED: Duration = Duration::from_secs(1);

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
    sources: HashMap<IpAddr, Source>,
    by_connections: Ranking,
    by_handshakes: Ranking,
    /// Sources with somebody waiting.
    turns: Turns,
    /// No handshake has stalled before then, as far as is known: one that moves or begins only postpones it.
    stall_due: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Connection {
    source: IpAddr,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Silent,
    Waiting,
    Handshaking {
        began: Instant,
        moved: Instant,
    },
    /// It has said who it is, and waits for the verdict.
    LoggingIn,
}

/// The connections of one source; numbers count up, so the first is the oldest.
#[derive(Debug, Default)]
struct Source {
    connections: BTreeSet<u64>,
    waiting: BTreeSet<u64>,
    /// With the moment each last moved on.
    handshaking: BTreeSet<(Instant, u64)>,
    /// The same, with the moment each began.
    begun: BTreeSet<(Instant, u64)>,
}

impl Admission {
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            connections: HashMap::new(),
            sources: HashMap::new(),
            by_connections: Ranking::default(),
            by_handshakes: Ranking::default(),
            turns: Turns::default(),
            stall_due: None,
        }
    }

    /// A connection was accepted. Where there are too many, the oldest of the source that has most goes.
    pub(crate) fn connect(&mut self, id: u64, address: IpAddr, now: Instant) -> Outcome {
        let mut evicted = Vec::new();
        if self.connections.len() >= self.limits.connections
            && let Some(victim) = self.oldest_of_largest_source()
        {
            self.remove(victim);
            evicted.push(victim);
        }
        let source = network_of(address);
        let stage = Stage::Silent;
        self.connections.insert(id, Connection { source, stage });
        self.by_connections.add(source);
        let connections = &mut self.sources.entry(source).or_default().connections;
        connections.insert(id);
        let mut outcome = self.serve(now);
        outcome.evicted.append(&mut evicted);
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
        source.waiting.insert(id);
        if !self.turns.has(&address) {
            self.turns.add(address, self.by_handshakes.count(&address));
        }
        self.serve(now)
    }

    /// A handshake has moved on.
    pub(crate) fn moved(&mut self, id: u64, now: Instant) {
        if let Some(Connection {
            stage: Stage::Handshaking { moved, .. },
            source,
        }) = self.connections.get_mut(&id)
            && let Some(source) = self.sources.get_mut(source)
        {
            source.handshaking.remove(&(*moved, id));
            source.handshaking.insert((now, id));
            *moved = now;
        }
    }

    /// A handshake is complete. The verdict on its log-in may take a while, and costs us nothing.
    pub(crate) fn complete(&mut self, id: u64, now: Instant) -> Outcome {
        if let Some(connection) = self.connections.get_mut(&id)
            && let Stage::Handshaking { began, moved } = connection.stage
        {
            connection.stage = Stage::LoggingIn;
            let address = connection.source;
            self.by_handshakes.remove(address);
            if let Some(source) = self.sources.get_mut(&address) {
                source.handshaking.remove(&(moved, id));
                source.begun.remove(&(began, id));
                self.turns
                    .recount(address, self.by_handshakes.count(&address));
            }
        }
        self.serve(now)
    }

    /// A connection has logged in or is gone.
    pub(crate) fn leave(&mut self, id: u64, now: Instant) -> Outcome {
        self.remove(id);
        self.serve(now)
    }

    /// Gives places to those who wait, one source after the other. To be called now and then while somebody
    /// waits, since standing still for long also frees a place.
    pub(crate) fn serve(&mut self, now: Instant) -> Outcome {
        let mut outcome = Outcome::default();
        while let Some(source) = self.turns.first() {
            if self.by_handshakes.total() >= self.limits.handshakes {
                let Some(victim) = self.gives_way_to(&source, now) else {
                    break;
                };
                self.remove(victim);
                outcome.evicted.push(victim);
            }
            outcome.admitted.extend(self.admit(source, now));
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
        self.by_handshakes.total()
    }

    /// Starts the first waiting handshake of a source.
    fn admit(&mut self, address: IpAddr, now: Instant) -> Option<u64> {
        let source = self.sources.get_mut(&address)?;
        let id = source.waiting.pop_first()?;
        source.handshaking.insert((now, id));
        source.begun.insert((now, id));
        self.by_handshakes.add(address);
        self.turns.remove(&address);
        if !source.waiting.is_empty() {
            self.turns.add(address, self.by_handshakes.count(&address));
        }
        let connection = self.connections.get_mut(&id)?;
        connection.stage = Stage::Handshaking {
            began: now,
            moved: now,
        };
        Some(id)
    }

    fn oldest_of_largest_source(&self) -> Option<u64> {
        let (_, largest) = self.by_connections.largest_first().next()?;
        self.sources[&largest].connections.first().copied()
    }

    /// When all places are taken: the handshake that gives way to the source whose turn it is.
    ///
    /// For a source that has fewer, that is the oldest of the source that has most, once it has had its
    /// undisturbed time: moving a little every now and then does not keep a place. For the others it is one
    /// that has stalled.
    fn gives_way_to(&mut self, source: &IpAddr, now: Instant) -> Option<u64> {
        let (most, largest) = self.by_handshakes.largest_first().next()?;
        // After the exchange the one must still not have fewer than the other.
        if self.by_handshakes.count(source) + 1 < most
            && let Some((began, id)) = self.sources.get(&largest)?.begun.first()
            && now.saturating_duration_since(*began) >= UNDISTURBED
        {
            return Some(*id);
        }
        if self.stall_due.is_some_and(|due| now < due) {
            return None;
        }
        let stillest = || {
            let sources = self.by_handshakes.largest_first();
            sources.filter_map(|(_, source)| self.stillest(&source))
        };
        let stalled = stillest().find(|(moved, _)| now >= *moved + STALLED_AFTER);
        if stalled.is_none() {
            self.stall_due = stillest().map(|(moved, _)| moved + STALLED_AFTER).min();
        }
        stalled.map(|(_, id)| id)
    }

    fn stillest(&self, source: &IpAddr) -> Option<(Instant, u64)> {
        self.sources.get(source)?.handshaking.first().copied()
    }

    fn remove(&mut self, id: u64) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        let address = connection.source;
        self.by_connections.remove(address);
        let Some(source) = self.sources.get_mut(&address) else {
            return;
        };
        source.connections.remove(&id);
        match connection.stage {
            Stage::Silent | Stage::LoggingIn => {}
            Stage::Waiting => {
                source.waiting.remove(&id);
            }
            Stage::Handshaking { began, moved } => {
                source.handshaking.remove(&(moved, id));
                source.begun.remove(&(began, id));
                self.by_handshakes.remove(address);
            }
        }
        if source.waiting.is_empty() {
            self.turns.remove(&address);
        } else {
            self.turns
                .recount(address, self.by_handshakes.count(&address));
        }
        if let Entry::Occupied(source) = self.sources.entry(address)
            && source.get().connections.is_empty()
        {
            source.remove();
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
    fn waiting_sources_take_turns() {
        let now = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..12 {
            let source = [192, 0, 2, (id % 6) as u8].into();
            admission.connect(id, source, now);
            admission.request(id, now);
        }
        // The first four have a handshake each; the others have none, and come first.
        for (gone, admitted) in [(0, 4), (1, 5), (2, 6), (3, 7), (4, 8), (5, 9)] {
            assert_eq!(admission.leave(gone, now).admitted, [admitted]);
        }
    }

    #[test]
    fn a_source_with_less_is_let_in_within_a_second_however_busy_the_others_are() {
        let start = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..20 {
            admission.connect(id, attacker(), start);
            admission.request(id, start);
        }
        for id in 50..53 {
            admission.connect(id, neighbour(), start);
            assert_eq!(admission.request(id, start), Outcome::default());
        }
        // They move all the time, and that does not save them.
        let later = start + UNDISTURBED;
        for id in 0..4 {
            admission.moved(id, later);
        }
        // Up to an equal share, and no further.
        let outcome = admission.serve(later);
        assert_eq!(
            (outcome.evicted, outcome.admitted),
            (vec![0, 1], vec![50, 51])
        );
        assert_eq!(admission.handshakes(), LIMITS.handshakes);
    }

    #[test]
    fn a_storm_of_honest_sources_throws_nobody_out() {
        let mut now = Instant::now();
        let mut admission = Admission::new(LIMITS);
        let mut finished = 0;
        let mut under_way = std::collections::VecDeque::new();
        for id in 0..90 {
            admission.connect(id, [192, 0, 2, (id % 30) as u8].into(), now);
            let outcome = admission.request(id, now);
            assert!(outcome.evicted.is_empty());
            under_way.extend(outcome.admitted);
        }
        // Each takes a tenth of a second.
        while let Some(id) = under_way.pop_front() {
            now += Duration::from_millis(100) / LIMITS.handshakes as u32;
            admission.moved(id, now);
            let outcome = admission.leave(id, now);
            assert!(outcome.evicted.is_empty());
            under_way.extend(outcome.admitted);
            finished += 1;
        }
        assert_eq!(finished, 90);
    }

    #[test]
    fn a_connection_that_makes_room_frees_its_handshake_for_others() {
        let now = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..100 {
            admission.connect(id, attacker(), now);
            admission.request(id, now);
        }
        let outcome = admission.connect(100, neighbour(), now);
        assert_eq!((outcome.evicted, outcome.admitted), (vec![0], vec![4]));
    }

    #[test]
    fn a_stalled_handshake_gives_way_and_a_moving_one_does_not() {
        let start = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..4 {
            let source = if id % 2 == 0 { attacker() } else { neighbour() };
            admission.connect(id, source, start);
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
    fn a_log_in_that_waits_for_its_verdict_takes_no_place() {
        let now = Instant::now();
        let mut admission = Admission::new(LIMITS);
        for id in 0..5 {
            admission.connect(id, attacker(), now);
            admission.request(id, now);
        }
        assert_eq!(admission.complete(0, now).admitted, [4]);
        assert_eq!((admission.connections(), admission.handshakes()), (5, 4));
        assert_eq!(admission.leave(0, now), Outcome::default());
        assert_eq!((admission.connections(), admission.handshakes()), (4, 4));
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
