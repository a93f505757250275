//! What the commands about accounts share: the open database, and whose organization is meant.

use anyhow::{Context, bail};
use holdfast_api_types::{ActorKind, OrganizationId};
use holdfast_control_plane::{ids::new_id, password::Passwords};
use holdfast_store::{
    Connection, Store,
    audit::{self, AuditEntry},
    organization::{self, Organization},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::place::Place;

/// An open installation.
pub(super) struct Admin {
    pub(super) store: Store,
    pub(super) passwords: Passwords,
}

impl Admin {
    pub(super) async fn open(place: &Place) -> anyhow::Result<Self> {
        let data = place.data()?;
        Ok(Self {
            store: Store::open(&data.database()).await?,
            passwords: Passwords::new(),
        })
    }

    /// The organization of this name or id; the only one when nobody says.
    pub(super) async fn organization(&self, wanted: Option<&str>) -> anyhow::Result<Organization> {
        let all = organization::all(&mut *self.store.read().await?).await?;
        let names = || {
            let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
            names.join(", ")
        };
        match (wanted, &all[..]) {
            (_, []) => bail!(
                "there is no organization yet: open the link that `holdfast admin setup-link` prints"
            ),
            (None, [only]) => Ok(only.clone()),
            (None, _) => bail!("say which organization with --organization: {}", names()),
            (Some(wanted), _) => {
                let found = all
                    .iter()
                    .find(|one| one.name == wanted || one.id.as_str() == wanted);
                found.cloned().with_context(|| {
                    format!("there is no organization {wanted:?}: there are {}", names())
                })
            }
        }
    }
}

/// Puts a change into the audit log, in its own transaction.
pub(super) async fn audit(
    conn: &mut Connection,
    organization: &OrganizationId,
    action: &str,
    subject: (&str, &str),
    detail: Value,
    now: Timestamp,
) -> anyhow::Result<()> {
    let entry = AuditEntry {
        id: new_id(now),
        organization_id: organization.clone(),
        at: now,
        actor_kind: ActorKind::Admin,
        actor_id: None,
        actor_name: operator(),
        action: action.into(),
        subject_kind: subject.0.into(),
        subject_id: subject.1.into(),
        detail: detail.to_string(),
        remote: None,
    };
    Ok(audit::insert(conn, &entry).await?)
}

/// The account of this machine that is at work, as far as the environment says.
fn operator() -> String {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
    user.unwrap_or_else(|_| "command line".into())
}
