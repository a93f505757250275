//! Passwords of users: argon2id, off the async threads, and never more at once than the machine can bear.

use std::{sync::Arc, thread, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids;

/// How long a log-in waits for its turn before it is sent away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes and checks password hashes. Clones share one queue.
#[derive(Debug, Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// Checked against when there is no such user, so that the answer takes as long.
    nobody: Arc<str>,
}

/// So many passwords are being checked that this one did not get its turn in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many log-ins at once")]
pub struct Overloaded;

impl Passwords {
    /// With the cost that OWASP asks for: 19 MiB and two passes, about 40 ms.
    pub fn new() -> Self {
        Self::with(Params::DEFAULT)
    }

    /// With a cost that only tests may use: log-ins take no time.
    pub fn cheap() -> Self {
        let params = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, None);
        Self::with(params.expect("the smallest cost is a cost"))
    }

    fn with(params: Params) -> Self {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            nobody: hash(&argon2, "nobody has this password").into(),
            argon2,
            turns: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The PHC string to store for a password.
    ///
    /// # Errors
    /// [`Overloaded`] when its turn does not come.
    pub async fn hash(&self, password: SecretString) -> Result<String, Overloaded> {
        let argon2 = self.argon2.clone();
        self.in_turn(move || hash(&argon2, password.expose_secret()))
            .await
    }

    /// Whether `password` is the one that `stored` was made from. Without a stored hash the answer is no, after as
    /// much work.
    ///
    /// # Errors
    /// [`Overloaded`] when its turn does not come.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, Overloaded> {
        let argon2 = self.argon2.clone();
        let nobody = self.nobody.clone();
        self.in_turn(move || {
            let text = stored.as_deref().unwrap_or(&nobody);
            let matches = PasswordHash::new(text).is_ok_and(|hash| {
                argon2
                    .verify_password(password.expose_secret().as_bytes(), &hash)
                    .is_ok()
            });
            matches && stored.is_some()
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let turn = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        Ok(done.await.expect("hashing does not panic"))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Overloaded> {
        let turn = self.turns.clone().acquire_owned();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(turn) => Ok(turn.expect("nobody closes the queue")),
            Err(_) => Err(Overloaded),
        }
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> String {
    let salt: [u8; 16] = ids::random();
    argon2
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("a 16-byte salt and a bounded password are what argon2 takes")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other() {
        let passwords = Passwords::cheap();
        let stored = passwords.hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$"), "{stored}");
        for (password, matches) in [("correct horse", true), ("correct horsf", false)] {
            let verdict = passwords
                .verify(password.into(), Some(stored.clone()))
                .await;
            assert_eq!(verdict, Ok(matches), "{password}");
        }
    }

    #[tokio::test]
    async fn without_a_stored_hash_no_password_matches() {
        let passwords = Passwords::cheap();
        let guess = "nobody has this password".into();
        assert_eq!(passwords.verify(guess, None).await, Ok(false));
        let unreadable = Some("not a hash".into());
        assert_eq!(passwords.verify("x".into(), unreadable).await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_in_that_waits_too_long_is_sent_away() {
        let passwords = Passwords::cheap();
        let everything = u32::try_from(passwords.turns.available_permits()).unwrap();
        let _busy = passwords.turns.acquire_many(everything).await.unwrap();
        assert_eq!(passwords.hash("x".into()).await, Err(Overloaded));
    }
}
