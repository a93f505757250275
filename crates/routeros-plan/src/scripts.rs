//! Every script that a router gets from us.
//!
//! They keep to a small part of RouterOS's language, so that a small interpreter can run them in tests:
//!
//! - commands `/menu/path verb key=value`, `verb NAME key=value` and `verb $ids key=value`, one per line or separated by
//!   `;`, with values that are bare, `"quoted"` (escapes `\"` `\\` `\$` `\?` `\n` `\r` `\t`), `$variables`, `[commands]`
//!   and `(expressions)`; a field is cleared with `!key`, a flag is set by its name alone (`blackhole`)
//! - `[find key=value ...]` inside a command looks in that command's menu; `[/menu/path find key=value ...]` and
//!   `[/menu/path get ID field]` anywhere, where `ID` is an id, the outcome of a `find` with one item, or a name
//! - `{ .. }` alone is a scope; `:local`, `:set`, `:if (..) do={..} else={..}`, `:foreach x in=.. do={..}`,
//!   `:for x from=.. to=.. do={..}`, `:do {..} on-error={..}`, `:error`, `:delay`, `:log info`, `:put`
//! - `[:len ..]`, `[:pick text from to]`, `[:find text part]`, `[:tostr ..]`, `[:tonum ..]`
//! - `.` joins texts; `+` `-` count; `=` `!=` `<` `>` `<=` `>=` `&&` `||` `!`
//! - comments begin with `#` in the first column

mod adoption;
mod authority;
mod check_in;
mod follow;
mod hooks;
mod release;
mod report;

pub use adoption::{ADOPTION_STEPS, Adoption};
pub(crate) use authority::import_calls;
pub(crate) use follow::{follow, is_follow};
pub(crate) use hooks::{ladder_hook, redial};
pub(crate) use release::release;

/// What the service user may do, and scripts that it makes for others to run: log in, read, write, ping and fetch, put
/// files, and remove itself in the end.
pub(crate) const POLICIES: &str = "read,write,api,test,ftp,policy";
