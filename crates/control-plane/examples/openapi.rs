//! Prints the OpenAPI document, for `cargo xtask openapi`.

use std::io::{self, Write};

use holdfast_control_plane::http::openapi::document;

fn main() -> io::Result<()> {
    io::stdout().write_all(document().as_bytes())
}
