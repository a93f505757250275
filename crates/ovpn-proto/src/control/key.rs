use std::time::Instant;

use zeroize::Zeroizing;

use super::{Reliability, TooMuchUnsent};
use crate::{
    data::DataChannel,
    keys::{EXPORT_LABEL, KeyMaterial},
    tls::{TlsError, TlsProvider, TlsSession},
    wire::{ControlOpcode, KeyId, KeyMethod2, KeyMethodError, KeySource},
};

/// TLS bytes in one control packet; every client accepts frames of this size.
const TLS_BYTES_PER_PACKET: usize = 1100;

/// A peer that sends this much without completing a message is not speaking OpenVPN.
const MAX_UNREAD: usize = 8 * 1024;

/// One negotiated, or negotiating, key: its own TLS session, packet ids and data channel.
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) phase: Phase,
    pub(crate) created: Instant,
    pub(crate) reliability: Reliability,
    /// Present once both sides' key sources are known and the role has agreed.
    pub(crate) data: Option<DataChannel>,
    tls: Option<Box<dyn TlsSession>>,
    /// Our key method 2 message is out. A peer takes whatever comes before it for the message itself.
    introduced: bool,
    plaintext: Zeroizing<Vec<u8>>,
}

/// How far a key has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// TLS handshake, then the peer's key method 2 message.
    ExpectKeyMethod,
    /// Both messages are out; acknowledgement or permission is missing.
    Exchanged,
    /// May be used in both directions.
    Active { since: Instant },
    /// Replaced; still opens packets until then.
    Old { expires: Instant },
}

/// Why bytes for a key could not be taken.
#[derive(Debug)]
pub(crate) enum KeyFault {
    Tls(TlsError),
    MessageTooLong,
}

impl Key {
    pub(crate) fn new(id: KeyId, next_receive: u32, now: Instant) -> Self {
        Self {
            id,
            phase: Phase::ExpectKeyMethod,
            created: now,
            reliability: Reliability::new(next_receive),
            data: None,
            tls: None,
            introduced: false,
            plaintext: Zeroizing::default(),
        }
    }

    /// Creates the TLS session; a client's hello is then waiting to be sent.
    pub(crate) fn start_tls(&mut self, tls: &dyn TlsProvider) -> Result<(), TlsError> {
        if self.tls.is_none() {
            self.tls = Some(tls.session()?);
        }
        Ok(())
    }

    /// Feeds in-order bytes of the TLS stream.
    pub(crate) fn handle_tls(&mut self, bytes: &[u8]) -> Result<(), KeyFault> {
        let Some(tls) = &mut self.tls else {
            return Err(KeyFault::Tls(TlsError("TLS bytes before the reset".into())));
        };
        tls.handle_bytes(bytes, &mut self.plaintext)
            .map_err(KeyFault::Tls)?;
        if self.plaintext.len() > MAX_UNREAD {
            return Err(KeyFault::MessageTooLong);
        }
        Ok(())
    }

    /// Moves TLS output into control packets.
    pub(crate) fn collect_tls(&mut self) -> Result<(), TooMuchUnsent> {
        let Some(tls) = &mut self.tls else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        if !tls.poll_transmit(&mut bytes) {
            return Ok(());
        }
        for chunk in bytes.chunks(TLS_BYTES_PER_PACKET) {
            self.reliability
                .send(ControlOpcode::ControlV1, chunk.to_vec())?;
        }
        Ok(())
    }

    /// Whether we have sent our key method 2 message, so that texts may follow.
    pub(crate) fn is_introduced(&self) -> bool {
        self.introduced
    }

    /// Whether the TLS handshake is complete.
    pub(crate) fn is_secured(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_established())
    }

    /// Whether there is a message to read.
    pub(crate) fn has_plaintext(&self) -> bool {
        !self.plaintext.is_empty()
    }

    /// Sends our key method 2 message.
    pub(crate) fn introduce(&mut self, message: &KeyMethod2) -> Result<(), TlsError> {
        let mut bytes = Zeroizing::new(Vec::new());
        message.encode(&mut bytes);
        self.introduced = true;
        self.send_message(&bytes)
    }

    /// Sends one text message.
    pub(crate) fn send_text(&mut self, text: &str) -> Result<(), TlsError> {
        let mut message = text.as_bytes().to_vec();
        message.push(0);
        self.send_message(&message)
    }

    /// Reads the peer's key method 2 message if it has arrived whole.
    pub(crate) fn read_key_method(
        &mut self,
        decode: impl FnOnce(&[u8]) -> Result<Option<(KeyMethod2, usize)>, KeyMethodError>,
    ) -> Result<Option<KeyMethod2>, KeyMethodError> {
        let Some((message, length)) = decode(&self.plaintext)? else {
            return Ok(None);
        };
        self.consume(length);
        Ok(Some(message))
    }

    /// Reads one NUL-terminated text message if it has arrived whole.
    pub(crate) fn read_text(&mut self) -> Option<Vec<u8>> {
        let end = self.plaintext.iter().position(|byte| *byte == 0)?;
        let text = self.plaintext[..end].to_vec();
        self.consume(end + 1);
        Some(text)
    }

    /// The 256 bytes of this key's TLS exporter (openvpn `tls-ekm`).
    pub(crate) fn export_material(&self) -> Result<KeyMaterial, TlsError> {
        let mut bytes = [0; 256];
        match &self.tls {
            Some(tls) => tls.export(EXPORT_LABEL, &mut bytes)?,
            None => return Err(TlsError("no TLS session yet".into())),
        }
        Ok(KeyMaterial::from_export(bytes))
    }

    /// Sends one message as one TLS record.
    fn send_message(&mut self, message: &[u8]) -> Result<(), TlsError> {
        match &mut self.tls {
            Some(tls) => tls.send(message),
            None => Err(TlsError("no TLS session yet".into())),
        }
    }

    fn consume(&mut self, length: usize) {
        self.plaintext.drain(..length);
        if self.plaintext.is_empty() {
            // An idle tunnel should hold no buffers, and no password.
            self.plaintext = Zeroizing::default();
        }
    }
}

/// Both key sources of one negotiation, in protocol order.
pub(crate) struct Sources<'a> {
    pub(crate) client: &'a KeySource,
    pub(crate) server: &'a KeySource,
}
