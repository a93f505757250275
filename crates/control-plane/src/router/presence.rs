//! Who was heard of: whatever a router does that only it can do says that it is there.

use holdfast_api_types::{
    OrganizationId, RouterState, SiteId,
    api::{Change, Edit, LiveEvent},
};
use holdfast_store::{
    StoreError, WriteTransaction, job,
    router::{self, Facts, Router},
};
use jiff::SignedDuration;

use crate::App;

/// As often as a router checks in; nobody needs to know it better.
const LATELY: SignedDuration = SignedDuration::from_secs(30);

/// Notes that a router was heard of, in a transaction that this ends. `facts` is what it said of itself, if it did.
///
/// Whoever waits for a router that was away or had never come goes on.
pub(crate) async fn heard_of(
    app: &App,
    mut write: WriteTransaction,
    row: &Router,
    facts: Option<&Facts>,
) -> Result<(), StoreError> {
    let now = app.clock().now();
    let mut is_news = false;
    if let Some(said) = facts {
        is_news = adds_to(said, &row.facts);
        router::set_facts(&mut write, &row.site_id, said).await?;
    }
    let came = router::seen(&mut write, &row.site_id, now).await?;
    if came == Some(true) {
        job::wake(&mut write, &row.site_id, now).await?;
    }
    write.commit().await?;
    if came == Some(true) {
        tracing::info!(site.id = %row.site_id, "a router is there");
        app.job_queued().notify_one();
        is_news = true;
    }
    if is_news && came.is_some() {
        tell(app, &row.organization_id, &row.site_id, RouterState::Online);
    }
    Ok(())
}

/// Notes that the router of a site has answered, unless it was heard of a moment ago.
pub(super) async fn answered(app: &App, site: &SiteId) {
    if let Err(err) = note_answer(app, site).await {
        // Whoever asked has the answer all the same.
        tracing::warn!(
            site.id = %site,
            error = &err as &dyn std::error::Error,
            "that a router is there could not be written"
        );
    }
}

async fn note_answer(app: &App, site: &SiteId) -> Result<(), StoreError> {
    let Some(row) = router::of_site(&mut *app.store().read().await?, site).await? else {
        return Ok(());
    };
    let lately = app.clock().now() - LATELY;
    if row.state == RouterState::Online && row.last_seen_at.is_some_and(|at| at > lately) {
        return Ok(());
    }
    heard_of(app, app.store().write().await?, &row, None).await
}

/// Tells dashboards that something about a router is different.
pub(super) fn tell(app: &App, organization: &OrganizationId, site: &SiteId, state: RouterState) {
    let change = Change::Router {
        site: site.clone(),
        edit: Edit::Changed,
        state,
    };
    let at = app.clock().now();
    app.bus().publish(organization, LiveEvent { at, change });
}

/// Whether somebody says what was not known before. What he does not say stays.
fn adds_to(said: &Facts, known: &Facts) -> bool {
    let differs = |said: &Option<String>, known: &Option<String>| said.is_some() && said != known;
    differs(&said.identity, &known.identity)
        || differs(&said.serial, &known.serial)
        || differs(&said.board, &known.board)
        || differs(&said.version, &known.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_or_not_at_all_is_no_news() {
        let known = Facts {
            identity: Some("office".into()),
            version: Some("7.20.6".into()),
            ..Facts::default()
        };
        assert!(!adds_to(&known, &known));
        assert!(!adds_to(&Facts::default(), &known));
        let upgraded = Facts {
            version: Some("7.21".into()),
            ..Facts::default()
        };
        assert!(adds_to(&upgraded, &known));
        assert!(adds_to(&known, &Facts::default()));
    }
}
