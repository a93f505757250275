//! What time brings: pings, keys that change their role, silence.

use std::time::{Duration, Instant};

use rand_core::CryptoRng;

use super::{Core, SWITCH_WITHIN};
use crate::{control::Phase, data::PING, error::DownCause};

/// A key that has not become active by then ends the session (OpenVPN's `--hand-window`).
const NEGOTIATION_WINDOW: Duration = Duration::from_secs(60);

impl<R: CryptoRng> Core<R> {
    pub(in crate::session) fn last_received(&self) -> Instant {
        self.last_received
    }

    pub(in crate::session) fn touch_received(&mut self, now: Instant) {
        self.last_received = now;
    }

    /// Pings when due, moves sending to a key that is old enough, drops keys, finds silence.
    pub(in crate::session) fn handle_timeout(&mut self, now: Instant) -> Result<(), DownCause> {
        self.keys
            .retain(|key| !matches!(key.phase, Phase::Old { expires } if now >= expires));
        if let Some(key) = self.keys.last() {
            match key.phase {
                Phase::Active { since } if now >= since + SWITCH_WITHIN => {
                    self.sending = Some(key.id);
                }
                Phase::ExpectKeyMethod | Phase::Exchanged
                    if self.agreement.is_some() && now >= key.created + NEGOTIATION_WINDOW =>
                {
                    return Err(DownCause::HandshakeTimeout {
                        awaited: "a renegotiation",
                        after: NEGOTIATION_WINDOW,
                    });
                }
                Phase::Active { .. }
                | Phase::ExpectKeyMethod
                | Phase::Exchanged
                | Phase::Old { .. } => {}
            }
        }
        let Some(keepalive) = self.keepalive else {
            return Ok(());
        };
        if now >= self.last_received + keepalive.silence {
            return Err(DownCause::Silent(keepalive.silence));
        }
        if now >= self.last_sent + keepalive.ping {
            self.send_data(&PING, now)?;
        }
        Ok(())
    }

    pub(in crate::session) fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let keepalive = self.keepalive.into_iter().flat_map(|keepalive| {
            [
                (
                    self.last_received + keepalive.silence,
                    "silence of the peer",
                ),
                (self.last_sent + keepalive.ping, "ping"),
            ]
        });
        let keys = self.keys.iter().filter_map(|key| match key.phase {
            Phase::Old { expires } => Some((expires, "old key expires")),
            Phase::Active { since } if self.sending != Some(key.id) => {
                Some((since + SWITCH_WITHIN, "send with the new key"))
            }
            Phase::ExpectKeyMethod | Phase::Exchanged if self.agreement.is_some() => {
                Some((key.created + NEGOTIATION_WINDOW, "renegotiation"))
            }
            Phase::Active { .. } | Phase::ExpectKeyMethod | Phase::Exchanged => None,
        });
        keepalive.chain(keys).min_by_key(|(at, _)| *at)
    }
}
