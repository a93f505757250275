//! Secrets at rest: sealed with one key per installation, which lies beside the database and not in it.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use holdfast_api_types::{SiteId, TunnelId};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::ids;

/// File name of the key in the data directory.
pub const KEY_FILE: &str = "secret.key";

/// Length of the key in bytes.
const KEY_LEN: usize = 32;

/// First byte of everything sealed, so that another cipher can follow one day.
const VERSION: u8 = 1;

/// Seals and opens. What is sealed for one row cannot be opened as another's: the row's name is part of the seal.
///
/// A sealed value is a version byte, a random nonce of 12 bytes, then ciphertext and tag of AES-256-GCM.
pub struct Vault {
    key: LessSafeKey,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}

/// Why the key file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("cannot use the key file {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does not hold 32 bytes.
    #[error(
        "the key file {path} holds {len} bytes instead of {KEY_LEN}: restore it from a backup; without it \
         the stored tunnel passwords cannot be read"
    )]
    Length {
        /// Which file.
        path: PathBuf,
        /// How long it is.
        len: usize,
    },
    /// Others can read it.
    #[error("the key file {path} can be read by others (mode {mode:o}): chmod 600 {path}")]
    Permissions {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// What a tunnel's password is sealed as.
pub(crate) fn tunnel_password(tunnel: &TunnelId) -> String {
    format!("tunnel:{tunnel}")
}

/// What the password for the API of a site's router is sealed as.
pub(crate) fn router_password(site: &SiteId) -> String {
    format!("router-api:{site}")
}

/// What the password of the management tunnel of a site's router is sealed as.
pub(crate) fn management_password(site: &SiteId) -> String {
    format!("router-management:{site}")
}

/// A sealed value that does not open: it was altered, belongs to another row, or was sealed with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with this installation's key")]
pub struct OpenError;

impl Vault {
    /// The vault of a data directory; its key is made on the first start.
    ///
    /// # Errors
    /// When the key cannot be read or made, has the wrong length, or is readable by others.
    pub fn in_directory(data: &Path) -> Result<Self, KeyFileError> {
        let path = data.join(KEY_FILE);
        match read_key(&path)? {
            Some(key) => Ok(Self::new(&key)),
            None => {
                create_key(&path).map_err(|source| KeyFileError::Io {
                    path: path.clone(),
                    source,
                })?;
                // Read back: of two processes that start at once, both use the key that won.
                let key = read_key(&path)?.ok_or_else(|| KeyFileError::Io {
                    path,
                    source: io::ErrorKind::NotFound.into(),
                })?;
                Ok(Self::new(&key))
            }
        }
    }

    /// A vault with this key.
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
        Self {
            key: LessSafeKey::new(key),
        }
    }

    /// Seals `plain` for the row called `row`, as in `tunnel:01J9ZQ3V6N8W4T2K5R7M1X0ABC`.
    pub fn seal(&self, row: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = ids::random();
        let mut text = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(row),
                &mut text,
            )
            .expect("a value of a database row is far below the cipher's limit");
        [&[VERSION][..], &nonce, &text].concat()
    }

    /// Opens what was sealed for the row called `row`.
    ///
    /// # Errors
    /// [`OpenError`] when it is anything else.
    pub fn open(&self, row: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (&version, rest) = sealed.split_first().ok_or(OpenError)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError)?;
        if version != VERSION {
            return Err(OpenError);
        }
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(row), &mut text)
            .map_err(|_| OpenError)?
            .len();
        text.truncate(plain);
        Ok(text)
    }

    /// Opens a text that was sealed for the row called `row`.
    ///
    /// # Errors
    /// [`OpenError`] when it is anything else.
    pub fn open_text(&self, row: &str, sealed: &[u8]) -> Result<SecretString, OpenError> {
        let plain = self.open(row, sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| OpenError)?;
        Ok(text.into())
    }
}

fn read_key(path: &Path) -> Result<Option<Zeroizing<[u8; KEY_LEN]>>, KeyFileError> {
    let fault = |source| KeyFileError::Io {
        path: path.into(),
        source,
    };
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(fault(err)),
    };
    let mode = fs::metadata(path).map_err(fault)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Permissions {
            path: path.into(),
            mode,
        });
    }
    let key = bytes
        .as_slice()
        .try_into()
        .map_err(|_| KeyFileError::Length {
            path: path.into(),
            len: bytes.len(),
        })?;
    Ok(Some(Zeroizing::new(key)))
}

/// Writes a new key beside its place and links it there: a crash leaves no half key, and an existing one stays.
fn create_key(path: &Path) -> io::Result<()> {
    let key = Zeroizing::new(ids::random::<KEY_LEN>());
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(&*key)?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(err) if err.kind() != io::ErrorKind::AlreadyExists => return Err(err),
        _ => {}
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_sealed_opens_for_the_same_row_only() {
        let vault = Vault::new(&[7; 32]);
        let sealed = vault.seal("tunnel:A", b"secret");
        assert_eq!(
            vault.open("tunnel:A", &sealed).unwrap().as_slice(),
            b"secret"
        );
        assert_eq!(vault.open("tunnel:B", &sealed).unwrap_err(), OpenError);
        assert_eq!(
            Vault::new(&[8; 32]).open("tunnel:A", &sealed).unwrap_err(),
            OpenError
        );
    }

    #[test]
    fn an_altered_or_short_seal_does_not_open() {
        let vault = Vault::new(&[7; 32]);
        let sealed = vault.seal("tunnel:A", b"secret");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(vault.open("tunnel:A", &altered).is_err(), "byte {at}");
            assert!(vault.open("tunnel:A", &sealed[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn the_key_is_made_once_and_kept_for_the_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let sealed = Vault::in_directory(data.path()).unwrap().seal("a:1", b"x");
        let again = Vault::in_directory(data.path()).unwrap();
        assert_eq!(again.open("a:1", &sealed).unwrap().as_slice(), b"x");

        let names: Vec<_> = fs::read_dir(data.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, [KEY_FILE], "no draft is left behind");
        let mode = fs::metadata(data.path().join(KEY_FILE)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_or_of_another_length_is_refused_with_a_mend() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(KEY_FILE);
        fs::write(&path, [1; 32]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let err = Vault::in_directory(data.path()).unwrap_err().to_string();
        assert!(
            err.contains("mode 644") && err.contains("chmod 600"),
            "{err}"
        );

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, [1; 31]).unwrap();
        let err = Vault::in_directory(data.path()).unwrap_err().to_string();
        assert!(err.contains("31 bytes") && err.contains("backup"), "{err}");
    }
}
