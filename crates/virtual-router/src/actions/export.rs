//! `/export`, whole or of a menu.

use holdfast_routeros_proto::{Command, Row, Trap};

use crate::{
    model::{Answer, Caller, has_flag, no_such_prefix, split_path},
    router::Router,
};

/// The text is returned, or put into a file.
pub(super) fn run(router: &Router, caller: &Caller, command: &Command) -> Result<Answer, Trap> {
    caller.require("read")?;
    let (menu, _) = split_path(command);
    if !router.read(|database| database.has_menu(menu)) {
        return Err(no_such_prefix());
    }
    let secrets = has_flag(command, "show-sensitive");
    if secrets {
        caller.require("sensitive")?;
    }
    let text = router.read(|database| database.export(menu, secrets, has_flag(command, "verbose")));
    let Some(name) = command.get("file") else {
        return Ok(Answer::ret(text));
    };
    caller.require("write")?;
    let name = if name.contains('.') {
        name.to_owned()
    } else {
        format!("{name}.rsc")
    };
    router.write_file(&name, &text);
    Ok(Answer::done())
}

impl Router {
    /// Writes a file, over one of the same name.
    pub fn write_file(&self, name: &str, contents: &str) {
        let now = self.now();
        self.update(|database| {
            let found = database.named("/file", name).map(|item| item.id);
            let id = found.or_else(|| {
                let row = Row::new().with("name", name);
                database.add_item("/file", &row)
            });
            let Some(id) = id else { return };
            let kind = if name.ends_with(".rsc") {
                "script"
            } else {
                "file"
            };
            database.set_value("/file", id, "contents", Some(contents.into()));
            database.set_state("/file", id, "type", Some(kind.into()));
            database.set_state("/file", id, "size", Some(contents.len().to_string()));
            database.set_state("/file", id, "last-modified", Some(now));
        });
    }
}
