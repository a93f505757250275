//! The audit log: who changed what.

use holdfast_api_types::{ActorKind, AuditId, OrganizationId};
use jiff::Timestamp;

use crate::{Connection, Page, Result, Seek, Unique, column::micros, error::OrDuplicate};

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// Whose log it is in.
    pub organization_id: OrganizationId,
    /// When it was done.
    pub at: Timestamp,
    /// What kind of actor did it.
    pub actor_kind: ActorKind,
    /// Which user or token; `None` for Holdfast itself and the command line.
    pub actor_id: Option<String>,
    /// What the actor was called.
    pub actor_name: String,
    /// What was done, as `subject.verb`.
    pub action: String,
    /// What kind of thing it was done to.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// What changed, as JSON.
    pub detail: String,
    /// The address the request came from.
    pub remote: Option<String>,
}

/// Which entries are wanted; those that match all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of one user or token.
    pub actor: Option<String>,
    /// Those of one action.
    pub action: Option<String>,
    /// Those about one kind of thing.
    pub subject_kind: Option<String>,
    /// Those about one thing.
    pub subject: Option<String>,
    /// Those not before.
    pub from: Option<Timestamp>,
    /// Those before.
    pub to: Option<Timestamp>,
}

/// Adds an entry. Do it in the transaction that makes the change.
pub async fn insert(conn: &mut Connection, new: &AuditEntry) -> Result<()> {
    let (id, organization) = (new.id.as_str(), new.organization_id.as_str());
    let (at, actor_kind) = (micros(new.at), new.actor_kind.as_str());
    sqlx::query!(
        "insert into audit (id, organization_id, at, actor_kind, actor_id, actor_name, action,
                subject_kind, subject_id, detail, remote)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        organization,
        at,
        actor_kind,
        new.actor_id,
        new.actor_name,
        new.action,
        new.subject_kind,
        new.subject_id,
        new.detail,
        new.remote,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::Id)?;
    Ok(())
}

/// The entries of an organization that match a filter, the latest first.
pub async fn list(
    conn: &mut Connection,
    organization: &OrganizationId,
    filter: &AuditFilter,
    seek: &Seek<AuditId>,
) -> Result<Page<AuditEntry>> {
    let organization = organization.as_str();
    let (from, to) = (filter.from.map(micros), filter.to.map(micros));
    let (after, rows) = (seek.after.as_ref().map(AuditId::as_str), seek.rows());

    // One text for each index: "$n is null or ..." does not use any.
    macro_rules! matching {
        ($actor:literal, $subject:literal) => {
            sqlx::query_as!(
                AuditEntry,
                "select id, organization_id, at, actor_kind, actor_id, actor_name, action, subject_kind,
                    subject_id, detail, remote from audit
                    where organization_id = $1 and id < coalesce($8, '~') and (" + $actor + ") and (" + $subject
                    + ") and ($3 is null or action = $3) and ($4 is null or subject_kind = $4)
                    and ($6 is null or at >= $6) and ($7 is null or at < $7)
                    order by id desc limit $9",
                organization,
                filter.actor,
                filter.action,
                filter.subject_kind,
                filter.subject,
                from,
                to,
                after,
                rows,
            )
            .fetch_all(conn)
            .await?
        };
    }
    let entries = if filter.subject.is_some() {
        matching!("$2 is null or actor_id = $2", "subject_id = $5")
    } else if filter.actor.is_some() {
        matching!("actor_id = $2", "$5 is null or subject_id = $5")
    } else {
        matching!(
            "$2 is null or actor_id = $2",
            "$5 is null or subject_id = $5"
        )
    };
    Ok(Page::of(seek, entries))
}
