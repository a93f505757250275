//! The committed document is the one that the handlers make.

use holdfast_control_plane::http::openapi::document;

#[test]
fn the_committed_document_is_fresh() {
    let committed = include_str!("../../../../openapi.json");
    assert!(
        committed == document(),
        "openapi.json is stale: run `cargo xtask openapi` and commit it with the change"
    );
}

#[test]
fn closed_lists_are_spelled_as_the_api_spells_them() {
    let document: serde_json::Value = serde_json::from_str(document()).unwrap();
    let words = |name: &str| document["components"]["schemas"][name]["enum"].clone();
    assert_eq!(
        words("OverrideKind"),
        serde_json::json!(["prefer", "avoid", "off"])
    );
    assert_eq!(
        words("UserRole"),
        serde_json::json!(["viewer", "operator", "owner"])
    );
}
