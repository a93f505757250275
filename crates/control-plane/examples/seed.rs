//! Makes a data directory with a whole fleet in its database, for `cargo xtask bench control-plane`:
//! `seed DIR SITES` writes DIR/data for `holdfast serve`, and DIR/users.txt with every tunnel that may log in.

use std::{
    env,
    fmt::Write,
    fs,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context;
use holdfast_store::{
    Store,
    seed::{self, Fleet},
};
use jiff::Timestamp;
use sha2::Digest;

const TUNNELS_PER_SITE: u32 = 3;

/// Of every tunnel: it is stored hashed, and hashed again at each log-in, as any other.
const PASSWORD: &str = "3fM9-seeded-fleet-xT2w";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let (Some(dir), Some(sites), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        anyhow::bail!("usage: seed DIR SITES");
    };
    let sites = sites.to_str().and_then(|sites| sites.parse().ok());
    let sites = sites.context("SITES is not a number")?;

    let dir = PathBuf::from(dir);
    fill(&dir.join("data"), sites).await?;
    write_users(&dir.join("users.txt"), sites)
}

async fn fill(data: &Path, sites: u32) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("cannot make {}", data.display()))?;
    let store = Store::open(&data.join("holdfast.db")).await?;
    let fleet = Fleet {
        sites,
        tunnels_per_site: TUNNELS_PER_SITE,
        created_at: Timestamp::now(),
        password_sha256: sha2::Sha256::digest(PASSWORD).into(),
    };
    seed::fill(&store, &fleet).await?;
    // Leaves one file and no log beside it, so that it can be copied.
    store.close().await;
    Ok(())
}

/// As `holdfast load --users` reads it.
fn write_users(file: &Path, sites: u32) -> anyhow::Result<()> {
    let mut text = String::new();
    for site in 0..sites {
        for rank in 0..TUNNELS_PER_SITE {
            writeln!(text, "{} {PASSWORD}", seed::tunnel_id(site, rank))?;
        }
    }
    let mut open = fs::OpenOptions::new();
    let open = open.write(true).create(true).truncate(true).mode(0o600);
    open.open(file)
        .and_then(|mut users| std::io::Write::write_all(&mut users, text.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))
}
