use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

/// How much each source has of something, and who has most.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    counts: HashMap<IpAddr, usize>,
    order: BTreeSet<(usize, IpAddr)>,
    total: usize,
}

impl Ranking {
    pub(super) fn add(&mut self, source: IpAddr) {
        self.total += 1;
        self.set(source, self.count(&source) + 1);
    }

    /// Takes one away, if it has any.
    pub(super) fn remove(&mut self, source: IpAddr) {
        let count = self.count(&source);
        if count > 0 {
            self.total -= 1;
            self.set(source, count - 1);
        }
    }

    pub(super) fn count(&self, source: &IpAddr) -> usize {
        self.counts.get(source).copied().unwrap_or(0)
    }

    /// Of all sources together.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Sources that have any, with how much.
    pub(super) fn largest_first(&self) -> impl Iterator<Item = (usize, IpAddr)> {
        self.order.iter().rev().copied()
    }

    fn set(&mut self, source: IpAddr, count: usize) {
        self.order.remove(&(self.count(&source), source));
        if count > 0 {
            self.counts.insert(source, count);
            self.order.insert((count, source));
        } else {
            self.counts.remove(&source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_in_the_order_of_what_they_have() {
        let [a, b] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let mut ranking = Ranking::default();
        for source in [a, b, b, a, a] {
            ranking.add(source);
        }
        let order: Vec<_> = ranking.largest_first().collect();
        assert_eq!((order, ranking.total()), (vec![(3, a), (2, b)], 5));
        ranking.remove(a);
        ranking.remove(a);
        assert_eq!(ranking.largest_first().next(), Some((2, b)));
    }

    #[test]
    fn who_has_nothing_leaves_no_trace() {
        let source = IpAddr::from([192, 0, 2, 1]);
        let mut ranking = Ranking::default();
        ranking.add(source);
        ranking.remove(source);
        ranking.remove(source);
        assert_eq!((ranking.count(&source), ranking.total()), (0, 0));
        assert!(ranking.order.is_empty() && ranking.counts.is_empty());
    }
}
