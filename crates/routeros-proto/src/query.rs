//! Which items a `print` returns: words that push truths on a stack, and operations on it.

use std::{borrow::Cow, cmp::Ordering, fmt};

use crate::{
    row::Row,
    value::{compare, same_value},
};

/// The query words of a command, in order. The order matters.
///
/// After all words an item is selected unless the stack holds a false. Conditions that follow one another
/// are therefore joined by "and" without an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<QueryWord>,
}

/// One query word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryWord {
    /// `?name`: the item has the property.
    Has(String),
    /// `?-name`: the item lacks the property.
    Lacks(String),
    /// `?name=value`: the property has this value.
    Equals(String, String),
    /// `?<name=value`: the property is less.
    Less(String, String),
    /// `?>name=value`: the property is greater.
    Greater(String, String),
    /// `?#...`: operations on the stack, from left to right.
    Apply(Vec<StackOperation>),
}

/// What is done with the stack. Index 0 is its top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackOperation {
    /// `!`: the top becomes its opposite.
    Not,
    /// `&`: the two on top become whether both are true.
    And,
    /// `|`: the two on top become whether one is true.
    Or,
    /// An index before another character, or a lone `.` (index 0): pushes a copy of the value there.
    Copy(usize),
    /// An index at the end: the value there replaces all others.
    Keep(usize),
}

/// A query word that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{word:?} is not a query word: use ?name, ?-name, ?name=value, ?<name=value, ?>name=value or ?#operations with !, &, |, . and indexes"
)]
pub struct QueryError {
    /// The word as it was sent.
    pub word: String,
}

impl Query {
    /// One that selects every item.
    pub fn all() -> Self {
        Self::default()
    }

    /// One that selects items whose property has this value.
    pub fn equals(name: impl Into<String>, value: impl Into<String>) -> Self {
        QueryWord::Equals(name.into(), value.into()).into()
    }

    /// One that selects items with a property.
    pub fn has(name: impl Into<String>) -> Self {
        QueryWord::Has(name.into()).into()
    }

    /// One that selects what both select. Copies on the stack are written out, so this is for queries that are
    /// made here.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.reduced(), other.reduced()) {
            (Ok(own), Ok(others)) => Self::joined(own, others, StackOperation::And),
            (Err(Constant::All), _) => other,
            (_, Err(Constant::All)) | (Err(Constant::Nothing), _) => self,
            (_, Err(Constant::Nothing)) => other,
        }
    }

    /// One that selects what either selects. See [`Self::and`].
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self.reduced(), other.reduced()) {
            (Ok(own), Ok(others)) => Self::joined(own, others, StackOperation::Or),
            (Err(Constant::Nothing), _) => other,
            (_, Err(Constant::Nothing)) | (Err(Constant::All), _) => self,
            (_, Err(Constant::All)) => other,
        }
    }

    /// One that selects what any of several selects, and nothing if there are none.
    pub fn any(queries: impl IntoIterator<Item = Self>) -> Self {
        let mut words = Vec::new();
        let mut values = 0;
        for query in queries {
            match query.reduced() {
                Ok(own) => {
                    words.extend(own);
                    values += 1;
                }
                Err(Constant::All) => return Self::all(),
                Err(Constant::Nothing) => {}
            }
        }
        // With no values there is none to keep, which selects nothing.
        let operations = match values {
            0 => vec![StackOperation::Keep(0)],
            _ => vec![StackOperation::Or; values - 1],
        };
        if !operations.is_empty() {
            words.push(QueryWord::Apply(operations));
        }
        Self { words }
    }

    /// Reads query words, with or without their `?`.
    ///
    /// # Errors
    /// The first word that cannot be read.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, QueryError> {
        let words = words.into_iter().map(QueryWord::parse);
        Ok(Self {
            words: words.collect::<Result<_, _>>()?,
        })
    }

    /// Whether it selects an item. An operation without enough values on the stack selects nothing.
    pub fn matches(&self, row: &Row) -> bool {
        let mut stack = Stack::default();
        let evaluated = self
            .words
            .iter()
            .try_for_each(|word| word.apply(row, &mut stack));
        evaluated.is_some() && stack.0.iter().all(|truth| *truth)
    }

    /// The words, in order.
    pub fn words(&self) -> &[QueryWord] {
        &self.words
    }

    /// Whether it has no words, and so selects every item.
    pub fn is_all(&self) -> bool {
        self.words.is_empty()
    }

    fn joined(mut own: Vec<QueryWord>, others: Vec<QueryWord>, how: StackOperation) -> Self {
        own.extend(others);
        own.push(QueryWord::Apply(vec![how]));
        Self { words: own }
    }

    /// Words that say the same, and leave one value and touch nothing below it: [`StackOperation::Keep`] would
    /// throw away what another query left there.
    fn reduced(&self) -> Result<Vec<QueryWord>, Constant> {
        let mut stack: Vec<Vec<QueryWord>> = Vec::new();
        for word in &self.words {
            match word {
                QueryWord::Apply(operations) => operations
                    .iter()
                    .try_for_each(|operation| write_out(*operation, &mut stack))
                    .ok_or(Constant::Nothing)?,
                QueryWord::Has(_)
                | QueryWord::Lacks(_)
                | QueryWord::Equals(..)
                | QueryWord::Less(..)
                | QueryWord::Greater(..) => stack.push(vec![word.clone()]),
            }
        }
        while stack.len() > 1 {
            write_out(StackOperation::And, &mut stack).ok_or(Constant::Nothing)?;
        }
        stack.pop().ok_or(Constant::All)
    }
}

/// What a query that is no condition selects.
enum Constant {
    All,
    Nothing,
}

/// Does an operation on words instead of values; `None` when values are missing.
fn write_out(operation: StackOperation, stack: &mut Vec<Vec<QueryWord>>) -> Option<()> {
    let at = |stack: &[Vec<QueryWord>], index| stack.iter().rev().nth(index).cloned();
    let words = match operation {
        StackOperation::Not => {
            let mut words = stack.pop()?;
            words.push(QueryWord::Apply(vec![operation]));
            words
        }
        StackOperation::And | StackOperation::Or => {
            let (other, mut words) = (stack.pop()?, stack.pop()?);
            words.extend(other);
            words.push(QueryWord::Apply(vec![operation]));
            words
        }
        StackOperation::Copy(index) => at(stack, index)?,
        StackOperation::Keep(index) => {
            let kept = at(stack, index)?;
            stack.clear();
            kept
        }
    };
    stack.push(words);
    Some(())
}

impl From<QueryWord> for Query {
    fn from(word: QueryWord) -> Self {
        Self { words: vec![word] }
    }
}

impl QueryWord {
    /// Reads one word, with or without its `?`.
    ///
    /// # Errors
    /// The word, when it is none.
    pub fn parse(word: &str) -> Result<Self, QueryError> {
        let body = word.strip_prefix('?').unwrap_or(word);
        Self::read(body).ok_or_else(|| QueryError {
            word: word.to_owned(),
        })
    }

    fn read(body: &str) -> Option<Self> {
        let pair = |text: &str| {
            let (name, value) = text.split_once('=')?;
            (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        };
        let name = |text: &str| (!text.is_empty() && !text.contains('=')).then(|| text.to_owned());
        let word = match body.chars().next()? {
            '#' => Self::Apply(read_operations(&body[1..])?),
            '-' => Self::Lacks(name(&body[1..])?),
            '<' => pair(&body[1..]).map(|(name, value)| Self::Less(name, value))?,
            '>' => pair(&body[1..]).map(|(name, value)| Self::Greater(name, value))?,
            '=' => pair(&body[1..]).map(|(name, value)| Self::Equals(name, value))?,
            _ if body.contains('=') => pair(body).map(|(name, value)| Self::Equals(name, value))?,
            _ => Self::Has(name(body)?),
        };
        Some(word)
    }

    fn apply(&self, row: &Row, stack: &mut Stack) -> Option<()> {
        let ordered = |name: &str, value: &str, wanted: Ordering| {
            row.get(name)
                .is_some_and(|own| compare(own, value) == wanted)
        };
        let truth = match self {
            Self::Has(name) => row.get(name).is_some(),
            Self::Lacks(name) => row.get(name).is_none(),
            Self::Equals(name, value) => row
                .get(name)
                .is_some_and(|own| same_value(name, own, value)),
            Self::Less(name, value) => ordered(name, value, Ordering::Less),
            Self::Greater(name, value) => ordered(name, value, Ordering::Greater),
            Self::Apply(operations) => {
                return operations
                    .iter()
                    .try_for_each(|operation| stack.apply(*operation));
            }
        };
        stack.0.push(truth);
        Some(())
    }
}

/// `?name=value` and so on, as it is sent.
impl fmt::Display for QueryWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Has(name) => write!(f, "?{name}"),
            Self::Lacks(name) => write!(f, "?-{name}"),
            // A name that begins like another word needs the second form.
            Self::Equals(name, value) if name.starts_with(['#', '-', '<', '>', '=']) => {
                write!(f, "?={name}={value}")
            }
            Self::Equals(name, value) => write!(f, "?{name}={value}"),
            Self::Less(name, value) => write!(f, "?<{name}={value}"),
            Self::Greater(name, value) => write!(f, "?>{name}={value}"),
            Self::Apply(operations) => {
                f.write_str("?#")?;
                for (index, operation) in operations.iter().enumerate() {
                    operation.write(f, operations.get(index + 1))?;
                }
                Ok(())
            }
        }
    }
}

impl StackOperation {
    fn write(self, f: &mut fmt::Formatter<'_>, next: Option<&Self>) -> fmt::Result {
        let text: Cow<'_, str> = match self {
            Self::Not => "!".into(),
            Self::And => "&".into(),
            Self::Or => "|".into(),
            // At the end, or before another index, the dot keeps the index from being read as something else.
            Self::Copy(index) if matches!(next, None | Some(Self::Copy(_) | Self::Keep(_))) => {
                format!("{index}.").into()
            }
            Self::Copy(index) => index.to_string().into(),
            Self::Keep(index) => index.to_string().into(),
        };
        f.write_str(&text)
    }
}

/// Reads what follows `?#`; `None` when there is something else in it.
fn read_operations(mut text: &str) -> Option<Vec<StackOperation>> {
    let mut operations = Vec::new();
    while let Some(first) = text.chars().next() {
        if first.is_ascii_digit() {
            let end = text
                .find(|character: char| !character.is_ascii_digit())
                .unwrap_or(text.len());
            let (digits, rest) = text.split_at(end);
            let index = digits.parse().ok()?;
            operations.push(if rest.is_empty() {
                StackOperation::Keep(index)
            } else {
                StackOperation::Copy(index)
            });
            text = rest.strip_prefix('.').unwrap_or(rest);
            continue;
        }
        operations.push(match first {
            '!' => StackOperation::Not,
            '&' => StackOperation::And,
            '|' => StackOperation::Or,
            '.' => StackOperation::Copy(0),
            _ => return None,
        });
        text = &text[1..];
    }
    Some(operations)
}

/// The values of a query in evaluation, the top at the end.
#[derive(Default)]
struct Stack(Vec<bool>);

impl Stack {
    /// A query of the longest words could otherwise ask for more copies than there is memory.
    const DEEPEST: usize = 4096;

    fn apply(&mut self, operation: StackOperation) -> Option<()> {
        let value = match operation {
            StackOperation::Not => !self.0.pop()?,
            StackOperation::And => {
                let (a, b) = (self.0.pop()?, self.0.pop()?);
                a && b
            }
            StackOperation::Or => {
                let (a, b) = (self.0.pop()?, self.0.pop()?);
                a || b
            }
            StackOperation::Copy(index) => self.at(index)?,
            StackOperation::Keep(index) => {
                let kept = self.at(index)?;
                self.0.clear();
                kept
            }
        };
        if self.0.len() >= Self::DEEPEST {
            return None;
        }
        self.0.push(value);
        Some(())
    }

    fn at(&self, index: usize) -> Option<bool> {
        self.0.iter().rev().nth(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: &[&str]) {
        let table = [
            Row::new()
                .with("name", "ether1")
                .with("type", "ether")
                .with("mtu", "1500"),
            Row::new()
                .with("name", "vlan7")
                .with("type", "vlan")
                .with("mtu", "900")
                .with("comment", ""),
            Row::new()
                .with("name", "lte1")
                .with("type", "lte")
                .with("mtu", "1420")
                .with("comment", "x"),
        ];
        let query = Query::parse(words.iter().copied()).unwrap();
        let names: Vec<_> = table
            .iter()
            .filter(|row| query.matches(row))
            .map(|row| row.text("name"))
            .collect();
        assert_eq!(names, expected, "{words:?}");
    }

    #[test]
    fn conditions_select_by_presence_value_and_order() {
        check(&[], &["ether1", "vlan7", "lte1"]);
        check(&["?comment"], &["vlan7", "lte1"]);
        check(&["?-comment"], &["ether1"]);
        check(&["?type=ether"], &["ether1"]);
        check(&["?=type=ether"], &["ether1"]);
        check(&["?<mtu=1420"], &["vlan7"]);
        check(&["?>mtu=1000"], &["ether1", "lte1"]);
        check(&["?>comment="], &["lte1"]);
    }

    #[test]
    fn conditions_without_an_operation_must_all_hold() {
        check(&["?type=ether", "?type=vlan"], &[]);
        check(&["?comment", "?type=lte"], &["lte1"]);
    }

    #[test]
    fn operations_work_on_the_stack() {
        check(&["?type=ether", "?type=vlan", "?#|"], &["ether1", "vlan7"]);
        check(&["?type=ether", "?type=vlan", "?#|!"], &["lte1"]);
        check(&["?>mtu=1000", "?comment", "?#&!"], &["ether1", "vlan7"]);
        // A copy of the top, and one from below it.
        check(&["?type=ether", "?#.|"], &["ether1"]);
        check(&["?type=ether", "?comment", "?#1.|"], &["ether1"]);
        check(&["?type=ether", "?#0"], &["ether1"]);
        check(&["?type=ether", "?comment", "?#1"], &["ether1"]);
    }

    #[test]
    fn an_operation_without_values_selects_nothing() {
        check(&["?#&"], &[]);
        check(&["?type=ether", "?#|"], &[]);
        check(&["?type=ether", "?#7"], &[]);
    }

    #[test]
    fn joined_queries_select_what_their_parts_say() {
        let both = Query::parse(["?a", "?b"]).unwrap();
        let either = both.clone().or(Query::equals("c", "1"));
        assert!(either.matches(&Row::new().with("c", "1")));
        assert!(either.matches(&Row::new().with("a", "").with("b", "")));
        assert!(!either.matches(&Row::new().with("a", "")));
        let narrowed = either.and(Query::has("d"));
        assert!(!narrowed.matches(&Row::new().with("c", "1")));
        assert!(narrowed.matches(&Row::new().with("c", "1").with("d", "")));
        assert_eq!(Query::all().and(Query::has("d")), Query::has("d"));
        assert!(Query::all().or(Query::has("d")).is_all());
    }

    #[test]
    fn any_of_several_is_one_operation_behind_them() {
        let any = Query::any([
            Query::has("comment"),
            Query::equals("vpn", "true"),
            Query::has("c"),
        ]);
        let words: Vec<_> = any.words().iter().map(ToString::to_string).collect();
        assert_eq!(words, ["?comment", "?vpn=true", "?c", "?#||"]);
        assert_eq!(Query::any([Query::has("a")]), Query::has("a"));
        assert!(Query::any([Query::has("a"), Query::all()]).is_all());
        let none = Query::any([]);
        assert!(!none.is_all() && !none.matches(&Row::new().with("a", "1")));
    }

    #[test]
    fn words_are_written_as_they_are_read() {
        let words = [
            "?a", "?-a", "?a=b=c", "?<a=1", "?>a=", "?#!&|", "?#12.0.", "?#1&2",
        ];
        for word in words {
            assert_eq!(QueryWord::parse(word).unwrap().to_string(), word);
        }
        assert_eq!(QueryWord::parse("?#.!").unwrap().to_string(), "?#0!");
    }

    #[test]
    fn what_is_no_query_word_is_refused_with_the_word() {
        for word in ["?", "?-", "?=a", "?<a", "?#x", "?==b"] {
            assert_eq!(QueryWord::parse(word).unwrap_err().word, word);
        }
    }
}
