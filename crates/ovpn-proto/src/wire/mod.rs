//! Byte and text formats: every offset of the protocol lives here, and nothing of its meaning.
//!
//! Nothing in this module keeps state over a connection except [`Deframer`] and the two readers that
//! collect a push spread over several messages. No input makes it panic or allocate more than the
//! input is long.
//!
//! From the outside in: [`frame`] cuts the TCP stream, [`packet`] reads what a frame holds,
//! [`key_method`] and [`text`] read what comes out of the TLS session inside the control packets,
//! and [`options`], [`peer_info`], [`push`] and [`push_update`] read the texts in those.

pub mod frame;
pub mod key_method;
pub mod options;
pub mod packet;
pub mod peer_info;
pub mod push;
pub mod push_update;
pub mod text;

mod id;
mod reader;
mod route;

pub use frame::{Deframer, FrameError, MAX_FRAME, write_frame};
pub use id::{KeyId, SessionId};
pub use key_method::{KeyMethod2, KeyMethodError, KeySource};
pub use options::OccOptions;
pub use packet::{Acks, Control, ControlOpcode, Data, Packet, PacketError};
pub use peer_info::{IvProto, PeerInfo};
pub use push::{KeyExport, PushError, PushReader, PushReply};
pub use push_update::{PushUpdateReader, RouteChange};
pub use text::{Text, TextError};
