//! The fault of a router that is not configured as it should be.

use holdfast_api_types::{
    FaultType, SiteId,
    api::{Change, FaultNews},
};
use holdfast_store::{
    Connection, StoreError,
    fault::{self, End, Fault, NewFault},
    router::Router,
};
use jiff::Timestamp;

use crate::ids::new_id;

const DRIFT: FaultType = FaultType::ConfigurationDrift;

/// It differs. What dashboards are to be told once that is committed.
pub(super) async fn open(
    conn: &mut Connection,
    row: &Router,
    cause: &str,
    now: Timestamp,
) -> Result<Option<Change>, StoreError> {
    let known = fault::find_open(conn, &row.site_id, None, DRIFT).await?;
    if let Some(known) = known {
        let is_news =
            known.cause != cause && fault::update(conn, &known.id, DRIFT.severity(), cause).await?;
        return Ok(is_news.then(|| Change::FaultUpdated(news(known, cause))));
    }
    let new = NewFault {
        id: new_id(now),
        site_id: row.site_id.clone(),
        tunnel_id: None,
        kind: DRIFT,
        severity: DRIFT.severity(),
        cause: cause.into(),
        started_at: now,
    };
    fault::open(conn, &new).await?;
    let opened = fault::find_open(conn, &row.site_id, None, DRIFT).await?;
    Ok(opened.map(|fault| Change::FaultOpened(news(fault, cause))))
}

/// It does not differ any more, or there is nothing to compare. What dashboards are to be told once that is committed.
pub(crate) async fn close(
    conn: &mut Connection,
    site: &SiteId,
    cause: &str,
    now: Timestamp,
) -> Result<Option<Change>, StoreError> {
    let Some(known) = fault::find_open(conn, site, None, DRIFT).await? else {
        return Ok(None);
    };
    let end = End {
        at: now,
        cause,
        closed_by: None,
    };
    let is_over = fault::close(conn, &known.id, &end).await?;
    Ok(is_over.then(|| Change::FaultClosed(news(known, cause))))
}

fn news(fault: Fault, cause: &str) -> FaultNews {
    FaultNews {
        fault: fault.id,
        site: fault.site_id,
        tunnel: None,
        fault_type: DRIFT,
        severity: DRIFT.severity(),
        cause: cause.into(),
    }
}
