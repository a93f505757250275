//! What people say about a fault.

use holdfast_api_types::{CommentId, FaultId};
use jiff::Timestamp;

use crate::{Connection, Page, Result, Seek, Unique, column::micros, error::OrDuplicate};

/// What somebody says about a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The fault.
    pub fault_id: FaultId,
    /// Who, by name.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// Adds a comment, also to a fault that has ended.
pub async fn comment(conn: &mut Connection, new: &Comment) -> Result<()> {
    let (id, fault, at) = (new.id.as_str(), new.fault_id.as_str(), micros(new.at));
    sqlx::query!(
        "insert into fault_comment (id, fault_id, author, at, text) values ($1, $2, $3, $4, $5)",
        id,
        fault,
        new.author,
        at,
        new.text,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::Id)?;
    Ok(())
}

/// The comments on a fault, the first one first.
pub async fn comments(
    conn: &mut Connection,
    fault: &FaultId,
    seek: &Seek<CommentId>,
) -> Result<Page<Comment>> {
    let fault = fault.as_str();
    let (after, rows) = (seek.after.as_ref().map(CommentId::as_str), seek.rows());
    let comments = sqlx::query_as!(
        Comment,
        "select id, fault_id, author, at, text from fault_comment
            where fault_id = $1 and id > coalesce($2, '') order by id limit $3",
        fault,
        after,
        rows,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, comments))
}
