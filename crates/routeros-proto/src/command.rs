//! What a client asks for.

use std::fmt;

use crate::{
    codec::Sentence,
    query::{Query, QueryError},
    reply::split_attribute,
    row::Row,
    value::is_secret,
};

/// One command: a path, attributes, and for `print` a query.
///
/// ```
/// use holdfast_routeros_proto::{Command, Query};
///
/// let pushed = Command::print("/ip/route")
///     .only(&["dst-address", "gateway", "distance"])
///     .matching(Query::equals("vpn", "true"));
/// assert_eq!(
///     pushed.to_string(),
///     "/ip/route/print =.proplist=dst-address,gateway,distance ?vpn=true"
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    path: String,
    attributes: Vec<(String, String)>,
    query: Query,
}

impl Command {
    /// A command by its whole path, such as `/tool/ping`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            attributes: Vec::new(),
            query: Query::all(),
        }
    }

    /// Reads the items of a menu. Say with [`Self::only`] which properties: a router may need minutes to
    /// work out all of them.
    pub fn print(menu: &str) -> Self {
        Self::new(format!("{menu}/print"))
    }

    /// Adds an item; the answer is its id.
    pub fn add(menu: &str) -> Self {
        Self::new(format!("{menu}/add"))
    }

    /// Changes an item. Most menus take its name in place of the id.
    pub fn set(menu: &str, id: &str) -> Self {
        Self::new(format!("{menu}/set")).with(Row::ID, id)
    }

    /// Removes an item.
    pub fn remove(menu: &str, id: &str) -> Self {
        Self::new(format!("{menu}/remove")).with(Row::ID, id)
    }

    /// Tells of every change of a menu's items until it is cancelled.
    pub fn listen(menu: &str) -> Self {
        Self::new(format!("{menu}/listen"))
    }

    /// Reads the words of a command as they are on the wire: a path, then `=name=value` and `?query` in any order.
    /// Tags and words that no command has are left out.
    ///
    /// # Errors
    /// A query word that cannot be read.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, QueryError> {
        let mut words = words.into_iter();
        let mut command = Self::new(words.next().unwrap_or_default());
        let mut queries = Vec::new();
        for word in words {
            if word.starts_with('?') {
                queries.push(word);
            } else if let Some((name, value)) = word.strip_prefix('=').and_then(split_attribute) {
                command = command.with(name, value);
            }
        }
        Ok(command.matching(Query::parse(queries)?))
    }

    /// The same with an attribute.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// The same with attributes.
    #[must_use]
    pub fn with_all<N: Into<String>, V: Into<String>>(
        self,
        attributes: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        attributes
            .into_iter()
            .fold(self, |command, (name, value)| command.with(name, value))
    }

    /// The same, taking a property's value away.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        self.with(format!("!{name}"), "")
    }

    /// The same, answered with these properties only.
    #[must_use]
    pub fn only(self, properties: &[&str]) -> Self {
        self.with(".proplist", properties.join(","))
    }

    /// The same, answered with the items that a query selects.
    #[must_use]
    pub fn matching(mut self, query: Query) -> Self {
        self.query = query;
        self
    }

    /// The whole path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// An attribute, as it was last given.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().rev().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The words of the command; with a tag, every reply carries it.
    pub fn sentence(&self, tag: Option<&str>) -> Sentence {
        let mut sentence = Sentence::default();
        sentence.push(self.path.as_str());
        for (name, value) in self.attributes() {
            sentence.push_attribute(name, value);
        }
        for word in self.query.words() {
            sentence.push(word.to_string());
        }
        if let Some(tag) = tag {
            sentence.push(format!(".tag={tag}"));
        }
        sentence
    }
}

/// The words, separated by spaces, without the values of secrets: for logs and previews.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (name, value) in self.attributes() {
            let shown = if is_secret(name) { "…" } else { value };
            write!(f, " ={name}={shown}")?;
        }
        for word in self.query.words() {
            write!(f, " {word}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command, tag: Option<&str>) -> Vec<String> {
        let sentence = command.sentence(tag);
        let text = |word| String::from_utf8_lossy(word).into_owned();
        sentence.words().map(text).collect()
    }

    #[test]
    fn words_come_as_path_attributes_query_and_tag() {
        let command = Command::set("/ip/route", "*4")
            .with("distance", "2")
            .without("comment");
        let expected = [
            "/ip/route/set",
            "=.id=*4",
            "=distance=2",
            "=!comment=",
            ".tag=7",
        ];
        assert_eq!(words(&command, Some("7")), expected);

        let print = Command::print("/interface").matching(Query::equals("type", "ether"));
        assert_eq!(words(&print, None), ["/interface/print", "?type=ether"]);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        let command = Command::print("/ip/route")
            .only(&["gateway"])
            .with("count-only", "")
            .matching(Query::parse(["?vpn=true", "?static", "?#|"]).unwrap());
        let words = words(&command, Some("7"));
        assert_eq!(Command::read(words.iter().map(String::as_str)), Ok(command));
        assert!(Command::read(["/ip/route/print", "?#x"]).is_err());
    }

    #[test]
    fn texts_for_people_have_no_secrets() {
        let command = Command::add("/interface/ovpn-client").with("password", "s3cret");
        assert_eq!(
            command.to_string(),
            "/interface/ovpn-client/add =password=…"
        );
        assert_eq!(command.get("password"), Some("s3cret"));
    }
}
