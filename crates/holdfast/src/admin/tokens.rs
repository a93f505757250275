//! `holdfast admin token`: API tokens, and those of route controllers in other processes.

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use holdfast_api_types::{ControllerId, TokenId, UserRole};
use holdfast_control_plane::ids::{SecretHash, SecretKind, new_id, new_secret};
use holdfast_store::{
    Seek, StoreError, Unique, controller, organization,
    token::{self, ApiToken},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{
    context::{Admin, audit},
    print,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token; the last line printed is its secret, which is shown only here
    Create {
        /// What it is for
        name: String,
        /// viewer reads, operator changes sites and tunnels, owner also people
        #[arg(long, default_value_t = UserRole::Viewer)]
        role: UserRole,
        /// Let it end by itself after so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_in_days: Option<u32>,
        /// Its organization, by name or id, where there are several
        #[arg(long)]
        organization: Option<String>,
        /// For `holdfast controller --control-plane`, not for the API; a name that exists gets a new secret
        #[arg(long, conflicts_with_all = ["role", "expires_in_days", "organization"])]
        controller: bool,
    },
    /// List every token, without secrets
    List,
    /// End a token at once
    Revoke {
        /// Its id, as `list` shows it
        id: String,
    },
}

pub(super) async fn obey(admin: &mut Admin, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create {
            name,
            controller: true,
            ..
        } => create_for_controller(admin, &name).await,
        Command::Create {
            name,
            role,
            expires_in_days,
            organization,
            controller: false,
        } => {
            let organization = admin.organization(organization.as_deref()).await?;
            create(admin, organization, name, role, expires_in_days).await
        }
        Command::List => list(admin).await,
        Command::Revoke { id } => revoke(admin, &id).await,
    }
}

async fn create(
    admin: &Admin,
    organization: organization::Organization,
    name: String,
    role: UserRole,
    days: Option<u32>,
) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let secret = new_secret(SecretKind::ApiToken);
    let life = days.map(|days| SignedDuration::from_hours(i64::from(days) * 24));
    let row = ApiToken {
        id: new_id(now),
        organization_id: organization.id.clone(),
        name,
        role,
        hash: *SecretHash::of(&secret).as_bytes(),
        created_by: None,
        created_at: now,
        expires_at: life.map(|life| now + life),
        last_used_at: None,
    };
    let mut write = admin.store.write().await?;
    token::insert(&mut write, &row).await?;
    let detail = json!({ "name": row.name, "role": row.role, "expires_at": row.expires_at });
    let subject = ("token", row.id.as_str());
    audit(
        &mut write,
        &organization.id,
        "token.create",
        subject,
        detail,
        now,
    )
    .await?;
    write.commit().await?;
    print(&format!(
        "token {} for {}, {role} of {}:",
        row.id, row.name, organization.name
    ))?;
    print(secret.expose_secret())
}

/// Controllers serve every organization, so the audit log of none is the place to say it.
async fn create_for_controller(admin: &Admin, name: &str) -> anyhow::Result<()> {
    ensure!(!name.trim().is_empty(), "give the controller a name");
    let now = Timestamp::now();
    let secret = new_secret(SecretKind::ControllerToken);
    let hash = SecretHash::of(&secret);
    let id: ControllerId = new_id(now);
    let mut write = admin.store.write().await?;
    let id = match controller::insert(&mut write, &id, name, hash.as_bytes(), now).await {
        Ok(()) => id,
        Err(StoreError::Duplicate {
            what: Unique::ControllerName,
        }) => {
            let all = controller::all(&mut write).await?;
            let known = all.into_iter().find(|one| one.name == name);
            let id = known
                .context("the controller is gone again: try once more")?
                .id;
            controller::set_token(&mut write, &id, hash.as_bytes()).await?;
            id
        }
        Err(err) => return Err(err.into()),
    };
    write.commit().await?;
    print(&format!("token of controller {name} ({id}):"))?;
    print(secret.expose_secret())
}

async fn list(admin: &Admin) -> anyhow::Result<()> {
    let mut read = admin.store.read().await?;
    for organization in organization::all(&mut read).await? {
        print(&organization.name)?;
        let mut seek = Seek::first(200);
        loop {
            let page = token::list(&mut read, &organization.id, &seek).await?;
            for token in &page.items {
                print(&format!(
                    "  {} {:9} {:30} used {}, ends {}",
                    token.id,
                    token.role,
                    token.name,
                    or(token.last_used_at, "never"),
                    or(token.expires_at, "never"),
                ))?;
            }
            if !page.more {
                break;
            }
            seek.after = page.items.last().map(|token| token.id.clone());
        }
    }
    let controllers = controller::all(&mut read).await?;
    if !controllers.is_empty() {
        print("Route controllers")?;
    }
    for controller in controllers {
        let seen = or(controller.last_seen_at, "never");
        print(&format!(
            "  {} {:40} seen {seen}",
            controller.id, controller.name
        ))?;
    }
    Ok(())
}

async fn revoke(admin: &Admin, id: &str) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let mut write = admin.store.write().await?;
    if let Ok(controller) = id.parse::<ControllerId>()
        && controller::delete(&mut write, &controller).await?
    {
        write.commit().await?;
        return print(&format!("controller {id} may not ask for grants any more"));
    }
    let token: TokenId = id.parse()?;
    for organization in organization::all(&mut write).await? {
        if token::delete(&mut write, &organization.id, &token).await? {
            let subject = ("token", id);
            audit(
                &mut write,
                &organization.id,
                "token.revoke",
                subject,
                json!({}),
                now,
            )
            .await?;
            write.commit().await?;
            return print(&format!("token {id} is revoked"));
        }
    }
    bail!("there is no token {id}: see `holdfast admin token list`")
}

fn or(time: Option<Timestamp>, none: &str) -> String {
    time.map_or_else(|| none.to_owned(), |time| time.to_string())
}
