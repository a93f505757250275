//! Menus as types: which properties of an item matter here, and what they mean.
//!
//! A router newer than we know must not blind us, so reading is lenient: a property that is not there, or whose
//! value cannot be read, is `None`, false or empty. Only what an item is nothing without is required.

mod field;
mod interface;
mod live;

pub use interface::Interface;
pub use live::{PingReply, Traffic};

use crate::{command::Command, row::Row};

/// One item of a menu, or one answer of a command, as a type.
pub trait View: Sized {
    /// The menu's path, or the command's.
    const PATH: &'static str;

    /// What to ask for in `.proplist`.
    const PROPERTIES: &'static [&'static str];

    /// Reads one row.
    ///
    /// # Errors
    /// A required property that is missing or cannot be read.
    fn read(row: &Row) -> Result<Self, ViewError>;

    /// The `print` that asks for exactly these properties.
    fn print() -> Command {
        Command::print(Self::PATH).only(Self::PROPERTIES)
    }

    /// Reads rows, leaving out those that cannot be read.
    fn read_all<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<Self> {
        rows.into_iter()
            .filter_map(|row| Self::read(row).ok())
            .collect()
    }
}

/// A row that cannot be read as what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an item of {path} whose {property} is {}", match value {
    Some(value) => format!("{value:?}"),
    None => "missing".to_owned(),
})]
pub struct ViewError {
    /// The menu.
    pub path: &'static str,
    /// The property.
    pub property: &'static str,
    /// What it says, if it is there.
    pub value: Option<String>,
}

/// Defines views: the struct, its path, and for each field the property that it is read from.
macro_rules! view {
    ($($(#[$doc:meta])* $name:ident at $path:literal { $($(#[$about:meta])* $field:ident: $kind:ty = $property:literal,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $name {
                $($(#[$about])* pub $field: $kind,)+
            }

            impl $crate::menu::View for $name {
                const PATH: &'static str = $path;
                const PROPERTIES: &'static [&'static str] = &[$($property),+];

                fn read(row: &$crate::Row) -> Result<Self, $crate::menu::ViewError> {
                    Ok(Self {
                        $($field: $crate::menu::field::read(row, $path, $property)?,)+
                    })
                }
            }

            impl TryFrom<&$crate::Row> for $name {
                type Error = $crate::menu::ViewError;

                fn try_from(row: &$crate::Row) -> Result<Self, Self::Error> {
                    $crate::menu::View::read(row)
                }
            }
        )+
    };
}
use view;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_without_its_id_is_named_in_the_error() {
        let error = Interface::read(&Row::new().with("name", "ether1")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "an item of /interface whose .id is missing"
        );
    }

    #[test]
    fn what_cannot_be_read_is_absent_and_what_is_required_is_not_made_up() {
        let row = Row::new().with(".id", "*1").with("mtu", "auto");
        assert_eq!(Interface::read(&row).unwrap().mtu, None);
        let error = Interface::read(&Row::new()).unwrap_err();
        assert_eq!((error.property, error.value), (".id", None));
    }

    #[test]
    fn print_asks_for_the_properties_of_the_view() {
        assert_eq!(
            Traffic::print().to_string(),
            "/interface/monitor-traffic/print =.proplist=name,rx-packets-per-second,rx-bits-per-second,\
             tx-packets-per-second,tx-bits-per-second"
        );
    }

    #[test]
    fn rows_that_cannot_be_read_are_left_out() {
        let rows = [Row::new(), Row::new().with(".id", "*2")];
        assert_eq!(Interface::read_all(&rows).len(), 1);
    }
}
