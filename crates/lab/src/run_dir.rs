//! Where a lab keeps its profiles, logs and control socket.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use nix::unistd::getuid;
use tempfile::TempDir;

/// A directory for one lab.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// Deletes the directory when dropped.
    _temporary: Option<TempDir>,
}

impl RunDir {
    /// A new directory that goes when this is dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn temporary() -> anyhow::Result<Self> {
        let home = home()?;
        let dir = tempfile::Builder::new()
            .prefix("run-")
            .tempdir_in(&home)
            .with_context(|| format!("cannot make a directory in {}", home.display()))?;
        Ok(Self {
            path: dir.path().into(),
            _temporary: Some(dir),
        })
    }

    /// A directory that stays.
    pub fn kept(path: PathBuf) -> Self {
        Self {
            path,
            _temporary: None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The directory of all labs of this user: `$XDG_RUNTIME_DIR/holdfast-lab` or `/tmp/holdfast-lab-UID`.
pub(crate) fn home() -> anyhow::Result<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir());
    let home = match runtime {
        Some(dir) => dir.join("holdfast-lab"),
        None => env::temp_dir().join(format!("holdfast-lab-{}", getuid())),
    };
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    Ok(home)
}
