//! The TLS seam without TLS: what the fuzzer writes is what the session reads.
//!
//! Each side greets with one byte, and is established once it has been greeted. There are no secrets, so
//! changed bytes reach the message parsers instead of failing a tag, and runs repeat exactly.

use holdfast_ovpn_proto::{
    keys::Role,
    tls::{TlsError, TlsProvider, TlsSession},
};

const GREETING: u8 = 22;

/// Makes sessions of one side.
pub(crate) struct PlainTls(pub(crate) Role);

impl TlsProvider for PlainTls {
    fn session(&self) -> Result<Box<dyn TlsSession>, TlsError> {
        let waiting = match self.0 {
            Role::Client => vec![GREETING],
            Role::Server => Vec::new(),
        };
        Ok(Box::new(PlainSession {
            side: self.0,
            greeted: false,
            waiting,
        }))
    }
}

struct PlainSession {
    side: Role,
    greeted: bool,
    waiting: Vec<u8>,
}

impl TlsSession for PlainSession {
    fn handle_bytes(&mut self, bytes: &[u8], plaintext: &mut Vec<u8>) -> Result<(), TlsError> {
        let mut bytes = bytes;
        if !self.greeted {
            let Some((&GREETING, rest)) = bytes.split_first() else {
                return Err(TlsError("no greeting".into()));
            };
            self.greeted = true;
            bytes = rest;
            if self.side == Role::Server {
                self.waiting.push(GREETING);
            }
        }
        plaintext.extend_from_slice(bytes);
        Ok(())
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let some = !self.waiting.is_empty();
        out.append(&mut self.waiting);
        some
    }

    fn send(&mut self, message: &[u8]) -> Result<(), TlsError> {
        if !self.greeted {
            return Err(TlsError("not greeted yet".into()));
        }
        self.waiting.extend_from_slice(message);
        Ok(())
    }

    fn is_established(&self) -> bool {
        self.greeted
    }

    fn export(&self, _label: &[u8], out: &mut [u8]) -> Result<(), TlsError> {
        out.fill(0x42);
        Ok(())
    }
}
