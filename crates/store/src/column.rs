//! What the columns of the database are in Rust. `sqlx.toml` says which column is what.
//!
//! These types exist only between a row and the `into()` that `query_as!` puts behind every column, because neither
//! sqlx's traits nor the types they are wanted for are ours.

use std::str::FromStr;

use holdfast_api_types as api;
use jiff::Timestamp;
use sqlx::{Database, Decode, Type, ValueRef, error::BoxDynError};

/// An id, a word or an address, stored as text.
#[derive(Debug)]
pub(crate) struct Text<T>(T);

/// The same, or null.
#[derive(Debug)]
pub(crate) struct MaybeText<T>(Option<T>);

/// A time, stored as microseconds since 1970 UTC.
#[derive(Debug)]
pub(crate) struct Micros(Timestamp);

/// The same, or null.
#[derive(Debug)]
pub(crate) struct MaybeMicros(Option<Timestamp>);

/// A SHA-256 digest.
#[derive(Debug)]
pub(crate) struct Digest([u8; 32]);

/// The same, or null.
#[derive(Debug)]
pub(crate) struct MaybeDigest(Option<[u8; 32]>);

/// A time as the database keeps it. What is finer than a microsecond is cut off.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A pattern for `lower(column) LIKE pattern ESCAPE '\'` that finds `text` anywhere, with A and a alike.
pub(crate) fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}

macro_rules! stored_like {
    ($column:ident<T>, $stored:ty) => {
        impl<T, DB: Database> Type<DB> for $column<T>
        where
            $stored: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$stored as Type<DB>>::type_info()
            }
        }
    };
    ($column:ident, $stored:ty) => {
        impl<DB: Database> Type<DB> for $column
        where
            $stored: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$stored as Type<DB>>::type_info()
            }
        }
    };
}

stored_like!(Text<T>, String);
stored_like!(MaybeText<T>, String);
stored_like!(Micros, i64);
stored_like!(MaybeMicros, i64);
stored_like!(Digest, Vec<u8>);
stored_like!(MaybeDigest, Vec<u8>);

impl<'r, T, DB> Decode<'r, DB> for Text<T>
where
    DB: Database,
    String: Decode<'r, DB>,
    T: FromStr<Err: Into<BoxDynError>>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <String as Decode<DB>>::decode(value)?;
        text.parse().map(Self).map_err(Into::into)
    }
}

impl<'r, T, DB> Decode<'r, DB> for MaybeText<T>
where
    DB: Database,
    Text<T>: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.is_null() {
            return Ok(Self(None));
        }
        Ok(Self(Some(<Text<T> as Decode<DB>>::decode(value)?.0)))
    }
}

impl<'r, DB> Decode<'r, DB> for Micros
where
    DB: Database,
    i64: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<DB>>::decode(value)?;
        Ok(Self(Timestamp::from_microsecond(micros)?))
    }
}

impl<'r, DB> Decode<'r, DB> for MaybeMicros
where
    DB: Database,
    Micros: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.is_null() {
            return Ok(Self(None));
        }
        Ok(Self(Some(<Micros as Decode<DB>>::decode(value)?.0)))
    }
}

impl<'r, DB> Decode<'r, DB> for Digest
where
    DB: Database,
    Vec<u8>: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = <Vec<u8> as Decode<DB>>::decode(value)?;
        let bytes = <[u8; 32]>::try_from(bytes)
            .map_err(|bytes| format!("a SHA-256 digest has 32 bytes, and this {}", bytes.len()))?;
        Ok(Self(bytes))
    }
}

impl<'r, DB> Decode<'r, DB> for MaybeDigest
where
    DB: Database,
    Digest: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.is_null() {
            return Ok(Self(None));
        }
        Ok(Self(Some(<Digest as Decode<DB>>::decode(value)?.0)))
    }
}

impl From<Micros> for Timestamp {
    fn from(column: Micros) -> Self {
        column.0
    }
}

impl From<MaybeMicros> for Option<Timestamp> {
    fn from(column: MaybeMicros) -> Self {
        column.0
    }
}

impl From<MaybeDigest> for Option<[u8; 32]> {
    fn from(column: MaybeDigest) -> Self {
        column.0
    }
}

impl From<Digest> for [u8; 32] {
    fn from(column: Digest) -> Self {
        column.0
    }
}

/// `From` for each type by itself: the coherence rules have no room for all at once.
macro_rules! stored_as_text {
    ($($value:ty),+ $(,)?) => {
        $(
            impl From<Text<$value>> for $value {
                fn from(column: Text<$value>) -> Self {
                    column.0
                }
            }

            impl From<MaybeText<$value>> for Option<$value> {
                fn from(column: MaybeText<$value>) -> Self {
                    column.0
                }
            }
        )+
    };
}

stored_as_text! {
    api::AuditId,
    api::CommentId,
    api::ControllerId,
    api::FaultId,
    api::JobId,
    api::OrganizationId,
    api::SiteId,
    api::TokenId,
    api::TunnelId,
    api::UserId,
    api::ActorKind,
    api::ConnectionType,
    api::FaultType,
    api::JobKind,
    api::JobState,
    api::LinkState,
    api::LogKind,
    api::OverrideKind,
    api::ProfileName,
    api::Repair,
    api::RouteMode,
    api::RouterAccess,
    api::RouterState,
    api::SessionPolicy,
    api::Severity,
    api::StepState,
    api::TunnelRole,
    api::UserRole,
    api::api::Gateway,
    std::net::SocketAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_text_is_no_pattern() {
        assert_eq!(contains(r"50%_Off\"), r"%50\%\_off\\%");
    }
}
