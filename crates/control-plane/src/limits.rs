//! How often somebody may try to log in.

use std::{
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter, clock, middleware::NoOpMiddleware, state::keyed::HashMapStateStore,
};
use holdfast_api_types::api::Email;

use crate::clock::Clock;

/// Attempts at once from one address: an office behind one address logs in on Monday morning.
const ADDRESS_BURST: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// One more attempt per address in this time.
const ADDRESS_EVERY: Duration = Duration::from_secs(6);

/// Attempts at once at one account.
const ACCOUNT_BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// One more attempt per account in this time: 7,200 guesses a day at most, of passwords with 12 characters and more.
const ACCOUNT_EVERY: Duration = Duration::from_secs(12);

/// Remembered keys above which those that are at rest again are forgotten.
const MANY: usize = 10_000;

/// Counts attempts to log in, per address and per account. An account is counted whether it exists or not.
pub(crate) struct LogInLimits {
    by_address: Limiter<IpAddr>,
    by_account: Limiter<Email>,
    clock: Arc<dyn Clock>,
}

/// That was one attempt too many; so long until the next is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TryAgainIn(pub(crate) Duration);

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Monotonic, NoOpMiddleware<Instant>>;

impl LogInLimits {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            by_address: limiter(ADDRESS_EVERY, ADDRESS_BURST, &clock),
            by_account: limiter(ACCOUNT_EVERY, ACCOUNT_BURST, &clock),
            clock,
        }
    }

    /// Counts an attempt from an address, and at an account if one is named.
    ///
    /// # Errors
    /// How long to wait, when it was one too many.
    pub(crate) fn attempt(&self, from: IpAddr, account: Option<&Email>) -> Result<(), TryAgainIn> {
        self.count(&self.by_address, &network(from))?;
        account.map_or(Ok(()), |account| self.count(&self.by_account, account))
    }

    fn count<K: Hash + Eq + Clone>(&self, limiter: &Limiter<K>, key: &K) -> Result<(), TryAgainIn> {
        if limiter.len() > MANY {
            limiter.retain_recent();
        }
        let now = self.clock.instant();
        let refused = |wait: governor::NotUntil<Instant>| TryAgainIn(wait.wait_time_from(now));
        limiter.check_key(key).map_err(refused)
    }
}

impl fmt::Debug for LogInLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInLimits")
            .field("addresses", &self.by_address.len())
            .field("accounts", &self.by_account.len())
            .finish()
    }
}

fn limiter<K: Hash + Eq + Clone>(
    every: Duration,
    burst: NonZeroU32,
    clock: &Arc<dyn Clock>,
) -> Limiter<K> {
    let quota = Quota::with_period(every)
        .expect("the period is not zero")
        .allow_burst(burst);
    RateLimiter::new(
        quota,
        HashMapStateStore::default(),
        Monotonic(clock.clone()),
    )
}

/// Somebody with one IPv6 connection has 2^64 addresses, so the network counts.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Our clock, for the limiter.
#[derive(Debug, Clone)]
struct Monotonic(Arc<dyn Clock>);

impl clock::Clock for Monotonic {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.instant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn limits() -> (LogInLimits, ManualClock) {
        let clock = ManualClock::at("2026-11-23T10:00:00Z".parse().unwrap());
        (LogInLimits::new(Arc::new(clock.clone())), clock)
    }

    fn email(text: &str) -> Email {
        Email::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn an_account_is_limited_from_wherever_it_is_tried() {
        let (limits, clock) = limits();
        let ann = email("ann@example.org");
        let from = |n: u8| IpAddr::from([192, 0, 2, n]);
        for n in 0..10 {
            assert_eq!(limits.attempt(from(n), Some(&ann)), Ok(()));
        }
        assert_eq!(
            limits.attempt(from(10), Some(&ann)),
            Err(TryAgainIn(ACCOUNT_EVERY))
        );
        assert_eq!(
            limits.attempt(from(11), Some(&email("bob@example.org"))),
            Ok(())
        );

        clock.advance(ACCOUNT_EVERY);
        assert_eq!(limits.attempt(from(12), Some(&ann)), Ok(()));
    }

    #[test]
    fn an_address_is_limited_whatever_it_tries_and_an_ipv6_network_is_one_address() {
        let (limits, _) = limits();
        let from = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]);
        for n in 0..20 {
            let account = email(&format!("user{n}@example.org"));
            assert_eq!(limits.attempt(from(n), Some(&account)), Ok(()));
        }
        assert_eq!(
            limits.attempt(from(20), None),
            Err(TryAgainIn(ADDRESS_EVERY))
        );
        let elsewhere = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 1]);
        assert_eq!(limits.attempt(elsewhere, None), Ok(()));
    }
}
