//! Values, and what can be done with them.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    Truth(bool),
    Number(i64),
    Text(String),
    Array(Vec<Self>),
}

impl Value {
    /// A value by how it is spelt.
    pub(super) fn read(text: &str) -> Self {
        match text {
            "true" | "yes" => Self::Truth(true),
            "false" | "no" => Self::Truth(false),
            _ => text
                .parse()
                .map_or_else(|_| Self::Text(text.into()), Self::Number),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Truth(truth) => truth.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Array(items) => {
                let items: Vec<_> = items.iter().map(Self::text).collect();
                items.join(";")
            }
        }
    }

    pub(super) fn number(&self) -> i64 {
        let Self::Number(number) = self else {
            panic!("{self:?} is no number");
        };
        *number
    }

    pub(super) fn items(&self) -> Vec<Self> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Array(items) => items.clone(),
            Self::Truth(_) | Self::Number(_) | Self::Text(_) => vec![self.clone()],
        }
    }

    fn len(&self) -> usize {
        if let Self::Array(items) = self {
            return items.len();
        }
        self.text().chars().count()
    }
}

/// What stands between brackets and begins with a colon.
pub(super) fn builtin(name: &str, values: &[Value]) -> Value {
    let count = |count: usize| Value::Number(i64::try_from(count).unwrap());
    match (name, values) {
        (":len", [value]) => count(value.len()),
        (":tostr", [value]) => Value::Text(value.text()),
        (":tonum", [value]) => value.text().parse().map_or(Value::Nothing, Value::Number),
        (":find", [text, part]) => match text.text().find(&part.text()) {
            Some(at) => count(at),
            None => Value::Nothing,
        },
        (":pick", [text, from, to]) => {
            let place = |value: &Value| usize::try_from(value.number()).unwrap();
            let letters = text.text();
            let picked = letters
                .chars()
                .skip(place(from))
                .take(place(to) - place(from));
            Value::Text(picked.collect())
        }
        _ => panic!("nobody promised {name} of {} values", values.len()),
    }
}

/// Operators by how loosely they bind.
const OPERATORS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["=", "!=", "<", ">"],
    &["."],
    &["+", "-"],
];

/// Where an expression falls apart first.
pub(super) fn split<'a, 'b>(words: &'b [&'a str]) -> (&'b [&'a str], &'a str, &'b [&'a str]) {
    let loosest = OPERATORS
        .iter()
        .find_map(|operators| words.iter().rposition(|word| operators.contains(word)));
    let at = loosest.unwrap_or_else(|| panic!("no operator in {words:?}"));
    (&words[..at], words[at], &words[at + 1..])
}

pub(super) fn combine(left: Value, operator: &str, right: Value) -> Value {
    let truth = |value: &Value| *value == Value::Truth(true);
    // A text with digits in it is as good as the number.
    let same = || left == right || left.text() == right.text() && left != Value::Nothing;
    match operator {
        "||" => Value::Truth(truth(&left) || truth(&right)),
        "&&" => Value::Truth(truth(&left) && truth(&right)),
        "=" => Value::Truth(same()),
        "!=" => Value::Truth(!same()),
        "<" => Value::Truth(left.number() < right.number()),
        ">" => Value::Truth(left.number() > right.number()),
        "." => Value::Text(left.text() + &right.text()),
        "+" => Value::Number(left.number() + right.number()),
        "-" => Value::Number(left.number() - right.number()),
        _ => panic!("nobody promised {operator}"),
    }
}
