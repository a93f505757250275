//! What the fuzz targets do with their input, by protocol.

pub mod openvpn;
pub mod routeros;
