//! What is done at a router, against the virtual one.

pub(crate) mod bed;
mod defaults;
mod session;
mod through_api;

use std::time::{Duration, Instant};

use holdfast_control_plane::router::{
    AccessError, ApplyError, CommandError, Goal, apply, live, observe,
};
use holdfast_routeros_plan::Memory;
use holdfast_routeros_proto::Command;
use holdfast_virtual_router::Faults;

use self::{
    bed::{Bed, LONG, Notes, desired},
    defaults::Watch,
};

#[tokio::test]
async fn commands_are_answered_side_by_side_and_late_ones_given_up() {
    let bed = Bed::start().await;
    let router = bed.router();
    let slow = Faults {
        slow_print_ms: 60_000,
        ..Faults::default()
    };
    bed.faults(slow).await;
    let everything = Command::print("/interface");
    let name = everything.clone().only(&["name"]);
    let (late, quick) = tokio::join!(
        router.send(everything, Duration::from_millis(300)),
        router.read(name, LONG)
    );
    assert!(matches!(
        late,
        Err(AccessError::Command(CommandError::Late(_)))
    ));
    assert_eq!(quick.unwrap().len(), 2);
}

#[tokio::test]
async fn a_wrong_password_and_a_silent_router_are_told_apart() {
    let bed = Bed::start().await;
    let name = || Command::print("/system/identity");
    let wrong = bed.router_with_password("wrong");
    let err = wrong.read(name(), LONG).await.unwrap_err().to_string();
    assert!(err.contains("refused the log-in"), "{err}");
    let silent = Faults {
        silent: true,
        ..Faults::default()
    };
    bed.faults(silent).await;
    let began = Instant::now();
    let err = live::facts(&bed.router()).await.unwrap_err().to_string();
    assert!(err.contains("did not answer"), "{err}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn interfaces_and_gateways_are_read_as_they_are() {
    let bed = Bed::start().await;
    let router = bed.router();
    let interfaces = live::interfaces(&router).await.unwrap();
    let names: Vec<_> = interfaces
        .iter()
        .map(|it| (it.interface.name.as_str(), it.interface.can_be_wan))
        .collect();
    assert_eq!(names, [("ether1", true), ("ether2", true)]);
    assert!(interfaces.iter().all(|it| it.rx_bits_per_s.is_some()));
    let gateways = live::gateways(&router, "ether1").await.unwrap();
    let first = &gateways.first().unwrap().candidate;
    assert_eq!(first.source.as_str(), "dhcp");
    assert_eq!(live::facts(&router).await.unwrap().identity, "MikroTik");
}

#[tokio::test]
async fn what_is_configured_comes_and_goes_without_a_trace() {
    let bed = Bed::start().await;
    let router = bed.router();
    let before = bed.configuration().await;
    let notes = Notes::default();
    let mut memory = Memory::default();
    let goal = Goal::Configure(desired());
    let applied = apply(&router, &goal, &mut memory, &notes).await.unwrap();
    assert!(applied.steps > 10, "{}", notes.text());
    assert!(!applied.observed.dead_man_is_armed());
    assert!(!notes.text().contains("password-1"), "{}", notes.text());
    assert_eq!(notes.memory(), memory);

    let again = apply(&router, &goal, &mut memory, &notes).await.unwrap();
    assert_eq!(again.steps, 0);
    apply(&router, &Goal::Remove, &mut memory, &notes)
        .await
        .unwrap();
    assert_eq!(bed.configuration().await, before, "{}", notes.text());
}

#[tokio::test]
async fn a_connection_that_is_cut_at_any_command_changes_nothing_about_the_end_and_leaves_a_way_out()
 {
    let bed = Bed::start().await;
    let router = bed.router();
    let desired = desired();
    let before = bed.configuration().await;
    let notes = Notes::default();
    let mut memory = Memory::default();
    let goal = Goal::Configure(desired.clone());
    apply(&router, &goal, &mut memory, &notes).await.unwrap();
    let after = bed.configuration().await;
    let commands = u32::try_from(notes.commands()).unwrap();
    assert!(commands > 10);
    let watch = Watch::start(&bed);
    for cut in 1..=commands {
        for takes_effect in [false, true] {
            apply(&router, &Goal::Remove, &mut memory, &notes)
                .await
                .unwrap();
            assert_eq!(bed.configuration().await, before);
            let faults = Faults {
                cut_after_changes: Some(cut),
                cut_takes_effect: takes_effect,
                ..Faults::default()
            };
            bed.faults(faults).await;
            let notes = Notes::default();
            let done = apply(&router, &goal, &mut memory, &notes).await;
            done.unwrap_or_else(|err| panic!("cut {cut}: {err:?}\n{}", notes.text()));
            bed.faults(Faults::default()).await;
            assert_eq!(
                bed.configuration().await,
                after,
                "cut {cut}, {takes_effect}: {}",
                notes.text()
            );
        }
    }
    // At least once for every command of every round.
    watch.finish(usize::try_from(2 * commands * commands).unwrap());
}

#[tokio::test]
async fn whoever_is_stopped_in_the_middle_leaves_the_old_configuration() {
    let bed = Bed::start().await;
    let router = bed.router();
    let before = bed.configuration().await;
    let goal = Goal::Configure(desired());
    for steps in [1, 2, 7, 12] {
        let notes = Notes::stopping_after(steps);
        let ended = apply(&router, &goal, &mut Memory::default(), &notes).await;
        assert!(matches!(ended, Err(ApplyError::Stopped(_))), "{ended:?}");
        assert_eq!(
            bed.configuration().await,
            before,
            "{steps}: {}",
            notes.text()
        );
    }
}

#[tokio::test]
async fn an_attempt_that_died_is_taken_back_before_the_next() {
    let bed = Bed::start().await;
    let router = bed.router();
    let goal = Goal::Configure(desired());
    let notes = Notes::default();
    let mut memory = Memory::default();
    // Ends as a process that is killed: nobody calls the dead man off.
    let attempt = tokio::time::timeout(Duration::from_millis(15), async {
        let mut memory = Memory::default();
        apply(&router, &goal, &mut memory, &notes).await.map(|_| ())
    });
    let _ = attempt.await;
    apply(&router, &goal, &mut memory, &notes).await.unwrap();
    let observed = observe(&router).await.unwrap();
    assert!(!observed.dead_man_is_armed());
    assert!(goal.plan(&observed, &memory).unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_work_is_refused_before_anything_is_sent() {
    let bed = Bed::start().await;
    let mut desired = desired();
    desired.slots[0].interface = "ether9".into();
    let notes = Notes::default();
    let goal = Goal::Configure(desired);
    let ended = apply(&bed.router(), &goal, &mut Memory::default(), &notes).await;
    let Err(ApplyError::Unfit(refusals)) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(refusals[0].field, "interface");
    assert_eq!(notes.commands(), 0);
}
