//! Has the binary built again when the dashboard was. Building the dashboard is not done here but by `cargo xtask web`,
//! so that nobody needs Node for a change to the rest.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
}
