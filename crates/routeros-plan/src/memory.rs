use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{Menu, Step};

/// What fields that are not ours held before we changed them, and what cannot be read back.
///
/// Kept by the caller from one plan to the next. It is JSON with stable names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Fields by `menu key field`.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// What was last written into fields that cannot be read, by comment of the object.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
}

impl Memory {
    /// Takes note of a step that is about to be sent: of a value that was overwritten nothing is left to note.
    pub fn sending(&mut self, step: &Step) {
        if let Some(Recorded::Field { field, old }) = &step.remembers {
            self.fields.insert(field.to_string(), old.clone());
        }
    }

    /// Takes note of a step that the router has done.
    pub fn sent(&mut self, step: &Step) {
        match &step.remembers {
            Some(Recorded::Secret { object, digest }) => {
                self.secrets.insert(object.clone(), digest.clone());
            }
            Some(Recorded::Restored { field }) => {
                self.fields.remove(&field.to_string());
            }
            Some(Recorded::Field { .. }) | None => {}
        }
    }

    /// What the field held before we changed it.
    pub fn old(&self, field: &FieldKey) -> Option<&str> {
        self.fields.get(&field.to_string()).map(String::as_str)
    }

    /// The digest of the secret that was last written into the object with this comment.
    pub(crate) fn secret(&self, object: &str) -> Option<&str> {
        self.secrets.get(object).map(String::as_str)
    }
}

/// What a step wants remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recorded {
    /// A field that is not ours is about to be changed.
    Field {
        /// Which one.
        field: FieldKey,
        /// What it holds.
        old: String,
    },
    /// A field that is not ours gets its old value back, which may then be forgotten.
    Restored {
        /// Which one.
        field: FieldKey,
    },
    /// A secret is written, which the router will not tell again.
    Secret {
        /// The comment of the object.
        object: String,
        /// A digest of the secret.
        digest: String,
    },
}

/// A field of an object that is not ours.
///
/// The object is named by what stays when the router restarts, so not by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldKey {
    /// Where the object is.
    pub menu: Menu,
    /// What it is called there: the interface of a DHCP client, the name of a PPPoE client or of an APN, destination
    /// and gateway of a route.
    pub object: String,
    /// The field.
    pub field: String,
}

impl fmt::Display for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.menu.path(), self.object, self.field)
    }
}
