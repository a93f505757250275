//! The data directory: what lies in it, and that one process at a time has it.

use std::{
    fs::{DirBuilder, File, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// The database.
pub(crate) const DATABASE: &str = "holdfast.db";

/// What a backup needs besides the database. Server certificates are not among it: they are made from the CA.
pub(crate) const KEYS: [&str; 3] = ["secret.key", "ca.key", "ca.pem"];

const LOCK: &str = "holdfast.lock";

/// Where an installation keeps everything it must not lose.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

/// As long as it lives, no other process serves from the same directory.
#[derive(Debug)]
pub(crate) struct DataLock {
    _file: File,
}

impl DataDir {
    /// The directory of an installation, which is made if it is not there, for its owner alone.
    pub(crate) fn make(path: &Path) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("--data: {} cannot be made", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// The directory of an installation that has been started before.
    pub(crate) fn existing(path: &Path) -> anyhow::Result<Self> {
        let data = Self(path.to_owned());
        if !data.database().is_file() {
            bail!(
                "--data: there is no installation in {}: give the directory that `holdfast serve` was started with",
                path.display()
            );
        }
        Ok(data)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    /// Takes the directory for this process. The lock goes with the process, however that ends.
    pub(crate) fn lock(&self) -> anyhow::Result<DataLock> {
        let path = self.0.join(LOCK);
        let cannot = || format!("{} cannot be locked", path.display());
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "--data: {} is in use by {}: stop that first, or give another directory",
                self.0.display(),
                holder(&mut file)
            ),
            Err(TryLockError::Error(err)) => return Err(err).with_context(cannot),
        }
        write_pid(&mut file).with_context(cannot)?;
        Ok(DataLock { _file: file })
    }
}

/// Who has it, for the message only: the lock itself is what counts.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!("process {}", text.trim()),
        _ => "another process".into(),
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Makes sure that a renamed or new file is still there after a power cut.
pub(crate) fn sync_folder(of: &Path) -> io::Result<()> {
    let folder = match of.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_told_who_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::make(&dir.path().join("data")).unwrap();
        let lock = data.lock().unwrap();
        let err = data.lock().unwrap_err().to_string();
        let expected = format!(
            "is in use by process {}: stop that first",
            std::process::id()
        );
        assert!(err.contains(&expected), "{err}");
        drop(lock);
        data.lock().unwrap();
    }

    #[test]
    fn a_directory_without_a_database_is_no_installation() {
        let dir = tempfile::tempdir().unwrap();
        let err = DataDir::existing(dir.path()).unwrap_err().to_string();
        assert!(err.contains("there is no installation in"), "{err}");
    }
}
