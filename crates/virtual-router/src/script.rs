//! The scripting language of RouterOS, as much of it as routers are configured with.
//!
//! Text becomes a tree (`parser`), and the tree is carried out (`interpreter`) on a [`Console`], which is the router.
//! Nothing in here has a clock or a socket: what takes time or leaves the router is asked of the console. Whatever the
//! text, a run ends: steps and depth are bounded.

mod builtin;
mod interpreter;
mod lexer;
mod parser;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use std::time::Duration;

pub(crate) use value::Value;

use interpreter::{Flow, Interpreter};

/// What a script can do to its router. Its calls may block.
pub(crate) trait Console {
    /// Whether there is a menu of this path, or one below it. The root is the empty text.
    fn has_menu(&self, path: &str) -> bool;

    /// All items of a menu as a client would be shown them, each with its id first.
    fn items(&mut self, menu: &str) -> Result<Vec<holdfast_routeros_proto::Row>, String>;

    /// Whether a field has several values.
    fn is_list(&self, menu: &str, field: &str) -> bool;

    /// Carries out a command; what it returns.
    fn command(
        &mut self,
        menu: &str,
        verb: &str,
        arguments: &[(String, String)],
    ) -> Result<Option<String>, String>;

    /// Writes to the log.
    fn log(&mut self, topic: &str, message: &str);

    /// Shows a line to whoever sits at the terminal.
    fn print(&mut self, line: &str);

    /// Lets time pass.
    fn delay(&mut self, time: Duration);
}

/// Runs a script. Variables are given to it under their names.
///
/// # Errors
/// The first error that the script does not catch, in the words of RouterOS. A script that cannot be read is not begun.
pub(crate) fn run(
    console: &mut dyn Console,
    source: &str,
    variables: &[(&str, String)],
) -> Result<(), String> {
    let block = parser::parse(source)?;
    let mut interpreter = Interpreter::new(console);
    for (name, value) in variables {
        interpreter.declare(name, Value::Text(value.clone()));
    }
    match interpreter.block(&block) {
        Ok(_) | Err(Flow::Return(_)) => Ok(()),
        Err(Flow::Failed(message)) => Err(message),
    }
}
