use std::{fmt, path::PathBuf};

use sqlx::migrate::MigrateError;

use crate::dialect;

/// What a function of the store returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A value that must be unique is in use already.
    #[error("{what} is in use already")]
    Duplicate {
        /// Which value.
        what: Unique,
    },
    /// A row refers to one that does not exist, or does not any more: its site, organization or user.
    #[error("what it belongs to does not exist any more")]
    Dangling,
    /// The database was locked, or every connection in use, for longer than a caller should wait.
    #[error("the database is busy; try again")]
    Busy,
    /// There is no room for the change.
    #[error("the disk with the database is full; make room on it")]
    DiskFull,
    /// The database file could not be opened or made.
    #[error("could not open the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database was last used by a newer version of Holdfast.
    #[error("the database {} was written by a newer version of Holdfast; use that version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The schema could not be brought up to date.
    #[error("could not bring the database up to date")]
    Migrate(#[source] MigrateError),
    /// A backup could not be written.
    #[error("could not write the backup {}", path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Anything else: a broken file, or a mistake of ours.
    #[error("a database query failed")]
    Database(#[source] sqlx::Error),
}

/// A value that must be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unique {
    /// The id of a new row.
    Id,
    /// The e-mail address of a user, among all organizations.
    UserEmail,
    /// The name of a controller.
    ControllerName,
    /// The name of a site, within its organization.
    SiteName,
    /// The key of an idempotent request, for one actor.
    IdempotencyKey,
    /// The thing that an unfinished job is about.
    UnfinishedJob,
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "the id",
            Self::UserEmail => "the e-mail address",
            Self::ControllerName => "the name of the controller",
            Self::SiteName => "the name of the site",
            Self::IdempotencyKey => "the idempotency key",
            Self::UnfinishedJob => "a job of this kind that has not finished",
        })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(err: sqlx::Error) -> Self {
        if matches!(err, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        match err.as_database_error() {
            Some(cause) if dialect::is_busy(cause) => Self::Busy,
            Some(cause) if dialect::is_full(cause) => Self::DiskFull,
            Some(cause) if cause.is_foreign_key_violation() => Self::Dangling,
            _ => Self::Database(err),
        }
    }
}

/// Names the unique value that a statement may violate.
pub(crate) trait OrDuplicate<T> {
    fn or_duplicate(self, what: Unique) -> Result<T>;
}

impl<T> OrDuplicate<T> for sqlx::Result<T> {
    fn or_duplicate(self, what: Unique) -> Result<T> {
        self.map_err(|err| match err.as_database_error() {
            Some(cause) if cause.is_unique_violation() => StoreError::Duplicate { what },
            _ => err.into(),
        })
    }
}
