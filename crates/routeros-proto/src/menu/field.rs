//! How a property becomes a field.

use std::time::Duration;

use super::ViewError;
use crate::{
    row::Row,
    value::{parse_bool, parse_duration},
};

/// Reads the property of a row that belongs to a field. An item without its id is refused: nothing can be
/// done to it.
pub(super) fn read<F: Field>(
    row: &Row,
    path: &'static str,
    property: &'static str,
) -> Result<F, ViewError> {
    let value = row.get(property);
    let nameless = property == Row::ID && value.is_none();
    let field = if nameless { None } else { F::read(value) };
    field.ok_or_else(|| ViewError {
        path,
        property,
        value: value.map(str::to_owned),
    })
}

/// A type that a field may have.
pub(super) trait Field: Sized {
    /// Reads a property; `None` when the item is nothing without it.
    fn read(value: Option<&str>) -> Option<Self>;
}

impl Field for String {
    fn read(value: Option<&str>) -> Option<Self> {
        Some(value.unwrap_or_default().to_owned())
    }
}

impl Field for bool {
    fn read(value: Option<&str>) -> Option<Self> {
        Some(value.and_then(parse_bool).unwrap_or(false))
    }
}

impl<V: Value> Field for Option<V> {
    fn read(value: Option<&str>) -> Option<Self> {
        Some(value.filter(|text| !text.is_empty()).and_then(V::parse))
    }
}

/// What an optional field may hold.
pub(super) trait Value: Sized {
    fn parse(text: &str) -> Option<Self>;
}

impl Value for Duration {
    fn parse(text: &str) -> Option<Self> {
        parse_duration(text)
    }
}

/// Types whose own reading is the one wanted.
macro_rules! parsed {
    ($($kind:ty),+) => {
        $(impl Value for $kind {
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        })+
    };
}
parsed!(u8, u32, u64);
