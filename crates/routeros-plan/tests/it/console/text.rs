//! Scripts apart: statements, words, blocks.

/// The statements of a script: they end with a line or with `;`, outside of quotes and brackets.
pub(super) fn statements(script: &str) -> Vec<&str> {
    let script = script.trim_end();
    let mut found = Vec::new();
    let mut start = 0;
    let mut comment = false;
    let mut walk = Walk::default();
    for (at, letter) in script.char_indices() {
        if walk.is_outside() && letter == '#' && script[start..at].trim().is_empty() {
            comment = true;
        }
        let ends = walk.is_outside() && (letter == '\n' || letter == ';' && !comment);
        if ends {
            found.push(if comment { "" } else { &script[start..at] });
            start = at + 1;
            comment = false;
        } else if !comment {
            walk.step(letter);
        }
    }
    if !comment {
        found.push(&script[start..]);
    }
    let found = found.into_iter().map(str::trim);
    found.filter(|statement| !statement.is_empty()).collect()
}

/// The words of a statement: spaces part them, outside of quotes and brackets.
pub(super) fn pieces(statement: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut walk = Walk::default();
    for (at, letter) in statement.char_indices() {
        if walk.is_outside() && letter.is_whitespace() {
            found.push(&statement[start..at]);
            start = at + letter.len_utf8();
        } else {
            walk.step(letter);
        }
    }
    found.push(&statement[start..]);
    found.retain(|word| !word.is_empty());
    found
}

/// What is inside of the brackets around a word.
pub(super) fn block(word: &str) -> &str {
    let inner = word.get(1..word.len() - 1);
    inner.unwrap_or_else(|| panic!("no brackets around {word}"))
}

/// A quoted text without quotes and escapes.
pub(super) fn unquoted(word: &str) -> String {
    let mut text = String::new();
    let mut letters = block(word).chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => panic!("{word} ends in a backslash"),
            },
            _ => letter,
        });
    }
    text
}

/// Where in a script one is.
#[derive(Default)]
struct Walk {
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Walk {
    fn is_outside(&self) -> bool {
        self.depth == 0 && !self.quoted
    }

    fn step(&mut self, letter: char) {
        match letter {
            _ if self.escaped => self.escaped = false,
            '\\' if self.quoted => self.escaped = true,
            '"' => self.quoted = !self.quoted,
            '{' | '[' | '(' if !self.quoted => self.depth += 1,
            '}' | ']' | ')' if !self.quoted => self.depth -= 1,
            _ => {}
        }
    }
}
