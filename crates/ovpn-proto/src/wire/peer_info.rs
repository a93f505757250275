//! What a client says about itself: lines of `KEY=value` at the end of key method 2.

use std::fmt::Write as _;

/// The lines that matter here. Others are skipped: which client, which version, is never a reason to
/// behave differently.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerInfo {
    /// `IV_VER`: OpenVPN version, for the log.
    pub version: Option<String>,
    /// `IV_PLAT`: operating system, for the log.
    pub platform: Option<String>,
    /// `IV_PROTO`: which parts of the protocol the client understands.
    pub proto: IvProto,
    /// `IV_NCP`: 2 or more accepts a pushed `cipher`.
    pub ncp: u8,
    /// `IV_CIPHERS`: the ciphers the client accepts, in its spelling.
    pub ciphers: Option<Vec<String>>,
    /// `IV_MTU`: accepts a pushed `tun-mtu` up to this many bytes.
    pub mtu: Option<u16>,
    /// `IV_TCPNL`: accepts gaps in the packet ids of data packets on TCP.
    pub tcp_nonlinear: bool,
    /// `IV_LZO`: can decompress LZO.
    pub lzo: bool,
    /// `IV_LZO_STUB`: understands the framing of `comp-lzo no`.
    pub lzo_stub: bool,
    /// `IV_COMP_STUB`: understands the framing of `compress stub`.
    pub comp_stub: bool,
    /// `IV_COMP_STUBv2`: understands `compress stub-v2`, whose framing costs nothing.
    pub comp_stub_v2: bool,
}

impl PeerInfo {
    /// Reads any text. Of repeated keys the last counts.
    pub fn parse(text: Option<&str>) -> Self {
        let mut info = Self::default();
        for (key, value) in text
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once('='))
        {
            match key {
                "IV_VER" => info.version = Some(value.to_owned()),
                "IV_PLAT" => info.platform = Some(value.to_owned()),
                "IV_PROTO" => info.proto = IvProto(value.parse().unwrap_or_default()),
                "IV_NCP" => info.ncp = value.parse().unwrap_or_default(),
                "IV_CIPHERS" => info.ciphers = Some(value.split(':').map(str::to_owned).collect()),
                "IV_MTU" => info.mtu = value.parse().ok(),
                "IV_TCPNL" => info.tcp_nonlinear = value == "1",
                "IV_LZO" => info.lzo = value == "1",
                "IV_LZO_STUB" => info.lzo_stub = value == "1",
                "IV_COMP_STUB" => info.comp_stub = value == "1",
                "IV_COMP_STUBv2" => info.comp_stub_v2 = value == "1",
                _ => {}
            }
        }
        info
    }

    /// True when the client said nothing about itself, as RouterOS does.
    pub fn is_absent(&self) -> bool {
        *self == Self::default()
    }

    /// The lines, in the order stock clients send them.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: Option<&dyn std::fmt::Display>| {
            if let Some(value) = value {
                writeln!(text, "{key}={value}").expect("writing to a string cannot fail");
            }
        };
        let ciphers = self.ciphers.as_ref().map(|ciphers| ciphers.join(":"));
        let flag = |set: bool| set.then_some(&1 as &dyn std::fmt::Display);
        line("IV_VER", self.version.as_ref().map(|version| version as _));
        line(
            "IV_PLAT",
            self.platform.as_ref().map(|platform| platform as _),
        );
        line("IV_TCPNL", flag(self.tcp_nonlinear));
        line("IV_MTU", self.mtu.as_ref().map(|mtu| mtu as _));
        line("IV_NCP", (self.ncp > 0).then_some(&self.ncp));
        line("IV_CIPHERS", ciphers.as_ref().map(|ciphers| ciphers as _));
        line("IV_PROTO", (self.proto.0 > 0).then_some(&self.proto.0));
        line("IV_LZO", flag(self.lzo));
        line("IV_LZO_STUB", flag(self.lzo_stub));
        line("IV_COMP_STUB", flag(self.comp_stub));
        line("IV_COMP_STUBv2", flag(self.comp_stub_v2));
        text
    }
}

/// The bit mask of `IV_PROTO`. Test bits, never compare values: they grow with every release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IvProto(pub u32);

impl IvProto {
    /// [`data_v2`](Self::data_v2) as a mask.
    pub const DATA_V2: Self = Self(1 << 1);
    /// [`request_push`](Self::request_push) as a mask.
    pub const REQUEST_PUSH: Self = Self(1 << 2);
    /// [`key_export`](Self::key_export) as a mask.
    pub const KEY_EXPORT: Self = Self(1 << 3);
    /// [`exit_and_protocol_flags`](Self::exit_and_protocol_flags) as a mask.
    pub const EXIT_AND_PROTOCOL_FLAGS: Self = Self(1 << 7);
    /// [`auth_failed_temp`](Self::auth_failed_temp) as a mask.
    pub const AUTH_FAILED_TEMP: Self = Self(1 << 8);
    /// [`epoch`](Self::epoch) as a mask.
    pub const EPOCH: Self = Self(1 << 10);
    /// [`push_update`](Self::push_update) as a mask.
    pub const PUSH_UPDATE: Self = Self(1 << 12);

    /// Takes a pushed `peer-id` and speaks `DATA_V2` after it.
    pub fn data_v2(self) -> bool {
        self.has(Self::DATA_V2)
    }

    /// Waits for the push reply without asking for it.
    pub fn request_push(self) -> bool {
        self.has(Self::REQUEST_PUSH)
    }

    /// Can take the data keys from the TLS session's exporter.
    pub fn key_export(self) -> bool {
        self.has(Self::KEY_EXPORT)
    }

    /// Understands `EXIT` and a pushed `protocol-flags`.
    pub fn exit_and_protocol_flags(self) -> bool {
        self.has(Self::EXIT_AND_PROTOCOL_FLAGS)
    }

    /// Tries again after `AUTH_FAILED,TEMP`.
    pub fn auth_failed_temp(self) -> bool {
        self.has(Self::AUTH_FAILED_TEMP)
    }

    /// Understands epoch data keys.
    pub fn epoch(self) -> bool {
        self.has(Self::EPOCH)
    }

    /// Understands `PUSH_UPDATE`.
    pub fn push_update(self) -> bool {
        self.has(Self::PUSH_UPDATE)
    }

    fn has(self, mask: Self) -> bool {
        self.0 & mask.0 != 0
    }
}

impl std::ops::BitOr for IvProto {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V26: &str = "IV_VER=2.6.14\nIV_PLAT=linux\nIV_TCPNL=1\nIV_MTU=1600\nIV_NCP=2\n\
        IV_CIPHERS=AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305\nIV_PROTO=990\n\
        IV_LZO_STUB=1\nIV_COMP_STUB=1\nIV_COMP_STUBv2=1\n";

    #[test]
    fn a_stock_client_is_read_and_rendered_back() {
        let info = PeerInfo::parse(Some(V26));
        assert_eq!(info.version.as_deref(), Some("2.6.14"));
        assert_eq!(info.ciphers.as_ref().map(Vec::len), Some(3));
        assert_eq!((info.ncp, info.mtu), (2, Some(1600)));
        assert!(info.tcp_nonlinear && info.comp_stub_v2 && !info.lzo);
        assert_eq!(info.render(), V26);
    }

    #[test]
    fn the_bits_of_each_release_say_what_it_can() {
        let abilities = |mask| {
            let proto = IvProto(mask);
            [
                proto.data_v2(),
                proto.request_push(),
                proto.key_export(),
                proto.exit_and_protocol_flags(),
                proto.auth_failed_temp(),
                proto.epoch(),
                proto.push_update(),
            ]
        };
        for (ability, bit) in [1, 2, 3, 7, 8, 10, 12].into_iter().enumerate() {
            let alone = std::array::from_fn(|index| index == ability);
            assert_eq!(abilities(1 << bit), alone, "bit {bit}");
        }
        assert_eq!(
            abilities(2),
            [true, false, false, false, false, false, false]
        );
        assert_eq!(
            abilities(6),
            [true, true, false, false, false, false, false]
        );
        assert_eq!(abilities(990), [true, true, true, true, true, false, false]);
        assert_eq!(abilities(8094), [true; 7]);
    }

    #[test]
    fn nothing_said_is_absent() {
        assert!(PeerInfo::parse(None).is_absent());
        assert!(PeerInfo::parse(Some("")).is_absent());
        assert!(PeerInfo::parse(Some("=\n\nIV_PROTO=-1\nIV_PROTO\n")).is_absent());
        assert!(!PeerInfo::parse(Some("IV_VER=x")).is_absent());
        assert_eq!(PeerInfo::default().render(), "");
    }
}
