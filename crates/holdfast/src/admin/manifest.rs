//! What a backup says of itself: its first file.

use std::io::{self, Read, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Its name in the archive.
pub(super) const MANIFEST: &str = "manifest.json";

/// The form of backups that this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The form of the archive.
    pub(super) format: u32,
    /// The version of Holdfast that wrote it.
    pub(super) holdfast: String,
    /// When it was made.
    pub(super) created_at: Timestamp,
    /// Every other file, in the order of the archive.
    pub(super) files: Vec<FileOf>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileOf {
    /// In the archive and in the data directory.
    pub(super) name: String,
    /// In bytes.
    pub(super) size: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

impl Manifest {
    pub(super) fn new(created_at: Timestamp, files: Vec<FileOf>) -> Self {
        Self {
            format: FORMAT,
            holdfast: env!("CARGO_PKG_VERSION").into(),
            created_at,
            files,
        }
    }

    /// Whether this program knows the form of the archive.
    pub(super) fn is_known(&self) -> bool {
        self.format <= FORMAT
    }
}

/// Reads a file to its end and says what the manifest must say of it.
pub(super) fn describe(name: &str, mut content: impl Read) -> io::Result<FileOf> {
    let mut digest = Digesting::new(io::sink());
    io::copy(&mut content, &mut digest)?;
    Ok(digest.describe(name))
}

/// Passes on what is written, and knows its length and its digest.
pub(super) struct Digesting<W> {
    out: W,
    digest: Sha256,
    size: u64,
}

impl<W> Digesting<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            digest: Sha256::new(),
            size: 0,
        }
    }

    /// What was written, as a file of this name.
    pub(super) fn describe(self, name: &str) -> FileOf {
        FileOf {
            name: name.to_owned(),
            size: self.size,
            sha256: hex::encode(self.digest.finalize()),
        }
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
