//! One item of a menu: what a `!re` carries.

use std::{collections::BTreeMap, fmt};

use crate::value::{is_secret, parse_bool, same_value};

/// Properties of one item by name. Their order means nothing to RouterOS, so they are sorted here.
///
/// RouterOS leaves out what is not set: a flag that is not there is false, a text that is not there is empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Row(BTreeMap<String, String>);

impl Row {
    /// The property that identifies an item until the router restarts.
    pub const ID: &'static str = ".id";

    /// One without properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more property.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a property.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Removes a property; what it was.
    pub fn unset(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// A property as it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A property as it was sent; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// `.id`, such as `*1F`.
    pub fn id(&self) -> Option<&str> {
        self.get(Self::ID)
    }

    /// Whether a flag is set. One that is not there, or cannot be read, is not.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(parse_bool).unwrap_or(false)
    }

    /// Whether a change feed says with this row that the item is gone.
    pub fn is_dead(&self) -> bool {
        self.flag(".dead")
    }

    /// Whether a property says the same as `value`, however the two are spelt. One that is not there says the
    /// same as an empty text and as `no`.
    pub fn says(&self, name: &str, value: &str) -> bool {
        match self.get(name) {
            Some(own) => same_value(name, own, value),
            None => value.is_empty() || parse_bool(value) == Some(false),
        }
    }

    /// The properties that `names` lists, as `.proplist` does it; all of them when it lists none.
    #[must_use]
    pub fn only(&self, names: &[impl AsRef<str>]) -> Self {
        if names.is_empty() {
            return self.clone();
        }
        let wanted = names.iter().filter_map(|name| {
            let (name, value) = self.0.get_key_value(name.as_ref())?;
            Some((name.clone(), value.clone()))
        });
        Self(wanted.collect())
    }

    /// All properties, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether it has no properties.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Row {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(properties: I) -> Self {
        let owned = |(name, value): (N, V)| (name.into(), value.into());
        Self(properties.into_iter().map(owned).collect())
    }
}

/// `name=value ...`, without the values of secrets.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            map.entry(&name, &if is_secret(name) { "…" } else { value });
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_empty_and_false() {
        let row = Row::new().with("running", "true").with("disabled", "no");
        assert!(row.flag("running"));
        assert!(!row.flag("disabled"));
        assert!(!row.flag("dynamic"));
        assert_eq!(row.text("comment"), "");
        assert!(row.says("comment", ""));
        assert!(row.says("dynamic", "no"));
        assert!(!row.says("dynamic", "yes"));
        assert!(row.says("running", "yes"));
    }

    #[test]
    fn only_keeps_what_was_asked_for_and_is_there() {
        let row = Row::new().with(".id", "*1").with("name", "ether1");
        let expected = Row::new().with("name", "ether1");
        assert_eq!(row.only(&["name", "comment"]), expected);
        assert_eq!(row.only(&[""; 0]), row);
    }

    #[test]
    fn debug_output_has_no_secrets() {
        let row = Row::new().with("user", "u").with("password", "s3cret");
        assert_eq!(format!("{row:?}"), r#"{"password": "…", "user": "u"}"#);
    }
}
