//! Carries out the tree.

use std::collections::BTreeMap;

use holdfast_routeros_proto::Row;

use super::{
    Console,
    syntax::{Argument, Binary, Block, Command, Expression, Piece, Statement},
    value::{Code, Value},
};

/// Statements and loops of one run.
const STEPS: u32 = 200_000;

/// Why the statements that follow are not reached.
#[derive(Debug)]
pub(super) enum Flow {
    /// `:return`.
    Return(Value),
    /// An error on its way to whoever catches it.
    Failed(String),
}

impl From<String> for Flow {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<&str> for Flow {
    fn from(message: &str) -> Self {
        Self::Failed(message.into())
    }
}

pub(super) type Outcome = Result<Value, Flow>;

pub(super) struct Interpreter<'a> {
    pub(super) console: &'a mut dyn Console,
    scopes: Vec<BTreeMap<String, Value>>,
    /// The menu that words without a slash begin in.
    menu: String,
    steps: u32,
    /// The item that a condition is asked of.
    item: Option<Row>,
}

/// Commands about items, which come first.
const ABOUT_ITEMS: &[&str] = &[
    "set",
    "remove",
    "enable",
    "disable",
    "unset",
    "move",
    "comment",
    "run",
    "monitor",
    "renew",
    "release",
    "print",
    "reset-counters",
];

impl<'a> Interpreter<'a> {
    pub(super) fn new(console: &'a mut dyn Console) -> Self {
        Self {
            console,
            scopes: vec![BTreeMap::new()],
            menu: String::new(),
            steps: 0,
            item: None,
        }
    }

    /// Makes a variable of the innermost block.
    pub(super) fn declare(&mut self, name: &str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.into(), value);
        }
    }

    /// Gives an existing variable another value.
    pub(super) fn assign(&mut self, name: &str, value: Value) -> Result<(), Flow> {
        let found = self
            .scopes
            .iter_mut()
            .rev()
            .find_map(|scope| scope.get_mut(name));
        let variable = found.ok_or_else(|| format!("variable {name} is not defined"))?;
        *variable = value;
        Ok(())
    }

    /// Runs a block; its value is that of its last statement.
    pub(super) fn block(&mut self, block: &Block) -> Outcome {
        self.scopes.push(BTreeMap::new());
        let outer = self.menu.clone();
        let mut last = Ok(Value::Nothing);
        for statement in &block.0 {
            last = self.statement(statement);
            if last.is_err() {
                break;
            }
        }
        self.scopes.pop();
        self.menu = outer;
        last
    }

    /// Runs a block that was handed on; what is no block is a value.
    pub(super) fn code(&mut self, value: &Value) -> Outcome {
        if let Value::Code(Code(block)) = value {
            self.block(block)
        } else {
            Ok(value.clone())
        }
    }

    pub(super) fn step(&mut self) -> Result<(), Flow> {
        self.steps += 1;
        if self.steps > STEPS {
            Err("script takes too long".into())
        } else {
            Ok(())
        }
    }

    fn statement(&mut self, statement: &Statement) -> Outcome {
        self.step()?;
        match statement {
            Statement::Builtin(name, arguments) => self.builtin(name, arguments),
            Statement::Command(command) => self.command(command),
            Statement::Block(block) => self.block(block),
            Statement::Value(value) => self.evaluate(value),
        }
    }

    fn command(&mut self, command: &Command) -> Outcome {
        let mut path = if command.absolute {
            String::new()
        } else {
            self.menu.clone()
        };
        let mut words = command.words.iter();
        let mut verb = None;
        for word in words.by_ref() {
            let below = format!("{path}/{word}");
            if self.console.has_menu(&below) {
                path = below;
            } else {
                verb = Some(word.as_str());
                break;
            }
        }
        let Some(verb) = verb else {
            // A path alone is where what follows begins.
            self.menu = path;
            return Ok(Value::Nothing);
        };
        let bare = words.map(|word| Value::of_word(word)).collect::<Vec<_>>();
        // Brackets among its arguments begin in its menu.
        let outer = std::mem::replace(&mut self.menu, path.clone());
        let outcome = match verb {
            "find" => self.find(&path, command.condition.as_ref()),
            "get" => self.get(&path, bare, &command.arguments),
            verb => self.other(&path, verb, bare, command),
        };
        self.menu = outer;
        outcome
    }

    fn find(&mut self, menu: &str, condition: Option<&Expression>) -> Outcome {
        let mut found = Vec::new();
        for row in self.console.items(menu)? {
            let id = row.id().unwrap_or_default().to_owned();
            let outer = self.item.replace(row);
            let holds = match condition {
                Some(condition) => self.evaluate(condition),
                None => Ok(Value::Bool(true)),
            };
            self.item = outer;
            if holds?.truth()? {
                found.push(Value::Text(id));
            }
        }
        Ok(Value::Array(found))
    }

    fn get(&mut self, menu: &str, mut bare: Vec<Value>, arguments: &[Argument]) -> Outcome {
        let mut call = Vec::new();
        for argument in arguments {
            match argument {
                Argument::Bare(value) => bare.push(self.evaluate(value)?),
                Argument::Named(name, value) => {
                    call.push((name.clone(), self.evaluate(value)?.argument()));
                }
            }
        }
        let field = call.iter().find(|(name, _)| name == "value-name");
        let field = field
            .map(|(_, field)| field.clone())
            .or_else(|| bare.pop().map(|v| v.text()));
        let field = field.ok_or("missing value(s) of argument(s) value-name")?;
        call.retain(|(name, _)| name != "value-name");
        if let Some(item) = bare.first() {
            call.push(("number".into(), item.argument()));
        }
        call.push(("value-name".into(), field.clone()));
        let text = self
            .console
            .command(menu, "get", &call)?
            .unwrap_or_default();
        Ok(Value::of_field(&text, self.console.is_list(menu, &field)))
    }

    fn other(&mut self, menu: &str, verb: &str, bare: Vec<Value>, command: &Command) -> Outcome {
        let mut call: Vec<(String, String)> = Vec::new();
        let mut bare = bare;
        for argument in &command.arguments {
            match argument {
                Argument::Named(name, value) => {
                    call.push((name.clone(), self.evaluate(value)?.argument()));
                }
                Argument::Bare(value) => bare.push(self.evaluate(value)?),
            }
        }
        let mut bare = bare.into_iter();
        let names_items = call
            .iter()
            .any(|(name, _)| matches!(name.as_str(), ".id" | "numbers"));
        if ABOUT_ITEMS.contains(&verb)
            && !names_items
            && let Some(items) = bare.next()
        {
            let items = items.argument();
            // Nothing was found, and so nothing is to be done.
            if items.is_empty() {
                return Ok(Value::Nothing);
            }
            call.insert(0, ("numbers".into(), items));
        }
        call.extend(bare.map(|flag| (flag.text(), String::new())));
        let returned = self.console.command(menu, verb, &call)?;
        Ok(returned.map_or(Value::Nothing, Value::Text))
    }

    pub(super) fn evaluate(&mut self, expression: &Expression) -> Outcome {
        match expression {
            Expression::Word(word) => Ok(Value::of_word(word)),
            Expression::Text(pieces) => self.text(pieces),
            Expression::Variable(name) => Ok(self.variable(name)),
            Expression::Substitution(block) => match self.block(block) {
                Err(Flow::Return(value)) => Ok(value),
                other => other,
            },
            Expression::Array(values) => {
                let values: Result<_, _> =
                    values.iter().map(|value| self.evaluate(value)).collect();
                Ok(Value::Array(values?))
            }
            Expression::Code(block) => Ok(Value::Code(Code(block.clone()))),
            Expression::Not(value) => Ok(Value::Bool(!self.operand(value)?.truth()?)),
            Expression::Minus(value) => {
                let number = self
                    .operand(value)?
                    .number()
                    .ok_or("cannot negate what is no number")?;
                Ok(Value::Number(number.wrapping_neg()))
            }
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right),
        }
    }

    fn text(&mut self, pieces: &[Piece]) -> Outcome {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Plain(plain) => text.push_str(plain),
                Piece::Inserted(value) => text.push_str(&self.evaluate(value)?.text()),
            }
        }
        Ok(Value::Text(text))
    }

    fn variable(&self, name: &str) -> Value {
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        found.cloned().unwrap_or_default()
    }

    /// A value, or in a condition what the item has there.
    fn operand(&mut self, expression: &Expression) -> Outcome {
        match (expression, &self.item) {
            (Expression::Word(name), Some(row))
                if name.starts_with(|c: char| c.is_ascii_alphabetic()) =>
            {
                Ok(Value::of_field(row.text(name), false))
            }
            _ => self.evaluate(expression),
        }
    }

    fn binary(&mut self, operator: Binary, left: &Expression, right: &Expression) -> Outcome {
        if matches!(operator, Binary::And | Binary::Or) {
            let left = self.operand(left)?.truth()?;
            let decided = left == (operator == Binary::Or);
            return Ok(Value::Bool(if decided {
                left
            } else {
                self.operand(right)?.truth()?
            }));
        }
        if let (Binary::Equal | Binary::Unequal, Expression::Word(name), Some(row)) =
            (operator, left, self.item.clone())
        {
            // As clients compare: whatever the spelling.
            let value = self.evaluate(right)?;
            let says = row.says(name, &value.argument()) || row.says(name, &value.text());
            return Ok(Value::Bool(says == (operator == Binary::Equal)));
        }
        let (left, right) = (self.operand(left)?, self.evaluate(right)?);
        apply(operator, &left, &right)
    }
}

fn apply(operator: Binary, left: &Value, right: &Value) -> Outcome {
    let order = left.compare(right);
    let number = |calculate: fn(i64, i64) -> Option<i64>| match (left.number(), right.number()) {
        (Some(left), Some(right)) => calculate(left, right)
            .map(Value::Number)
            .ok_or_else(|| Flow::from("arithmetic error")),
        _ => Err("cannot calculate with what is no number".into()),
    };
    let truth = |holds: bool| Ok(Value::Bool(holds));
    match operator {
        Binary::And => truth(left.truth()? && right.truth()?),
        Binary::Or => truth(left.truth()? || right.truth()?),
        Binary::Equal => truth(order.is_eq()),
        Binary::Unequal => truth(order.is_ne()),
        Binary::Less => truth(order.is_lt()),
        Binary::LessOrEqual => truth(order.is_le()),
        Binary::Greater => truth(order.is_gt()),
        Binary::GreaterOrEqual => truth(order.is_ge()),
        Binary::Matches => truth(matches(&left.text(), &right.text())),
        Binary::In => truth(left.text().contains(&right.text())),
        Binary::Concatenate => Ok(Value::Text(left.text() + &right.text())),
        Binary::Join => {
            let mut values = left.each();
            values.extend(right.each());
            Ok(Value::Array(values))
        }
        Binary::Plus => number(i64::checked_add),
        Binary::Minus => number(i64::checked_sub),
        Binary::Times => number(i64::checked_mul),
        Binary::Divide => number(i64::checked_div),
        Binary::Remainder => number(i64::checked_rem),
    }
}

/// Plain text with `^` and `$` at its ends: what scripts look for in comments and names.
fn matches(text: &str, pattern: &str) -> bool {
    let (pattern, at_start) = pattern
        .strip_prefix('^')
        .map_or((pattern, false), |p| (p, true));
    let (pattern, at_end) = pattern
        .strip_suffix('$')
        .map_or((pattern, false), |p| (p, true));
    match (at_start, at_end) {
        (true, true) => text == pattern,
        (true, false) => text.starts_with(pattern),
        (false, true) => text.ends_with(pattern),
        (false, false) => text.contains(pattern),
    }
}
