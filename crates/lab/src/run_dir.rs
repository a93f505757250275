//! Where a lab keeps its profiles, logs and control socket.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use crate::{privilege::real_user, process::lock};

/// A directory for one lab.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// Deletes the directory when dropped.
    temporary: Option<TempDir>,
}

impl RunDir {
    /// A new directory that goes when this is dropped, or when the process ends by SIGINT or SIGTERM.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn temporary() -> anyhow::Result<Self> {
        let home = home()?;
        delete_stale(&home)?;
        let dir = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .tempdir_in(&home)
            .with_context(|| format!("cannot make a directory in {}", home.display()))?;
        delete_on_signal(dir.path())?;
        Ok(Self {
            path: dir.path().into(),
            temporary: Some(dir),
        })
    }

    /// A directory that stays.
    pub fn kept(path: PathBuf) -> Self {
        Self {
            path,
            temporary: None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if self.temporary.is_some() {
            lock(&DELETED_ON_SIGNAL).remove(&self.path);
        }
    }
}

/// The directory of all labs of this user: `$XDG_RUNTIME_DIR/holdfast-lab` or `/tmp/holdfast-lab-UID`.
pub(crate) fn home() -> anyhow::Result<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir());
    let home = match runtime {
        Some(dir) => dir.join("holdfast-lab"),
        None => env::temp_dir().join(format!("holdfast-lab-{}", real_user())),
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&home)
        .with_context(|| format!("cannot make {}", home.display()))?;
    // Within a user namespace our own files belong to its root, as we do ourselves.
    let owner = fs::metadata(&home)?.uid();
    ensure!(
        owner == nix::unistd::geteuid().as_raw(),
        "{} belongs to somebody else",
        home.display()
    );
    Ok(home)
}

/// Directories are called `run-PID-...`.
const PREFIX: &str = "run-";

/// A lab that was killed could not delete its own.
fn delete_stale(home: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let owner = rest.and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // Another lab that starts now may be quicker.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

static DELETED_ON_SIGNAL: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
static WATCHER: OnceLock<()> = OnceLock::new();

/// Namespaces and children end with the process however it ends; only files need a hand.
pub(crate) fn delete_on_signal(path: &Path) -> anyhow::Result<()> {
    lock(&DELETED_ON_SIGNAL).insert(path.into());
    if WATCHER.set(()).is_ok() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(end_on_signal()))?;
    }
    Ok(())
}

async fn end_on_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return tracing::warn!(
            "cannot watch for signals; an interrupted lab will leave files behind"
        );
    };
    let number = tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
    };
    for path in &*lock(&DELETED_ON_SIGNAL) {
        // Programs of the lab may still be writing there; the next lab deletes what is left.
        let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
    }
    std::process::exit(128 + number);
}
