//! Who may come in, where, and whom the router trusts.

use super::view;
use crate::value::{Policies, Prefix};

view! {
    /// A certificate.
    Certificate at "/certificate" {
        /// `.id`.
        id: String = ".id",
        /// Its name on the router.
        name: String = "name",
        /// Its subject's name.
        common_name: String = "common-name",
        /// SHA-256 of it, as hexadecimal digits.
        fingerprint: String = "fingerprint",
        /// Whether it vouches for others.
        trusted: bool = "trusted",
        /// When it ends, in the router's spelling.
        invalid_after: String = "invalid-after",
    }

    /// A service that the router offers. Newer routers also list connections here, as dynamic rows.
    Service at "/ip/service" {
        /// `.id`.
        id: String = ".id",
        /// `api`, `api-ssl`, `ssh` and so on.
        name: String = "name",
        /// Port.
        port: Option<u16> = "port",
        /// From where it may be used; from everywhere when empty.
        address: Vec<Prefix> = "address",
        /// Certificate, or `none`.
        certificate: String = "certificate",
        /// Virtual router it listens in.
        vrf: String = "vrf",
        /// Most sessions at once, since 7.16.
        max_sessions: Option<u32> = "max-sessions",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Whether it is a connection and no service.
        dynamic: bool = "dynamic",
        /// Whether it cannot be used.
        invalid: bool = "invalid",
    }

    /// Somebody who may log in.
    User at "/user" {
        /// `.id`.
        id: String = ".id",
        /// User name.
        name: String = "name",
        /// What it may do, by name.
        group: String = "group",
        /// From where it may log in; from everywhere when empty.
        address: Vec<Prefix> = "address",
        /// When it last did, in the router's spelling.
        last_logged_in: String = "last-logged-in",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Comment.
        comment: String = "comment",
    }

    /// What users may do.
    UserGroup at "/user/group" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// What its users may do.
        policy: Policies = "policy",
        /// Comment.
        comment: String = "comment",
    }
}
