//! `holdfast admin`: what an operator of the server does at its command line.
//!
//! The commands work on the data directory, whether the server runs or not. What they change is in the audit log.

mod backup;
mod context;
mod manifest;
mod restore;
mod tar;
mod tokens;
mod users;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Args as ClapArgs, Subcommand};
use holdfast_control_plane::{ForRouters, SetupLink};
use jiff::Timestamp;

use self::{context::Admin, manifest::Manifest};
use crate::place::Place;

/// Accounts, tokens, backup and configuration check, from the server's own command line
///
/// Works on the data directory, while the server runs and while it does not.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Somebody has forgotten the password:
  holdfast admin --data /var/lib/holdfast user password ann@example.org

A token for monitoring, which may read and change nothing:
  holdfast admin token create monitoring --role viewer

Every night, and on another machine when this one is gone:
  holdfast admin backup /backup/holdfast-$(date +%F).tar
  holdfast admin restore /backup/holdfast-2026-11-23.tar --data /var/lib/holdfast

Before a restart with a changed configuration:
  holdfast admin config-check";

#[derive(Debug, Subcommand)]
enum Command {
    /// People who may log in
    #[command(subcommand)]
    User(users::Command),
    /// What programs and route controllers log in with
    #[command(subcommand)]
    Token(tokens::Command),
    /// Print a new link that makes the first account
    ///
    /// Works until there is an account, once, for 24 hours. A new link ends the one before.
    SetupLink,
    /// Write everything that must not be lost into one file
    ///
    /// A tar archive: the database as it is at this moment, the key that its secrets are sealed with, the CA, and a
    /// manifest with checksums. The server may run. Keep it safe: it opens every tunnel.
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Make an empty data directory what it was when it was backed up
    ///
    /// Checks every byte. The server starts from there with `holdfast serve --data DIR`; routers and their profiles
    /// need not be touched if the addresses of the slots are the same.
    Restore {
        /// The file that `backup` wrote
        file: PathBuf,
    },
    /// Read the configuration and say everything that is wrong with it
    ConfigCheck,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(obey(args))
}

async fn obey(args: Args) -> anyhow::Result<ExitCode> {
    let place = args.place;
    match args.command {
        Command::User(command) => {
            let mut admin = Admin::open(&place).await?;
            users::obey(&mut admin, command).await?;
        }
        Command::Token(command) => {
            let mut admin = Admin::open(&place).await?;
            tokens::obey(&mut admin, command).await?;
        }
        Command::SetupLink => return set_up(&place).await,
        Command::Backup { file } => {
            let manifest = backup::back_up(&place.data()?, &file, Timestamp::now()).await?;
            print(&format!(
                "{} written: {}",
                file.display(),
                listed(&manifest)
            ))?;
        }
        Command::Restore { file } => {
            let manifest = restore::restore(&file, place.data_path()).await?;
            print(&format!(
                "{} is as it was at {} (Holdfast {}): {}",
                place.data_path().display(),
                manifest.created_at,
                manifest.holdfast,
                listed(&manifest)
            ))?;
        }
        Command::ConfigCheck => match place.config() {
            Ok(config) => {
                crate::serve::check_files(&config, place.data_path())?;
                print("the configuration is good")?;
            }
            Err(err) => return Ok(crate::misused(&err)),
        },
    }
    Ok(ExitCode::SUCCESS)
}

async fn set_up(place: &Place) -> anyhow::Result<ExitCode> {
    let config = match place.config() {
        Ok(config) => config,
        Err(err) => return Ok(crate::misused(&err)),
    };
    // Before the first start too: the link may be made first.
    let app = crate::place::open(&place.make_data()?, &config, ForRouters::default()).await?;
    let link = SetupLink::make(&app).await?;
    let Some(link) = link else {
        anyhow::bail!(
            "there is an account already: log in, or give somebody a new password with `holdfast admin user password`"
        );
    };
    print(&link.url(&config.http.origin()))?;
    Ok(ExitCode::SUCCESS)
}

fn listed(manifest: &Manifest) -> String {
    let files = manifest.files.iter();
    let files: Vec<_> = files
        .map(|file| format!("{} ({} bytes)", file.name, file.size))
        .collect();
    files.join(", ")
}

/// A line for whoever has asked, or for the program that reads it.
fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
