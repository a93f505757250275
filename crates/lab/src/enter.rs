//! Waiting for the person at the terminal.

use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, TryRecvError},
};

/// Whether somebody sees what is printed, and can answer.
pub(crate) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// That Enter was pressed, or standard input has ended.
#[derive(Debug)]
pub(crate) struct Enter(mpsc::Receiver<()>);

impl Enter {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        let (pressed, receiver) = mpsc::sync_channel(1);
        // It stays in its reading when the lab ends for another reason, and ends with the process.
        std::thread::Builder::new()
            .name("enter".into())
            .spawn(move || {
                // Input that cannot be read has ended as well.
                let _ = io::stdin().read_line(&mut String::new());
                let _ = pressed.send(());
            })?;
        Ok(Self(receiver))
    }

    /// Whether it has come.
    pub(crate) fn has_come(&self) -> bool {
        !matches!(self.0.try_recv(), Err(TryRecvError::Empty))
    }

    /// Waits for it.
    pub(crate) fn wait(self) {
        // An error says that the thread is gone, and nobody will press anything.
        let _ = self.0.recv();
    }
}
