//! A watch on a simulated path: answers come back after a delay, or not at all.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use holdfast_failover::{Event, ProbeProfile, Role, Verdict, Watch};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A watch, its path, and what it has said so far.
struct Path {
    watch: Watch,
    start: Instant,
    now: Instant,
    rtt: Duration,
    /// Answers under way, by the instant they arrive.
    answers: BTreeSet<(Instant, u16)>,
    cut: bool,
    probes: u32,
    said: Vec<(Duration, Verdict)>,
}

impl Path {
    fn new(profile: ProbeProfile, role: Role, rtt: Duration) -> Self {
        let start = Instant::now();
        let mut watch = Watch::new(profile, start);
        watch.set_role(role, start);
        Self {
            watch,
            start,
            now: start,
            rtt,
            answers: BTreeSet::new(),
            cut: false,
            probes: 0,
            said: Vec::new(),
        }
    }

    /// A path that has been up for a while and has nothing to report but answers.
    fn settled(profile: ProbeProfile, role: Role, rtt: Duration) -> Self {
        let mut path = Self::new(profile, role, rtt);
        path.run(100 * profile.interval(role));
        // Just after an answer, so that the next probe is a full interval away.
        let answers = path.count(|verdict| *verdict == Verdict::Answered);
        while path.count(|verdict| *verdict == Verdict::Answered) == answers {
            path.run(ms(1));
        }
        path.said.clear();
        path
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.drain();
            let answer = self.answers.first().map(|&(at, _)| at);
            let (timeout, reason) = self.watch.poll_timeout().unwrap();
            let next = answer.map_or(timeout, |at| at.min(timeout)).max(self.now);
            if next > until {
                self.now = until;
                return;
            }
            assert!(!reason.is_empty());
            self.now = next;
            // Sockets first, timers after.
            if answer.is_some_and(|at| at <= next) {
                let (_, seq) = self.answers.pop_first().unwrap();
                self.watch.handle_reply(seq, next);
            } else {
                self.watch.handle_timeout(next);
            }
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.watch.poll_event() {
            match event {
                Event::SendProbe(seq) => {
                    self.probes += 1;
                    self.watch.handle_probe_sent(seq, self.now);
                    if !self.cut {
                        self.answers.insert((self.now + self.rtt, seq));
                    }
                }
                Event::Verdict(verdict) => self.said.push((self.now - self.start, verdict)),
            }
        }
    }

    /// Cuts the path both ways: answers under way are gone too.
    fn cut(&mut self) {
        self.cut = true;
        self.answers.clear();
    }

    fn time_of(&self, wanted: fn(&Verdict) -> bool) -> Option<Duration> {
        self.said
            .iter()
            .find(|(_, verdict)| wanted(verdict))
            .map(|(at, _)| *at)
    }

    fn count(&self, wanted: fn(&Verdict) -> bool) -> usize {
        self.said
            .iter()
            .filter(|(_, verdict)| wanted(verdict))
            .count()
    }

    fn elapsed(&self) -> Duration {
        self.now - self.start
    }
}

fn is_suspect(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Suspect { .. })
}

fn is_dead(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Dead { .. })
}

/// Cuts a settled path; returns the silence until suspicion and until death.
fn silence_until_verdicts(
    profile: ProbeProfile,
    role: Role,
    rtt: Duration,
) -> (Duration, Duration) {
    let mut path = Path::settled(profile, role, rtt);
    let last_life = path.elapsed();
    path.cut();
    path.run(Duration::from_secs(120));
    let since = |at: Option<Duration>| at.unwrap() - last_life;
    (
        since(path.time_of(is_suspect)),
        since(path.time_of(is_dead)),
    )
}

#[track_caller]
fn check_silence(profile: ProbeProfile, role: Role, rtt: u64, suspect: u64, dead: u64) {
    // The path is settled to the millisecond after an answer.
    let (suspected, died) = silence_until_verdicts(profile, role, ms(rtt));
    assert!(
        suspected.abs_diff(ms(suspect)) <= ms(2),
        "suspect after {suspected:?}"
    );
    assert!(died.abs_diff(ms(dead)) <= ms(2), "dead after {died:?}");
}

#[test]
fn a_silent_active_tunnel_is_suspect_and_then_dead_within_its_profile() {
    check_silence(ProbeProfile::fast(), Role::Active, 10, 250, 450);
    check_silence(ProbeProfile::normal(), Role::Active, 10, 1000, 1500);
    // The next probe leaves 10 s after the last, that is 9.99 s after its answer.
    check_silence(ProbeProfile::saver(), Role::Active, 10, 11_990, 14_990);
}

#[test]
fn a_silent_standby_is_judged_by_the_probes_it_was_sent() {
    check_silence(ProbeProfile::fast(), Role::Standby, 10, 390, 590);
    check_silence(ProbeProfile::saver(), Role::Standby, 10, 31_990, 34_990);
}

#[test]
fn a_satellite_path_is_given_the_time_its_answers_take() {
    check_silence(ProbeProfile::fast(), Role::Active, 600, 750, 950);
}

#[test]
fn a_steady_path_says_nothing_but_answers() {
    for rtt in [1, 40, 600] {
        let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(rtt));
        path.run(Duration::from_secs(3600));
        assert_eq!(
            path.count(|verdict| *verdict != Verdict::Answered),
            0,
            "rtt {rtt} ms"
        );
    }
}

#[test]
fn the_pace_follows_the_role_and_a_burst() {
    let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(10));
    let per_second = |path: &mut Path| {
        let before = path.probes;
        path.run(Duration::from_secs(3));
        path.probes - before
    };
    assert_eq!(per_second(&mut path), 30);
    path.watch.set_role(Role::Standby, path.now);
    assert_eq!(per_second(&mut path), 10);
    path.watch.burst(path.now);
    let before = path.probes;
    path.run(ms(220));
    assert_eq!(path.probes - before, 5);
}

#[test]
fn a_path_that_is_silent_for_200_ms_and_200_more_for_tcp_is_only_suspected() {
    for phase in 0..100 {
        let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(10));
        path.run(ms(phase));
        path.cut();
        let first_lost = path.watch.poll_timeout().unwrap().0.max(path.now);
        // Nothing passes for 200 ms. What was sent meanwhile is repeated by TCP, at most 200 ms and a round
        // trip after the first probe that was lost.
        let heard_again = first_lost + ms(200) + path.rtt;
        path.run(heard_again - path.now);
        path.cut = false;
        path.watch.handle_traffic(path.now);
        path.run(Duration::from_secs(5));
        assert_eq!(path.time_of(is_dead), None, "phase {phase} ms");
    }
}

#[test]
fn a_suspicion_is_cleared_by_any_traffic_and_starts_afresh() {
    let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(10));
    path.cut();
    for _ in 0..20 {
        path.run(ms(400));
        path.watch.handle_traffic(path.now);
    }
    path.drain();
    assert_eq!(path.count(is_dead), 0);
    assert_eq!(path.count(is_suspect), 20);
    assert_eq!(path.count(|verdict| *verdict == Verdict::Cleared), 20);
}

#[test]
fn a_stalled_process_condemns_nobody() {
    let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(10));
    // Nothing is sent, read or timed for ten seconds; then the socket's contents are read first.
    path.now += Duration::from_secs(10);
    path.run(Duration::from_secs(10));
    assert_eq!(path.time_of(is_dead), None);
}

#[test]
fn a_stall_with_unsent_probes_costs_a_suspicion_at_most() {
    let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(10));
    path.run(ms(95));
    assert!(!path.answers.is_empty());
    // The one answer under way is lost, and then the process stalls.
    path.answers.clear();
    path.now += Duration::from_secs(10);
    path.run(Duration::from_secs(10));
    assert_eq!(path.count(is_dead), 0);
}

#[test]
fn a_dead_tunnel_is_revived_by_an_answer_and_not_by_other_traffic() {
    let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(10));
    path.cut();
    path.run(Duration::from_secs(2));
    assert_eq!(path.count(is_dead), 1);
    path.said.clear();
    path.watch.handle_traffic(path.now);
    path.run(ms(50));
    assert_eq!(path.count(|verdict| *verdict != Verdict::Missed), 0);
    path.cut = false;
    path.run(Duration::from_secs(1));
    assert!(path.count(|verdict| *verdict == Verdict::Answered) > 0);
}

#[test]
fn a_new_tunnel_has_ten_seconds_for_its_first_answer() {
    let mut path = Path::new(ProbeProfile::fast(), Role::Active, ms(10));
    path.cut();
    path.run(ms(9_999));
    assert_eq!(path.count(is_suspect) + path.count(is_dead), 0);
    path.run(ms(1));
    assert_eq!(path.count(is_dead), 1);
}

#[test]
fn an_excused_silence_is_not_held_against_a_tunnel() {
    let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(10));
    path.cut();
    path.watch.excuse(path.now + ms(1_500));
    path.run(ms(1_500));
    assert_eq!(path.said, []);
    path.run(ms(500));
    assert_eq!(path.count(is_dead), 1);
}

#[test]
fn a_router_that_never_answers_is_kept_by_its_own_keepalive() {
    let mut path = Path::new(ProbeProfile::fast(), Role::Active, ms(10));
    path.cut();
    for _ in 0..30 {
        path.run(Duration::from_secs(1));
        path.watch.handle_traffic(path.now);
    }
    assert!(path.watch.is_mute());
    assert_eq!(path.count(is_suspect) + path.count(is_dead), 0);
    assert!(path.count(|verdict| *verdict == Verdict::Answered) >= 20);
    path.run(ms(1));
    path.said.clear();
    path.run(ms(2_998));
    assert_eq!(path.said, []);
    path.run(ms(1));
    assert_eq!(path.count(is_dead), 1);
}

#[test]
fn a_saver_tunnel_is_not_given_up_before_its_first_ping() {
    let profile = ProbeProfile::saver();
    let mut path = Path::new(profile, Role::Standby, ms(50));
    path.cut = true;
    path.run(Duration::from_secs(profile.ping.into()) + ms(100));
    path.watch.handle_traffic(path.now);
    path.run(Duration::from_secs(profile.ping.into()));
    assert!(path.watch.is_mute());
    assert_eq!(path.count(is_dead), 0, "{:?}", path.said);
}

#[test]
fn a_proven_tunnel_is_probed_at_the_usual_pace_from_its_first_answer_on() {
    let profile = ProbeProfile::saver();
    let mut path = Path::new(profile, Role::Active, ms(50));
    path.run(ms(50) + profile.active_interval - ms(1));
    assert_eq!(path.probes, 1);
    path.run(ms(1));
    assert_eq!(path.probes, 2);
}

#[test]
fn a_saver_tunnel_whose_first_probe_is_lost_is_proven_by_the_next() {
    let mut path = Path::new(ProbeProfile::saver(), Role::Standby, ms(50));
    path.cut = true;
    path.run(ms(10));
    path.cut = false;
    path.run(ms(1_500));
    assert_eq!(path.count(|verdict| *verdict == Verdict::Answered), 1);
}

#[test]
fn a_router_that_answers_after_all_is_watched_by_its_answers() {
    let mut path = Path::new(ProbeProfile::fast(), Role::Active, ms(10));
    path.cut();
    path.run(Duration::from_secs(9));
    path.watch.handle_traffic(path.now);
    path.run(Duration::from_secs(2));
    assert!(path.watch.is_mute());
    path.cut = false;
    path.run(Duration::from_secs(1));
    assert!(!path.watch.is_mute());
    path.cut();
    path.run(Duration::from_secs(1));
    assert_eq!(path.count(is_dead), 1);
}

#[test]
fn health_reports_what_the_path_did() {
    let mut path = Path::settled(ProbeProfile::fast(), Role::Active, ms(40));
    path.watch.take_health();
    path.run(Duration::from_secs(1));
    let health = path.watch.take_health();
    assert_eq!(health.rtt_ms, Some(40.0));
    assert_eq!(health.jitter_ms, Some(0.0));
    assert_eq!((health.loss, health.probes), (0.0, 10));
    path.cut();
    path.run(Duration::from_secs(10));
    assert!(path.watch.take_health().loss > 0.9);
}
