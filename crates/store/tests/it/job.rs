//! Jobs: the queue, leases, steps.

use holdfast_api_types::{JobId, JobKind, JobState, OrganizationId, StepState};
use holdfast_store::{
    Seek, StoreError, Unique,
    job::{self, JobFilter, JobStep, Lease, NewJob, Outcome, Requeue},
    site,
};

use crate::fixture::{TestStore, add_organization, add_site, at, site_id};

pub(crate) fn job_id(number: u32) -> JobId {
    format!("job-{number:04}").parse().unwrap()
}

pub(crate) fn new_job(number: u32, organization: &OrganizationId) -> NewJob {
    NewJob {
        id: job_id(number),
        organization_id: organization.clone(),
        site_id: None,
        kind: JobKind::Priority,
        requested_by: "ada".into(),
        created_at: at(number.into()),
        input: "{}".into(),
        dedup: None,
    }
}

#[tokio::test]
async fn jobs_are_taken_in_the_order_they_were_asked_for_each_once() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    for number in [2, 1] {
        job::insert(&mut tx, &new_job(number, &acme)).await.unwrap();
    }
    assert_eq!(job::next_due(&mut tx).await.unwrap(), Some(at(1)));
    assert_eq!(job::claim(&mut tx, at(0), at(30)).await.unwrap(), None);

    let first = job::claim(&mut tx, at(10), at(40)).await.unwrap().unwrap();
    let second = job::claim(&mut tx, at(10), at(40)).await.unwrap().unwrap();

    assert_eq!((&first.id, &second.id), (&job_id(1), &job_id(2)));
    assert_eq!((first.state, first.attempts), (JobState::Running, 1));
    assert_eq!(
        (first.started_at, first.lease_until),
        (Some(at(10)), Some(at(40)))
    );
    assert_eq!(job::claim(&mut tx, at(10), at(40)).await.unwrap(), None);
    assert_eq!(job::next_due(&mut tx).await.unwrap(), Some(at(40)));
}

#[tokio::test]
async fn a_job_whose_worker_died_is_taken_over_and_the_dead_one_has_no_say() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    job::insert(&mut tx, &new_job(1, &acme)).await.unwrap();
    let dead = job::claim(&mut tx, at(10), at(40)).await.unwrap().unwrap();
    assert_eq!(job::claim(&mut tx, at(39), at(70)).await.unwrap(), None);

    let heir = job::claim(&mut tx, at(40), at(70)).await.unwrap().unwrap();

    assert_eq!(
        (&heir.id, heir.attempts, heir.started_at),
        (&dead.id, 2, Some(at(10)))
    );
    let lease = job::extend(&mut tx, &dead.id, dead.attempts, at(99))
        .await
        .unwrap();
    assert_eq!(lease, Lease::Lost);
    let outcome = Outcome::Succeeded("{}");
    assert!(
        !job::finish(&mut tx, &dead.id, dead.attempts, at(50), outcome)
            .await
            .unwrap()
    );
    assert!(
        !job::requeue(
            &mut tx,
            &dead.id,
            dead.attempts,
            at(50),
            Requeue::Failed("no")
        )
        .await
        .unwrap()
    );
    let lease = job::extend(&mut tx, &heir.id, heir.attempts, at(99))
        .await
        .unwrap();
    assert_eq!(lease, Lease::Held);
    assert!(
        job::finish(&mut tx, &heir.id, heir.attempts, at(50), outcome)
            .await
            .unwrap()
    );
    let done = job::find(&mut tx, &heir.id).await.unwrap().unwrap();
    assert_eq!(
        (done.state, done.ended_at),
        (JobState::Succeeded, Some(at(50)))
    );
    assert_eq!(
        (done.result.as_deref(), done.lease_until),
        (Some("{}"), None)
    );
    assert_eq!(job::claim(&mut tx, at(999), at(1000)).await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_later_until_it_is_given_up() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    job::insert(&mut tx, &new_job(1, &acme)).await.unwrap();
    let first = job::claim(&mut tx, at(10), at(40)).await.unwrap().unwrap();
    assert!(
        job::requeue(&mut tx, &first.id, 1, at(60), Requeue::Failed("no answer"))
            .await
            .unwrap()
    );
    assert_eq!(job::claim(&mut tx, at(59), at(99)).await.unwrap(), None);

    let second = job::claim(&mut tx, at(60), at(99)).await.unwrap().unwrap();
    assert_eq!(
        (second.attempts, second.failures, second.error.as_deref()),
        (2, 1, Some("no answer"))
    );
    let outcome = Outcome::Failed("still no answer");
    assert!(
        job::finish(&mut tx, &second.id, 2, at(61), outcome)
            .await
            .unwrap()
    );

    let failed = job::get(&mut tx, &acme, &second.id).await.unwrap().unwrap();
    assert_eq!(
        (failed.state, failed.error.as_deref()),
        (JobState::Failed, Some("still no answer"))
    );
}

#[tokio::test]
async fn a_job_that_waits_has_not_failed_and_is_woken_with_its_site() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "office", &acme).await;
    let mut tx = store.write().await.unwrap();
    let about = NewJob {
        site_id: Some(site.clone()),
        ..new_job(1, &acme)
    };
    job::insert(&mut tx, &about).await.unwrap();
    let first = job::claim(&mut tx, at(10), at(40)).await.unwrap().unwrap();
    let away = Requeue::Waits("the router is away");
    assert!(
        job::requeue(&mut tx, &first.id, 1, at(60), away)
            .await
            .unwrap()
    );
    assert_eq!(job::claim(&mut tx, at(20), at(99)).await.unwrap(), None);
    job::wake(&mut tx, &site, at(20)).await.unwrap();
    let second = job::claim(&mut tx, at(20), at(99)).await.unwrap().unwrap();
    assert_eq!((second.attempts, second.failures), (2, 0));
}

#[tokio::test]
async fn a_second_job_about_the_same_thing_waits_for_the_first_to_finish() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    let about = |number| NewJob {
        dedup: Some("priority:1".into()),
        ..new_job(number, &acme)
    };
    job::insert(&mut tx, &about(1)).await.unwrap();
    let err = job::insert(&mut tx, &about(2)).await.unwrap_err();
    assert!(matches!(
        err,
        StoreError::Duplicate {
            what: Unique::UnfinishedJob
        }
    ));
    let found = job::unfinished(&mut tx, "priority:1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, job_id(1));

    job::claim(&mut tx, at(10), at(40)).await.unwrap();
    assert!(job::insert(&mut tx, &about(2)).await.is_err());
    job::finish(&mut tx, &job_id(1), 1, at(11), Outcome::Succeeded("{}"))
        .await
        .unwrap();

    job::insert(&mut tx, &about(2)).await.unwrap();
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_a_running_one_by_its_worker() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    let mut tx = store.write().await.unwrap();
    for number in [1, 2] {
        job::insert(&mut tx, &new_job(number, &acme)).await.unwrap();
    }
    job::claim(&mut tx, at(10), at(40)).await.unwrap();

    assert_eq!(
        job::cancel(&mut tx, &other, &job_id(1), at(11))
            .await
            .unwrap(),
        None
    );
    let running = job::cancel(&mut tx, &acme, &job_id(1), at(11))
        .await
        .unwrap()
        .unwrap();
    let waiting = job::cancel(&mut tx, &acme, &job_id(2), at(12))
        .await
        .unwrap()
        .unwrap();

    assert_eq!((running.state, running.ended_at), (JobState::Running, None));
    assert_eq!(
        (waiting.state, waiting.ended_at),
        (JobState::Cancelled, Some(at(12)))
    );
    let lease = job::extend(&mut tx, &job_id(1), 1, at(50)).await.unwrap();
    assert_eq!(lease, Lease::CancelRequested);
    assert!(
        job::finish(&mut tx, &job_id(1), 1, at(13), Outcome::Cancelled)
            .await
            .unwrap()
    );
    let again = job::cancel(&mut tx, &acme, &job_id(1), at(99))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (again.state, again.cancel_requested_at),
        (JobState::Cancelled, Some(at(11)))
    );
}

#[tokio::test]
async fn a_list_of_jobs_obeys_its_filters_and_outlives_the_site() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let mut tx = store.write().await.unwrap();
    job::insert(&mut tx, &new_job(1, &acme)).await.unwrap();
    let deactivation = NewJob {
        site_id: Some(site.clone()),
        kind: JobKind::Deactivation,
        ..new_job(2, &acme)
    };
    job::insert(&mut tx, &deactivation).await.unwrap();

    let none = JobFilter::default();
    for (filter, expected) in [
        (none.clone(), vec![job_id(2), job_id(1)]),
        (
            JobFilter {
                site: Some(site.clone()),
                ..none.clone()
            },
            vec![job_id(2)],
        ),
        (
            JobFilter {
                kind: Some(JobKind::Priority),
                ..none.clone()
            },
            vec![job_id(1)],
        ),
        (
            JobFilter {
                state: Some(JobState::Failed),
                ..none.clone()
            },
            vec![],
        ),
    ] {
        let page = job::list(&mut tx, &acme, &filter, &Seek::first(9))
            .await
            .unwrap();
        let ids: Vec<_> = page.items.into_iter().map(|job| job.id).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }

    assert!(
        site::delete(&mut tx, &acme, &site_id("head-office"))
            .await
            .unwrap()
    );
    let job = job::find(&mut tx, &job_id(2)).await.unwrap().unwrap();
    assert_eq!(job.site_id, None);
}

#[tokio::test]
async fn a_step_is_written_and_rewritten_in_its_place() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    job::insert(&mut tx, &new_job(1, &acme)).await.unwrap();
    let step = |ordinal, state, detail: &str| JobStep {
        ordinal,
        title: "re-push fibre".into(),
        state,
        detail: detail.into(),
        at: at(ordinal.into()),
    };
    for step in [
        step(1, StepState::Pending, ""),
        step(0, StepState::Running, ""),
        step(0, StepState::Succeeded, "in 0.3 s"),
    ] {
        job::set_step(&mut tx, &job_id(1), &step).await.unwrap();
    }

    let steps = job::steps(&mut tx, &job_id(1)).await.unwrap();
    assert_eq!(
        steps,
        [
            step(0, StepState::Succeeded, "in 0.3 s"),
            step(1, StepState::Pending, "")
        ]
    );
}

#[tokio::test]
async fn a_job_that_is_superseded_ends_at_once_and_its_worker_has_no_say() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    let asked = |number| NewJob {
        dedup: Some("priority:a".into()),
        ..new_job(number, &acme)
    };
    job::insert(&mut tx, &asked(1)).await.unwrap();
    let running = job::claim(&mut tx, at(10), at(40)).await.unwrap().unwrap();

    let superseded = job::supersede(&mut tx, "priority:a", at(11), "job 2 came").await;
    assert_eq!(superseded.unwrap(), Some(job_id(1)));
    job::insert(&mut tx, &asked(2)).await.unwrap();

    let ended = job::find(&mut tx, &job_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (ended.state, ended.ended_at),
        (JobState::Cancelled, Some(at(11)))
    );
    assert_eq!(ended.error.as_deref(), Some("job 2 came"));
    let lease = job::extend(&mut tx, &running.id, running.attempts, at(70)).await;
    assert_eq!(lease.unwrap(), Lease::Lost);
    let none = job::supersede(&mut tx, "priority:b", at(12), "x").await;
    assert_eq!(none.unwrap(), None);
}
