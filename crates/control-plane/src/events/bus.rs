//! The live events of each organization, numbered, the latest of them kept.
//!
//! A listener has no queue of its own, only a place in the numbering: whoever resumes, lags or comes for the first time
//! reads on from a number, and is told to start anew when that number is gone. A slow listener costs nothing.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use holdfast_api_types::{
    OrganizationId,
    api::{LiveEvent, StreamMark},
};
use tokio::sync::watch;

use crate::ids;

/// Events kept per organization. A dashboard that was away for less than these reads on as if it had stayed.
const KEPT: usize = 4096;

/// Listeners per organization: each is an open connection.
const LISTENERS: usize = 256;

/// Events handed to a listener at once.
const BATCH: usize = 64;

/// Tells listeners what changed. Clones are the same bus.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Differs with every start, because the numbers begin anew.
    epoch: String,
    feeds: Mutex<Feeds>,
}

#[derive(Debug, Default)]
struct Feeds {
    by_organization: HashMap<OrganizationId, Feed>,
    closed: bool,
}

#[derive(Debug)]
struct Feed {
    /// The latest events; the last of them has the number `last`.
    kept: VecDeque<Arc<LiveEvent>>,
    last: u64,
    news: watch::Sender<()>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            kept: VecDeque::new(),
            last: 0,
            news: watch::Sender::new(()),
        }
    }
}

/// Where a listener is in the events of its organization, as text `EPOCH-NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Serial {
    epoch: String,
    number: u64,
}

/// What a listener is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The first message of whoever did not listen before.
    Snapshot(StreamMark),
    /// The events in between are gone: read again what you show.
    Reset(StreamMark),
    /// Something changed.
    Event {
        /// Its serial, from which one can read on.
        serial: String,
        /// What changed.
        event: Arc<LiveEvent>,
    },
}

/// There are as many listeners as the organization may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{LISTENERS} listeners are open already")]
pub struct TooManyListeners;

impl Bus {
    /// A bus that nobody listens to.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            epoch: hex::encode(ids::random::<4>()),
            feeds: Mutex::default(),
        }))
    }

    /// Tells an organization's listeners of an event. Never waits. Only what is committed may be told.
    pub fn publish(&self, organization: &OrganizationId, event: LiveEvent) {
        let mut feeds = self.feeds();
        let feed = feeds
            .by_organization
            .entry(organization.clone())
            .or_default();
        if feed.kept.len() == KEPT {
            feed.kept.pop_front();
        }
        feed.kept.push_back(Arc::new(event));
        feed.last += 1;
        feed.news.send_replace(());
    }

    /// Listens to the events of an organization: to all after the serial `after`, if it is known and not too old.
    ///
    /// # Errors
    /// [`TooManyListeners`] of this organization.
    pub fn subscribe(
        &self,
        organization: &OrganizationId,
        after: Option<&str>,
    ) -> Result<Subscription, TooManyListeners> {
        let mut feeds = self.feeds();
        let feed = feeds
            .by_organization
            .entry(organization.clone())
            .or_default();
        if feed.news.receiver_count() >= LISTENERS {
            return Err(TooManyListeners);
        }
        let mut news = feed.news.subscribe();
        // Whatever was published before is looked for at once.
        news.mark_changed();
        Ok(Subscription {
            bus: self.clone(),
            organization: organization.clone(),
            position: match after {
                None => Position::First,
                Some(serial) => Position::resumed(serial, &self.0.epoch),
            },
            news,
        })
    }

    /// Ends every subscription, for a process that stops.
    pub fn close(&self) {
        let mut feeds = self.feeds();
        feeds.closed = true;
        for feed in feeds.by_organization.values() {
            feed.news.send_replace(());
        }
    }

    fn serial(&self, number: u64) -> String {
        format!("{}-{number}", self.0.epoch)
    }

    fn mark(&self, number: u64, reason: Option<&str>) -> StreamMark {
        StreamMark {
            serial: self.serial(number),
            reason: reason.map(Into::into),
        }
    }

    fn feeds(&self) -> MutexGuard<'_, Feeds> {
        // Nothing in here can be left half-done by a panic.
        self.0.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

/// One listener.
pub struct Subscription {
    bus: Bus,
    organization: OrganizationId,
    position: Position,
    news: watch::Receiver<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// It has heard nothing yet.
    First,
    /// It names a serial that this process never gave out.
    Foreign,
    /// It has heard everything up to this number.
    After(u64),
}

impl Position {
    fn resumed(serial: &str, epoch: &str) -> Self {
        match serial.parse::<Serial>() {
            Ok(serial) if serial.epoch == epoch => Self::After(serial.number),
            _ => Self::Foreign,
        }
    }
}

impl Subscription {
    /// Waits for what the listener has not heard, and takes some of it; `None` once the bus is closed.
    pub async fn next(&mut self) -> Option<Vec<Message>> {
        loop {
            let messages = self.take()?;
            if !messages.is_empty() {
                return Some(messages);
            }
            self.news.changed().await.ok()?;
        }
    }

    fn take(&mut self) -> Option<Vec<Message>> {
        self.news.mark_unchanged();
        let feeds = self.bus.feeds();
        if feeds.closed {
            return None;
        }
        let feed = feeds.by_organization.get(&self.organization)?;
        let (messages, heard) = unheard(&self.bus, feed, self.position);
        self.position = Position::After(heard);
        Some(messages)
    }
}

/// What follows for a listener at `position`, and the number it has heard everything up to afterwards.
fn unheard(bus: &Bus, feed: &Feed, position: Position) -> (Vec<Message>, u64) {
    let last = feed.last;
    let reset = |reason| {
        let mark = bus.mark(last, Some(reason));
        (vec![Message::Reset(mark)], last)
    };
    let kept = u64::try_from(feed.kept.len()).unwrap_or(u64::MAX);
    let before_first = last - kept;
    match position {
        Position::First => (vec![Message::Snapshot(bus.mark(last, None))], last),
        Position::Foreign => reset("the server has restarted"),
        Position::After(heard) if heard > last => reset("the server has not come that far"),
        Position::After(heard) if heard < before_first => reset("you missed more than is kept"),
        Position::After(heard) => {
            let known = usize::try_from(heard - before_first).unwrap_or(usize::MAX);
            let events = feed.kept.iter().skip(known).take(BATCH);
            let messages: Vec<_> = (heard + 1..)
                .zip(events)
                .map(|(number, event)| Message::Event {
                    serial: bus.serial(number),
                    event: event.clone(),
                })
                .collect();
            let heard = heard + u64::try_from(messages.len()).unwrap_or(0);
            (messages, heard)
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("organization", &self.organization)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl FromStr for Serial {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, number) = text.rsplit_once('-').ok_or(())?;
        Ok(Self {
            epoch: epoch.into(),
            number: number.parse().map_err(|_| ())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use holdfast_api_types::api::{Change, Edit};

    use super::*;

    fn organization(name: &str) -> OrganizationId {
        name.parse().unwrap()
    }

    fn event(site: u32) -> LiveEvent {
        LiveEvent {
            at: "2026-11-23T10:00:00Z".parse().unwrap(),
            change: Change::Site {
                site: format!("site-{site}").parse().unwrap(),
                edit: Edit::Changed,
            },
        }
    }

    /// The serials of everything that is there to be heard.
    async fn hear(subscription: &mut Subscription, count: usize) -> Vec<Message> {
        let mut heard = Vec::new();
        while heard.len() < count {
            heard.extend(subscription.next().await.unwrap());
        }
        heard
    }

    fn serial(message: &Message) -> String {
        match message {
            Message::Snapshot(mark) | Message::Reset(mark) => mark.serial.clone(),
            Message::Event { serial, .. } => serial.clone(),
        }
    }

    #[tokio::test]
    async fn a_new_listener_hears_a_snapshot_and_then_what_its_organization_does() {
        let bus = Bus::new();
        let (mine, other) = (organization("mine"), organization("other"));
        bus.publish(&mine, event(1));
        let mut listener = bus.subscribe(&mine, None).unwrap();
        assert!(matches!(
            &hear(&mut listener, 1).await[..],
            [Message::Snapshot(_)]
        ));

        bus.publish(&other, event(2));
        bus.publish(&mine, event(3));
        let heard = hear(&mut listener, 1).await;
        assert!(matches!(&heard[..], [Message::Event { event: e, .. }] if **e == event(3)));
    }

    #[tokio::test]
    async fn a_listener_that_returns_hears_what_it_missed_and_nothing_twice() {
        let bus = Bus::new();
        let mine = organization("mine");
        let mut listener = bus.subscribe(&mine, None).unwrap();
        let start = serial(&hear(&mut listener, 1).await[0]);
        drop(listener);
        for site in 0..200 {
            bus.publish(&mine, event(site));
        }
        let mut listener = bus.subscribe(&mine, Some(&start)).unwrap();
        let heard = hear(&mut listener, 200).await;
        let sites: Vec<_> = heard
            .iter()
            .map(|message| match message {
                Message::Event { event, .. } => event.change.clone(),
                Message::Snapshot(_) | Message::Reset(_) => panic!("{message:?}"),
            })
            .collect();
        let published: Vec<_> = (0..200).map(|site| event(site).change).collect();
        assert_eq!(sites, published);
    }

    #[tokio::test]
    async fn whoever_missed_too_much_or_comes_from_another_start_begins_anew() {
        let bus = Bus::new();
        let mine = organization("mine");
        let mut slow = bus.subscribe(&mine, None).unwrap();
        let start = serial(&hear(&mut slow, 1).await[0]);
        for site in 0..=u32::try_from(KEPT).unwrap() {
            bus.publish(&mine, event(site));
        }
        let mut listeners = vec![slow, bus.subscribe(&mine, Some(&start)).unwrap()];
        for foreign in [
            "0-5",
            "nonsense",
            &serial(&hear(&mut bus.subscribe(&mine, None).unwrap(), 1).await[0]).replace('-', "0-"),
        ] {
            listeners.push(bus.subscribe(&mine, Some(foreign)).unwrap());
        }
        for mut listener in listeners {
            let heard = hear(&mut listener, 1).await;
            assert!(
                matches!(&heard[..], [Message::Reset(mark)] if mark.reason.is_some()),
                "{heard:?}"
            );
            bus.publish(&mine, event(1));
            assert!(matches!(
                &hear(&mut listener, 1).await[0],
                Message::Event { .. }
            ));
        }
    }

    #[tokio::test]
    async fn listeners_are_bounded_and_end_with_the_bus() {
        let bus = Bus::new();
        let mine = organization("mine");
        let mut listeners: Vec<_> = (0..LISTENERS)
            .map(|_| bus.subscribe(&mine, None).unwrap())
            .collect();
        assert_eq!(bus.subscribe(&mine, None).unwrap_err(), TooManyListeners);
        listeners.pop();
        let mut last = bus.subscribe(&mine, None).unwrap();
        assert!(last.next().await.is_some());

        let waiting = tokio::spawn(async move { last.next().await });
        bus.close();
        assert_eq!(waiting.await.unwrap(), None);
    }
}
