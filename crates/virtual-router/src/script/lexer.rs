//! Characters of a script, and where in it we are.

/// A text that is read from front to back.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    whole: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(whole: &'a str) -> Self {
        Self { rest: whole, whole }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Goes on behind a text, if it comes now.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Everything up to the first character for which it does not hold. It is told the characters behind as well.
    pub(super) fn take_while(&mut self, holds: impl Fn(char, &str) -> bool) -> &'a str {
        let end = self
            .rest
            .char_indices()
            .find(|(index, c)| !holds(*c, &self.rest[index + c.len_utf8()..]))
            .map_or(self.rest.len(), |(index, _)| index);
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Spaces, and lines that go on in the next one.
    pub(super) fn skip_spaces(&mut self) {
        loop {
            self.take_while(|c, _| c == ' ' || c == '\t');
            if !self.take("\\\n") && !self.take("\\\r\n") {
                return;
            }
        }
    }

    /// What is between statements: spaces, line ends, semicolons, comments.
    pub(super) fn skip_between(&mut self) {
        loop {
            self.skip_spaces();
            match self.peek() {
                Some('\n' | '\r' | ';') => drop(self.next()),
                Some('#') => drop(self.take_while(|c, _| c != '\n')),
                _ => return,
            }
        }
    }

    /// Spaces and line ends, where a line end means nothing.
    pub(super) fn skip_lines(&mut self) {
        self.take_while(|c, _| c.is_whitespace());
    }

    /// Says where the text is wrong.
    pub(super) fn error(&self, what: &str) -> String {
        let read = &self.whole[..self.whole.len() - self.rest.len()];
        let line = read.matches('\n').count() + 1;
        let column = read.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{what} (line {line} column {column})")
    }
}
