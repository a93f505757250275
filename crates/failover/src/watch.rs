use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use holdfast_api_types::{
    Health,
    controller::{Role, Verdict},
};

use crate::{ProbeProfile, stats::Stats};

/// How long a tunnel may take after its log-in until it answers its first probe: the router's client
/// has to set up its interface first. Longer where its own first ping takes longer than that.
const FIRST_ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Between two probes of a tunnel that has answered none, at most: the first may come before the router's
/// interface is ready.
const PROVING_INTERVAL: Duration = Duration::from_secs(1);

/// Probes in a burst that was asked for.
const BURST_PROBES: u8 = 5;

/// Beyond the usual time of an answer, the silence that still counts as ordinary on a long path.
const SUSPECT_MARGIN: Duration = Duration::from_millis(150);

/// Beyond the usual time of an answer, the silence that a lost segment causes until TCP has repeated it:
/// its shortest retransmission timer is 200 ms.
const DEAD_MARGIN: Duration = Duration::from_millis(350);

/// Probes whose answers are waited for at once. More than a burst sends before its verdict.
const MAX_WAITING: usize = 64;

/// How long a client takes to remove its routes once it has given its connection up.
const WITHDRAWAL: Duration = Duration::from_secs(1);

/// What a [`Watch`] wants done, or has found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Send an echo request with this sequence number into the tunnel, and report it with
    /// [`Watch::handle_probe_sent`].
    SendProbe(u16),
    /// Something about the tunnel's life; hand it to [`Site::handle_verdict`](crate::Site::handle_verdict).
    Verdict(Verdict),
}

/// Watches over one tunnel for the life of one connection.
///
/// Probes go out at the pace of the tunnel's [`Role`]. Silence is counted from the last sign of life: the
/// answer to a probe, or anything else that the peer has authenticated. Silence and a missed probe make
/// the tunnel suspect; a burst of probes follows, and the verdict comes from the burst.
///
/// On a long path, and on one that repeats many segments, answers come late as a matter of course. The
/// times of the [`ProbeProfile`] are therefore lower bounds: all of them grow with the smoothed round
/// trip and its deviation, up to the time after which the router's client gives up by itself.
#[derive(Debug)]
pub struct Watch {
    profile: ProbeProfile,
    role: Role,
    state: State,
    last_life: Instant,
    /// Silence until then means nothing.
    excused_until: Instant,
    next_probe: Instant,
    next_seq: u16,
    burst_left: u8,
    /// Probes without an answer, oldest first.
    waiting: VecDeque<Waiting>,
    stats: Stats,
    events: VecDeque<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No probe has been answered yet.
    Proving {
        came_up: Instant,
        give_up_at: Instant,
    },
    Alive,
    /// The router talks but has never answered a probe: its firewall drops them. Its own keepalive must do.
    Mute,
    Suspect,
    Dead,
}

#[derive(Debug)]
struct Waiting {
    seq: u16,
    sent_at: Instant,
    missed: bool,
}

impl Watch {
    /// Starts watching a tunnel that came up at `now`, as a standby. The first probe is due at once.
    pub fn new(profile: ProbeProfile, now: Instant) -> Self {
        Self {
            profile,
            role: Role::Standby,
            state: State::Proving {
                came_up: now,
                give_up_at: now + first_answer_within(&profile),
            },
            last_life: now,
            excused_until: now,
            next_probe: now,
            next_seq: 0,
            burst_left: 0,
            waiting: VecDeque::new(),
            stats: Stats::default(),
            events: VecDeque::new(),
        }
    }

    /// The probe of [`Event::SendProbe`] was handed to the tunnel. One that is not reported counts for
    /// nothing.
    pub fn handle_probe_sent(&mut self, seq: u16, now: Instant) {
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
            self.stats.probe_lost();
        }
        self.waiting.push_back(Waiting {
            seq,
            sent_at: now,
            missed: false,
        });
        self.stats.probe_sent();
    }

    /// The answer to a probe came in.
    pub fn handle_reply(&mut self, seq: u16, now: Instant) {
        if let Some(index) = self.waiting.iter().position(|probe| probe.seq == seq)
            && let Some(probe) = self.waiting.remove(index)
        {
            self.stats
                .probe_answered(now.saturating_duration_since(probe.sent_at));
        }
        self.last_life = now;
        self.clear();
        let was_proving = matches!(self.state, State::Proving { .. });
        self.state = State::Alive;
        if was_proving {
            // Nothing is left to prove: the next probe comes at the usual pace.
            self.next_probe = now + self.interval();
        }
        self.verdict(Verdict::Answered);
    }

    /// Any other authenticated packet came in from the peer. It clears a suspicion, but neither proves a
    /// new tunnel nor revives a dead one: that takes an answered probe, except where the router never
    /// answers any.
    pub fn handle_traffic(&mut self, now: Instant) {
        match self.state {
            State::Dead => return,
            State::Mute => self.verdict(Verdict::Answered),
            State::Proving { .. } | State::Alive | State::Suspect => self.clear(),
        }
        self.last_life = now;
    }

    /// Silence until `until` is our own doing: the router rebuilds its tunnel interface, say.
    pub fn excuse(&mut self, until: Instant) {
        self.excused_until = self.excused_until.max(until);
    }

    /// Whether the router talks but has never answered a probe.
    pub fn is_mute(&self) -> bool {
        self.state == State::Mute
    }

    /// The instant of [`Self::poll_timeout`] has come. Read what the sockets hold first.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.mark_missed(now);
        self.judge(now);
        self.drop_lost(now);
        if now >= self.next_probe {
            self.probe(now);
        }
    }

    /// Probes at the pace of `role` from now on.
    pub fn set_role(&mut self, role: Role, now: Instant) {
        self.role = role;
        self.next_probe = self.next_probe.min(now + self.interval());
    }

    /// Sends a few probes quickly, the first at once.
    pub fn burst(&mut self, now: Instant) {
        self.burst_left = BURST_PROBES;
        self.next_probe = now;
    }

    /// The next thing to do or to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Self::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        [
            self.verdict_due(),
            self.missed_due(),
            Some((self.next_probe, "probe is due")),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The smoothed round-trip time; none before the first answer.
    pub fn rtt(&self) -> Option<Duration> {
        self.stats.rtt()
    }

    /// The profile that the tunnel is watched by.
    pub fn profile(&self) -> &ProbeProfile {
        &self.profile
    }

    /// The measurements since the last call, for the next report.
    pub fn take_health(&mut self) -> Health {
        self.stats.take_window()
    }

    fn probe(&mut self, now: Instant) {
        self.events.push_back(Event::SendProbe(self.next_seq));
        self.next_seq = self.next_seq.wrapping_add(1);
        self.burst_left = self.burst_left.saturating_sub(1);
        self.next_probe = now + self.interval();
    }

    fn interval(&self) -> Duration {
        if self.burst_left > 0 {
            return self.profile.burst_interval;
        }
        let usual = self.profile.interval(self.role);
        match self.state {
            State::Suspect => self.profile.burst_interval,
            State::Proving { .. } => usual.min(PROVING_INTERVAL),
            State::Alive | State::Mute | State::Dead => usual,
        }
    }

    fn mark_missed(&mut self, now: Instant) {
        let answer_within = self.answer_within();
        for probe in &mut self.waiting {
            if !probe.missed && now >= probe.sent_at + answer_within {
                probe.missed = true;
                if self.state != State::Mute && probe.sent_at >= self.excused_until {
                    self.events.push_back(Event::Verdict(Verdict::Missed));
                }
            }
        }
    }

    fn missed_due(&self) -> Option<(Instant, &'static str)> {
        let probe = self.waiting.iter().find(|probe| !probe.missed)?;
        Some((probe.sent_at + self.answer_within(), "probe is missed"))
    }

    fn judge(&mut self, now: Instant) {
        if self.verdict_due().is_none_or(|(due, _)| now < due) {
            return;
        }
        let silence = now.saturating_duration_since(self.last_life).as_secs_f64();
        let missed = self.since_life().count();
        let cause = format!("{missed} probes without an answer in {silence:.2} s of silence");
        match self.state {
            State::Proving { came_up, .. } if self.last_life > came_up => {
                self.state = State::Mute;
                self.verdict(Verdict::Answered);
            }
            State::Proving { .. } => self.condemn("nothing heard since the log-in".into()),
            State::Mute => self.condemn(format!("nothing heard for {silence:.1} s")),
            State::Alive => {
                self.state = State::Suspect;
                self.next_probe = now;
                self.verdict(Verdict::Suspect { cause });
            }
            State::Suspect => self.condemn(cause),
            State::Dead => {}
        }
    }

    /// When the present state ends in silence, if the probes sent so far suffice for that.
    fn verdict_due(&self) -> Option<(Instant, &'static str)> {
        match self.state {
            State::Proving { give_up_at, .. } => Some((give_up_at, "first answer is overdue")),
            State::Mute => Some((self.silence_began() + self.keepalive(), "router is silent")),
            State::Alive => Some((
                self.silent_until(1, self.suspect_after())?,
                "tunnel is silent",
            )),
            State::Suspect => {
                let due = self.silent_until(self.profile.missed_for_dead, self.dead_after())?;
                Some((due, "suspected tunnel is silent"))
            }
            State::Dead => None,
        }
    }

    /// The instant at which silence has lasted `patience` and `probes` probes are missed in it.
    fn silent_until(&self, probes: usize, patience: Duration) -> Option<Instant> {
        let last = self.since_life().nth(probes - 1)?;
        Some((self.silence_began() + patience).max(last.sent_at + self.answer_within()))
    }

    /// The probes that were sent in the present silence.
    fn since_life(&self) -> impl Iterator<Item = &Waiting> {
        let began = self.silence_began();
        self.waiting
            .iter()
            .filter(move |probe| probe.sent_at >= began)
    }

    fn silence_began(&self) -> Instant {
        self.last_life.max(self.excused_until)
    }

    fn condemn(&mut self, cause: String) {
        self.state = State::Dead;
        let lingers = self.keepalive() + WITHDRAWAL;
        self.verdict(Verdict::Dead { cause, lingers });
    }

    fn clear(&mut self) {
        if self.state == State::Suspect {
            self.state = State::Alive;
            self.verdict(Verdict::Cleared);
        }
    }

    fn drop_lost(&mut self, now: Instant) {
        // Twice the time of a verdict, so that no probe is forgotten that a verdict may still need.
        let lost_after = 2 * self.dead_after();
        while self
            .waiting
            .front()
            .is_some_and(|probe| now >= probe.sent_at + lost_after)
        {
            self.waiting.pop_front();
            self.stats.probe_lost();
        }
    }

    fn verdict(&mut self, verdict: Verdict) {
        self.events.push_back(Event::Verdict(verdict));
    }

    fn answer_within(&self) -> Duration {
        self.on_this_path(self.profile.answer_within, Duration::ZERO)
    }

    fn suspect_after(&self) -> Duration {
        self.on_this_path(self.profile.suspect_after, SUSPECT_MARGIN)
    }

    fn dead_after(&self) -> Duration {
        self.on_this_path(self.profile.dead_after, DEAD_MARGIN)
    }

    /// At least `least`, but as long as an answer takes here plus `margin`; never longer than the router's
    /// client waits before it gives up by itself.
    fn on_this_path(&self, least: Duration, margin: Duration) -> Duration {
        least
            .max(self.stats.usual_answer() + margin)
            .min(self.keepalive())
    }

    /// How long the router's client waits before it gives the tunnel up by itself.
    fn keepalive(&self) -> Duration {
        Duration::from_secs(self.profile.ping_restart.into())
    }
}

/// Two of the client's own pings fit in: one tells a router that drops probes from a tunnel that is dead.
fn first_answer_within(profile: &ProbeProfile) -> Duration {
    FIRST_ANSWER_WITHIN.max(Duration::from_secs(2 * u64::from(profile.ping)))
}
