//! What variables hold.

use std::cmp::Ordering;

use super::syntax::Block;

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Value {
    /// What is not there.
    #[default]
    Nothing,
    /// `yes`, `true`...
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// Everything that is spelled.
    Text(String),
    /// Several.
    Array(Vec<Self>),
    /// A block that was handed on.
    Code(Code),
}

/// A block that was handed on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Code(pub(super) Block);

impl Value {
    /// A word without quotes.
    pub(super) fn of_word(word: &str) -> Self {
        match word {
            "true" | "yes" => Self::Bool(true),
            "false" | "no" => Self::Bool(false),
            "nil" => Self::Nothing,
            word => match word.parse() {
                Ok(number) => Self::Number(number),
                Err(_) => Self::Text(word.into()),
            },
        }
    }

    /// A field as a client is shown it.
    pub(super) fn of_field(text: &str, is_list: bool) -> Self {
        if is_list {
            let parts = text.split(',').filter(|part| !part.is_empty());
            return Self::Array(parts.map(|part| Self::Text(part.into())).collect());
        }
        match text {
            "" => Self::Nothing,
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            text => Self::Text(text.into()),
        }
    }

    /// As it is spelled.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Nothing | Self::Code(_) => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Array(values) => values.iter().map(Self::text).collect::<Vec<_>>().join(";"),
        }
    }

    /// As the value of an argument.
    pub(super) fn argument(&self) -> String {
        match self {
            Self::Bool(value) => if *value { "yes" } else { "no" }.into(),
            Self::Array(values) => values
                .iter()
                .map(Self::argument)
                .collect::<Vec<_>>()
                .join(","),
            Self::Nothing | Self::Number(_) | Self::Text(_) | Self::Code(_) => self.text(),
        }
    }

    /// Whether a condition holds.
    pub(super) fn truth(&self) -> Result<bool, String> {
        match self {
            Self::Bool(value) => Ok(*value),
            Self::Text(text) if text == "true" || text == "yes" => Ok(true),
            Self::Text(text) if text == "false" || text == "no" => Ok(false),
            Self::Nothing => Ok(false),
            Self::Number(_) | Self::Text(_) | Self::Array(_) | Self::Code(_) => {
                Err("conditional not boolean".into())
            }
        }
    }

    /// As a number, if it is spelled as one.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Nothing | Self::Bool(_) | Self::Array(_) | Self::Code(_) => None,
        }
    }

    /// How many characters or values it has.
    pub(super) fn length(&self) -> usize {
        if let Self::Array(values) = self {
            values.len()
        } else {
            self.text().chars().count()
        }
    }

    /// Numbers are compared as such, all else as text.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            (Some(one), Some(two)) => one.cmp(&two),
            _ => self.text().cmp(&other.text()),
        }
    }

    /// Each of several, or itself; nothing is none.
    pub(super) fn each(&self) -> Vec<Self> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Array(values) => values.clone(),
            Self::Text(text) if text.is_empty() => Vec::new(),
            Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Code(_) => vec![self.clone()],
        }
    }
}
