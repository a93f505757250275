//! `holdfast admin user`.

use std::io::BufRead;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use holdfast_api_types::{
    UserRole,
    api::{Email, Label, NewPassword},
};
use holdfast_control_plane::ids::{new_id, new_password};
use holdfast_store::{
    Connection, Seek, StoreError, Unique, organization, session,
    user::{self, User},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    context::{Admin, audit},
    print,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an account, with a password that is printed once
    Add {
        /// The e-mail address to log in with
        #[arg(value_parser = email)]
        email: Email,
        /// viewer reads, operator changes sites and tunnels, owner also people
        #[arg(long, default_value_t = UserRole::Viewer)]
        role: UserRole,
        /// What the person is called; the e-mail address unless given
        #[arg(long, value_parser = label)]
        name: Option<Label>,
        /// Its organization, by name or id, where there are several
        #[arg(long)]
        organization: Option<String>,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// List every account
    List,
    /// Keep an account from logging in, and end its sessions; `--undo` lets it in again
    Disable {
        /// Whose
        #[arg(value_parser = email)]
        email: Email,
        /// Let it in again
        #[arg(long)]
        undo: bool,
    },
    /// Give an account a new password, which is printed once, and end its sessions
    Password {
        /// Whose
        #[arg(value_parser = email)]
        email: Email,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Give an account another role
    Role {
        /// Whose
        #[arg(value_parser = email)]
        email: Email,
        /// viewer, operator or owner
        role: UserRole,
    },
}

#[derive(Debug, Args)]
pub(super) struct PasswordSource {
    /// Read the password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

pub(super) async fn obey(admin: &mut Admin, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add {
            email,
            role,
            name,
            organization,
            password,
        } => {
            let organization = admin.organization(organization.as_deref()).await?;
            add(admin, organization, email, role, name, &password).await
        }
        Command::List => list(admin).await,
        Command::Disable { email, undo } => {
            let disable = move |user: &mut User, now| {
                user.disabled_at = if undo {
                    None
                } else {
                    user.disabled_at.or(Some(now))
                };
                json!({ "disabled": !undo })
            };
            change(admin, &email, disable).await?;
            print(&format!(
                "{email} {} log in",
                if undo { "may" } else { "may not" }
            ))
        }
        Command::Role { email, role } => {
            let set_role = move |user: &mut User, _| {
                user.role = role;
                json!({ "role": role })
            };
            change(admin, &email, set_role).await?;
            print(&format!("{email} is {role} now"))
        }
        Command::Password { email, password } => set_password(admin, &email, &password).await,
    }
}

async fn add(
    admin: &Admin,
    organization: organization::Organization,
    email: Email,
    role: UserRole,
    name: Option<Label>,
    password: &PasswordSource,
) -> anyhow::Result<()> {
    let (password, made) = password.read()?;
    let now = Timestamp::now();
    let user = User {
        id: new_id(now),
        organization_id: organization.id,
        email: email.to_string(),
        name: name.map_or_else(|| email.to_string(), |name| name.to_string()),
        role,
        password_hash: Some(admin.passwords.hash(password).await?),
        created_at: now,
        disabled_at: None,
    };
    let mut write = admin.store.write().await?;
    match user::insert(&mut write, &user).await {
        Err(StoreError::Duplicate {
            what: Unique::UserEmail,
        }) => {
            bail!("{email} has an account already: see `holdfast admin user list`")
        }
        other => other?,
    }
    let detail = json!({ "email": user.email, "name": user.name, "role": user.role });
    note(&mut write, &user, "user.create", detail, now).await?;
    write.commit().await?;
    print(&format!("{email} is {role} of {}", organization.name))?;
    show(made)
}

async fn list(admin: &Admin) -> anyhow::Result<()> {
    let mut read = admin.store.read().await?;
    for organization in organization::all(&mut read).await? {
        print(&organization.name)?;
        let mut seek = Seek::first(200);
        loop {
            let page = user::list(&mut read, &organization.id, &seek).await?;
            for user in &page.items {
                let state = if user.disabled_at.is_some() {
                    "disabled"
                } else {
                    ""
                };
                print(&format!(
                    "  {:40} {:9} {:30} {state}",
                    user.email, user.role, user.name
                ))?;
            }
            if !page.more {
                break;
            }
            seek.after = page.items.last().map(|user| user.id.clone());
        }
    }
    Ok(())
}

/// Changes an account and says in the audit log what `change` says.
async fn change(
    admin: &Admin,
    email: &Email,
    change: impl FnOnce(&mut User, Timestamp) -> Value,
) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let mut write = admin.store.write().await?;
    let mut user = find(&mut write, email).await?;
    let detail = change(&mut user, now);
    user::update(&mut write, &user).await?;
    let owners = user::count_owners(&mut write, &user.organization_id).await?;
    ensure!(
        owners > 0,
        "{email} is the last owner who can log in: make somebody else an owner first"
    );
    if user.disabled_at.is_some() {
        session::delete_of_user(&mut write, &user.id, None).await?;
    }
    note(&mut write, &user, "user.change", detail, now).await?;
    Ok(write.commit().await?)
}

async fn set_password(admin: &Admin, email: &Email, source: &PasswordSource) -> anyhow::Result<()> {
    let (password, made) = source.read()?;
    let hash = admin.passwords.hash(password).await?;
    let now = Timestamp::now();
    let mut write = admin.store.write().await?;
    let user = find(&mut write, email).await?;
    user::set_password(&mut write, &user.id, &hash).await?;
    session::delete_of_user(&mut write, &user.id, None).await?;
    note(
        &mut write,
        &user,
        "user.change",
        json!({ "password": "changed" }),
        now,
    )
    .await?;
    write.commit().await?;
    print(&format!(
        "{email} has a new password, and must log in again"
    ))?;
    show(made)
}

async fn find(conn: &mut Connection, email: &Email) -> anyhow::Result<User> {
    user::find_by_email(conn, email.as_str())
        .await?
        .with_context(|| format!("nobody has the address {email}: see `holdfast admin user list`"))
}

async fn note(
    conn: &mut Connection,
    user: &User,
    action: &str,
    detail: Value,
    now: Timestamp,
) -> anyhow::Result<()> {
    let subject = ("user", user.id.as_str());
    audit(conn, &user.organization_id, action, subject, detail, now).await
}

impl PasswordSource {
    /// The password, and again if it was made here and must be shown.
    fn read(&self) -> anyhow::Result<(SecretString, Option<SecretString>)> {
        if !self.password_stdin {
            let made = new_password();
            return Ok((made.clone(), Some(made)));
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let typed = SecretString::from(line.trim_end_matches(['\r', '\n']));
        Ok((NewPassword::try_from(typed)?.into_secret(), None))
    }
}

fn show(made: Option<SecretString>) -> anyhow::Result<()> {
    match made {
        Some(made) => print(&format!("password: {}", made.expose_secret())),
        None => Ok(()),
    }
}

fn email(text: &str) -> Result<Email, String> {
    Email::try_from(text.to_owned()).map_err(|err| err.to_string())
}

fn label(text: &str) -> Result<Label, String> {
    Label::try_from(text.to_owned()).map_err(|err| err.to_string())
}
