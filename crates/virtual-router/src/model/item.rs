//! An item of a menu.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::schema::Field;

/// Names an item until it is removed or the router restarts: `*1F`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{:X}", self.0)
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix('*').ok_or(())?;
        u32::from_str_radix(digits, 16).map(Self).map_err(|_| ())
    }
}

/// An item of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: Id,
    /// What was configured.
    pub(super) values: BTreeMap<&'static str, String>,
    /// What was configured when the router was new, for what was there then.
    pub(super) original: BTreeMap<&'static str, String>,
    /// What the router says about it.
    pub(super) state: BTreeMap<&'static str, String>,
    /// What made it, if it is dynamic: commands cannot change it.
    pub owner: Option<String>,
    /// It was there from the start and cannot be removed.
    pub builtin: bool,
}

impl Item {
    /// A field as it is configured or, if the router fills it in, as it is.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.state.get(name).or_else(|| self.values.get(name));
        found.map(String::as_str)
    }

    /// A field, empty where it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// Whether a field is true.
    pub fn is(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Names of the fields that were configured.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.values.keys().copied()
    }

    /// Whether it is switched off.
    pub fn is_disabled(&self) -> bool {
        self.is("disabled")
    }

    /// A field as a client is shown it.
    pub(super) fn shown(&self, field: &Field) -> Option<String> {
        let value = match field.name {
            "dynamic" => self.owner.is_some().to_string(),
            name => self.get(name).or(field.default)?.to_owned(),
        };
        (!field.flag || value == "true").then_some(value)
    }
}
