//! One object that a router should have, and how it differs from what is there.

use holdfast_routeros_proto::{Row, value::same_value};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{Attribute, Attributes, Memory, Menu, Selection, Tag};

/// An object of ours as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) menu: Menu,
    pub(crate) tag: Tag,
    /// What a person calls it.
    pub(crate) title: String,
    /// The field that tells objects with the same tag apart.
    key: Option<&'static str>,
    pub(crate) fields: Vec<Field>,
    pub(crate) placement: Placement,
}

/// Where an object stands among its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Anywhere: the order of the menu means nothing.
    Anywhere,
    /// Before every rule of this chain that may stop a packet.
    BeforeDrops {
        /// The chain.
        chain: &'static str,
    },
    /// Before every other rule of this chain.
    First {
        /// The chain.
        chain: &'static str,
    },
}

/// A field as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    want: Want,
}

#[derive(Debug, Clone)]
enum Want {
    /// This value.
    Value(String),
    /// This value, which the router may not tell again.
    Secret(SecretString),
    /// Not there. Where it must be taken away, this says so: a value, or none for clearing the field.
    Unset(Option<&'static str>),
    /// This value when the object is made; afterwards it is the router's own affair.
    Initially(String),
}

impl Object {
    pub(crate) fn new(menu: Menu, tag: Tag, title: impl Into<String>) -> Self {
        Self {
            menu,
            tag,
            title: title.into(),
            key: None,
            fields: Vec::new(),
            placement: Placement::Anywhere,
        }
    }

    /// Several objects have this tag, told apart by `field`.
    pub(crate) fn keyed_by(mut self, field: &'static str) -> Self {
        self.key = Some(field);
        self
    }

    pub(crate) fn placed(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    pub(crate) fn with(self, name: &'static str, value: impl ToString) -> Self {
        self.wants(name, Want::Value(value.to_string()))
    }

    pub(crate) fn secret(self, name: &'static str, value: &SecretString) -> Self {
        self.wants(name, Want::Secret(value.clone()))
    }

    pub(crate) fn initially(self, name: &'static str, value: impl ToString) -> Self {
        self.wants(name, Want::Initially(value.to_string()))
    }

    /// The field is to be empty.
    pub(crate) fn cleared(self, name: &'static str) -> Self {
        self.wants(name, Want::Unset(None))
    }

    /// The field is to say `default`, which is what an object without it says.
    pub(crate) fn default(self, name: &'static str, default: &'static str) -> Self {
        self.wants(name, Want::Unset(Some(default)))
    }

    fn wants(mut self, name: &'static str, want: Want) -> Self {
        self.fields.push(Field { name, want });
        self
    }

    /// The value of a field that is to have one.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        match &field.want {
            Want::Value(value) | Want::Initially(value) => Some(value),
            Want::Secret(_) | Want::Unset(_) => None,
        }
    }

    /// Whether `row` is this object.
    pub(crate) fn is(&self, row: &Row) -> bool {
        let keyed = |key| self.value(key).is_none_or(|value| says(row, key, value));
        row.text("comment") == self.tag.to_string() && self.key.is_none_or(keyed)
    }

    /// Selects this object on the router, whatever its id.
    pub(crate) fn selection(&self) -> Selection {
        let mut holds = vec![("comment".into(), self.tag.to_string())];
        let key = self.key.and_then(|key| Some((key, self.value(key)?)));
        holds.extend(key.map(|(key, value)| (key.into(), value.into())));
        Selection {
            menu: self.menu,
            holds,
        }
    }

    /// Every field, to make the object with.
    pub(crate) fn to_add(&self) -> Attributes {
        let mut attributes: Vec<_> = self
            .fields
            .iter()
            .filter_map(|field| match &field.want {
                Want::Value(value) | Want::Initially(value) => {
                    Some(Attribute::plain(field.name, value))
                }
                Want::Secret(secret) => Some(Attribute::secret(field.name, secret.expose_secret())),
                Want::Unset(_) => None,
            })
            .collect();
        attributes.push(Attribute::plain("comment", &self.tag.to_string()));
        Attributes(attributes)
    }

    /// The fields that `row` has otherwise, as they should be.
    pub(crate) fn to_set(&self, row: &Row, memory: &Memory) -> Attributes {
        let differing = self.fields.iter().filter_map(|field| match &field.want {
            Want::Value(value) => {
                (!says(row, field.name, value)).then(|| Attribute::plain(field.name, value))
            }
            Want::Secret(secret) => self
                .secret_differs(secret, memory)
                .then(|| Attribute::secret(field.name, secret.expose_secret())),
            Want::Unset(Some(default)) => {
                (!says(row, field.name, default)).then(|| Attribute::plain(field.name, default))
            }
            Want::Unset(None) => {
                is_set(row, field.name).then(|| Attribute::plain(&format!("!{}", field.name), ""))
            }
            Want::Initially(_) => None,
        });
        Attributes(differing.collect())
    }

    /// A digest of the secret that the object has, if it has one.
    pub(crate) fn secret_digest(&self) -> Option<String> {
        self.fields.iter().find_map(|field| match &field.want {
            Want::Secret(secret) => Some(digest(secret)),
            Want::Value(_) | Want::Unset(_) | Want::Initially(_) => None,
        })
    }

    /// Routers hide or mask secrets, so what was last written is compared and not what is read.
    fn secret_differs(&self, secret: &SecretString, memory: &Memory) -> bool {
        memory
            .secret(&self.tag.to_string())
            .is_some_and(|written| written != digest(secret))
    }
}

fn digest(secret: &SecretString) -> String {
    let hash = Sha256::digest(secret.expose_secret());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a field of `row` says `value`, however the two are spelt; a field that is not there says its default.
pub(crate) fn says(row: &Row, name: &str, value: &str) -> bool {
    if name == "blackhole" {
        return is_set(row, name) == (value == "yes");
    }
    match row.get(name).filter(|own| !own.is_empty()) {
        Some(own) => same(name, own, value),
        None => row.says(name, value) || default(name).is_some_and(|own| same(name, own, value)),
    }
}

fn same(name: &str, a: &str, b: &str) -> bool {
    // Exports of releases up to 7.6 spell `aes256` what is `aes256-cbc` since there is a choice.
    let cipher = |value: &str| value.trim_end_matches("-cbc").to_owned();
    same_value(name, a, b) || name == "cipher" && cipher(a) == cipher(b)
}

/// What an object without the field does.
pub(crate) fn default(name: &str) -> Option<&'static str> {
    match name {
        "check-gateway" => Some("none"),
        "distance" => Some("1"),
        "routing-table" => Some("main"),
        "scope" => Some("30"),
        "target-scope" => Some("10"),
        "certificate" => Some("none"),
        "max-mtu" => Some("1500"),
        _ => None,
    }
}

/// Whether a field is there and no flag that says no. A presence flag such as `blackhole` comes back without a value.
fn is_set(row: &Row, name: &str) -> bool {
    match row.get(name) {
        None | Some("no" | "false") => false,
        Some("") => name == "blackhole",
        Some(_) => true,
    }
}
