//! From bytes to messages.

use std::time::Instant;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Exchange, Login, Pending, ServerEvent, ServerSession, State};
use crate::{
    control::{Phase, Sources},
    error::{DownCause, PeerError},
    session::{core::Agreement, negotiate::choose},
    wire::{
        Control, ControlOpcode, KeyExport, KeyId, KeyMethod2, OccOptions, Packet, Text, options,
    },
};

impl<R: CryptoRng> ServerSession<R> {
    // --- bytes ------------------------------------------------------------------------------

    pub(super) fn take_bytes(&mut self, bytes: &[u8], now: Instant) -> Result<(), DownCause> {
        self.spend_login_budget(bytes.len(), 0)?;
        self.core.extend(bytes);
        while let Some(frame) = self.core.next_frame()? {
            self.spend_login_budget(0, 1)?;
            self.take_packet(&frame, now)?;
            // The next packet may rely on what this one has acknowledged, in the same segment.
            self.progress(now)?;
        }
        Ok(())
    }

    fn take_packet(&mut self, frame: &[u8], now: Instant) -> Result<(), DownCause> {
        match Packet::decode(frame).map_err(PeerError::Packet)? {
            Packet::Control(control) if self.is_closing() => self.core.handle_acks(&control),
            Packet::Control(control) => self.take_control(&control, now),
            Packet::Data(_) if self.is_closing() => Ok(()),
            Packet::Data(data) => {
                let ip = self.core.handle_data(&data, now)?;
                if self.is_up() {
                    self.events.extend(ip.map(ServerEvent::Packet));
                }
                Ok(())
            }
        }
    }

    fn spend_login_budget(
        &mut self,
        more_bytes: usize,
        more_packets: u32,
    ) -> Result<(), DownCause> {
        let limits = &self.config.limits;
        if let State::ExpectLogin { bytes, packets, .. } = &mut self.state {
            *bytes += more_bytes;
            *packets += more_packets;
            if *bytes > limits.login_bytes {
                return Err(DownCause::Limit("bytes before the log-in"));
            }
            if *packets > limits.login_packets {
                return Err(DownCause::Limit("packets before the log-in"));
            }
        }
        Ok(())
    }

    fn take_control(&mut self, control: &Control<'_>, now: Instant) -> Result<(), DownCause> {
        if let State::ExpectReset { .. } = self.state {
            return self.take_first_reset(control, now);
        }
        self.core.check_sessions(control)?;
        self.core.touch_received(now);
        match control.opcode {
            ControlOpcode::HardResetServerV2 => {
                return Err(PeerError::Unexpected("server reset from a client").into());
            }
            ControlOpcode::SoftResetV1 => self.take_soft_reset(control, now)?,
            // RouterOS sends its hard reset twice; the second one is a packet without payload.
            ControlOpcode::HardResetClientV2 | ControlOpcode::ControlV1 | ControlOpcode::AckV1 => {}
        }
        if self.core.handle_control(control)? {
            self.read_messages(control.key_id, now)?;
        }
        Ok(())
    }

    fn take_first_reset(&mut self, control: &Control<'_>, now: Instant) -> Result<(), DownCause> {
        let (ControlOpcode::HardResetClientV2, KeyId::FIRST, Some(id)) =
            (control.opcode, control.key_id, control.packet_id)
        else {
            return Err(PeerError::NoReset.into());
        };
        self.core.check_sessions(control)?;
        // A stock client begins at 0; some RouterOS versions begin at 1.
        let key = self.core.begin_key(KeyId::FIRST, id, now);
        key.reliability
            .send(ControlOpcode::HardResetServerV2, Vec::new())?;
        self.state = State::ExpectLogin {
            until: self.started + self.config.limits.login,
            bytes: 0,
            packets: 0,
        };
        self.core.handle_control(control)?;
        Ok(())
    }

    fn take_soft_reset(&mut self, control: &Control<'_>, now: Instant) -> Result<(), DownCause> {
        let State::Up(up) = &mut self.state else {
            return Err(PeerError::Unexpected("soft reset before the tunnel is up").into());
        };
        let newest = self.core.newest().map(|key| key.id);
        if newest == Some(control.key_id) || self.core.is_negotiating() {
            // The answer to our own reset, or one that crossed it.
            return Ok(());
        }
        if newest.map(KeyId::next) != Some(control.key_id) {
            return Err(PeerError::Unexpected("key id of a soft reset").into());
        }
        up.renegotiate_at = None;
        if !self.renegotiations.take(now) {
            return Err(DownCause::Limit("renegotiations started by the peer"));
        }
        // Nothing may be sent for the old key from here on, not even what is owed.
        let key = self.core.begin_key(control.key_id, 0, now);
        key.reliability
            .send(ControlOpcode::SoftResetV1, Vec::new())?;
        Ok(())
    }

    // --- messages inside TLS ----------------------------------------------------------------

    fn read_messages(&mut self, key: KeyId, now: Instant) -> Result<(), DownCause> {
        let expects_key_method = self
            .core
            .key_by_id(key)
            .is_some_and(|key| key.phase == Phase::ExpectKeyMethod);
        if expects_key_method && !self.read_key_method(key, now)? {
            return Ok(());
        }
        while let Some(text) = self.core.read_text(key) {
            self.take_text(&text, now)?;
        }
        Ok(())
    }

    fn read_key_method(&mut self, key: KeyId, now: Instant) -> Result<bool, DownCause> {
        let Some(key) = self.core.key_by_id(key) else {
            return Ok(false);
        };
        let message = key
            .read_key_method(KeyMethod2::decode_client)
            .map_err(PeerError::KeyMethod)?;
        let Some(message) = message else {
            return Ok(false);
        };
        key.phase = Phase::Exchanged;
        match self.core.agreement {
            None => self.take_login(message, now)?,
            Some(agreement) => self.take_relogin(message, agreement)?,
        }
        Ok(true)
    }

    fn take_login(&mut self, message: KeyMethod2, now: Instant) -> Result<(), DownCause> {
        let login = Login::of(&message);
        let options = OccOptions::parse(&message.options);
        let choice = choose(&self.config.ciphers, &options, &login.peer);
        let export = choice
            .as_ref()
            .map_or(KeyExport::None, |choice| choice.agreement.key_export);
        let Exchange { reply, material } = self.exchange(&message, export)?;
        self.core.send_key_method(&reply)?;
        match choice {
            Err(reason) => {
                let text = format!("AUTH_FAILED,{reason}");
                self.farewell(&text, DownCause::Refused(reason), now)?;
            }
            Ok(choice) => {
                let until = now + self.config.limits.verdict;
                let pending = Box::new(Pending {
                    choice,
                    material,
                    asked: false,
                });
                self.state = State::ExpectVerdict { until, pending };
                self.events.push_back(ServerEvent::Authorize(login));
            }
        }
        Ok(())
    }

    fn take_relogin(&mut self, message: KeyMethod2, agreement: Agreement) -> Result<(), DownCause> {
        let login = Login::of(&message);
        // The reply waits for the verdict: the client uses the new key once it has read the reply, and
        // packets sealed with a key that is not confirmed would be lost.
        let exchange = self.exchange(&message, agreement.key_export)?;
        if let State::Up(up) = &mut self.state {
            up.reauthorizing = Some(Box::new(exchange));
            self.events.push_back(ServerEvent::Reauthorize(login));
        }
        Ok(())
    }

    /// Makes our answer to the client's key method 2 message and derives what both then share.
    fn exchange(&mut self, message: &KeyMethod2, export: KeyExport) -> Result<Exchange, DownCause> {
        let reply = KeyMethod2 {
            source: self.core.key_source(),
            options: options::mirror(&message.options),
            username: String::new(),
            password: Zeroizing::default(),
            peer_info: None,
        };
        let sources = Sources {
            client: &message.source,
            server: &reply.source,
        };
        let material = self.core.key_material(export, &sources)?;
        Ok(Exchange { reply, material })
    }

    fn take_text(&mut self, text: &[u8], now: Instant) -> Result<(), DownCause> {
        if !self.texts.take(now) {
            return Err(DownCause::Limit("text messages"));
        }
        match Text::parse(text).map_err(PeerError::Text)? {
            // A repeated request needs no second answer: on TCP the first one cannot get lost.
            Text::PushRequest => {
                if let State::ExpectVerdict { pending, .. }
                | State::ExpectPushable { pending, .. } = &mut self.state
                {
                    pending.asked = true;
                }
                Ok(())
            }
            Text::Exit => Err(DownCause::PeerLeft("exit message".into())),
            Text::PushReply(_)
            | Text::PushUpdate(_)
            | Text::AuthFailed(_)
            | Text::AuthPending(_)
            | Text::Restart(_)
            | Text::Halt(_)
            | Text::Info(_)
            | Text::Unknown(_) => Ok(()),
        }
    }
}
