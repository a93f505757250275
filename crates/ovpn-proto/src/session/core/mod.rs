//! What both roles share: framing, session ids, keys, data packets, pings.

mod data;
mod time;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    control::{Key, Phase, Received, Sources},
    data::{Auth, Cipher, DataChannel, Framing},
    error::{DownCause, PeerError},
    keys::{KeyMaterial, Role},
    tls::TlsProvider,
    wire::{
        Control, ControlOpcode, Deframer, KeyExport, KeyId, KeyMethod2, KeySource, SessionId,
        write_frame,
    },
};
use rand_core::CryptoRng;

/// How long a replaced key still opens packets (OpenVPN's `--tran-window`).
const TRANSITION_WINDOW: Duration = Duration::from_secs(3600);

/// When sending moves to a new key at the latest; stock clients use the same bound.
const SWITCH_WITHIN: Duration = Duration::from_secs(60);

/// Texts that may wait for the newest key. More pile up only where a peer stopped acknowledging.
const MAX_TEXTS: usize = 64;

/// What was agreed for the life of the connection; later keys use the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreement {
    pub(super) cipher: Cipher,
    pub(super) auth: Auth,
    pub(super) peer_id: Option<u32>,
    pub(super) key_export: KeyExport,
    pub(super) framing: Framing,
}

/// Keepalive of an established tunnel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keepalive {
    /// Send a ping after this much silence of ours.
    pub(super) ping: Duration,
    /// Give the peer up after this much silence of its.
    pub(super) silence: Duration,
}

pub(super) struct Core<R> {
    role: Role,
    tls: Arc<dyn TlsProvider>,
    pub(super) rng: R,
    own_session: SessionId,
    peer_session: Option<SessionId>,
    deframer: Deframer,
    out: Vec<u8>,
    /// Oldest first; the last is the newest and the only one we send control packets for.
    keys: Vec<Key>,
    /// The key that seals our data packets.
    sending: Option<KeyId>,
    pub(super) agreement: Option<Agreement>,
    pub(super) keepalive: Option<Keepalive>,
    /// Texts that the newest key may not carry yet: it is being negotiated, or its window is full.
    texts: VecDeque<String>,
    last_sent: Instant,
    last_received: Instant,
}

impl<R: CryptoRng> Core<R> {
    pub(super) fn new(role: Role, tls: Arc<dyn TlsProvider>, mut rng: R, now: Instant) -> Self {
        let mut id = [0; 8];
        while id == [0; 8] {
            rng.fill_bytes(&mut id);
        }
        Self {
            role,
            tls,
            rng,
            own_session: SessionId(id),
            peer_session: None,
            deframer: Deframer::default(),
            out: Vec::new(),
            keys: Vec::new(),
            sending: None,
            agreement: None,
            keepalive: None,
            texts: VecDeque::new(),
            last_sent: now,
            last_received: now,
        }
    }

    // --- bytes in and out -------------------------------------------------------------------

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.deframer.extend(bytes);
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Vec<u8>>, DownCause> {
        self.deframer
            .next_frame()
            .map_err(|err| PeerError::Frame(err).into())
    }

    /// Forgets input that nobody will read any more.
    pub(super) fn discard_input(&mut self) {
        self.deframer = Deframer::default();
    }

    pub(super) fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        if self.out.is_empty() {
            return false;
        }
        if out.is_empty() {
            // The caller's empty buffer takes the bytes over without a copy.
            std::mem::swap(out, &mut self.out);
            self.out = Vec::new();
        } else {
            out.append(&mut self.out);
        }
        true
    }

    /// Moves texts into TLS, and what TLS has ready into control packets.
    pub(super) fn collect(&mut self) -> Result<(), DownCause> {
        let first = self.agreement.is_none();
        let Some(key) = self.keys.last_mut() else {
            return Ok(());
        };
        key.collect_tls()?;
        let speaks = match key.phase {
            Phase::Active { .. } => true,
            Phase::Exchanged => first && key.is_introduced(),
            Phase::ExpectKeyMethod | Phase::Old { .. } => false,
        };
        // A text beyond the window would be lost with its key if the peer renegotiated now.
        while speaks
            && key.reliability.has_room()
            && let Some(text) = self.texts.pop_front()
        {
            key.send_text(&text)?;
            key.collect_tls()?;
        }
        Ok(())
    }

    /// Turns everything that is ready into frames. Only the newest key may speak: stock clients restart on
    /// any control packet of an older key once a soft reset was seen.
    pub(super) fn flush(&mut self) -> Result<(), DownCause> {
        self.collect()?;
        let Some(key) = self.keys.last_mut() else {
            return Ok(());
        };
        let mut packet = Vec::new();
        loop {
            let next = key.reliability.poll_packet();
            if next.is_none() && !key.reliability.owes_acks() {
                return Ok(());
            }
            let acks = key.reliability.take_acks();
            let (opcode, packet_id, payload) = match next {
                Some((opcode, id, payload)) => (opcode, Some(id), payload),
                None => (ControlOpcode::AckV1, None, Vec::new()),
            };
            packet.clear();
            Control {
                opcode,
                key_id: key.id,
                session_id: self.own_session,
                remote_session_id: self.peer_session.filter(|_| !acks.as_slice().is_empty()),
                acks,
                packet_id,
                payload: &payload,
            }
            .encode(&mut packet);
            write_frame(&mut self.out, &packet);
        }
    }

    // --- control packets --------------------------------------------------------------------

    /// The newest key.
    pub(super) fn key(&mut self) -> Option<&mut Key> {
        self.keys.last_mut()
    }

    pub(super) fn newest(&self) -> Option<&Key> {
        self.keys.last()
    }

    pub(super) fn key_by_id(&mut self, id: KeyId) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.id == id)
    }

    /// Learns the peer's session id from its first packet; later ones must carry the same.
    pub(super) fn check_sessions(&mut self, control: &Control<'_>) -> Result<(), DownCause> {
        let peer = *self.peer_session.get_or_insert(control.session_id);
        let ours = control.remote_session_id.unwrap_or(self.own_session);
        if peer != control.session_id || ours != self.own_session {
            return Err(PeerError::ForeignSession.into());
        }
        Ok(())
    }

    /// Takes acknowledgements and payload of a control packet for a key that exists. True when the key
    /// has something to read.
    pub(super) fn handle_control(&mut self, control: &Control<'_>) -> Result<bool, DownCause> {
        let newest = self.keys.last().map(|key| key.id);
        let tls = self.tls.clone();
        let Some(key) = self.keys.iter_mut().find(|key| key.id == control.key_id) else {
            return Ok(false);
        };
        key.reliability.handle_acks(control.acks.as_slice());
        let Some(id) = control.packet_id else {
            return Ok(false);
        };
        // A reset carries no TLS; what newer clients append to one are options that we have no use for.
        let payload = match control.opcode {
            ControlOpcode::ControlV1 => control.payload,
            ControlOpcode::HardResetClientV2
            | ControlOpcode::HardResetServerV2
            | ControlOpcode::SoftResetV1
            | ControlOpcode::AckV1 => &[],
        };
        let Received::Deliver(payloads) = key.reliability.handle_packet(id, payload) else {
            return Ok(false);
        };
        for payload in payloads.iter().filter(|payload| !payload.is_empty()) {
            // Allocated at the first payload: a bare reset must cost next to nothing.
            key.start_tls(tls.as_ref())?;
            key.handle_tls(payload)?;
        }
        if Some(key.id) != newest {
            key.reliability.drop_acks();
        }
        Ok(key.has_plaintext())
    }

    /// Takes nothing but the acknowledgements of a control packet.
    pub(super) fn handle_acks(&mut self, control: &Control<'_>) -> Result<(), DownCause> {
        self.check_sessions(control)?;
        if let Some(key) = self.key_by_id(control.key_id) {
            key.reliability.handle_acks(control.acks.as_slice());
        }
        Ok(())
    }

    /// Begins a key. At most one older one stays, to open what the peer still seals with it.
    pub(super) fn begin_key(&mut self, id: KeyId, next_receive: u32, now: Instant) -> &mut Key {
        if let Some(current) = self.keys.last_mut() {
            current.phase = Phase::Old {
                expires: now + TRANSITION_WINDOW,
            };
            current.reliability.drop_acks();
            self.sending = Some(current.id);
        }
        if self.keys.len() > 1 {
            self.keys.drain(..self.keys.len() - 1);
        }
        // A Vec would make room for four, most of a kilobyte that an idle tunnel never uses.
        self.keys.reserve_exact(1);
        self.keys.push(Key::new(id, next_receive, now));
        self.keys.last_mut().expect("just pushed")
    }

    /// Starts a renegotiation of our own.
    pub(super) fn begin_soft_reset(&mut self, now: Instant) -> Result<(), DownCause> {
        // What we owe for the old key must be out before the reset, never after it.
        self.flush()?;
        let Some(current) = self.keys.last() else {
            return Ok(());
        };
        let id = current.id.next();
        self.begin_key(id, 0, now)
            .reliability
            .send(ControlOpcode::SoftResetV1, Vec::new())?;
        Ok(())
    }

    /// Whether a renegotiation is under way.
    pub(super) fn is_negotiating(&self) -> bool {
        self.keys
            .last()
            .is_some_and(|key| matches!(key.phase, Phase::ExpectKeyMethod | Phase::Exchanged))
    }

    /// Queues a text message; it leaves as soon as the newest key may carry it.
    pub(super) fn send_text(&mut self, text: String) -> Result<(), DownCause> {
        if self.texts.len() >= MAX_TEXTS {
            return Err(DownCause::Limit("texts that the peer does not acknowledge"));
        }
        self.texts.push_back(text);
        Ok(())
    }

    /// Sends a text on the newest key now and forgets those that wait; false when that key has not come far
    /// enough to carry it.
    pub(super) fn send_last_text(&mut self, text: &str) -> Result<bool, DownCause> {
        self.texts = VecDeque::new();
        let Some(key) = self.keys.last_mut().filter(|key| key.is_introduced()) else {
            return Ok(false);
        };
        key.send_text(text)?;
        Ok(true)
    }

    /// Reads the next text message of a key.
    pub(super) fn read_text(&mut self, id: KeyId) -> Option<Vec<u8>> {
        self.key_by_id(id).and_then(Key::read_text)
    }

    /// Whether everything we said on the newest key was acknowledged.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.keys.last().is_none_or(|key| key.reliability.is_idle())
    }

    /// Whether no text waits for the newest key.
    pub(super) fn has_said_all(&self) -> bool {
        self.texts.is_empty()
    }

    /// Writes our key method 2 message for the newest key.
    pub(super) fn send_key_method(&mut self, message: &KeyMethod2) -> Result<(), DownCause> {
        if let Some(key) = self.keys.last_mut() {
            key.introduce(message)?;
        }
        Ok(())
    }

    /// Fresh randoms for a key method 2 message of ours.
    pub(super) fn key_source(&mut self) -> KeySource {
        KeySource::generate(self.role, &mut self.rng)
    }

    /// Derives the newest key's material from its exporter or from both sources.
    pub(super) fn key_material(
        &self,
        export: KeyExport,
        sources: &Sources<'_>,
    ) -> Result<KeyMaterial, DownCause> {
        let key = self
            .keys
            .last()
            .ok_or(PeerError::Unexpected("key derivation"))?;
        if export != KeyExport::None {
            return Ok(key.export_material()?);
        }
        let peer = self.peer_session.ok_or(PeerError::NoReset)?;
        let (client, server) = match self.role {
            Role::Client => (self.own_session, peer),
            Role::Server => (peer, self.own_session),
        };
        Ok(KeyMaterial::from_prf(
            sources.client,
            sources.server,
            client,
            server,
        ))
    }

    /// Gives the newest key its data channel. Sending stays with the previous key for a while, unless that is
    /// young itself: stock peers do the same, so that a key is out of use when the next but one begins.
    pub(super) fn activate(&mut self, material: &KeyMaterial, agreement: Agreement, now: Instant) {
        let role = self.role;
        let Some((key, previous)) = self.keys.split_last_mut() else {
            return;
        };
        let Agreement {
            cipher,
            auth,
            peer_id,
            ..
        } = agreement;
        key.data = Some(DataChannel::new(
            cipher, auth, material, role, key.id, peer_id,
        ));
        key.phase = Phase::Active { since: now };
        if self.sending.is_none() {
            // The tunnel begins here, and so do its intervals of silence.
            self.sending = Some(key.id);
            self.last_sent = now;
            self.last_received = now;
        }
        if previous
            .last()
            .is_some_and(|previous| now < previous.created + SWITCH_WITHIN)
        {
            self.sending = Some(key.id);
        }
        self.agreement = Some(agreement);
    }
}
