//! Answers of commands that look once: `monitor`, `monitor-traffic`, `ping`.

use std::{net::IpAddr, time::Duration};

use super::view;

view! {
    /// How an OpenVPN client is doing.
    OvpnStatus at "/interface/ovpn-client/monitor" {
        /// `connected`, or how far it is; what begins with `terminating` says why it is not.
        status: String = "status",
        /// How long it is connected.
        uptime: Option<Duration> = "uptime",
        /// Cipher and digest, such as `AES-256-CBC/SHA256`.
        encoding: String = "encoding",
        /// Largest packet in bytes.
        mtu: Option<u32> = "mtu",
        /// The router's address in the tunnel.
        local_address: Option<IpAddr> = "local-address",
        /// The other end's.
        remote_address: Option<IpAddr> = "remote-address",
    }

    /// How a PPPoE client is doing.
    PppoeStatus at "/interface/pppoe-client/monitor" {
        /// `connected`, or how far it is.
        status: String = "status",
        /// How long it is connected.
        uptime: Option<Duration> = "uptime",
        /// The router's address.
        local_address: Option<IpAddr> = "local-address",
        /// The other end's.
        remote_address: Option<IpAddr> = "remote-address",
        /// The concentrator's name.
        ac_name: String = "ac-name",
        /// Largest packet in bytes.
        mtu: Option<u32> = "mtu",
    }

    /// How a mobile modem is doing.
    LteStatus at "/interface/lte/monitor" {
        /// `connected`, or how far it is.
        status: String = "status",
        /// Its model.
        model: String = "model",
        /// Whose network it is in.
        operator: String = "current-operator",
        /// `LTE` and so on.
        data_class: String = "data-class",
        /// How long it is attached.
        session_uptime: Option<Duration> = "session-uptime",
        /// Received strength, dBm.
        rssi: Option<i32> = "rssi",
        /// Received power of the reference signal, dBm.
        rsrp: Option<i32> = "rsrp",
        /// Received quality of the reference signal, dB.
        rsrq: Option<i32> = "rsrq",
        /// Signal to noise, dB.
        sinr: Option<i32> = "sinr",
    }

    /// How an Ethernet port is doing.
    EthernetStatus at "/interface/ethernet/monitor" {
        /// The port.
        name: String = "name",
        /// `link-ok` or `no-link`.
        status: String = "status",
        /// Speed that was agreed, such as `1Gbps`.
        rate: String = "rate",
    }

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

impl OvpnStatus {
    /// Whether the tunnel is up. Everything but `connected` means that it is not.
    pub fn is_connected(&self) -> bool {
        self.status == "connected"
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
    fn only_connected_means_connected() {
        let status = |text: &str| OvpnStatus::read(&Row::new().with("status", text)).unwrap();
        assert!(status("connected").is_connected());
        for text in [
            "",
            "connecting...",
            "terminating... - TLS failed",
            "disconnected",
        ] {
            assert!(!status(text).is_connected(), "{text}");
        }
    }

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
