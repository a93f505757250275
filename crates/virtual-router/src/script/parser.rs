//! From text to tree.

use super::{
    lexer::Lexer,
    syntax::{Argument, Binary, Block, Command, Expression, Piece, Statement},
};

/// Blocks and brackets within each other.
const DEPTH: usize = 64;

/// Reads a whole script.
pub(super) fn parse(source: &str) -> Result<Block, String> {
    let mut parser = Parser {
        lexer: Lexer::new(source),
        depth: 0,
    };
    let block = parser.statements(None)?;
    match parser.lexer.peek() {
        None => Ok(block),
        Some(_) => Err(parser.lexer.error("syntax error")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
}

/// Arguments that are blocks to be run, and not arrays.
const CODE: &[&str] = &["do", "else", "on-error"];

impl Parser<'_> {
    /// Statements up to a closing character, which is taken, or to the end.
    fn statements(&mut self, close: Option<char>) -> Result<Block, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.lexer.error("too deep"));
        }
        let mut statements = Vec::new();
        loop {
            self.lexer.skip_between();
            match self.lexer.peek() {
                None if close.is_none() => break,
                None => return Err(self.lexer.error("syntax error, unexpected end")),
                Some(c) if Some(c) == close => {
                    self.lexer.next();
                    break;
                }
                Some('}' | ']' | ')') => return Err(self.lexer.error("syntax error")),
                Some(_) => statements.push(self.statement()?),
            }
        }
        self.depth -= 1;
        Ok(Block(statements))
    }

    fn statement(&mut self) -> Result<Statement, String> {
        if self.lexer.take(":") {
            let name = self.name();
            if name.is_empty() {
                return Err(self.lexer.error("expected command name"));
            }
            let arguments = self.arguments()?;
            return Ok(Statement::Builtin(name, arguments));
        }
        match self.lexer.peek() {
            Some('{') => {
                self.lexer.next();
                self.statements(Some('}')).map(Statement::Block)
            }
            Some('$' | '[' | '(' | '"') => {
                let value = self.primary()?;
                Ok(Statement::Value(value))
            }
            _ => self.command().map(Statement::Command),
        }
    }

    fn command(&mut self) -> Result<Command, String> {
        let mut command = Command {
            absolute: self.lexer.take("/"),
            words: Vec::new(),
            arguments: Vec::new(),
            condition: None,
        };
        while self.more() {
            let word = self
                .lexer
                .take_while(|c, _| is_bare(c) && c != '=' && c != '/');
            if word.is_empty() || self.lexer.peek() == Some('=') {
                // An argument begins.
                let argument = match word {
                    "" if self.lexer.take("/") => continue,
                    "" => self.argument()?,
                    name => self.named(name)?,
                };
                command.arguments.push(argument);
                continue;
            }
            let is_path = self.lexer.take("/") && command.arguments.is_empty();
            if !command.arguments.is_empty() {
                command
                    .arguments
                    .push(Argument::Bare(Expression::Word(word.into())));
            } else {
                command.words.push(word.into());
            }
            if !is_path && matches!(word, "find" | "where") {
                command.condition = self.condition()?;
                break;
            }
        }
        if command.words.is_empty() && !command.absolute {
            return Err(self.lexer.error("expected command name"));
        }
        Ok(command)
    }

    /// Whether the statement goes on.
    fn more(&mut self) -> bool {
        self.lexer.skip_spaces();
        !matches!(
            self.lexer.peek(),
            None | Some('\n' | '\r' | ';' | '}' | ']' | ')')
        )
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, String> {
        let mut arguments = Vec::new();
        while self.more() {
            arguments.push(self.argument()?);
        }
        Ok(arguments)
    }

    fn argument(&mut self) -> Result<Argument, String> {
        if matches!(self.lexer.peek(), Some('$' | '[' | '(' | '"' | '{')) {
            // A bare block is what `:do` runs.
            if self.lexer.take("{") {
                let block = self.statements(Some('}'))?;
                return Ok(Argument::Bare(Expression::Code(block)));
            }
            return self.primary().map(Argument::Bare);
        }
        let word = self.lexer.take_while(|c, _| is_bare(c) && c != '=');
        if word.is_empty() {
            return Err(self.lexer.error("syntax error"));
        }
        if self.lexer.peek() == Some('=') {
            return self.named(word);
        }
        Ok(Argument::Bare(Expression::Word(word.into())))
    }

    /// The value of an argument, whose `=` comes now.
    fn named(&mut self, name: &str) -> Result<Argument, String> {
        self.lexer.take("=");
        let name = name.to_owned();
        if CODE.contains(&name.as_str()) && self.lexer.take("{") {
            let block = self.statements(Some('}'))?;
            return Ok(Argument::Named(name, Expression::Code(block)));
        }
        if matches!(self.lexer.peek(), Some('$' | '[' | '(' | '"' | '{')) {
            let value = self.primary()?;
            return Ok(Argument::Named(name, value));
        }
        let word = self.lexer.take_while(|c, _| is_bare(c));
        Ok(Argument::Named(name, Expression::Word(word.into())))
    }

    /// What items must be like: conditions one after the other must all hold.
    fn condition(&mut self) -> Result<Option<Expression>, String> {
        let mut all = None;
        while self.more() {
            // Both words may stand there: `find where`.
            let one = self.expression(0)?;
            if one == Expression::Word("where".into()) {
                continue;
            }
            all = Some(match all {
                None => one,
                Some(others) => Expression::Binary(Binary::And, Box::new(others), Box::new(one)),
            });
        }
        Ok(all)
    }

    fn expression(&mut self, least: u8) -> Result<Expression, String> {
        let mut left = self.operand()?;
        while let Some(operator) = self.operator(least) {
            self.lexer.skip_spaces();
            let right = self.expression(operator.strength() + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    /// The next operator, if it binds tightly enough; only then it is taken.
    fn operator(&mut self, least: u8) -> Option<Binary> {
        self.lexer.skip_spaces();
        for (sign, operator) in Binary::SIGNS {
            if self.lexer.starts_with(sign) {
                let fits = operator.strength() >= least;
                return (fits && self.lexer.take(sign)).then_some(*operator);
            }
        }
        for (word, operator) in Binary::WORDS {
            let spelled = format!("{word} ");
            if self.lexer.starts_with(&spelled) && operator.strength() >= least {
                self.lexer.take(&spelled);
                return Some(*operator);
            }
        }
        None
    }

    fn operand(&mut self) -> Result<Expression, String> {
        self.lexer.skip_spaces();
        if self.lexer.take("!") {
            return Ok(Expression::Not(Box::new(self.operand()?)));
        }
        if self.lexer.take("-") {
            return Ok(Expression::Minus(Box::new(self.operand()?)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expression, String> {
        match self.lexer.peek() {
            Some('"') => self.text(),
            Some('$') => {
                self.lexer.next();
                Ok(Expression::Variable(self.variable()))
            }
            Some('[') => {
                self.lexer.next();
                self.statements(Some(']')).map(Expression::Substitution)
            }
            Some('(') => {
                self.lexer.next();
                self.lexer.skip_lines();
                let inner = self.expression(0)?;
                self.lexer.skip_lines();
                if self.lexer.take(")") {
                    Ok(inner)
                } else {
                    Err(self.lexer.error("expected )"))
                }
            }
            Some('{') => self.array(),
            _ => {
                let word = self.lexer.take_while(in_expression);
                if word.is_empty() {
                    return Err(self.lexer.error("syntax error"));
                }
                Ok(Expression::Word(word.into()))
            }
        }
    }

    fn array(&mut self) -> Result<Expression, String> {
        self.lexer.next();
        let mut values = Vec::new();
        loop {
            self.lexer.skip_between();
            if self.lexer.take("}") {
                return Ok(Expression::Array(values));
            }
            values.push(self.expression(0)?);
        }
    }

    fn text(&mut self) -> Result<Expression, String> {
        self.lexer.next();
        let mut pieces = Vec::new();
        let mut plain = String::new();
        loop {
            match self.lexer.next() {
                None => return Err(self.lexer.error("syntax error, unexpected end")),
                Some('"') => break,
                Some('\\') => self.escape(&mut plain)?,
                Some('$') => {
                    pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                    let inserted = match self.lexer.peek() {
                        Some('[' | '(') => self.primary()?,
                        _ => Expression::Variable(self.variable()),
                    };
                    pieces.push(Piece::Inserted(inserted));
                }
                Some(c) => plain.push(c),
            }
        }
        pieces.push(Piece::Plain(plain));
        Ok(Expression::Text(pieces))
    }

    fn escape(&mut self, plain: &mut String) -> Result<(), String> {
        let c = self
            .lexer
            .next()
            .ok_or_else(|| self.lexer.error("syntax error"))?;
        match c {
            'n' => plain.push('\n'),
            'r' => plain.push('\r'),
            't' => plain.push('\t'),
            '_' => plain.push(' '),
            '"' | '\\' | '$' | '?' => plain.push(c),
            // The text goes on in the next line, where it is indented.
            '\n' => drop(self.lexer.take_while(|c, _| c == ' ' || c == '\t')),
            c if c.is_ascii_hexdigit() => {
                let second = self.lexer.next().and_then(|c| c.to_digit(16));
                let code = c
                    .to_digit(16)
                    .zip(second)
                    .and_then(|(a, b)| char::from_u32(a * 16 + b));
                plain.push(code.ok_or_else(|| self.lexer.error("syntax error"))?);
            }
            _ => return Err(self.lexer.error("syntax error")),
        }
        Ok(())
    }

    fn variable(&mut self) -> String {
        if self.lexer.take("\"") {
            let name = self.lexer.take_while(|c, _| c != '"').to_owned();
            self.lexer.take("\"");
            return name;
        }
        self.lexer
            .take_while(|c, _| c.is_ascii_alphanumeric() || c == '_')
            .to_owned()
    }

    fn name(&mut self) -> String {
        self.lexer
            .take_while(|c, _| c.is_ascii_alphanumeric() || c == '-')
            .to_owned()
    }
}

/// What a value without quotes is made of.
fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !";]})([{\"$\\".contains(c)
}

/// Words in expressions must not swallow operators: a point, a colon or a slash belongs to one only between digits, a
/// hyphen between letters.
fn in_expression(c: char, behind: &str) -> bool {
    let next = behind.chars().next();
    match c {
        '.' | ':' | '/' => next.is_some_and(|c| c.is_ascii_digit()),
        '-' => next.is_some_and(|c| c.is_ascii_alphabetic()),
        '*' => next.is_some_and(|c| c.is_ascii_hexdigit()),
        c => c.is_ascii_alphanumeric() || c == '_',
    }
}
