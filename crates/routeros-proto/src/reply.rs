//! What a router answers.

use std::fmt;

use crate::{codec::Sentence, row::Row};

/// One reply, without its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `!re`: one item.
    Row(Row),
    /// `!empty`: there are no items. A `!done` follows.
    Empty,
    /// `!trap`: the command failed. A `!done` follows.
    Trap(Trap),
    /// `!done`: the command is over, with what it returns (`=ret=`).
    Done(Option<String>),
    /// `!fatal`: the connection is over, for this reason.
    Fatal(String),
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trap {
    /// What kind of failure, when the router says.
    pub category: Option<Category>,
    /// The router's words.
    pub message: String,
}

/// What kind of failure. The numbers are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// 0: no such item or command.
    Missing,
    /// 1: the value of an argument cannot be.
    Argument,
    /// 2: the command was cancelled.
    Interrupted,
    /// 3: a script failed.
    Script,
    /// 4: something else.
    General,
    /// 5: the API itself failed.
    Api,
    /// 6: the terminal failed.
    Terminal,
    /// 7: a value made with `:return`.
    Return,
    /// A number that is not known.
    Other(u8),
}

impl Trap {
    /// A failure without a category.
    pub fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            category: None,
            message,
        }
    }

    /// A failure of a kind.
    pub fn of(category: Category, message: impl Into<String>) -> Self {
        let category = Some(category);
        let message = message.into();
        Self { category, message }
    }

    /// Whether the command was cancelled.
    pub fn is_interrupted(&self) -> bool {
        self.category == Some(Category::Interrupted) || self.says("interrupted")
    }

    /// Whether what it speaks of is not there.
    pub fn is_no_such_item(&self) -> bool {
        self.says("no such item")
    }

    /// Whether the router does not know the command or menu, as an older version may not.
    pub fn is_no_such_command(&self) -> bool {
        self.says("no such command")
    }

    /// Whether the user may not do this.
    pub fn is_denied(&self) -> bool {
        self.says("not enough permissions")
    }

    /// Whether there already is one of that name or address.
    pub fn is_duplicate(&self) -> bool {
        self.says("already have") || self.says("already exists")
    }

    /// Whether the device mode forbids it.
    pub fn is_device_mode(&self) -> bool {
        self.says("device-mode")
    }

    /// Messages change between versions and have numbers at the end, so only parts of them are looked for.
    fn says(&self, part: &str) -> bool {
        self.message.contains(part)
    }
}

impl Category {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::Argument => 1,
            Self::Interrupted => 2,
            Self::Script => 3,
            Self::General => 4,
            Self::Api => 5,
            Self::Terminal => 6,
            Self::Return => 7,
            Self::Other(number) => number,
        }
    }
}

impl From<u8> for Category {
    fn from(number: u8) -> Self {
        match number {
            0 => Self::Missing,
            1 => Self::Argument,
            2 => Self::Interrupted,
            3 => Self::Script,
            4 => Self::General,
            5 => Self::Api,
            6 => Self::Terminal,
            7 => Self::Return,
            8.. => Self::Other(number),
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// A sentence that is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reply that begins with {word:?}")]
pub struct ReplyError {
    /// Its first word, cut to a length fit for a message.
    pub word: String,
}

impl Reply {
    /// Reads a reply and its tag. Words that no reply has are ignored: a newer router may send them.
    ///
    /// # Errors
    /// A first word that is none of the five.
    pub fn read(sentence: &Sentence) -> Result<(Option<String>, Self), ReplyError> {
        let mut words = sentence.words().map(String::from_utf8_lossy);
        let first = words.next().unwrap_or_default();
        let mut tag = None;
        let mut row = Row::new();
        let mut bare = Vec::new();
        for word in words {
            if let Some(text) = word.strip_prefix(".tag=") {
                tag = Some(text.to_owned());
            } else if let Some((name, value)) = word.strip_prefix('=').and_then(split_attribute) {
                row.set(name, value);
            } else {
                bare.push(word.into_owned());
            }
        }
        let reply = match &*first {
            "!re" => Self::Row(row),
            "!empty" => Self::Empty,
            "!trap" => Self::Trap(Trap {
                category: row
                    .get("category")
                    .and_then(|text| Some(text.parse::<u8>().ok()?.into())),
                message: row.text("message").to_owned(),
            }),
            "!done" => Self::Done(row.unset("ret")),
            "!fatal" => Self::Fatal(match row.unset("message") {
                Some(message) => message,
                None => bare.join(" "),
            }),
            _ => {
                let word = first.chars().take(40).collect();
                return Err(ReplyError { word });
            }
        };
        Ok((tag, reply))
    }

    /// The words of the reply.
    pub fn sentence(&self, tag: Option<&str>) -> Sentence {
        let mut sentence = Sentence::default();
        match self {
            Self::Row(row) => {
                sentence.push("!re");
                for (name, value) in row.iter() {
                    sentence.push_attribute(name, value);
                }
            }
            Self::Empty => sentence.push("!empty"),
            Self::Trap(trap) => {
                sentence.push("!trap");
                if let Some(category) = trap.category {
                    sentence.push_attribute("category", &category.to_string());
                }
                sentence.push_attribute("message", &trap.message);
            }
            Self::Done(ret) => {
                sentence.push("!done");
                if let Some(ret) = ret {
                    sentence.push_attribute("ret", ret);
                }
            }
            Self::Fatal(reason) => {
                sentence.push("!fatal");
                sentence.push(reason.as_str());
            }
        }
        if let Some(tag) = tag {
            sentence.push(format!(".tag={tag}"));
        }
        sentence
    }
}

/// `name=value`; a word without the second `=` is a name without a value.
pub(crate) fn split_attribute(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (!name.is_empty()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> (Option<String>, Reply) {
        Reply::read(&words.iter().copied().collect()).unwrap()
    }

    #[test]
    fn replies_are_read_with_their_tags() {
        let row = Row::new().with(".id", "*1F").with("name", "a=b");
        assert_eq!(
            read(&["!re", "=.id=*1F", "=name=a=b", ".tag=9"]),
            (Some("9".into()), Reply::Row(row))
        );
        assert_eq!(read(&["!empty"]), (None, Reply::Empty));
        assert_eq!(
            read(&["!done", "=ret=*4"]).1,
            Reply::Done(Some("*4".into()))
        );
        let interrupted = Trap::of(Category::Interrupted, "interrupted");
        assert_eq!(
            read(&["!trap", "=category=2", "=message=interrupted"]).1,
            Reply::Trap(interrupted)
        );
        assert_eq!(
            read(&["!fatal", "not logged in"]).1,
            Reply::Fatal("not logged in".into())
        );
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let sentence = ["/login", "=name=x"].into_iter().collect();
        assert_eq!(Reply::read(&sentence).unwrap_err().word, "/login");
    }

    #[test]
    fn failures_are_known_by_parts_of_their_message() {
        assert!(Trap::new("no such item (4)").is_no_such_item());
        assert!(Trap::new("no such command prefix").is_no_such_command());
        assert!(Trap::new("not enough permissions (9)").is_denied());
        assert!(Trap::new("failure: already have interface with such name").is_duplicate());
        assert!(Trap::new("failure: user with the same name already exists").is_duplicate());
        assert!(Trap::new("failure: not allowed by device-mode").is_device_mode());
        assert!(Trap::new("interrupted").is_interrupted());
    }
}
