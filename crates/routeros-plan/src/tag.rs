//! What is ours on a router: comments that say so, and names.

use std::{fmt, str::FromStr};

/// Every comment of ours begins with it.
const PREFIX: &str = "holdfast";

/// The comment of an object that belongs to us, such as `holdfast:pin:1`.
///
/// A comment that only resembles one ("holdfast:pin:1 old", "holdfast") is somebody else's, and so is the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// What the object is for.
    pub kind: Kind,
    /// The slot it belongs to, from 1; none for what a router has once.
    pub slot: Option<u8>,
}

impl Tag {
    /// The tag of something that a router has once.
    pub const fn of(kind: Kind) -> Self {
        Self { kind, slot: None }
    }

    /// The tag of something that each slot has.
    pub const fn of_slot(kind: Kind, slot: u8) -> Self {
        Self {
            kind,
            slot: Some(slot),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}:{}", self.kind.as_str())?;
        match self.slot {
            Some(slot) => write!(f, ":{slot}"),
            None => Ok(()),
        }
    }
}

/// The comment is somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotOurs;

impl FromStr for Tag {
    type Err = NotOurs;

    fn from_str(comment: &str) -> Result<Self, NotOurs> {
        let mut words = comment.split(':');
        if words.next() != Some(PREFIX) {
            return Err(NotOurs);
        }
        let kind = words.next().and_then(Kind::from_word).ok_or(NotOurs)?;
        let slot = match words.next() {
            Some(number) => Some(number.parse().map_err(|_| NotOurs)?),
            None => None,
        };
        let tag = Self { kind, slot };
        // Spelled back, it must be the same text: no "+1", no "01", nothing after the slot.
        if kind.has_slots() == slot.is_some() && tag.to_string() == comment {
            Ok(tag)
        } else {
            Err(NotOurs)
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal $title:literal $(per $slot:ident)?,)+) => {
        /// What an object of ours is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in the comment.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What a person calls it, after "the".
            pub(crate) const fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }

            /// Whether every slot has one of its own.
            pub const fn has_slots(self) -> bool {
                match self {
                    $(Self::$name => kinds!(@slots $($slot)?),)+
                }
            }

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
    (@slots slot) => { true };
    (@slots) => { false };
}

kinds! {
    /// The certificate authority that signs the controllers' certificates.
    Authority = "ca" "certificate authority",
    /// The interface list that every tunnel of ours is in.
    List = "list" "interface list of the tunnels",
    /// A WAN interface's membership in the router's list `WAN`.
    Wan = "wan" "membership in the list of WANs" per slot,
    /// The firewall rule that lets the controller reach the API.
    Accept = "accept" "access to the API through the tunnels",
    /// The firewall rule that lets the controller's probes be answered.
    AcceptProbes = "accept-probes" "answers to probes through the tunnels",
    /// The virtual next hop of a slot: one host route towards the ISP's gateway.
    NextHop = "next-hop" "next hop" per slot,
    /// What keeps a tunnel on its WAN: a host route, or a routing table with its marks.
    Pin = "pin" "pin" per slot,
    /// The blackhole beneath a pin: without its WAN a tunnel must not leave through another.
    PinShadow = "pin-shadow" "blackhole under the pin" per slot,
    /// A WAN's own default route, beneath everything else.
    Default = "default" "default route" per slot,
    /// A ladder route that the router itself switches on and off.
    Ladder = "ladder" "ladder route" per slot,
    /// The PPP profile of a tunnel.
    Profile = "profile" "profile" per slot,
    /// The OpenVPN client of a tunnel.
    Tunnel = "tunnel" "tunnel" per slot,
    /// What carries a gateway that DHCP has changed into the next hop.
    Follow = "follow" "follower of the gateway" per slot,
    /// What redials a tunnel that is up and answers nothing.
    Watchdog = "watchdog" "watchdog" per slot,
    /// The management tunnel, its profile, and the user that logs in through it.
    Management = "management" "management tunnel",
    /// The scheduler that tells the control plane that the router lives, and its script.
    CheckIn = "check-in" "check-in",
    /// What puts the old configuration back unless it is called off.
    DeadMan = "dead-man" "dead man",
    /// The script that knows what adoption has changed of what is not ours.
    Before = "before" "memory of what adoption has changed",
}

/// Names of what we make on a router.
pub mod names {
    /// The service user.
    pub const USER: &str = "holdfast";
    /// The service user's group.
    pub const GROUP: &str = "holdfast";
    /// The certificate authority in the router's store.
    pub const AUTHORITY: &str = "holdfast-ca";
    /// The one before it, while tunnels still depend on it.
    pub const OLD_AUTHORITY: &str = "holdfast-ca-old";
    /// The interface list that every tunnel of ours is in.
    pub const LIST: &str = "holdfast";
    /// The management tunnel and its profile.
    pub const MANAGEMENT: &str = "holdfast-management";
    /// Scheduler and script of the check-in.
    pub const CHECK_IN: &str = "holdfast-check-in";
    /// Scheduler and script of the dead man.
    pub const DEAD_MAN: &str = "holdfast-dead-man";
    /// The script that restores what adoption has changed.
    pub const BEFORE: &str = "holdfast-before";
    /// The scheduler that runs the release.
    pub const RELEASE: &str = "holdfast-release";
    /// The list of WAN interfaces of RouterOS's own default configuration.
    pub const WAN_LIST: &str = "WAN";

    /// OpenVPN client, PPP profile and routing table of a slot.
    pub fn of_slot(slot: u8) -> String {
        format!("holdfast-{slot}")
    }

    /// The scheduler that follows the gateway of a slot.
    pub fn follow(slot: u8) -> String {
        format!("holdfast-follow-{slot}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_reads_back() {
        for &kind in Kind::ALL {
            let tag = Tag {
                kind,
                slot: kind.has_slots().then_some(3),
            };
            assert_eq!(tag.to_string().parse(), Ok(tag));
        }
    }

    #[test]
    fn a_comment_that_only_resembles_a_tag_is_somebody_elses() {
        for comment in [
            "",
            "holdfast",
            "holdfast:",
            "holdfast:pin",
            "holdfast:pin:",
            "holdfast:pin:01",
            "holdfast:pin:+1",
            "holdfast:pin:1 old",
            "holdfast:pin:1:2",
            "holdfast:pin:300",
            "holdfast:accept:1",
            "Holdfast:pin:1",
            "holdfast:something:1",
            "my holdfast:pin:1",
        ] {
            assert_eq!(comment.parse::<Tag>(), Err(NotOurs), "{comment}");
        }
    }
}
