//! Answers that are given again when their request comes again with the same `Idempotency-Key`.

use jiff::Timestamp;

use crate::{Connection, Result, Sha256, Unique, column::micros, error::OrDuplicate};

/// The answer to a request, kept for when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Digest of method, path and body of the request.
    pub request_sha256: Sha256,
    /// Status of the answer.
    pub status: u16,
    /// The answer, encrypted.
    pub answer_sealed: Vec<u8>,
    /// When it was given.
    pub created_at: Timestamp,
}

/// The answer that an actor got for a key, if it is still kept.
pub async fn find(conn: &mut Connection, actor: &str, key: &str) -> Result<Option<StoredAnswer>> {
    Ok(sqlx::query_as!(
        StoredAnswer,
        "select request_sha256, status, answer_sealed, created_at from idempotency_key
            where actor = $1 and key = $2",
        actor,
        key,
    )
    .fetch_optional(conn)
    .await?)
}

/// Keeps an answer. In the transaction that makes the change, it is kept exactly when the change is; a second one for
/// the key is [`Unique::IdempotencyKey`].
pub async fn insert(
    conn: &mut Connection,
    actor: &str,
    key: &str,
    answer: &StoredAnswer,
) -> Result<()> {
    let (request_sha256, created_at) = (&answer.request_sha256[..], micros(answer.created_at));
    sqlx::query!(
        "insert into idempotency_key (actor, key, request_sha256, status, answer_sealed, created_at)
            values ($1, $2, $3, $4, $5, $6)",
        actor,
        key,
        request_sha256,
        answer.status,
        answer.answer_sealed,
        created_at,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::IdempotencyKey)?;
    Ok(())
}

/// Forgets the answers given before `before`, and says how many those were.
pub async fn prune(conn: &mut Connection, before: Timestamp) -> Result<u64> {
    let before = micros(before);
    let done = sqlx::query!("delete from idempotency_key where created_at < $1", before)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
