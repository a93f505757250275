//! What changed, told to every open dashboard: [`Bus`] in memory, `GET /events` over HTTP.

mod bus;
pub(crate) mod sse;

pub use bus::{Bus, Message, Subscription, TooManyListeners};
