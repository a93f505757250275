//! Steps that acknowledgements, verdicts and time make possible.

use std::{
    mem,
    time::{Duration, Instant},
};

use rand_core::CryptoRng;

use super::{Established, Exchange, Pending, ServerEvent, ServerSession, State, Up};
use crate::{
    data::Framing,
    error::DownCause,
    session::{core::Keepalive, negotiate::Abilities},
    wire::PushReply,
};

/// How long a farewell message may take to be acknowledged before the connection is closed anyway.
const LINGER: Duration = Duration::from_secs(2);

/// Beyond the pushed ping-restart a client has certainly given up itself.
const SILENCE_MARGIN: Duration = Duration::from_secs(2);

/// What stock servers push to clients that accept it.
const TUN_MTU: u16 = 1500;

impl<R: CryptoRng> ServerSession<R> {
    /// Takes one step that acknowledgements and verdicts have made possible; false when there is none.
    pub(super) fn advance(&mut self, now: Instant) -> Result<bool, DownCause> {
        if !self.core.is_acknowledged() {
            return Ok(false);
        }
        match &mut self.state {
            State::ExpectPushable { pending, .. } if pending.is_pushable() => {
                self.push(now)?;
                Ok(true)
            }
            State::ExpectPushAck { .. } => {
                self.come_up(now);
                Ok(true)
            }
            State::Up(up) if up.confirmed.is_some() => self.activate_renegotiated(now),
            State::Up(up) if up.routes_unacknowledged && self.core.has_said_all() => {
                up.routes_unacknowledged = false;
                self.events.push_back(ServerEvent::RoutesUpdated);
                Ok(true)
            }
            State::Closing { .. } => {
                // The farewell was heard.
                Err(DownCause::Requested("acknowledged".into()))
            }
            State::ExpectReset { .. }
            | State::ExpectLogin { .. }
            | State::ExpectVerdict { .. }
            | State::ExpectPushable { .. }
            | State::Up(_)
            | State::Closed => Ok(false),
        }
    }

    // --- steps ------------------------------------------------------------------------------

    fn push(&mut self, now: Instant) -> Result<(), DownCause> {
        let state = mem::replace(&mut self.state, State::Closed);
        let State::ExpectPushable { pending, grant, .. } = state else {
            unreachable!("only called in this state");
        };
        let Pending {
            choice, material, ..
        } = *pending;
        let agreement = choice.agreement;
        self.state = State::ExpectPushAck {
            until: now + self.config.limits.push,
            abilities: choice.abilities,
        };
        // The client seals as soon as it has read the push, so our keys come first.
        self.core.activate(&material, agreement, now);
        self.core.keepalive = Some(Keepalive {
            ping: Duration::from_secs(grant.ping.into()),
            silence: Duration::from_secs(grant.ping_restart.into()) + SILENCE_MARGIN,
        });
        let reply = PushReply {
            address: grant.address,
            prefix: grant.prefix,
            route_gateway: grant.server,
            routes: grant.routes,
            ping: grant.ping,
            ping_restart: grant.ping_restart,
            peer_id: agreement.peer_id,
            cipher: choice.push_cipher.then_some(agreement.cipher),
            key_export: agreement.key_export,
            tun_mtu: choice.push_mtu.then_some(TUN_MTU),
            compress_stub_v2: agreement.framing == Framing::StubV2,
            comp_lzo_no: agreement.framing == Framing::CompLzoNo,
        };
        self.core.send_text(reply.encode())
    }

    fn come_up(&mut self, now: Instant) {
        let State::ExpectPushAck { abilities, .. } = self.state else {
            return;
        };
        self.state = State::Up(Up {
            abilities,
            renegotiate_at: self.next_renegotiation(abilities, now),
            reauthorizing: None,
            confirmed: None,
            routes_unacknowledged: false,
        });
        if let Some(agreement) = self.core.agreement {
            self.events.push_back(ServerEvent::Up(Established {
                cipher: agreement.cipher,
                push_update: abilities.push_update,
            }));
        }
    }

    fn activate_renegotiated(&mut self, now: Instant) -> Result<bool, DownCause> {
        let State::Up(up) = &mut self.state else {
            return Ok(false);
        };
        let abilities = up.abilities;
        let (Some(material), Some(agreement)) = (up.confirmed.take(), self.core.agreement) else {
            return Ok(false);
        };
        self.core.activate(&material, agreement, now);
        let at = self.next_renegotiation(abilities, now);
        if let State::Up(up) = &mut self.state {
            up.renegotiate_at = at;
        }
        self.events.push_back(ServerEvent::Rekeyed);
        Ok(true)
    }

    fn next_renegotiation(&mut self, abilities: Abilities, now: Instant) -> Option<Instant> {
        let (earliest, latest) = self
            .config
            .renegotiate_after
            .filter(|_| abilities.renegotiates)?;
        let spread = latest.saturating_sub(earliest);
        let share = f64::from(self.core.rng.next_u32()) / f64::from(u32::MAX);
        Some(now + earliest + spread.mul_f64(share))
    }

    // --- time -------------------------------------------------------------------------------

    pub(super) fn take_time(&mut self, now: Instant) -> Result<(), DownCause> {
        self.core.handle_timeout(now)?;
        let limits = self.config.limits;
        let expired = |awaited, after| Err(DownCause::HandshakeTimeout { awaited, after });
        match &mut self.state {
            State::ExpectReset { until } if now >= *until => {
                expired("the first packet", limits.first_packet)
            }
            State::ExpectLogin { until, .. } if now >= *until => {
                expired("the log-in", limits.login)
            }
            State::ExpectVerdict { until, .. } if now >= *until => {
                self.unavailable("no verdict in time", now);
                Ok(())
            }
            State::ExpectPushable { until, .. } | State::ExpectPushAck { until, .. }
                if now >= *until =>
            {
                expired("the push to be requested and acknowledged", limits.push)
            }
            State::Closing { until, .. } if now >= *until => {
                Err(DownCause::Requested("lingered long enough".into()))
            }
            State::Up(up) if up.renegotiate_at.is_some_and(|at| now >= at) => {
                up.renegotiate_at = None;
                if self.core.is_negotiating() {
                    Ok(())
                } else {
                    self.core.begin_soft_reset(now)
                }
            }
            State::ExpectReset { .. }
            | State::ExpectLogin { .. }
            | State::ExpectVerdict { .. }
            | State::ExpectPushable { .. }
            | State::ExpectPushAck { .. }
            | State::Up(_)
            | State::Closing { .. }
            | State::Closed => Ok(()),
        }
    }

    /// Says a last thing; the connection is closed once that is acknowledged, or after a while.
    pub(super) fn farewell(
        &mut self,
        text: &str,
        cause: DownCause,
        now: Instant,
    ) -> Result<(), DownCause> {
        if self.is_closing() || self.is_closed() {
            return Ok(());
        }
        if let State::Up(up) = &mut self.state
            && let Some(exchange) = up.reauthorizing.take()
        {
            self.core.send_key_method(&exchange.reply)?;
        }
        if !self.core.send_last_text(text)? {
            return Err(cause);
        }
        self.core.keepalive = None;
        self.state = State::Closing {
            until: now + LINGER,
            cause,
        };
        Ok(())
    }

    /// Answers a repeated log-in that was confirmed.
    pub(super) fn accept_relogin(&mut self) -> Result<(), DownCause> {
        if let State::Up(up) = &mut self.state
            && let Some(exchange) = up.reauthorizing.take()
        {
            let Exchange { reply, material } = *exchange;
            self.core.send_key_method(&reply)?;
            up.confirmed = Some(Box::new(material));
        }
        Ok(())
    }
}

impl Pending {
    fn is_pushable(&self) -> bool {
        self.asked || self.choice.abilities.push_unasked
    }
}
