//! Access to the file of vectors. What is not as expected fails the test.

use std::sync::LazyLock;

use holdfast_ovpn_proto::keys::Role;
use serde_json::Value;

pub(super) static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openvpn-vectors.json")).unwrap());

/// The sender, in either of the two spellings of the vectors.
pub(super) fn role(direction: &Value) -> Role {
    match text(direction) {
        "C>S" | "client->server" => Role::Client,
        "S>C" | "server->client" => Role::Server,
        other => panic!("unknown direction {other}"),
    }
}

pub(super) fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
}

pub(super) fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("not a number: {value}"))
}

pub(super) fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("not a list: {value}"))
}

pub(super) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

pub(super) fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}
