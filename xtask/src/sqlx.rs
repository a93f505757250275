//! `cargo xtask sqlx`: asks a scratch database about every query of the store, and writes the answers to
//! `crates/store/.sqlx`, from which the queries are checked everywhere else.
//!
//! The database is made from the migrations by the `sqlite3` program, not by the store: a store whose queries are not
//! known yet does not compile.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use crate::packages;

const MIGRATIONS: &str = "crates/store/migrations/sqlite";
const ANSWERS: &str = "crates/store/.sqlx";

/// Ask a scratch database about the store's queries; run it after changing a query or adding a migration
#[derive(Args)]
pub(crate) struct Sqlx {
    /// Change nothing, and fail if an answer is missing, outdated or left over
    #[arg(long)]
    check: bool,
}

impl Sqlx {
    pub(crate) fn run(&self, shell: &Shell) -> anyhow::Result<()> {
        packages::install(shell, packages::DATABASE)?;
        let scratch = shell.create_temp_dir()?;
        let answers = ask(shell, scratch.path())?;
        let committed = shell.current_dir().join(ANSWERS);
        if self.check {
            compare(&read(&committed)?, &answers)
        } else {
            replace(&committed, &answers)
        }
    }
}

/// The check that `cargo xtask test` makes.
pub(crate) fn check(shell: &Shell) -> anyhow::Result<()> {
    Sqlx { check: true }.run(shell)
}

/// File names and contents of the answers.
type Answers = BTreeMap<OsString, Vec<u8>>;

fn ask(shell: &Shell, scratch: &Path) -> anyhow::Result<Answers> {
    // Another name every time: cargo then sees another environment, and compiles the store whether or not it changed.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let database = scratch.join(format!("{}.db", now.as_nanos()));
    let schema = schema(&shell.current_dir().join(MIGRATIONS))?;
    cmd!(shell, "sqlite3 -bail {database}")
        .stdin(schema)
        .run()?;

    let answers = scratch.join("answers");
    shell.create_dir(&answers)?;
    cmd!(shell, "cargo check --package holdfast-store --all-features")
        .env("HOLDFAST_SQLX_DATABASE_URL", sqlite_url(&database))
        .env("SQLX_OFFLINE_DIR", &answers)
        .env("SQLX_OFFLINE", "false")
        .run()?;
    read(&answers)
}

fn sqlite_url(database: &Path) -> OsString {
    let mut url = OsString::from("sqlite://");
    url.push(database);
    url
}

/// All migrations as one text, in their order.
fn schema(migrations: &Path) -> anyhow::Result<String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(migrations)
        .with_context(|| format!("read {}", migrations.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    paths.sort();

    let mut schema = String::new();
    for path in paths {
        schema += &fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    }
    Ok(schema)
}

fn read(directory: &Path) -> anyhow::Result<Answers> {
    let mut answers = Answers::new();
    for entry in fs::read_dir(directory).with_context(|| format!("read {}", directory.display()))? {
        let entry = entry?;
        answers.insert(entry.file_name(), fs::read(entry.path())?);
    }
    ensure!(
        !answers.is_empty(),
        "there are no answers in {}",
        directory.display()
    );
    Ok(answers)
}

/// Writes what differs and removes what is left over.
fn replace(directory: &Path, answers: &Answers) -> anyhow::Result<()> {
    fs::create_dir_all(directory)?;
    let (mut written, mut removed) = (0, 0);
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !answers.contains_key(&entry.file_name()) {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    for (name, content) in answers {
        let path = directory.join(name);
        if fs::read(&path).ok().as_ref() != Some(content) {
            fs::write(path, content)?;
            written += 1;
        }
    }
    eprintln!(
        "{} queries: {written} answers written, {removed} removed",
        answers.len()
    );
    Ok(())
}

fn compare(committed: &Answers, answers: &Answers) -> anyhow::Result<()> {
    let outdated = answers
        .iter()
        .filter(|&(name, content)| committed.get(name) != Some(content))
        .count();
    let left_over = committed
        .keys()
        .filter(|&name| !answers.contains_key(name))
        .count();
    ensure!(
        outdated == 0 && left_over == 0,
        "{ANSWERS} has {outdated} answers missing or outdated and {left_over} left over; run `cargo xtask sqlx` and commit it",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(of: &[(&str, &str)]) -> Answers {
        of.iter()
            .map(|&(name, content)| (name.into(), content.into()))
            .collect()
    }

    #[test]
    fn an_answer_that_is_missing_outdated_or_left_over_is_told() {
        let now = answers(&[("a", "1"), ("b", "2")]);
        assert!(compare(&now, &now).is_ok());
        for committed in [
            answers(&[("a", "1")]),
            answers(&[("a", "1"), ("b", "3")]),
            answers(&[("a", "1"), ("b", "2"), ("c", "")]),
        ] {
            let err = compare(&committed, &now).unwrap_err().to_string();
            assert!(err.contains("run `cargo xtask sqlx`"), "{err}");
        }
    }
}
