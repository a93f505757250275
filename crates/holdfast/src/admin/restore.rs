//! `holdfast admin restore`: an empty data directory becomes the one that was backed up.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, bail, ensure};
use holdfast_control_plane::vault::Vault;
use holdfast_store::Store;

use super::{
    manifest::{Digesting, MANIFEST, Manifest},
    tar::{self, Entry},
};
use crate::data::{DATABASE, DataDir, KEYS, sync_folder};

/// A manifest is a page of text; anything longer is none.
const LONGEST_MANIFEST: u64 = 1 << 20;

/// Fills `to`, which must be empty or not exist, from a backup, and checks every byte. What cannot be restored whole
/// leaves nothing behind.
pub(super) async fn restore(from: &Path, to: &Path) -> anyhow::Result<Manifest> {
    let is_empty = match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_none(),
        Err(err) if err.kind() == io::ErrorKind::NotFound => true,
        Err(err) => return Err(err).with_context(|| format!("{} cannot be read", to.display())),
    };
    ensure!(
        is_empty,
        "--data: {} is not empty: restore into a new directory and start with that one",
        to.display()
    );
    let data = DataDir::make(to)?;
    let unpacked =
        unpack(from, &data).with_context(|| format!("{} cannot be restored", from.display()));
    let restored = match unpacked {
        Ok(manifest) => check(&data).await.map(|()| manifest),
        Err(err) => Err(err),
    };
    if restored.is_err() {
        clear(&data);
    }
    restored
}

fn unpack(from: &Path, data: &DataDir) -> anyhow::Result<Manifest> {
    let mut archive = tar::Reader::new(BufReader::new(File::open(from)?));
    let manifest = read_manifest(&mut archive)?;
    let mut expected = manifest.files.iter();
    while let Some(entry) = archive.next()? {
        let file = expected.next().filter(|file| file.name == entry.name);
        let file = file.with_context(|| {
            format!("it holds {}, which its manifest does not name", entry.name)
        })?;
        // Also what keeps a crafted archive from writing elsewhere.
        let is_ours = entry.name == DATABASE || KEYS.contains(&entry.name.as_str());
        ensure!(
            is_ours,
            "it holds {}, which no data directory has",
            entry.name
        );

        let path = data.path().join(&entry.name);
        let mut out = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let mut digest = Digesting::new(&mut out);
        archive.read(&entry, &mut digest)?;
        let found = digest.describe(&entry.name);
        ensure!(
            found == *file,
            "{} is damaged: its checksum is not that of the manifest",
            entry.name
        );
        out.sync_all()?;
    }
    if let Some(file) = expected.next() {
        bail!("{} is missing in it", file.name);
    }
    ensure!(
        manifest.files.iter().any(|file| file.name == DATABASE),
        "there is no database in it"
    );
    sync_folder(&data.database())?;
    Ok(manifest)
}

fn read_manifest(archive: &mut tar::Reader<impl io::Read>) -> anyhow::Result<Manifest> {
    const NO_BACKUP: &str = "it is no backup of Holdfast: it does not begin with a manifest";
    let first: Option<Entry> = archive.next().context(NO_BACKUP)?;
    let first = first
        .filter(|entry| entry.name == MANIFEST && entry.size <= LONGEST_MANIFEST)
        .context(NO_BACKUP)?;
    let mut text = Vec::new();
    archive.read(&first, &mut text)?;
    let manifest: Manifest = serde_json::from_slice(&text).context(NO_BACKUP)?;
    ensure!(
        manifest.is_known(),
        "it was written by the newer version {}: restore it with that one",
        manifest.holdfast
    );
    Ok(manifest)
}

/// The database must be sound, and of a schema that this program knows.
async fn check(data: &DataDir) -> anyhow::Result<()> {
    if data.path().join(KEYS[0]).exists() {
        Vault::in_directory(data.path())?;
    }
    let store = Store::open(&data.database()).await?;
    let problems = store.check().await;
    store.close().await;
    let problems = problems?;
    ensure!(
        problems.is_empty(),
        "the database in it is damaged: {}",
        problems.join("; ")
    );
    Ok(())
}

fn clear(data: &DataDir) {
    let suffixes = ["", "-wal", "-shm"];
    let database = suffixes.map(|suffix| format!("{DATABASE}{suffix}"));
    for name in database.iter().map(String::as_str).chain(KEYS) {
        // Whatever cannot be removed is in a directory that restore refuses the next time.
        let _ = fs::remove_file(data.path().join(name));
    }
}
