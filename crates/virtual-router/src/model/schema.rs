//! What a menu is and which fields its items have.

use holdfast_routeros_proto::Version;

/// A menu of items, or one that is itself an item.
#[derive(Debug)]
pub struct MenuSpec {
    /// `/ip/route`.
    pub path: &'static str,
    /// How its items are kept.
    pub shape: Shape,
    /// Its fields, in the order they are shown.
    pub fields: &'static [Field],
    /// What an item is called in errors: `interface`, `address`.
    pub noun: &'static str,
    /// Items that are alike in all of these are refused.
    pub unique: &'static [&'static str],
    /// Menus of one family share their ids, and names within it are unique.
    pub family: &'static str,
    /// Value of `type` in `/interface`, for menus whose items are interfaces.
    pub interface_type: Option<&'static str>,
    /// Reading or writing it needs `policy` as well.
    pub guarded: bool,
    /// Items are neither added nor removed by commands.
    pub fixed: bool,
    /// The 7.x that brought it; 0 for those before all that are modelled.
    pub since: u16,
}

impl MenuSpec {
    pub(super) const fn new(path: &'static str, shape: Shape, fields: &'static [Field]) -> Self {
        Self {
            path,
            shape,
            fields,
            noun: "item",
            unique: &[],
            family: path,
            interface_type: None,
            guarded: false,
            fixed: false,
            since: 0,
        }
    }

    pub(super) const fn noun(mut self, noun: &'static str) -> Self {
        self.noun = noun;
        self
    }

    pub(super) const fn unique(mut self, unique: &'static [&'static str]) -> Self {
        self.unique = unique;
        self
    }

    pub(super) const fn interface(mut self, interface_type: &'static str) -> Self {
        self.interface_type = Some(interface_type);
        self.family = "/interface";
        self.noun = "interface";
        self.unique = &["name"];
        self
    }

    pub(super) const fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }

    pub(super) const fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    pub(super) const fn since(mut self, minor: u16) -> Self {
        self.since = minor;
        self
    }

    /// Whether a version has the menu.
    pub(super) fn is_in(&self, version: &Version) -> bool {
        has(version, self.since)
    }

    /// The field of this name, if the version has it.
    pub fn field(&self, name: &str, version: &Version) -> Option<&'static Field> {
        self.fields_of(version).find(|field| field.name == name)
    }

    /// The fields that a version has.
    pub fn fields_of(&self, version: &Version) -> impl Iterator<Item = &'static Field> {
        let fields: &'static [Field] = self.fields;
        fields.iter().filter(|field| has(version, field.since))
    }
}

fn has(version: &Version, since: u16) -> bool {
    version.major > 7 || version.minor >= since
}

/// How the items of a menu are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In the order they were added.
    List,
    /// The order matters and can be changed.
    Ordered,
    /// There is one, and it has no id.
    Single,
    /// Items of other menus, under the fields of this one.
    View,
}

/// A field of an item.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// As it is spelled.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it is where nobody said.
    pub default: Option<&'static str>,
    /// `add` refuses to do without.
    pub required: bool,
    /// Shown, never set.
    pub read_only: bool,
    /// Shown only to who may see secrets.
    pub secret: bool,
    /// Set, never shown.
    pub hidden: bool,
    /// Absent where it is not true.
    pub flag: bool,
    /// The 7.x that brought it; 0 for those before all that are modelled.
    pub since: u16,
}

impl Field {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            default: None,
            required: false,
            read_only: false,
            secret: false,
            hidden: false,
            flag: false,
            since: 0,
        }
    }

    /// One that the router fills in.
    pub(super) const fn shown(name: &'static str) -> Self {
        let mut field = Self::new(name, Kind::Text);
        field.read_only = true;
        field
    }

    /// A truth that the router fills in, false at first.
    pub(super) const fn state(name: &'static str) -> Self {
        let mut field = Self::new(name, Kind::Bool).default("false");
        field.read_only = true;
        field
    }

    /// A truth that the router fills in, and that is absent where it does not hold.
    pub(super) const fn mark(name: &'static str) -> Self {
        let mut field = Self::state(name);
        field.flag = true;
        field
    }

    /// The same with values of another kind.
    pub(super) const fn of(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    pub(super) const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(super) const fn flag(mut self) -> Self {
        self.flag = true;
        self
    }

    pub(super) const fn since(mut self, minor: u16) -> Self {
        self.since = minor;
        self
    }
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Anything.
    Text,
    /// Anything of at most so many characters.
    Limited(usize),
    /// `yes` or `no` where it is given, `true` or `false` where it is shown.
    Bool,
    /// Set by being given at all, whatever its value.
    Presence,
    /// One of these.
    Choice(&'static [&'static str]),
    /// A whole number, both ends included.
    Number(u64, u64),
    /// `1d2h3m4s`.
    Duration,
    /// As a duration, or one of these.
    DurationOr(&'static [&'static str]),
    /// `192.0.2.1`.
    Address,
    /// `192.0.2.1/24`; without a length it is a single host.
    AddressWithLength,
    /// `192.0.2.0/24`; without a length it is a single host.
    Prefix,
    /// An address or a name, with `@vrf` behind it perhaps.
    Host,
    /// Next hops: an address, `address%interface`, an interface, `address@table`, several of them.
    Gateways,
    /// `00:11:22:33:44:55`.
    Mac,
    /// Name of an interface.
    Interface,
    /// The name of an item of another menu, or one of these words.
    Name(&'static str, &'static [&'static str]),
    /// Rights: `read,write,!ftp`.
    Policies,
    /// Several, with commas.
    List(&'static Self),
}
