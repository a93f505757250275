use std::fmt;

use crate::{Attributes, Menu, script::quoted};

/// What brings back what one step has changed. It holds no secret, since no router tells any. It says the same however often it is done, and whether or not the step
/// was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undo {
    /// Removes what was added.
    Remove(Selection),
    /// Sets back what was set.
    Set(Selection, Attributes),
    /// Adds what was removed, unless it is there.
    Add(Selection, Attributes),
    /// Nothing is to be done: what was done harms nobody.
    Keep,
}

/// Objects, by what they hold. Ids are of no use here: an object that was added again has another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) menu: Menu,
    pub(crate) holds: Vec<(String, String)>,
}

impl Selection {
    fn find(&self) -> String {
        let conditions: String = self
            .holds
            .iter()
            .map(|(name, value)| format!(" {name}={}", quoted(value)))
            .collect();
        format!("[find{conditions}]")
    }
}

/// One command of RouterOS's scripting language.
impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove(selection) => {
                write!(f, "{} remove {}", selection.menu.path(), selection.find())
            }
            Self::Set(selection, attributes) => {
                write!(f, "{} set {}", selection.menu.path(), selection.find())?;
                attributes.iter().try_for_each(|a| write!(f, " {a}"))
            }
            Self::Add(selection, attributes) => {
                let path = selection.menu.path();
                write!(f, ":if ([:len [{path} find")?;
                for (name, value) in &selection.holds {
                    write!(f, " {name}={}", quoted(value))?;
                }
                write!(f, "]] = 0) do={{ {path} add")?;
                attributes.iter().try_for_each(|a| write!(f, " {a}"))?;
                f.write_str(" }")
            }
            Self::Keep => Ok(()),
        }
    }
}
