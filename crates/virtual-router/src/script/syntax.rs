//! The tree that a script's text becomes.

/// Commands, one after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Block(pub(super) Vec<Statement>);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statement {
    /// `:put`, `:if` and the like.
    Builtin(String, Vec<Argument>),
    /// Words that lead through menus and end in a verb: which is which the console knows.
    Command(Command),
    /// `{ ... }`
    Block(Block),
    /// A value alone.
    Value(Expression),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Command {
    /// Whether the words begin at the root.
    pub(super) absolute: bool,
    pub(super) words: Vec<String>,
    pub(super) arguments: Vec<Argument>,
    /// What follows `find` or `where`.
    pub(super) condition: Option<Expression>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument {
    /// `name=value`
    Named(String, Expression),
    /// A value alone.
    Bare(Expression),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// A word without quotes: a literal, or in a condition the name of a property.
    Word(String),
    /// A quoted text.
    Text(Vec<Piece>),
    Variable(String),
    /// `[...]`
    Substitution(Block),
    /// `{a;b}`
    Array(Vec<Self>),
    /// A block that is handed on, not run.
    Code(Block),
    Not(Box<Self>),
    Minus(Box<Self>),
    Binary(Binary, Box<Self>, Box<Self>),
}

/// A part of a quoted text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Plain(String),
    Inserted(Expression),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    In,
    Concatenate,
    Join,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

impl Binary {
    /// As they are written, longer ones first.
    pub(super) const SIGNS: &[(&str, Self)] = &[
        ("&&", Self::And),
        ("||", Self::Or),
        ("!=", Self::Unequal),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
        ("~", Self::Matches),
        (".", Self::Concatenate),
        (",", Self::Join),
        ("+", Self::Plus),
        ("-", Self::Minus),
        ("*", Self::Times),
        ("/", Self::Divide),
        ("%", Self::Remainder),
    ];

    /// Those that are words.
    pub(super) const WORDS: &[(&str, Self)] =
        &[("and", Self::And), ("or", Self::Or), ("in", Self::In)];

    /// Binds the tighter the higher.
    pub(super) fn strength(self) -> u8 {
        match self {
            Self::Join => 1,
            Self::Or => 2,
            Self::And => 3,
            Self::Equal
            | Self::Unequal
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::Matches
            | Self::In => 4,
            Self::Concatenate => 5,
            Self::Plus | Self::Minus => 6,
            Self::Times | Self::Divide | Self::Remainder => 7,
        }
    }
}
