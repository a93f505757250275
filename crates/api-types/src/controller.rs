//! The controller API: what a route controller asks its control plane, tells it and obeys.
//!
//! The same values travel by function call where both are one process, and as JSON where they are two; [`http`] says how.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub mod http;
mod sealed;
pub mod stream;

pub use self::sealed::{NotHex, SealedGrant};
use crate::{Health, Place, Route, SiteId, StreamId, TunnelId};
pub use crate::{ProfileName, TunnelRole as Role};

/// A log-in, as the router sent it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginRequest {
    /// Which connection asks; reports about it carry the same number.
    pub connection: u64,
    /// User name as sent.
    pub username: String,
    /// Password as sent.
    #[serde(serialize_with = "exposed")]
    pub password: SecretString,
    /// The router's address as we see it.
    pub remote: SocketAddr,
    /// Which of our addresses it dialled: 0 is the first listed.
    pub slot: usize,
}

/// The control plane has to see the password, and nobody else: that is what the connection's TLS is for.
fn exposed<S: Serializer>(password: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(password.expose_secret())
}

/// The answer to a log-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginVerdict {
    /// The tunnel may come up.
    Granted(Box<TunnelGrant>),
    /// The credentials are wrong: the reason is shown in the router's log, and stock clients stop.
    Refused(String),
    /// Nobody can decide now: the router is to come back.
    Unavailable(String),
}

/// The answer to a renegotiation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StillGood {
    /// The tunnel goes on.
    Yes,
    /// The credentials were withdrawn or changed: the reason is shown in the router's log.
    No(String),
}

/// What an admitted tunnel gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelGrant {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// The site that it belongs to.
    pub site: SiteId,
    /// The router's address in the tunnel.
    pub address: Ipv4Addr,
    /// Our address in the tunnel.
    pub server: Ipv4Addr,
    /// Prefix length of the tunnel's own network.
    pub prefix: u8,
    /// Where it stands on the ladder; none for a management tunnel, which carries none of its site's traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The routes of that place.
    pub routes: Vec<Route>,
    /// How it is probed.
    pub profile: ProfileName,
}

/// Something that happened to an admitted connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// The connection; a tunnel that logs in again has a new one.
    pub connection: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: ReportKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
pub enum ReportKind {
    /// The router acknowledged its push.
    Up {
        /// The router's address as we see it.
        remote: SocketAddr,
        /// Which of our addresses it dialled.
        slot: usize,
        /// Data channel cipher.
        cipher: String,
    },
    /// The connection is gone.
    Down {
        /// In words a person reads.
        cause: String,
        /// True when we asked for it.
        planned: bool,
    },
    /// The router acknowledged new routes on the living tunnel.
    RoutesUpdated,
    /// What its probes say.
    Verdict(Verdict),
    /// Measurements since the last such report.
    Health(Health),
}

/// What probes say about a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// A probe was answered.
    Answered,
    /// A probe has waited longer for its answer than is usual on this path.
    Missed,
    /// The tunnel is silent; nothing is decided yet.
    Suspect {
        /// In words a person reads.
        cause: String,
    },
    /// A suspected tunnel gave a sign of life.
    Cleared,
    /// The tunnel does not carry packets any more. It is probed on; [`Verdict::Answered`] tells when it
    /// does again.
    Dead {
        /// In words a person reads.
        cause: String,
        /// How long the router may keep the tunnel's routes: until its own client notices. Milliseconds in
        /// JSON.
        #[serde(rename = "lingers_ms", with = "milliseconds")]
        lingers: Duration,
    },
}

/// An order to one connection, by the number of its [`LoginRequest`]. Orders to a connection that is gone are
/// void: what is meant for one log-in must not hit the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The connection.
    pub connection: u64,
    /// What it is to do.
    #[serde(flatten)]
    pub order: Order,
}

/// What one connection is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Give the router these routes: in place where its client can, else by making it log in again.
    Push {
        /// The routes that replace all it has.
        routes: Vec<Route>,
    },
    /// Probe it in a burst.
    Burst,
    /// Probe it at the pace of this role.
    SetRole {
        /// The role.
        role: Role,
    },
    /// End the connection.
    Disconnect {
        /// In words a person reads.
        cause: String,
        /// Whether it is our own doing, not the link's.
        planned: bool,
    },
    /// Connect to a port of the router, through the tunnel. What comes of it is told by the name of the stream.
    OpenStream {
        /// What the stream is called from now on.
        stream: StreamId,
        /// The TCP port, at the router's address in the tunnel.
        port: u16,
    },
}

mod milliseconds {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    pub(super) fn serialize<S: Serializer>(
        it: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(it.as_millis().try_into().unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    pub(super) fn check<T: Serialize + DeserializeOwned + std::fmt::Debug>(value: &T, json: &str) {
        assert_eq!(serde_json::to_string(value).unwrap(), json);
        let read: T = serde_json::from_str(json).unwrap();
        assert_eq!(format!("{read:?}"), format!("{value:?}"));
    }

    fn report(kind: ReportKind) -> Report {
        Report {
            tunnel: "fibre".parse().unwrap(),
            connection: 7,
            kind,
        }
    }

    fn command(order: Order) -> Command {
        Command {
            connection: 7,
            order,
        }
    }

    #[test]
    fn a_log_in_carries_its_password_in_json_and_hides_it_in_a_log() {
        let login = LoginRequest {
            connection: 7,
            username: "fibre".into(),
            password: SecretString::from("secret"),
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
        };
        assert!(!format!("{login:?}").contains("secret"));
        let json = r#"{"connection":7,"username":"fibre","password":"secret","remote":"203.0.113.9:40000","slot":0}"#;
        check(&login, json);
        let read: LoginRequest = serde_json::from_str(json).unwrap();
        assert_eq!(read.password.expose_secret(), "secret");
    }

    #[test]
    fn every_answer_reads_back() {
        let grant = TunnelGrant {
            tunnel: "fibre".parse().unwrap(),
            site: "office".parse().unwrap(),
            address: Ipv4Addr::new(100, 64, 0, 2),
            server: Ipv4Addr::new(100, 64, 0, 1),
            prefix: 30,
            place: Some(Place { rung: 1, step: 10 }),
            routes: Vec::new(),
            profile: ProfileName::Saver,
        };
        let management = TunnelGrant {
            place: None,
            ..grant.clone()
        };
        check(
            &LoginVerdict::Granted(Box::new(management)),
            r#"{"granted":{"tunnel":"fibre","site":"office","address":"100.64.0.2","server":"100.64.0.1","prefix":30,"routes":[],"profile":"saver"}}"#,
        );
        check(
            &LoginVerdict::Granted(Box::new(grant)),
            r#"{"granted":{"tunnel":"fibre","site":"office","address":"100.64.0.2","server":"100.64.0.1","prefix":30,"place":{"rung":1,"step":10},"routes":[],"profile":"saver"}}"#,
        );
        check(
            &LoginVerdict::Refused("no such tunnel".into()),
            r#"{"refused":"no such tunnel"}"#,
        );
        check(
            &LoginVerdict::Unavailable("starting".into()),
            r#"{"unavailable":"starting"}"#,
        );
        check(&StillGood::Yes, r#""yes""#);
        check(&StillGood::No("gone".into()), r#"{"no":"gone"}"#);
    }

    #[test]
    fn every_report_is_one_flat_object_and_reads_back() {
        let up = ReportKind::Up {
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 1,
            cipher: "AES-256-GCM".into(),
        };
        check(
            &report(up),
            r#"{"tunnel":"fibre","connection":7,"report":"up","remote":"203.0.113.9:40000","slot":1,"cipher":"AES-256-GCM"}"#,
        );
        let down = ReportKind::Down {
            cause: "reset".into(),
            planned: false,
        };
        check(
            &report(down),
            r#"{"tunnel":"fibre","connection":7,"report":"down","cause":"reset","planned":false}"#,
        );
        check(
            &report(ReportKind::RoutesUpdated),
            r#"{"tunnel":"fibre","connection":7,"report":"routes-updated"}"#,
        );
        let dead = Verdict::Dead {
            cause: "silent".into(),
            lingers: Duration::from_secs(4),
        };
        check(
            &report(ReportKind::Verdict(dead)),
            r#"{"tunnel":"fibre","connection":7,"report":"verdict","verdict":"dead","cause":"silent","lingers_ms":4000}"#,
        );
        let health = Health {
            rtt_ms: Some(20.0),
            jitter_ms: None,
            loss: 0.25,
            probes: 4,
        };
        check(
            &report(ReportKind::Health(health)),
            r#"{"tunnel":"fibre","connection":7,"report":"health","rtt_ms":20.0,"jitter_ms":null,"loss":0.25,"probes":4}"#,
        );
    }

    #[test]
    fn every_command_is_one_flat_object_and_reads_back() {
        check(
            &command(Order::Push { routes: Vec::new() }),
            r#"{"connection":7,"order":"push","routes":[]}"#,
        );
        check(
            &command(Order::Burst),
            r#"{"connection":7,"order":"burst"}"#,
        );
        let role = Role::Active;
        check(
            &command(Order::SetRole { role }),
            r#"{"connection":7,"order":"set-role","role":"active"}"#,
        );
        let order = Order::Disconnect {
            cause: "its tunnel is off".into(),
            planned: true,
        };
        check(
            &command(order),
            r#"{"connection":7,"order":"disconnect","cause":"its tunnel is off","planned":true}"#,
        );
        let order = Order::OpenStream {
            stream: "01J9ZQ3V6N8W4T2K5R7M1X0ABC".parse().unwrap(),
            port: 8728,
        };
        check(
            &command(order),
            r#"{"connection":7,"order":"open-stream","stream":"01J9ZQ3V6N8W4T2K5R7M1X0ABC","port":8728}"#,
        );
    }

    #[test]
    fn a_profile_is_read_by_its_name_and_others_are_named_in_the_error() {
        for profile in ProfileName::ALL {
            assert_eq!(profile.as_str().parse(), Ok(profile));
        }
        let err = "turbo".parse::<ProfileName>().unwrap_err();
        assert_eq!(
            err.to_string(),
            "\"turbo\" is not a probe profile: use fast, normal or saver"
        );
    }
}
