//! A fleet in one go.

use holdfast_store::{
    Seek,
    seed::{self, Fleet},
    site, tunnel,
};

use crate::fixture::{TestStore, at, digest, new_tunnel};

#[tokio::test]
async fn a_fleet_has_the_size_that_was_asked_for() {
    let store = TestStore::new().await;
    let fleet = Fleet {
        sites: 1100,
        tunnels_per_site: 3,
        created_at: at(0),
        password_sha256: digest(7),
    };
    let organization = seed::fill(&store, &fleet).await.unwrap();

    let mut conn = store.read().await.unwrap();
    let sites = site::list(&mut conn, &organization, None, &Seek::first(2000))
        .await
        .unwrap();
    assert_eq!(sites.items.len(), 1100);
    let tunnels = tunnel::of_site(&mut conn, &seed::site_id(1099))
        .await
        .unwrap();
    assert!(tunnels.iter().all(|it| it.settings.missing().is_none()));
    let ids: Vec<_> = tunnels.into_iter().map(|tunnel| tunnel.id).collect();
    assert_eq!(ids, [0, 1, 2].map(|rank| seed::tunnel_id(1099, rank)));
    drop(conn);

    let mut tx = store.write().await.unwrap();
    let more = new_tunnel("more", &organization, &seed::site_id(0));
    let more = tunnel::insert(&mut tx, more).await.unwrap();
    assert_eq!((more.rank, more.address_index), (3, 3300));
}
