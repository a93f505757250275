//! What changed, told to every open dashboard.

mod bus;

pub use bus::{Bus, Message, Subscription, TooManyListeners};
