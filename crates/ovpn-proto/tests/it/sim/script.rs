//! A client made by hand, packet by packet: for everything that a well-behaved one never does.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_ovpn_proto::{
    DownCause, Grant, Limits, ServerConfig, ServerEvent, ServerSession,
    data::{Auth, Cipher, DataChannel},
    keys::{EXPORT_LABEL, KeyMaterial, Role},
    tls::{TlsError, TlsSession},
    wire::{
        Acks, Control, ControlOpcode, Deframer, KeyExport, KeyId, KeyMethod2, KeySource, Packet,
        PushReader, PushReply, SessionId, write_frame,
    },
};
use rand_chacha::{ChaCha12Rng, rand_core::SeedableRng};
use rustls::ClientConnection;
use zeroize::Zeroizing;

use super::{
    pair::grant,
    pki::{self, TLS12, TLS13},
};

pub(crate) const OPTIONS_CBC: &str = "V4,dev-type tun,link-mtu 1571,tun-mtu 1500,proto TCPv4_CLIENT,\
     cipher AES-256-CBC,auth SHA256,keysize 256,key-method 2,tls-client";
pub(crate) const OPTIONS_NCP: &str = "V4,dev-type tun,link-mtu 1543,tun-mtu 1500,proto TCPv4_CLIENT,\
     auth SHA1,keysize 128,key-method 2,tls-client";
pub(crate) const PEER_INFO_26: &str =
    "IV_VER=2.6.14\nIV_PLAT=linux\nIV_NCP=2\nIV_CIPHERS=AES-256-GCM\nIV_PROTO=990\n";

/// A control packet from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) opcode: ControlOpcode,
    pub(crate) key_id: KeyId,
    pub(crate) acks: Vec<u32>,
    pub(crate) packet_id: Option<u32>,
}

/// One key of the client.
struct ScriptKey {
    id: KeyId,
    tls: ClientConnection,
    next_packet: u32,
    owed: Vec<u32>,
    plaintext: Vec<u8>,
}

pub(crate) struct Script {
    pub(crate) server: ServerSession<ChaCha12Rng>,
    pub(crate) now: Instant,
    pub(crate) events: Vec<ServerEvent>,
    pub(crate) heard: Vec<Heard>,
    /// Data packets from the server.
    pub(crate) data: Vec<Vec<u8>>,
    /// How the server ended TLS.
    pub(crate) alert: Option<TlsError>,
    /// Whether to acknowledge what the server says.
    pub(crate) acknowledges: bool,
    /// What the server gives us when we are admitted.
    pub(crate) grant: Grant,
    /// How many TLS bytes go into one control packet.
    pub(crate) bytes_per_packet: usize,
    pub(crate) session: SessionId,
    rng: ChaCha12Rng,
    peer: Option<SessionId>,
    keys: Vec<ScriptKey>,
    deframer: Deframer,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::with_server(limits, None)
    }

    /// Against a server that renegotiates a key of this age.
    pub(crate) fn renegotiated_by_server(after: Duration) -> Self {
        Self::with_server(Limits::default(), Some((after, after)))
    }

    fn with_server(limits: Limits, renegotiate_after: Option<(Duration, Duration)>) -> Self {
        let now = Instant::now();
        let config = ServerConfig {
            tls: pki::server(&[TLS12, TLS13]),
            ciphers: Cipher::ALL.to_vec(),
            limits,
            renegotiate_after,
        };
        let mut script = Self {
            server: ServerSession::new(Arc::new(config), ChaCha12Rng::seed_from_u64(1), now),
            now,
            events: Vec::new(),
            heard: Vec::new(),
            data: Vec::new(),
            alert: None,
            acknowledges: true,
            grant: grant(),
            bytes_per_packet: 1000,
            session: SessionId([7; 8]),
            rng: ChaCha12Rng::seed_from_u64(2),
            peer: None,
            keys: Vec::new(),
            deframer: Deframer::default(),
        };
        script.begin_key(KeyId::FIRST);
        script
    }

    // --- packets ----------------------------------------------------------------------------

    /// Begins a key with a TLS session of its own; nothing is sent.
    pub(crate) fn begin_key(&mut self, id: KeyId) {
        self.keys.push(ScriptKey {
            id,
            tls: pki::connection(),
            next_packet: 0,
            owed: Vec::new(),
            plaintext: Vec::new(),
        });
    }

    /// The next control packet of the newest key, with all acknowledgements that are owed.
    pub(crate) fn packet(&mut self, opcode: ControlOpcode, payload: &[u8]) -> Vec<u8> {
        let id = self.key().next_packet;
        self.key().next_packet += 1;
        self.packet_with_id(opcode, Some(id), payload)
    }

    pub(crate) fn packet_with_id(
        &mut self,
        opcode: ControlOpcode,
        packet_id: Option<u32>,
        payload: &[u8],
    ) -> Vec<u8> {
        let owed = std::mem::take(&mut self.key().owed);
        let acks = if self.acknowledges { owed } else { Vec::new() };
        let mut packet = Vec::new();
        Control {
            opcode,
            key_id: self.key().id,
            session_id: self.session,
            remote_session_id: self.peer,
            acks: Acks::from_slice(&acks).unwrap(),
            packet_id,
            payload,
        }
        .encode(&mut packet);
        packet
    }

    /// Adds an acknowledgement to those that are owed.
    pub(crate) fn owe(&mut self, packet_id: u32) {
        self.key().owed.push(packet_id);
    }

    /// Takes the server's session for another one.
    pub(crate) fn mistake_peer(&mut self, session: SessionId) {
        self.peer = Some(session);
    }

    /// Leaves out so many packet ids of the newest key.
    pub(crate) fn skip_packet_ids(&mut self, count: u32) {
        self.key().next_packet += count;
    }

    /// The packets that carry what TLS wants to send.
    pub(crate) fn tls_packets(&mut self) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        self.key().tls.poll_transmit(&mut bytes);
        let chunks: Vec<_> = bytes
            .chunks(self.bytes_per_packet)
            .map(<[u8]>::to_vec)
            .collect();
        chunks
            .iter()
            .map(|chunk| self.packet(ControlOpcode::ControlV1, chunk))
            .collect()
    }

    /// Sends packets in one segment and takes what the server says to it.
    pub(crate) fn send(&mut self, packets: &[Vec<u8>]) {
        let mut segment = Vec::new();
        packets
            .iter()
            .for_each(|packet| write_frame(&mut segment, packet));
        self.send_bytes(&segment);
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.server.handle_bytes(bytes, self.now);
        self.listen();
    }

    /// Takes everything that the server has to say.
    pub(crate) fn listen(&mut self) {
        self.events
            .extend(std::iter::from_fn(|| self.server.poll_event()));
        let mut bytes = Vec::new();
        self.server.poll_transmit(&mut bytes);
        self.deframer.extend(&bytes);
        while let Some(packet) = self.deframer.next_frame().unwrap() {
            match Packet::decode(&packet).unwrap() {
                Packet::Control(control) => self.hear(&control),
                Packet::Data(_) => self.data.push(packet),
            }
        }
    }

    fn hear(&mut self, control: &Control<'_>) {
        self.peer = Some(control.session_id);
        self.heard.push(Heard {
            opcode: control.opcode,
            key_id: control.key_id,
            acks: control.acks.as_slice().to_vec(),
            packet_id: control.packet_id,
        });
        let Some(key) = self.keys.iter_mut().find(|key| key.id == control.key_id) else {
            return;
        };
        key.owed.extend(control.packet_id);
        if let Err(error) = key.tls.handle_bytes(control.payload, &mut key.plaintext) {
            self.alert = Some(error);
        }
    }

    /// Acknowledges what is owed.
    pub(crate) fn acknowledge(&mut self) {
        while !self.key().owed.is_empty() {
            let owed = &mut self.key().owed;
            let rest = owed.split_off(owed.len().min(8));
            let ack = self.packet_with_id(ControlOpcode::AckV1, None, &[]);
            self.key().owed = rest;
            self.send(&[ack]);
        }
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some((at, _)) = self.server.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.server.handle_timeout(self.now);
            self.listen();
        }
        self.now = end;
    }

    // --- steps of a session -----------------------------------------------------------------

    /// The hard reset and the TLS handshake.
    pub(crate) fn handshake(&mut self) {
        let reset = self.packet(ControlOpcode::HardResetClientV2, &[]);
        self.send(&[reset]);
        self.finish_tls();
    }

    /// A soft reset and the TLS handshake of the new key.
    pub(crate) fn soft_reset(&mut self) {
        let next = self.key().id.next();
        self.begin_key(next);
        let reset = self.packet(ControlOpcode::SoftResetV1, &[]);
        self.send(&[reset]);
        self.finish_tls();
    }

    pub(crate) fn finish_tls(&mut self) {
        for _ in 0..10 {
            let packets = self.tls_packets();
            self.send(&packets);
            if self.key().tls.is_established() {
                return;
            }
        }
        panic!("no TLS: {:?} {:?}", self.events, self.alert);
    }

    /// Sends application bytes as one TLS record.
    pub(crate) fn say(&mut self, message: &[u8]) {
        self.key().tls.send(message).unwrap();
        let packets = self.tls_packets();
        self.send(&packets);
    }

    /// Ends TLS on the newest key.
    pub(crate) fn close_tls(&mut self) {
        self.key().tls.send_close_notify();
        let packets = self.tls_packets();
        self.send(&packets);
    }

    /// Sends application bytes on a key that need not be the newest.
    pub(crate) fn say_on(&mut self, id: KeyId, message: &[u8]) {
        let at = self.keys.iter().position(|key| key.id == id).unwrap();
        let newer = self.keys.split_off(at + 1);
        self.say(message);
        self.keys.extend(newer);
    }

    /// A key method 2 message of ours.
    pub(crate) fn key_method(&mut self, options: &str, peer_info: Option<&str>) -> KeyMethod2 {
        KeyMethod2 {
            source: KeySource::generate(Role::Client, &mut self.rng),
            options: options.into(),
            username: "fibre".into(),
            password: Zeroizing::new("secret".into()),
            peer_info: peer_info.map(str::to_owned),
        }
    }

    /// Logs in and stops before the verdict.
    pub(crate) fn log_in(&mut self, options: &str, peer_info: Option<&str>) -> KeyMethod2 {
        let message = self.key_method(options, peer_info);
        self.say(&encode(&message));
        message
    }

    /// Comes up from the beginning.
    pub(crate) fn connect(&mut self, options: &str, peer_info: Option<&str>) -> Connected {
        self.handshake();
        let ours = self.log_in(options, peer_info);
        self.come_up(&ours)
    }

    /// Comes up after the log-in, admitted and asking for its push.
    pub(crate) fn come_up(&mut self, ours: &KeyMethod2) -> Connected {
        self.server.grant(self.grant.clone(), self.now);
        self.listen();
        self.acknowledge();
        self.say(b"PUSH_REQUEST\0");
        let theirs = self.read_key_method();
        let push = self.read_push();
        self.acknowledge();
        let material = self.material(push.key_export, ours, &theirs);
        Connected { push, material }
    }

    pub(crate) fn read_key_method(&mut self) -> KeyMethod2 {
        let (message, taken) = KeyMethod2::decode_server(&self.key().plaintext)
            .unwrap()
            .unwrap();
        self.key().plaintext.drain(..taken);
        message
    }

    fn read_push(&mut self) -> PushReply {
        let text = self.read_text().unwrap();
        let options = text.strip_prefix("PUSH_REPLY,").unwrap();
        PushReader::default().push(options).unwrap().unwrap()
    }

    /// The next text message of the newest key.
    pub(crate) fn read_text(&mut self) -> Option<String> {
        let plaintext = &mut self.key().plaintext;
        let end = plaintext.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8(plaintext.drain(..=end).collect()).unwrap();
        Some(text.trim_end_matches('\0').into())
    }

    /// What the newest key's data keys are made of.
    pub(crate) fn material(
        &mut self,
        export: KeyExport,
        ours: &KeyMethod2,
        theirs: &KeyMethod2,
    ) -> KeyMaterial {
        if export == KeyExport::None {
            let peer = self.peer.unwrap();
            return KeyMaterial::from_prf(&ours.source, &theirs.source, self.session, peer);
        }
        let mut bytes = [0; 256];
        self.key().tls.export(EXPORT_LABEL, &mut bytes).unwrap();
        KeyMaterial::from_export(bytes)
    }

    pub(crate) fn seal(&mut self, channel: &mut DataChannel, plaintext: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        channel.seal(plaintext, &mut self.rng, &mut packet).unwrap();
        packet
    }

    /// Seals and sends a data packet.
    pub(crate) fn send_data(&mut self, channel: &mut DataChannel, plaintext: &[u8]) -> Vec<u8> {
        let packet = self.seal(channel, plaintext);
        self.send(std::slice::from_ref(&packet));
        packet
    }

    // --- what tests ask ---------------------------------------------------------------------

    pub(crate) fn down(&self) -> Option<&DownCause> {
        self.events.iter().find_map(|event| {
            if let ServerEvent::Down(cause) = event {
                Some(cause)
            } else {
                None
            }
        })
    }

    pub(crate) fn packets(&self) -> Vec<&[u8]> {
        let packets = self.events.iter().filter_map(|event| {
            if let ServerEvent::Packet(ip) = event {
                Some(ip.as_slice())
            } else {
                None
            }
        });
        packets.collect()
    }

    fn key(&mut self) -> &mut ScriptKey {
        self.keys.last_mut().unwrap()
    }
}

/// A tunnel that came up.
pub(crate) struct Connected {
    pub(crate) push: PushReply,
    pub(crate) material: KeyMaterial,
}

impl Connected {
    /// The data channel of a client with this cipher and digest.
    pub(crate) fn channel(&self, key: KeyId, cipher: Cipher, auth: Auth) -> DataChannel {
        DataChannel::new(
            cipher,
            auth,
            &self.material,
            Role::Client,
            key,
            self.push.peer_id,
        )
    }
}

pub(crate) fn encode(message: &KeyMethod2) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}
