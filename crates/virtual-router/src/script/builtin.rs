//! Commands that begin with a colon.

use holdfast_routeros_proto::value::parse_duration;

use super::{
    interpreter::{Flow, Interpreter, Outcome},
    syntax::{Argument, Expression},
    value::Value,
};

/// The arguments of a command, those with names and those without.
struct Given {
    named: Vec<(String, Value)>,
    bare: Vec<Value>,
}

impl Given {
    fn named(&self, name: &str) -> Option<&Value> {
        let found = self.named.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value)
    }

    fn bare(&self, index: usize) -> Value {
        self.bare.get(index).cloned().unwrap_or_default()
    }

    /// A number that must be there.
    fn number(&self, name: &str) -> Result<i64, Flow> {
        let value = self.named(name).and_then(Value::number);
        value.ok_or_else(|| format!("missing value(s) of argument(s) {name}").into())
    }
}

impl Interpreter<'_> {
    pub(super) fn builtin(&mut self, name: &str, arguments: &[Argument]) -> Outcome {
        match name {
            "local" | "global" | "set" => self.variable_command(name, arguments),
            "while" => self.while_loop(arguments),
            "do" => self.do_block(arguments),
            _ => {
                let given = self.given(arguments)?;
                self.plain(name, arguments, &given)
            }
        }
    }

    fn given(&mut self, arguments: &[Argument]) -> Result<Given, Flow> {
        let mut given = Given {
            named: Vec::new(),
            bare: Vec::new(),
        };
        for argument in arguments {
            match argument {
                Argument::Named(name, value) => {
                    let value = self.evaluate(value)?;
                    given.named.push((name.clone(), value));
                }
                Argument::Bare(value) => {
                    let value = self.evaluate(value)?;
                    given.bare.push(value);
                }
            }
        }
        Ok(given)
    }

    fn plain(&mut self, name: &str, arguments: &[Argument], given: &Given) -> Outcome {
        match name {
            "if" => {
                let chosen = if given.bare(0).truth()? { "do" } else { "else" };
                match given.named(chosen) {
                    Some(code) => self.code(&code.clone()),
                    None => Ok(Value::Nothing),
                }
            }
            "for" => self.for_loop(arguments, given),
            "foreach" => self.foreach_loop(arguments, given),
            "error" => Err(Flow::Failed(given.bare(0).text())),
            "return" => Err(Flow::Return(given.bare(0))),
            "put" => {
                self.console.print(&given.bare(0).text());
                Ok(Value::Nothing)
            }
            "log" => {
                self.console
                    .log(&given.bare(0).text(), &given.bare(1).text());
                Ok(Value::Nothing)
            }
            "delay" => {
                let time = parse_duration(&given.bare(0).text());
                self.console
                    .delay(time.ok_or("invalid value for argument delay-time")?);
                Ok(Value::Nothing)
            }
            _ => function(name, given),
        }
    }

    /// `:local name value`: the name is a word.
    fn variable_command(&mut self, command: &str, arguments: &[Argument]) -> Outcome {
        let [Argument::Bare(name), rest @ ..] = arguments else {
            return Err("missing value(s) of argument(s) name".into());
        };
        let name = if let Expression::Word(name) = name {
            name.clone()
        } else {
            self.evaluate(name)?.text()
        };
        let value = match rest {
            [Argument::Bare(value) | Argument::Named(_, value), ..] => self.evaluate(value)?,
            [] => Value::Nothing,
        };
        match command {
            "set" => self.assign(&name, value)?,
            _ => self.declare(&name, value),
        }
        Ok(Value::Nothing)
    }

    fn while_loop(&mut self, arguments: &[Argument]) -> Outcome {
        let condition = arguments.iter().find_map(|argument| match argument {
            Argument::Bare(condition) => Some(condition),
            Argument::Named(..) => None,
        });
        let body = named(arguments, "do").ok_or("missing value(s) of argument(s) do")?;
        let condition = condition.ok_or("missing value(s) of argument(s) condition")?;
        let body = self.evaluate(body)?;
        while self.evaluate(condition)?.truth()? {
            self.step()?;
            self.code(&body)?;
        }
        Ok(Value::Nothing)
    }

    /// `:do { ... } on-error={ ... }`, `:do { ... } while=(...)`.
    fn do_block(&mut self, arguments: &[Argument]) -> Outcome {
        let Some(Argument::Bare(body)) = arguments.first() else {
            return Err("missing value(s) of argument(s) command".into());
        };
        let body = self.evaluate(body)?;
        loop {
            let outcome = match (self.code(&body), named(arguments, "on-error")) {
                (Err(Flow::Failed(_)), Some(handler)) => {
                    let handler = self.evaluate(handler)?;
                    self.code(&handler)
                }
                (outcome, _) => outcome,
            }?;
            self.step()?;
            let again = named(arguments, "while").map(|condition| self.evaluate(condition));
            if !again
                .transpose()?
                .is_some_and(|again| again == Value::Bool(true))
            {
                return Ok(outcome);
            }
        }
    }

    fn for_loop(&mut self, arguments: &[Argument], given: &Given) -> Outcome {
        let (from, to) = (given.number("from")?, given.number("to")?);
        let step = match given.named("step").and_then(Value::number) {
            Some(0) => return Err("step must not be zero".into()),
            Some(step) => step,
            None if from <= to => 1,
            None => -1,
        };
        let body = given.named("do").cloned().unwrap_or_default();
        let name = loop_variable(arguments)?;
        let mut number = from;
        while (step > 0 && number <= to) || (step < 0 && number >= to) {
            self.step()?;
            self.declare(&name, Value::Number(number));
            self.code(&body)?;
            number = number.saturating_add(step);
        }
        Ok(Value::Nothing)
    }

    fn foreach_loop(&mut self, arguments: &[Argument], given: &Given) -> Outcome {
        let name = loop_variable(arguments)?;
        let body = given.named("do").cloned().unwrap_or_default();
        let values = given.named("in").cloned().unwrap_or_default();
        for value in values.each() {
            self.step()?;
            self.declare(&name, value);
            self.code(&body)?;
        }
        Ok(Value::Nothing)
    }
}

fn named<'a>(arguments: &'a [Argument], name: &str) -> Option<&'a Expression> {
    arguments.iter().find_map(|argument| match argument {
        Argument::Named(own, value) if own == name => Some(value),
        Argument::Named(..) | Argument::Bare(_) => None,
    })
}

fn loop_variable(arguments: &[Argument]) -> Result<String, Flow> {
    match arguments.first() {
        Some(Argument::Bare(Expression::Word(name))) => Ok(name.clone()),
        Some(_) | None => Err("missing value(s) of argument(s) counter".into()),
    }
}

/// Those that only calculate.
fn function(name: &str, given: &Given) -> Outcome {
    let first = given.bare(0);
    Ok(match name {
        "len" => Value::Number(i64::try_from(first.length()).unwrap_or(i64::MAX)),
        "tostr" => Value::Text(first.text()),
        "tonum" => first.number().map_or(Value::Nothing, Value::Number),
        "tobool" => Value::Bool(first.truth()?),
        "toarray" => Value::Array(if let Value::Text(text) = &first {
            text.split(',').map(Value::of_word).collect()
        } else {
            first.each()
        }),
        "typeof" => Value::Text(type_of(&first).into()),
        "find" => find(&first, &given.bare(1), given.bare(2).number()),
        "pick" => pick(&first, given.bare(1).number(), given.bare(2).number())?,
        _ => return Err(format!("bad command name {name}").into()),
    })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Nothing => "nothing",
        Value::Bool(_) => "bool",
        Value::Number(_) => "num",
        Value::Text(_) => "str",
        Value::Array(_) => "array",
        Value::Code(_) => "code",
    }
}

/// Where something is in a text or array; nothing where it is not.
fn find(within: &Value, wanted: &Value, from: Option<i64>) -> Value {
    let after = from.map_or(0, |from| usize::try_from(from + 1).unwrap_or(0));
    let position = if let Value::Array(values) = within {
        let mut values = values.iter().enumerate().skip(after);
        let found = values.find(|(_, value)| value.compare(wanted).is_eq());
        found.map(|(index, _)| index)
    } else {
        let text: Vec<char> = within.text().chars().collect();
        let wanted: Vec<char> = wanted.text().chars().collect();
        (after..text.len()).find(|start| text[*start..].starts_with(&wanted))
    };
    position
        .and_then(|at| i64::try_from(at).ok())
        .map_or(Value::Nothing, Value::Number)
}

/// A part of a text or array: one of it, or from here up to there.
fn pick(from: &Value, start: Option<i64>, end: Option<i64>) -> Outcome {
    let start = start.ok_or("missing value(s) of argument(s) begin")?;
    let range = |length: usize| {
        let bound = |at: i64| usize::try_from(at).unwrap_or(0).min(length);
        let start = bound(start);
        start..end.map_or(length.min(start + 1), bound).max(start)
    };
    if let Value::Array(values) = from {
        let range = range(values.len());
        return Ok(match end {
            None => values.get(range.start).cloned().unwrap_or_default(),
            Some(_) => Value::Array(values[range].to_vec()),
        });
    }
    let letters: Vec<char> = from.text().chars().collect();
    Ok(Value::Text(letters[range(letters.len())].iter().collect()))
}
