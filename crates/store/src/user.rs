//! Users: people who may log in, each in one organization.

use holdfast_api_types::{OrganizationId, UserId, UserRole};
use jiff::Timestamp;

use crate::{Connection, Page, Result, Seek, Unique, column::micros, error::OrDuplicate};

/// A person who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// What the person logs in with, in lower case, as [`insert`] made it.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// What the person may do.
    pub role: UserRole,
    /// Argon2id in PHC form; `None` while no password was chosen.
    pub password_hash: Option<String>,
    /// When the user was made.
    pub created_at: Timestamp,
    /// Since when it may not log in.
    pub disabled_at: Option<Timestamp>,
}

macro_rules! users {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            User,
            r#"select id, organization_id, email, name, role, password_hash, created_at,
                disabled_at as "disabled_at!" from "user" "# + $tail
            $(, $arg)*
        )
    };
}

/// Adds one. The address is stored in lower case; another user with it is [`Unique::UserEmail`].
pub async fn insert(conn: &mut Connection, new: &User) -> Result<()> {
    let (id, organization) = (new.id.as_str(), new.organization_id.as_str());
    let (email, role) = (lower(&new.email), new.role.as_str());
    let (created_at, disabled_at) = (micros(new.created_at), new.disabled_at.map(micros));
    sqlx::query!(
        r#"insert into "user" (id, organization_id, email, name, role, password_hash, created_at, disabled_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)"#,
        id,
        organization,
        email,
        new.name,
        role,
        new.password_hash,
        created_at,
        disabled_at,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::UserEmail)?;
    Ok(())
}

/// The user of an organization with this id.
pub async fn get(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &UserId,
) -> Result<Option<User>> {
    let (organization, id) = (organization.as_str(), id.as_str());
    Ok(
        users!("where id = $2 and organization_id = $1", organization, id)
            .fetch_optional(conn)
            .await?,
    )
}

/// The user with this id, in whatever organization: for a session that was just looked up.
pub async fn find(conn: &mut Connection, id: &UserId) -> Result<Option<User>> {
    let id = id.as_str();
    Ok(users!("where id = $1", id).fetch_optional(conn).await?)
}

/// The user who logs in with this address, in whatever case it is written.
pub async fn find_by_email(conn: &mut Connection, email: &str) -> Result<Option<User>> {
    let email = lower(email);
    Ok(users!("where email = $1", email)
        .fetch_optional(conn)
        .await?)
}

/// The users of an organization, the oldest first.
pub async fn list(
    conn: &mut Connection,
    organization: &OrganizationId,
    seek: &Seek<UserId>,
) -> Result<Page<User>> {
    let organization = organization.as_str();
    let (after, rows) = (seek.after.as_ref().map(UserId::as_str), seek.rows());
    let users = users!(
        "where organization_id = $1 and id > coalesce($2, '') order by id limit $3",
        organization,
        after,
        rows,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, users))
}

/// How many owners of an organization may log in. It must never become none.
pub async fn count_owners(conn: &mut Connection, organization: &OrganizationId) -> Result<u32> {
    let organization = organization.as_str();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!: u32" from "user"
            where organization_id = $1 and role = 'owner' and disabled_at is null"#,
        organization,
    )
    .fetch_one(conn)
    .await?)
}

/// Whether there is any user at all: without one, this installation is to be set up.
pub async fn any(conn: &mut Connection) -> Result<bool> {
    let one = sqlx::query_scalar!(r#"select 1 as "one!: i64" from "user" limit 1"#)
        .fetch_optional(conn)
        .await?;
    Ok(one.is_some())
}

/// Writes address, name, role and whether the user is disabled; false if there is none with the id of `user`.
pub async fn update(conn: &mut Connection, user: &User) -> Result<bool> {
    let (id, organization) = (user.id.as_str(), user.organization_id.as_str());
    let (email, role) = (lower(&user.email), user.role.as_str());
    let disabled_at = user.disabled_at.map(micros);
    let done = sqlx::query!(
        r#"update "user" set email = $3, name = $4, role = $5, disabled_at = $6
            where id = $2 and organization_id = $1"#,
        organization,
        id,
        email,
        user.name,
        role,
        disabled_at,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::UserEmail)?;
    Ok(done.rows_affected() > 0)
}

/// Writes the hash of a new password; false if there is no such user.
pub async fn set_password(conn: &mut Connection, id: &UserId, hash: &str) -> Result<bool> {
    let id = id.as_str();
    let done = sqlx::query!(
        r#"update "user" set password_hash = $2 where id = $1"#,
        id,
        hash
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a user with its sessions; API tokens it made stay. False if there is none.
pub async fn delete(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &UserId,
) -> Result<bool> {
    let (organization, id) = (organization.as_str(), id.as_str());
    let done = sqlx::query!(
        r#"delete from "user" where id = $2 and organization_id = $1"#,
        organization,
        id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// As SQL's `lower`, which knows only ASCII: the schema compares the two.
fn lower(email: &str) -> String {
    email.to_ascii_lowercase()
}
