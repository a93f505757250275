//! Answers of commands that look once: `monitor-traffic`, `ping`.

use std::time::Duration;

use super::view;

view! {
    /// What passes through an interface now.
    Traffic at "/interface/monitor-traffic" {
        /// The interface.
        name: String = "name",
        /// Packets received in a second.
        rx_packets: Option<u64> = "rx-packets-per-second",
        /// Bits received in a second.
        rx_bits: Option<u64> = "rx-bits-per-second",
        /// Packets sent in a second.
        tx_packets: Option<u64> = "tx-packets-per-second",
        /// Bits sent in a second.
        tx_bits: Option<u64> = "tx-bits-per-second",
    }

    /// One probe of a ping. The counts are those of all probes so far.
    PingReply at "/tool/ping" {
        /// Number of the probe, from 0.
        seq: Option<u32> = "seq",
        /// Who answered, or was asked.
        host: String = "host",
        /// `timeout` and others, when there was no answer; empty when there was.
        status: String = "status",
        /// Time to the answer.
        time: Option<Duration> = "time",
        /// Probes sent.
        sent: Option<u32> = "sent",
        /// Probes answered.
        received: Option<u32> = "received",
        /// Probes lost, per cent.
        packet_loss: Option<u8> = "packet-loss",
        /// Mean time to an answer.
        average: Option<Duration> = "avg-rtt",
    }
}

impl PingReply {
    /// Whether this probe was answered.
    pub fn is_answered(&self) -> bool {
        self.time.is_some() && self.status.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{menu::View, row::Row};

    #[test]
    fn a_lost_probe_is_not_an_answered_one() {
        let answered = Row::new()
            .with("seq", "0")
            .with("time", "453us")
            .with("packet-loss", "0");
        let answered = PingReply::read(&answered).unwrap();
        assert!(answered.is_answered());
        assert_eq!(answered.time, Some(Duration::from_micros(453)));
        let lost = Row::new().with("seq", "1").with("status", "timeout");
        assert!(!PingReply::read(&lost).unwrap().is_answered());
    }
}
