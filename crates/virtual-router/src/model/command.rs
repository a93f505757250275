//! Who asks, what is answered, and how RouterOS says no.

use holdfast_routeros_proto::{Category, Command, Row, Trap, value::Policies};

/// The menu and the verb of a command: `/ip/route` and `add`.
pub fn split_path(command: &Command) -> (&str, &str) {
    let path = command.path();
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether a flag such as `once` is given, and not as `once=no`.
pub fn has_flag(command: &Command, name: &str) -> bool {
    let value = command.get(name);
    value.is_some_and(|value| !matches!(value, "no" | "false"))
}

/// What a command that succeeded says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// One for each item.
    pub rows: Vec<Row>,
    /// What it returns: the id of what was added, for example.
    pub ret: Option<String>,
    /// Whether it lists items, so that none is worth saying.
    pub lists: bool,
}

impl Answer {
    /// Only that it is done.
    pub fn done() -> Self {
        Self::default()
    }

    /// A value.
    pub fn ret(value: impl Into<String>) -> Self {
        Self {
            ret: Some(value.into()),
            ..Self::default()
        }
    }

    /// Items.
    pub fn list(rows: Vec<Row>) -> Self {
        Self {
            rows,
            lists: true,
            ..Self::default()
        }
    }
}

/// Who gives a command, and what they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Name of the user, or `*sys`.
    pub user: String,
    /// What they may.
    pub policies: Policies,
}

impl Caller {
    /// The router itself.
    pub fn system() -> Self {
        Self {
            user: "*sys".into(),
            policies: POLICIES.iter().copied().collect(),
        }
    }

    /// Fails unless the caller may.
    ///
    /// # Errors
    /// `not enough permissions (9)`.
    pub fn require(&self, policy: &str) -> Result<(), Trap> {
        if self.policies.grants(policy) {
            Ok(())
        } else {
            Err(not_permitted())
        }
    }
}

/// Every right there is.
pub const POLICIES: &[&str] = &[
    "local",
    "telnet",
    "ssh",
    "ftp",
    "reboot",
    "read",
    "write",
    "policy",
    "test",
    "winbox",
    "password",
    "web",
    "sniff",
    "sensitive",
    "api",
    "romon",
    "rest-api",
];

/// There is nothing with this id or name.
pub fn no_such_item() -> Trap {
    Trap::of(Category::Missing, "no such item")
}

/// The menu knows no such verb.
pub fn no_such_command() -> Trap {
    Trap::of(Category::Missing, "no such command")
}

/// There is no such menu.
pub fn no_such_prefix() -> Trap {
    Trap::of(Category::Missing, "no such command prefix")
}

/// The caller may not do that.
pub fn not_permitted() -> Trap {
    Trap::new("not enough permissions (9)")
}

/// The command was cancelled.
pub fn interrupted() -> Trap {
    Trap::of(Category::Interrupted, "interrupted")
}

/// Something is against it.
pub fn failure(why: impl std::fmt::Display) -> Trap {
    Trap::new(format!("failure: {why}"))
}

/// The command does not know this argument.
pub(super) fn unknown_parameter(name: &str) -> Trap {
    Trap::of(Category::Argument, format!("unknown parameter {name}"))
}

/// The argument's value is none of those there are.
pub fn no_match(name: &str) -> Trap {
    let message = format!("input does not match any value of {name}");
    Trap::of(Category::Argument, message)
}

/// The argument's value is not spelled as one.
pub fn invalid(name: &str) -> Trap {
    Trap::of(
        Category::Argument,
        format!("invalid value for argument {name}"),
    )
}

/// The command cannot do without these arguments.
pub fn missing(names: &str) -> Trap {
    let message = format!("missing value(s) of argument(s) {names}");
    Trap::of(Category::Argument, message)
}
