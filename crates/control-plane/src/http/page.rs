//! Lists in pages: `?limit=50&after=CURSOR`. A cursor is where the last page ended, so a list that grows meanwhile
//! loses and repeats nothing.

use std::str::FromStr;

use axum::{Json, extract::FromRequestParts, http::request::Parts};
use holdfast_api_types::api::Page;
use holdfast_store::{self as store, Seek};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    error::ApiError,
    extract::{pairs, query},
};

/// Most items in one page.
pub const MAX_LIMIT: u32 = 200;

/// Items in a page when the client does not say.
const DEFAULT_LIMIT: u32 = 50;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// How many items at most.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: u32,
    /// The `next` of the page before; left out for the first page.
    after: Option<String>,
}

fn default_limit() -> u32 {
    DEFAULT_LIMIT
}

/// The query of a list: which page, and the filters `F` of this list.
#[derive(Debug)]
pub struct List<F = NoFilter> {
    limit: u32,
    /// The key of the last item of the page before.
    after: Option<String>,
    /// The filters.
    pub filter: F,
}

/// For lists that cannot be filtered.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

impl<S: Send + Sync, F: DeserializeOwned> FromRequestParts<S> for List<F> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let (page, filter): (Vec<_>, Vec<_>) = pairs(parts)
            .into_iter()
            .partition(|(name, _)| name == "limit" || name == "after");
        let PageParams { limit, after } = query(page)?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            let message = format!("use 1 to {MAX_LIMIT}");
            return Err(ApiError::invalid(
                "limit",
                Some(&limit.to_string()),
                message,
            ));
        }
        Ok(Self {
            limit,
            after: after.map(|cursor| open(&cursor)).transpose()?,
            filter: query(filter)?,
        })
    }
}

impl<F> List<F> {
    /// Where this page begins, as whatever the list is sorted by, and how long it is.
    ///
    /// # Errors
    /// 422 when the cursor is not one that this list gave out.
    pub fn seek<K: FromStr>(&self) -> Result<Seek<K>, ApiError> {
        let read = |text: &String| text.parse().map_err(|_| bad_cursor(text));
        Ok(Seek {
            after: self.after.as_ref().map(read).transpose()?,
            limit: self.limit,
        })
    }
}

/// Shows a page of rows; `key` is what the list is sorted by, as [`List::seek`] reads it.
pub fn page<R, T>(
    rows: store::Page<R>,
    key: impl Fn(&R) -> String,
    show: impl Fn(R) -> T,
) -> Json<Page<T>> {
    let next = next(&rows, key);
    Json(Page {
        items: rows.items.into_iter().map(show).collect(),
        next,
    })
}

/// The cursor with which the page after these rows begins.
pub fn next<R>(rows: &store::Page<R>, key: impl Fn(&R) -> String) -> Option<String> {
    let last = rows.items.last().filter(|_| rows.more);
    last.map(|row| hex::encode(key(row)))
}

fn open(cursor: &str) -> Result<String, ApiError> {
    hex::decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| bad_cursor(cursor))
}

fn bad_cursor(cursor: &str) -> ApiError {
    let message = "is not a `next` of this list: leave it out to begin at the first page";
    ApiError::invalid("after", Some(cursor), message)
}
