//! Closed lists of words: what a column, a query parameter or a field of the API may say.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is none of the words it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: use {}", listed(.words))]
pub struct UnknownWord {
    /// What the word would have been, as a person says it.
    pub kind: &'static str,
    /// The text itself, cut to a length fit for a message.
    pub text: String,
    /// Every word that is allowed.
    pub words: &'static [&'static str],
}

/// "a, b or c".
fn listed(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

// A word is a `tt` and no `literal`: the derive of the schema does not look into the group that a `literal` comes in.
macro_rules! words {
    ($kind:literal, $(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:tt,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order in which they are declared.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word in interfaces and in the database.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord {
                        kind: $kind,
                        text: text.chars().take(64).collect(),
                        words: &[$($word),+],
                    }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    "role",
    /// What a person or an API token may do in its organization. A greater role may all that a smaller may.
    UserRole {
        /// Reads everything, changes nothing.
        Viewer = "viewer",
        /// Changes sites, tunnels, priorities and faults.
        Operator = "operator",
        /// Also users, API tokens and the organization itself.
        Owner = "owner",
    }
}

words! {
    "tunnel role",
    /// What a tunnel is for at the moment.
    TunnelRole {
        /// The site's traffic leaves through it.
        Active = "active",
        /// It waits, with worse routes installed.
        Standby = "standby",
    }
}

words! {
    "connection type",
    /// How an internet connection reaches the site.
    ConnectionType {
        /// Optical fibre.
        Fibre = "fibre",
        /// DSL and its relatives.
        Copper = "copper",
        /// An Ethernet hand-over.
        Ethernet = "ethernet",
        /// TV cable.
        Coaxial = "coaxial",
        /// A terrestrial radio link.
        Microwave = "microwave",
        /// A geostationary satellite with a dish.
        Vsat = "vsat",
        /// Any other satellite system.
        Satellite = "satellite",
        /// Third generation mobile network.
        ThreeG = "3g",
        /// Fourth generation mobile network.
        FourG = "4g",
        /// LTE.
        Lte = "lte",
        /// Fifth generation mobile network.
        FiveG = "5g",
        /// None of these.
        Other = "other",
    }
}

words! {
    "probe profile",
    /// The name of a set of probing intervals; what it stands for is the controller's knowledge. The one that
    /// probes most comes first.
    ProfileName {
        /// For fibre, copper, ethernet and coaxial lines.
        Fast = "fast",
        /// For microwave and satellite lines, and where nothing is known.
        Normal = "normal",
        /// For mobile and metered lines.
        Saver = "saver",
    }
}

words! {
    "link state",
    /// What is known of a tunnel's connection.
    LinkState {
        /// It has no gateway or no connection type yet, and may not connect.
        Unconfigured = "unconfigured",
        /// It may connect, and never did.
        NeverSeen = "never-seen",
        /// It carries packets.
        Online = "online",
        /// It carries packets, worse than its targets say.
        Degraded = "degraded",
        /// It carries packets again, and is held before it may carry traffic.
        Recovering = "recovering",
        /// It carries no packets.
        Offline = "offline",
        /// It is disabled, or an operator forced it off.
        Off = "off",
        /// No controller reports it.
        Unknown = "unknown",
    }
}

words! {
    "site state",
    /// How a site as a whole is doing.
    SiteState {
        /// Failover is not enabled, or every tunnel of it is switched off.
        Off = "off",
        /// No tunnel of it may connect before it is configured.
        Unconfigured = "unconfigured",
        /// No tunnel of it has ever connected.
        NeverSeen = "never-seen",
        /// Traffic leaves where it should.
        Online = "online",
        /// Traffic leaves through a tunnel that is not the first of those that could be used.
        OnBackup = "on-backup",
        /// Traffic leaves through a tunnel that is worse than its targets say.
        Degraded = "degraded",
        /// No tunnel carries its traffic.
        Offline = "offline",
        /// No controller reports its tunnels.
        Unknown = "unknown",
    }
}

words! {
    "session policy",
    /// What happens to live connections when traffic moves to another tunnel.
    SessionPolicy {
        /// They stay, unless the connection that is left is metered: then they are moved at once.
        Usual = "usual",
        /// They stay where they are until they end.
        Keep = "keep",
        /// They may stay for some minutes, then they are moved.
        Drain = "drain",
        /// They are moved at once.
        MoveNow = "move-now",
    }
}

words! {
    "override",
    /// What an operator forces upon a tunnel, whatever the configured order says.
    OverrideKind {
        /// It ranks above every other tunnel.
        Prefer = "prefer",
        /// It ranks below every other tunnel.
        Avoid = "avoid",
        /// It may not connect.
        Off = "off",
    }
}

words! {
    "fault type",
    /// What is wrong with a site or a tunnel.
    FaultType {
        /// A tunnel carries no packets.
        LinkOffline = "link-offline",
        /// A tunnel is worse than its targets.
        LinkDegraded = "link-degraded",
        /// A tunnel comes and goes.
        LinkFlapping = "link-flapping",
        /// No tunnel of the site carries packets.
        SiteOffline = "site-offline",
        /// Traffic leaves through another tunnel than the first in the order.
        RunningOnBackup = "running-on-backup",
        /// The controller that holds the site's tunnels does not answer.
        ControllerLost = "controller-lost",
        /// The site's router is not configured as it should be.
        ConfigurationDrift = "configuration-drift",
    }
}

impl FaultType {
    /// How bad a fault of this type is.
    pub const fn severity(self) -> Severity {
        match self {
            Self::SiteOffline => Severity::Critical,
            Self::LinkOffline | Self::ControllerLost => Severity::Major,
            Self::LinkDegraded
            | Self::LinkFlapping
            | Self::RunningOnBackup
            | Self::ConfigurationDrift => Severity::Minor,
        }
    }
}

words! {
    "severity",
    /// How bad a fault is. A greater one is worse.
    Severity {
        /// Users notice little or nothing.
        Minor = "minor",
        /// Something is broken, and a spare carries the users.
        Major = "major",
        /// Users are offline.
        Critical = "critical",
    }
}

words! {
    "fault state",
    /// Whether a fault still goes on.
    FaultState {
        /// It goes on.
        Open = "open",
        /// It has ended.
        Closed = "closed",
    }
}

words! {
    "job kind",
    /// What a job does.
    JobKind {
        /// Brings the tunnels of a site into a new order.
        Priority = "priority",
        /// Takes failover away from a site.
        Deactivation = "deactivation",
        /// Brings a router to what is configured for its site.
        Configuration = "configuration",
        /// Removes everything of Holdfast from a router, and forgets it.
        Release = "release",
    }
}

words! {
    "job state",
    /// How far a job is.
    JobState {
        /// It waits for a worker.
        Queued = "queued",
        /// A worker is at it.
        Running = "running",
        /// It is done.
        Succeeded = "succeeded",
        /// It was given up.
        Failed = "failed",
        /// It was given up, and what it had changed was taken back.
        Reverted = "reverted",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing will happen to the job any more.
    pub const fn is_finished(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Reverted | Self::Cancelled => true,
        }
    }
}

words! {
    "step state",
    /// How far one step of a job is.
    StepState {
        /// Its turn has not come.
        Pending = "pending",
        /// It is being done.
        Running = "running",
        /// It is done.
        Succeeded = "succeeded",
        /// It could not be done.
        Failed = "failed",
        /// It was not needed, or the job ended before its turn.
        Skipped = "skipped",
    }
}

words! {
    "kind of log line",
    /// What a line of a job's log is.
    LogKind {
        /// What the router was told, with secrets masked.
        Command = "command",
        /// What the router said to it.
        Answer = "answer",
        /// What we made of it.
        Note = "note",
    }
}

words! {
    "router state",
    /// What is known of a site's router.
    RouterState {
        /// None was adopted, and none is about to be.
        None = "none",
        /// Its adoption has begun.
        Pending = "pending",
        /// It was heard of lately.
        Online = "online",
        /// It was adopted, and has not been heard of lately.
        Away = "away",
    }
}

words! {
    "way to a router",
    /// How a router is reached.
    RouterAccess {
        /// Through a tunnel that the router itself has dialled.
        Tunnel = "tunnel",
        /// At an address of its own.
        Direct = "direct",
    }
}

words! {
    "route mode",
    /// Where the routes of a router's tunnels come from.
    RouteMode {
        /// The controller pushes them to the router's clients.
        Pushed = "pushed",
        /// They lie on the router, and hooks of its tunnels switch them.
        Local = "local",
    }
}

words! {
    "way to repair",
    /// What happens when a router is found to differ from what is configured.
    Repair {
        /// It is shown, and somebody decides.
        Ask = "ask",
        /// A job puts it right at once.
        Automatic = "automatic",
    }
}

words! {
    "gateway source",
    /// From what on a router a gateway is known. The more certain come first.
    GatewaySource {
        /// A lease of its DHCP client.
        Dhcp = "dhcp",
        /// The far end of its PPPoE client.
        Pppoe = "pppoe",
        /// An LTE interface.
        Lte = "lte",
        /// A default route.
        Route = "route",
        /// The other address of a network of two.
        PointToPoint = "point-to-point",
        /// A neighbour that announces itself.
        Neighbor = "neighbor",
        /// An entry of its ARP table.
        Arp = "arp",
    }
}

words! {
    "kind of actor",
    /// Who did something.
    ActorKind {
        /// A person, logged in.
        User = "user",
        /// A program with an API token.
        Token = "token",
        /// Holdfast by itself.
        System = "system",
        /// Somebody at the command line of the server.
        Admin = "admin",
    }
}

words! {
    "state of a line",
    /// What was done to an internet connection of a lab.
    LineState {
        /// Nothing, or it was undone.
        Working = "working",
        /// The ISP has lost its uplink, while its gateway still answers.
        Cut = "cut",
        /// The cable between router and ISP is out.
        Unplugged = "unplugged",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_is_the_same_in_json() {
        for connection in ConnectionType::ALL {
            assert_eq!(connection.as_str().parse(), Ok(connection));
            let json = serde_json::to_string(&connection).unwrap();
            assert_eq!(json, format!("{:?}", connection.as_str()));
            assert_eq!(
                serde_json::from_str::<ConnectionType>(&json).unwrap(),
                connection
            );
        }
        for source in GatewaySource::ALL {
            assert_eq!(source.as_str().parse(), Ok(source));
        }
    }

    #[test]
    fn an_unknown_word_is_told_what_would_do() {
        let err = "root".parse::<UserRole>().unwrap_err();
        assert_eq!(
            err.to_string(),
            r#""root" is not a role: use viewer, operator or owner"#
        );
    }

    #[test]
    fn roles_and_severities_are_ordered() {
        assert!(UserRole::Owner > UserRole::Operator && UserRole::Operator > UserRole::Viewer);
        assert!(FaultType::SiteOffline.severity() > FaultType::LinkOffline.severity());
    }
}
