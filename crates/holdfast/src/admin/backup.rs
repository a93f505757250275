//! `holdfast admin backup`: one file with everything that an installation must not lose.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use holdfast_store::Store;
use jiff::Timestamp;

use super::{
    manifest::{self, FileOf, MANIFEST, Manifest},
    tar,
};
use crate::data::{DATABASE, DataDir, KEYS, sync_folder};

/// Writes a backup of a running or stopped installation to `to`, which must not exist.
pub(super) async fn back_up(data: &DataDir, to: &Path, now: Timestamp) -> anyhow::Result<Manifest> {
    if to.exists() {
        bail!("{} exists already: name a new file", to.display());
    }
    let drafts = Drafts::beside(to);
    // The database first: keys only ever join, so that those read later fit the copy.
    let store = Store::open(&data.database()).await?;
    let copied = store.backup(&drafts.database).await;
    store.close().await;
    copied?;

    let mut sources = vec![(DATABASE, drafts.database.clone())];
    for key in KEYS {
        let path = data.path().join(key);
        if path.exists() {
            sources.push((key, path));
        }
    }
    let files = sources
        .iter()
        .map(|(name, path)| describe(name, path))
        .collect::<anyhow::Result<_>>()?;
    let manifest = Manifest::new(now, files);
    write(&drafts.archive, &manifest, &sources, now)
        .and_then(|()| fs::rename(&drafts.archive, to))
        .and_then(|()| sync_folder(to))
        .with_context(|| format!("{} cannot be written", to.display()))?;
    Ok(manifest)
}

/// Files in the making, gone at the end whatever happens.
struct Drafts {
    database: PathBuf,
    archive: PathBuf,
}

impl Drafts {
    fn beside(to: &Path) -> Self {
        let with = |suffix| {
            let mut name = to.as_os_str().to_owned();
            name.push(format!(".{suffix}.{}", std::process::id()));
            PathBuf::from(name)
        };
        Self {
            database: with("database"),
            archive: with("partial"),
        }
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        for draft in [&self.database, &self.archive] {
            // Usually there is none.
            let _ = fs::remove_file(draft);
        }
    }
}

fn describe(name: &str, path: &Path) -> anyhow::Result<FileOf> {
    let described =
        File::open(path).and_then(|file| manifest::describe(name, BufReader::new(file)));
    described.with_context(|| format!("{} cannot be read", path.display()))
}

/// The manifest first, so that whoever reads it knows what to expect.
fn write(
    to: &Path,
    manifest: &Manifest,
    sources: &[(&str, PathBuf)],
    now: Timestamp,
) -> io::Result<()> {
    let out = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    let mut archive = tar::Writer::new(BufWriter::new(out));
    let modified = u64::try_from(now.as_second()).unwrap_or(0);
    let mut add = |name: &str, size, content: &mut dyn Read| {
        let name = name.to_owned();
        archive.add(&tar::Entry { name, size }, modified, content)
    };
    let text = serde_json::to_vec_pretty(manifest)?;
    add(MANIFEST, text.len() as u64, &mut &text[..])?;
    for (file, (_, path)) in manifest.files.iter().zip(sources) {
        add(&file.name, file.size, &mut File::open(path)?)?;
    }
    let mut out = archive.finish()?;
    out.flush()?;
    out.get_ref().sync_all()
}
