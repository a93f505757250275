//! Looking after routers.

mod bed;

use std::time::Duration;

use self::bed::{Bed, until};

#[tokio::test]
async fn a_router_is_there_while_its_management_tunnel_is_up_and_away_some_time_after() {
    let bed = Bed::start().await;
    bed.adopt().await;
    bed.management_up().await;
    bed.wait_for_state("online").await;
    bed.app.clock.advance(Duration::from_secs(200));
    let now = bed.app.app.clock().now();
    until("the tunnel to count as word of it", async || {
        let row = bed.row().await;
        assert_eq!(row.state.as_str(), "online");
        (row.last_seen_at == Some(now)).then_some(())
    })
    .await;
    bed.management_down();
    bed.app.clock.advance(Duration::from_secs(101));
    bed.wait_for_state("away").await;
}

#[tokio::test]
async fn a_router_that_checks_in_comes_back_and_tells_what_it_is() {
    let mut bed = Bed::start().await;
    let token = bed.adopt().await;
    bed.told().await;
    bed.check_in(&token, "7.20.6").await;
    assert_eq!(bed.row().await.state.as_str(), "online");
    bed.check_in(&token, "7.20.6").await;
    bed.app.clock.advance(Duration::from_secs(101));
    bed.wait_for_state("away").await;
    bed.check_in(&token, "7.21").await;
    let row = bed.row().await;
    assert_eq!(row.state.as_str(), "online");
    assert_eq!(row.facts.version.as_deref(), Some("7.21"));
    assert_eq!(bed.told().await, ["online", "away", "online"]);
}

#[tokio::test]
async fn who_is_away_is_found_by_whoever_starts_next() {
    let mut bed = Bed::start().await;
    let token = bed.adopt().await;
    bed.check_in(&token, "7.20.6").await;
    bed.restart_keeper().await;
    bed.app.clock.advance(Duration::from_secs(101));
    bed.wait_for_state("away").await;
}
