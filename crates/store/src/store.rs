use std::{
    fs::OpenOptions,
    io,
    ops::{Deref, DerefMut},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::{Transaction, migrate::MigrateError, pool::PoolConnection};

use crate::{
    Connection, Result, StoreError,
    dialect::{self, BEGIN_WRITE, Db, MIGRATIONS, Pool},
};

/// Connections that read at the same time. More would wait for the same disk and the same two cores.
const READERS: u32 = 4;

/// The database of a control plane: one file, one writer, a few readers. Clones share both.
#[derive(Debug, Clone)]
pub struct Store {
    path: Arc<Path>,
    writer: Pool,
    readers: Pool,
}

impl Store {
    /// Opens the database, makes it if there is none (readable by its owner only), and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self> {
        let open = |source| StoreError::Open {
            path: path.into(),
            source,
        };
        create(path).map_err(|err| open(err.into()))?;

        let writer = dialect::pool(1)
            .connect_with(dialect::writer(path))
            .await
            .map_err(|err| open(err.into()))?;
        MIGRATIONS
            .run(&writer)
            .await
            .map_err(|err| migration_error(path, err))?;

        let readers = dialect::pool(READERS).connect_lazy_with(dialect::reader(path));
        Ok(Self {
            path: path.into(),
            writer,
            readers,
        })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connection that only reads. Each statement sees what was committed before it.
    pub async fn read(&self) -> Result<ReadConnection> {
        Ok(ReadConnection(self.readers.acquire().await?))
    }

    /// The writer, in a transaction that holds the write lock. Waits for the one before to end.
    ///
    /// Do nothing in it but talk to the database: everybody else who writes waits.
    pub async fn write(&self) -> Result<WriteTransaction> {
        let transaction = self.writer.begin_with(BEGIN_WRITE).await?;
        Ok(WriteTransaction(transaction))
    }

    /// Writes a consistent copy of the database to `to`, which must not exist, while others read and write.
    ///
    /// The copy is on the disk when this returns, under its name only when it is whole.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        let failed = |source| StoreError::Backup {
            path: to.into(),
            source,
        };
        if to.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let partial = partial_name(to);
        let name = partial.to_str().ok_or_else(|| {
            failed(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the path is not UTF-8",
            ))
        })?;

        // Made first so that nobody else can read it: it holds what the database holds.
        remove_if_there(&partial)
            .and_then(|()| create(&partial))
            .map_err(failed)?;
        let mut conn = self.readers.acquire().await?;
        dialect::copy_to(&mut conn, name).await?;
        drop(conn);
        publish(&partial, to).map_err(failed)
    }

    /// Reads the whole database and says what is wrong with it, one sentence each; nothing, if it is sound.
    pub async fn check(&self) -> Result<Vec<String>> {
        let mut conn = self.readers.acquire().await?;
        Ok(dialect::problems(&mut conn).await?)
    }

    /// Waits until every connection is back, and closes the file.
    pub async fn close(self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A connection that only reads, see [`Store::read`].
#[derive(Debug)]
pub struct ReadConnection(PoolConnection<Db>);

impl Deref for ReadConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for ReadConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

/// A transaction of the writer, see [`Store::write`]. Dropped without [`commit`](Self::commit) it changes nothing.
#[derive(Debug)]
#[must_use = "it changes nothing unless it is committed"]
pub struct WriteTransaction(Transaction<'static, Db>);

impl WriteTransaction {
    /// Makes the changes last. When this returns they are on the disk.
    pub async fn commit(self) -> Result<()> {
        Ok(self.0.commit().await?)
    }
}

impl Deref for WriteTransaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for WriteTransaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

/// Makes an empty file that only its owner may read, if there is none. SQLite gives its log the same mode.
fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// Gives a finished file its name, so that a crash leaves the whole file or none.
fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    std::fs::File::open(partial)?.sync_all()?;
    std::fs::rename(partial, to)?;
    let directory = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::File::open(directory)?.sync_all()
}

fn migration_error(path: &Path, err: MigrateError) -> StoreError {
    if matches!(
        err,
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)
    ) {
        return StoreError::Newer { path: path.into() };
    }
    StoreError::Migrate(err)
}
