//! The audit log and kept answers.

use holdfast_api_types::{ActorKind, AuditId, OrganizationId};
use holdfast_store::{
    Seek, StoreError, Unique,
    audit::{self, AuditEntry, AuditFilter},
    idempotency::{self, StoredAnswer},
};

use crate::fixture::{TestStore, add_organization, at, digest};

pub(crate) fn entry(number: i64, organization: &OrganizationId) -> AuditEntry {
    let id: AuditId = format!("audit-{number:04}").parse().unwrap();
    AuditEntry {
        id,
        organization_id: organization.clone(),
        at: at(number),
        actor_kind: ActorKind::User,
        actor_id: Some("user-ada".into()),
        actor_name: "ada".into(),
        action: "site.rename".into(),
        subject_kind: "site".into(),
        subject_id: "site-1".into(),
        detail: "{}".into(),
        remote: Some("192.0.2.7".into()),
    }
}

#[tokio::test]
async fn the_log_is_read_from_its_end_by_every_filter() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    let mut tx = store.write().await.unwrap();
    let system = AuditEntry {
        actor_kind: ActorKind::System,
        actor_id: None,
        actor_name: "Holdfast".into(),
        remote: None,
        ..entry(2, &acme)
    };
    let another = AuditEntry {
        action: "user.create".into(),
        subject_kind: "user".into(),
        subject_id: "user-bob".into(),
        ..entry(3, &acme)
    };
    for entry in [&entry(1, &acme), &system, &another, &entry(4, &other)] {
        audit::insert(&mut tx, entry).await.unwrap();
    }

    let ada = Some("user-ada".to_owned());
    let bob = Some("user-bob".to_owned());
    let none = AuditFilter::default();
    let all = vec![another.clone(), system.clone(), entry(1, &acme)];
    for (filter, expected) in [
        (none.clone(), all),
        (
            AuditFilter {
                actor: ada.clone(),
                ..none.clone()
            },
            vec![another.clone(), entry(1, &acme)],
        ),
        (
            AuditFilter {
                subject: bob.clone(),
                ..none.clone()
            },
            vec![another.clone()],
        ),
        (
            AuditFilter {
                actor: ada,
                subject: Some("site-1".into()),
                ..none.clone()
            },
            vec![entry(1, &acme)],
        ),
        (
            AuditFilter {
                action: Some("user.create".into()),
                ..none.clone()
            },
            vec![another.clone()],
        ),
        (
            AuditFilter {
                subject_kind: Some("user".into()),
                ..none.clone()
            },
            vec![another],
        ),
        (
            AuditFilter {
                from: Some(at(2)),
                to: Some(at(3)),
                ..none.clone()
            },
            vec![system],
        ),
    ] {
        let page = audit::list(&mut tx, &acme, &filter, &Seek::first(10))
            .await
            .unwrap();
        assert_eq!(page.items, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_kept_answer_belongs_to_one_actor_and_is_forgotten_in_time() {
    let store = TestStore::new().await;
    let answer = StoredAnswer {
        request_sha256: digest(1),
        status: 201,
        answer_sealed: vec![1, 2],
        created_at: at(0),
    };
    let mut tx = store.write().await.unwrap();
    idempotency::insert(&mut tx, "user-ada", "key", &answer)
        .await
        .unwrap();
    let again = idempotency::insert(&mut tx, "user-ada", "key", &answer).await;
    assert!(matches!(
        again,
        Err(StoreError::Duplicate {
            what: Unique::IdempotencyKey
        })
    ));

    let found = idempotency::find(&mut tx, "user-ada", "key").await.unwrap();
    assert_eq!(found, Some(answer));
    assert_eq!(
        idempotency::find(&mut tx, "user-bob", "key").await.unwrap(),
        None
    );
    assert_eq!(idempotency::prune(&mut tx, at(0)).await.unwrap(), 0);
    assert_eq!(idempotency::prune(&mut tx, at(1)).await.unwrap(), 1);
    assert_eq!(
        idempotency::find(&mut tx, "user-ada", "key").await.unwrap(),
        None
    );
}
