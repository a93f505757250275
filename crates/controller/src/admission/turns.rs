//! The order in which waiting sources are served.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

/// How many handshakes a source has, and when it began to wait.
type Turn = (usize, u64);

/// Sources with somebody waiting: first who has fewest handshakes, and of those who waits longest.
#[derive(Debug, Default)]
pub(super) struct Turns {
    in_order: BTreeSet<(Turn, IpAddr)>,
    by_source: HashMap<IpAddr, Turn>,
    last: u64,
}

impl Turns {
    /// A source begins to wait, behind those that have as many handshakes.
    pub(super) fn add(&mut self, source: IpAddr, handshakes: usize) {
        self.last += 1;
        self.put(source, (handshakes, self.last));
    }

    /// A source that may be waiting has another number of handshakes now.
    pub(super) fn recount(&mut self, source: IpAddr, handshakes: usize) {
        if let Some((_, since)) = self.by_source.get(&source) {
            self.put(source, (handshakes, *since));
        }
    }

    /// Nobody of this source waits any more.
    pub(super) fn remove(&mut self, source: &IpAddr) {
        if let Some(turn) = self.by_source.remove(source) {
            self.in_order.remove(&(turn, *source));
        }
    }

    /// Whose turn it is.
    pub(super) fn first(&self) -> Option<IpAddr> {
        self.in_order.first().map(|(_, source)| *source)
    }

    /// Whether somebody of this source waits.
    pub(super) fn has(&self, source: &IpAddr) -> bool {
        self.by_source.contains_key(source)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    fn put(&mut self, source: IpAddr, turn: Turn) {
        if let Some(before) = self.by_source.insert(source, turn) {
            self.in_order.remove(&(before, source));
        }
        self.in_order.insert((turn, source));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_less_comes_first_and_then_who_waits_longer() {
        let [a, b, c] = [1, 2, 3].map(|n| IpAddr::from([192, 0, 2, n]));
        let mut turns = Turns::default();
        turns.add(a, 1);
        turns.add(b, 0);
        turns.add(c, 0);
        assert_eq!(turns.first(), Some(b));
        turns.recount(b, 1);
        assert_eq!(turns.first(), Some(c));
        turns.remove(&c);
        assert_eq!(turns.first(), Some(a), "it has waited longer than b");
        turns.recount(c, 0);
        assert!(!turns.has(&c), "who does not wait has no turn");
    }
}
