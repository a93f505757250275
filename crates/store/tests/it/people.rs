//! Organizations, users, sessions, API tokens, set-up links and controllers.

use holdfast_api_types::{ControllerId, TokenId, UserRole};
use holdfast_store::{
    Seek, StoreError, Unique, controller, organization, session, session::Session, setup,
    setup::SetupLink, token, token::ApiToken, user,
};

use crate::fixture::{TestStore, add_organization, at, digest, organization_id, user, user_id};

#[tokio::test]
async fn an_organization_reads_back_and_can_be_renamed() {
    let store = TestStore::new().await;
    let id = add_organization(&store, "acme").await;

    let mut tx = store.write().await.unwrap();
    assert!(
        organization::rename(&mut tx, &id, "Acme Ltd")
            .await
            .unwrap()
    );
    assert!(
        !organization::rename(&mut tx, &organization_id("none"), "x")
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();

    let mut conn = store.read().await.unwrap();
    let acme = organization::get(&mut conn, &id).await.unwrap().unwrap();
    assert_eq!((acme.name.as_str(), acme.created_at), ("Acme Ltd", at(0)));
    assert_eq!(organization::all(&mut conn).await.unwrap(), [acme]);
}

#[tokio::test]
async fn a_user_is_found_by_its_address_in_any_case_and_only_in_its_organization() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    let mut ada = user("ada", &acme);
    ada.email = "Ada@Example.net".into();

    let mut tx = store.write().await.unwrap();
    assert!(!user::any(&mut tx).await.unwrap());
    user::insert(&mut tx, &ada).await.unwrap();
    tx.commit().await.unwrap();

    let mut conn = store.read().await.unwrap();
    ada.email = "ada@example.net".into();
    assert!(user::any(&mut conn).await.unwrap());
    let found = user::find_by_email(&mut conn, "ADA@example.net")
        .await
        .unwrap();
    assert_eq!(found.as_ref(), Some(&ada));
    assert_eq!(user::get(&mut conn, &acme, &ada.id).await.unwrap(), found);
    assert_eq!(user::get(&mut conn, &other, &ada.id).await.unwrap(), None);
    assert_eq!(user::find(&mut conn, &ada.id).await.unwrap(), found);
}

#[tokio::test]
async fn an_address_belongs_to_one_user_of_all_organizations() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    let mut tx = store.write().await.unwrap();
    user::insert(&mut tx, &user("ada", &acme)).await.unwrap();

    let mut twin = user("twin", &other);
    twin.email = "ADA@example.net".into();
    let err = user::insert(&mut tx, &twin).await.unwrap_err();

    assert!(matches!(
        err,
        StoreError::Duplicate {
            what: Unique::UserEmail
        }
    ));
    assert_eq!(err.to_string(), "the e-mail address is in use already");
}

#[tokio::test]
async fn a_row_of_an_organization_that_does_not_exist_is_refused() {
    let store = TestStore::new().await;
    let mut tx = store.write().await.unwrap();
    let err = user::insert(&mut tx, &user("ada", &organization_id("none")))
        .await
        .unwrap_err();
    assert!(matches!(err, StoreError::Dangling));
}

#[tokio::test]
async fn owners_are_counted_without_the_disabled_ones() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    for name in ["ada", "bob"] {
        let mut owner = user(name, &acme);
        owner.role = UserRole::Owner;
        user::insert(&mut tx, &owner).await.unwrap();
    }
    assert_eq!(user::count_owners(&mut tx, &acme).await.unwrap(), 2);

    let mut bob = user::find(&mut tx, &user_id("bob")).await.unwrap().unwrap();
    bob.disabled_at = Some(at(5));
    assert!(user::update(&mut tx, &bob).await.unwrap());

    assert_eq!(user::count_owners(&mut tx, &acme).await.unwrap(), 1);
    assert_eq!(user::find(&mut tx, &bob.id).await.unwrap(), Some(bob));
}

#[tokio::test]
async fn a_removed_user_takes_its_sessions_along_and_leaves_its_tokens() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    user::insert(&mut tx, &user("ada", &acme)).await.unwrap();
    session::insert(&mut tx, &session(1)).await.unwrap();
    token::insert(&mut tx, &token("ci", 2)).await.unwrap();

    assert!(user::delete(&mut tx, &acme, &user_id("ada")).await.unwrap());

    assert_eq!(session::find(&mut tx, &digest(1)).await.unwrap(), None);
    let token = token::find(&mut tx, &digest(2)).await.unwrap().unwrap();
    assert_eq!(token.created_by, None);
    assert!(!user::delete(&mut tx, &acme, &user_id("ada")).await.unwrap());
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    user::insert(&mut tx, &user("ada", &acme)).await.unwrap();
    for number in 1..=3 {
        session::insert(&mut tx, &session(number)).await.unwrap();
    }

    assert!(
        user::set_password(&mut tx, &user_id("ada"), "$argon2id$")
            .await
            .unwrap()
    );
    let ended = session::delete_of_user(&mut tx, &user_id("ada"), Some(&digest(2)))
        .await
        .unwrap();

    assert_eq!(ended, 2);
    let left = session::of_user(&mut tx, &user_id("ada")).await.unwrap();
    assert_eq!(left, [session(2)]);
}

#[tokio::test]
async fn expired_and_idle_sessions_are_pruned() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    user::insert(&mut tx, &user("ada", &acme)).await.unwrap();
    let expired = Session {
        expires_at: at(99),
        ..session(1)
    };
    for session in [&expired, &session(2), &session(3)] {
        session::insert(&mut tx, session).await.unwrap();
    }
    session::touch(&mut tx, &digest(3), at(90)).await.unwrap();

    assert_eq!(session::prune(&mut tx, at(100), at(50)).await.unwrap(), 2);

    let left = session::find(&mut tx, &digest(3)).await.unwrap().unwrap();
    assert_eq!(left.last_seen_at, at(90));
}

#[tokio::test]
async fn tokens_are_listed_page_by_page_and_removed_one_by_one() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    let mut tx = store.write().await.unwrap();
    user::insert(&mut tx, &user("ada", &acme)).await.unwrap();
    for (number, name) in (1..).zip(["a", "b", "c"]) {
        token::insert(&mut tx, &token(name, number)).await.unwrap();
    }

    let first = token::list(&mut tx, &acme, &Seek::first(2)).await.unwrap();
    let seek = Seek {
        after: first.items.last().map(|token| token.id.clone()),
        limit: 2,
    };
    let second = token::list(&mut tx, &acme, &seek).await.unwrap();
    assert_eq!(first.items, [token("a", 1), token("b", 2)]);
    assert_eq!(second.items, [token("c", 3)]);
    assert_eq!((first.more, second.more), (true, false));
    assert_eq!(
        token::list(&mut tx, &other, &Seek::first(2))
            .await
            .unwrap()
            .items,
        []
    );

    let id = token("b", 2).id;
    token::touch(&mut tx, &id, at(7)).await.unwrap();
    let used = token::get(&mut tx, &acme, &id).await.unwrap().unwrap();
    assert_eq!(used.last_used_at, Some(at(7)));
    assert!(!token::delete(&mut tx, &other, &id).await.unwrap());
    assert!(token::delete(&mut tx, &acme, &id).await.unwrap());
    assert_eq!(token::find(&mut tx, &digest(2)).await.unwrap(), None);
}

#[tokio::test]
async fn only_the_last_set_up_link_is_good() {
    let store = TestStore::new().await;
    let mut tx = store.write().await.unwrap();
    let link = |number| SetupLink {
        hash: digest(number),
        created_at: at(0),
        expires_at: at(3600),
    };
    setup::replace(&mut tx, &link(1)).await.unwrap();
    setup::replace(&mut tx, &link(2)).await.unwrap();

    assert_eq!(setup::find(&mut tx, &digest(1)).await.unwrap(), None);
    assert_eq!(
        setup::find(&mut tx, &digest(2)).await.unwrap(),
        Some(link(2))
    );

    setup::clear(&mut tx).await.unwrap();
    assert_eq!(setup::find(&mut tx, &digest(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_controllers_reports_are_each_new_once() {
    let store = TestStore::new().await;
    let id: ControllerId = "controller-1".parse().unwrap();
    let mut tx = store.write().await.unwrap();
    controller::insert(&mut tx, &id, "edge-1", &digest(1), at(0))
        .await
        .unwrap();

    for (run, sequence, new) in [
        ("run-1", 1, true),
        ("run-1", 2, true),
        ("run-1", 2, false),
        ("run-1", 1, false),
        ("run-2", 1, true),
        ("run-2", 1, false),
    ] {
        let advanced = controller::advance(&mut tx, &id, run, sequence)
            .await
            .unwrap();
        assert_eq!(advanced, new, "{run} {sequence}");
    }
    controller::touch(&mut tx, &id, at(9)).await.unwrap();
    assert!(
        controller::set_token(&mut tx, &id, &digest(2))
            .await
            .unwrap()
    );

    assert_eq!(controller::find(&mut tx, &digest(1)).await.unwrap(), None);
    let edge = controller::find(&mut tx, &digest(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (edge.run_id.as_deref(), edge.last_sequence),
        (Some("run-2"), 1)
    );
    assert_eq!(edge.last_seen_at, Some(at(9)));
    assert_eq!(controller::all(&mut tx).await.unwrap(), [edge]);

    let twin: ControllerId = "controller-2".parse().unwrap();
    let err = controller::insert(&mut tx, &twin, "edge-1", &digest(3), at(0)).await;
    assert!(matches!(
        err,
        Err(StoreError::Duplicate {
            what: Unique::ControllerName
        })
    ));
    assert!(controller::delete(&mut tx, &id).await.unwrap());
    assert_eq!(controller::get(&mut tx, &id).await.unwrap(), None);
}

fn session(number: u8) -> Session {
    Session {
        hash: digest(number),
        user_id: user_id("ada"),
        created_at: at(0),
        expires_at: at(1000),
        last_seen_at: at(0),
        remote: "192.0.2.7".into(),
        user_agent: "browser".into(),
    }
}

fn token(name: &str, number: u8) -> ApiToken {
    let id: TokenId = format!("token-{name}").parse().unwrap();
    ApiToken {
        id,
        organization_id: organization_id("acme"),
        name: name.into(),
        role: UserRole::Operator,
        hash: digest(number),
        created_by: Some(user_id("ada")),
        created_at: at(0),
        expires_at: None,
        last_used_at: None,
    }
}
