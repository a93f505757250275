//! The controller's side of `/controller/v1`, against a small control plane that does as a test says.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod control_plane;
mod remote;
