use std::fmt;

use holdfast_routeros_proto::Command;

use crate::{Menu, Recorded};

/// What stands for a secret in every text.
const MASK: &str = "********";

/// One command, why it is sent, and what to remember of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, in words a person reads.
    pub summary: String,
    /// The comment of the object, or for one that is not ours what it is called.
    pub object: String,
    /// The command.
    pub change: Change,
    /// What [`Memory`](crate::Memory) notes of it, before it is sent or after.
    pub remembers: Option<Recorded>,
    /// What brings the old state back; none where nothing can (a removed client's password cannot be read).
    pub(crate) undo: Option<crate::Undo>,
}

impl Step {
    /// The command as one would type it, secrets masked.
    pub fn command_text(&self) -> String {
        self.change.to_string()
    }

    /// What undoes it, as one would type it; none where nothing can.
    pub fn undo_text(&self) -> Option<String> {
        self.undo.as_ref().map(ToString::to_string)
    }
}

/// A command of the API that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `add`.
    Add {
        /// Where.
        menu: Menu,
        /// Every field.
        attributes: Attributes,
        /// The id of the object to be placed before, in menus whose order means something.
        place_before: Option<String>,
    },
    /// `set`.
    Set {
        /// Where.
        menu: Menu,
        /// The object's id.
        id: String,
        /// The fields to change. One whose name begins with `!` is to be cleared.
        attributes: Attributes,
    },
    /// `remove`.
    Remove {
        /// Where.
        menu: Menu,
        /// The object's id.
        id: String,
    },
    /// `move`, in menus whose order means something.
    Move {
        /// Where.
        menu: Menu,
        /// The object's id.
        id: String,
        /// The id of the object that it comes before.
        before: String,
    },
    /// Any other command.
    Call {
        /// The whole path, such as `/certificate/import`.
        command: &'static str,
        /// Its arguments.
        attributes: Attributes,
    },
}

impl Change {
    /// The command of the API, secrets in clear.
    pub fn to_command(&self) -> Command {
        let arguments = self.arguments().into_iter();
        Command::new(self.command()).with_all(arguments.map(|one| (one.name, one.value)))
    }

    /// The path of the command, such as `/ip/route/add`.
    pub fn command(&self) -> String {
        match self {
            Self::Add { menu, .. } => format!("{}/add", menu.path()),
            Self::Set { menu, .. } => format!("{}/set", menu.path()),
            Self::Remove { menu, .. } => format!("{}/remove", menu.path()),
            Self::Move { menu, .. } => format!("{}/move", menu.path()),
            Self::Call { command, .. } => (*command).into(),
        }
    }

    fn arguments(&self) -> Vec<Attribute> {
        let plain = Attribute::plain;
        match self {
            Self::Add {
                attributes,
                place_before,
                ..
            } => {
                let place = place_before.iter().map(|id| plain("place-before", id));
                attributes.0.iter().cloned().chain(place).collect()
            }
            Self::Set { id, attributes, .. } => {
                let id = [plain(".id", id)];
                id.into_iter().chain(attributes.0.iter().cloned()).collect()
            }
            Self::Remove { id, .. } => vec![plain(".id", id)],
            Self::Move { id, before, .. } => {
                vec![plain("numbers", id), plain("destination", before)]
            }
            Self::Call { attributes, .. } => attributes.0.clone(),
        }
    }
}

/// As one would type it, secrets masked.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.command())?;
        for argument in self.arguments() {
            write!(f, " {argument}")?;
        }
        Ok(())
    }
}

/// Fields and their values, in the order in which they are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(pub(crate) Vec<Attribute>);

impl Attributes {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Attribute> {
        self.0.iter()
    }

    /// The value of a field, secrets in clear.
    pub fn value(&self, name: &str) -> Option<&str> {
        let attribute = self.0.iter().find(|attribute| attribute.name == name)?;
        Some(&attribute.value)
    }
}

/// One field and its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The field.
    pub name: String,
    /// The value, in clear even if it is secret.
    pub value: String,
    /// Whether the value must not be shown.
    pub secret: bool,
}

impl Attribute {
    pub(crate) fn plain(name: &str, value: &str) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            secret: false,
        }
    }

    /// A value as a router told it. It tells scripts with other line ends than it takes.
    pub(crate) fn told(name: &str, value: &str) -> Self {
        Self::plain(name, &value.replace("\r\n", "\n"))
    }

    pub(crate) fn secret(name: &str, value: &str) -> Self {
        Self {
            secret: true,
            ..Self::plain(name, value)
        }
    }

    /// The value, or what is shown in its place.
    pub fn shown(&self) -> &str {
        if self.secret { MASK } else { &self.value }
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Fields that are there or not. Through the API any value sets them; a script names them alone, and an error is what it
/// gets for `blackhole=yes`.
const FLAGS: &[&str] = &["blackhole", "fib"];

/// As one would type it: quoted where it must be, a secret masked, a flag alone, a field that is cleared as `!field`.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_str();
        if name.starts_with('!') || FLAGS.contains(&name) {
            return f.write_str(name);
        }
        write!(f, "{name}={}", crate::script::quoted(self.shown()))
    }
}
