//! The threads that share out the connections. A connection lives on one of them from its first byte to its last:
//! what happens to it wakes that thread and no other.

use std::{io, num::NonZeroUsize, thread};

use tokio::runtime::{Builder, Handle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A thread for each processor.
pub(crate) struct Shards {
    threads: Vec<thread::JoinHandle<()>>,
    all: Vec<Shard>,
    end: CancellationToken,
}

/// One thread, and the connections on it.
#[derive(Clone)]
pub(crate) struct Shard {
    runtime: Handle,
    connections: TaskTracker,
}

impl Shards {
    /// Starts the threads.
    pub(crate) fn start() -> io::Result<Self> {
        share_one_heap();
        let mut shards = Self {
            threads: Vec::new(),
            all: Vec::new(),
            end: CancellationToken::new(),
        };
        for nth in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            shards.all.push(Shard {
                runtime: runtime.handle().clone(),
                connections: TaskTracker::new(),
            });
            let end = shards.end.clone();
            let thread = thread::Builder::new().name(format!("shard-{nth}"));
            let thread = thread.spawn(move || runtime.block_on(end.cancelled()))?;
            shards.threads.push(thread);
        }
        Ok(shards)
    }

    /// Every shard.
    pub(crate) fn all(&self) -> &[Shard] {
        &self.all
    }

    /// Waits until the last connection has ended, then ends the threads.
    pub(crate) async fn finish(self) {
        for shard in &self.all {
            shard.connections.close();
            shard.connections.wait().await;
        }
    }
}

/// glibc gives each thread a heap that grows by a page at a time, with a system call for each; only the first grows in
/// larger steps. Threads have a small store of their own in front of it, so they seldom meet there.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "mallopt has no safe form")]
fn share_one_heap() {
    // SAFETY: it takes two numbers, and refuses those that it does not know. To be refused changes nothing.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

#[cfg(not(target_env = "gnu"))]
fn share_one_heap() {}

impl Drop for Shards {
    fn drop(&mut self) {
        self.end.cancel();
        for thread in self.threads.drain(..) {
            // It has panicked, and said so on standard error.
            let _ = thread.join();
        }
    }
}

impl Shard {
    /// Runs a task of the process's own on this thread, and waits for it.
    pub(crate) async fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        // A panic has been told of on standard error, and the shard goes on.
        let _ = self.runtime.spawn(task).await;
    }

    /// Runs a connection on this thread.
    pub(crate) fn adopt(&self, connection: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn_on(connection, &self.runtime);
    }

    /// How many connections it has.
    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }
}
