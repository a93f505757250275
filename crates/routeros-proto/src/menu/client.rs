//! What dials: OpenVPN, PPPoE and mobile clients, and the profiles of their sessions.

use super::view;

view! {
    /// An OpenVPN client. Its password is not asked for: newer routers hide it.
    OvpnClient at "/interface/ovpn-client" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// Where it dials to: an address or a name.
        connect_to: String = "connect-to",
        /// Port there.
        port: Option<u16> = "port",
        /// `tcp` or `udp`.
        protocol: String = "protocol",
        /// `ip` or `ethernet`.
        mode: String = "mode",
        /// User name.
        user: String = "user",
        /// PPP profile.
        profile: String = "profile",
        /// Client certificate, or `none`.
        certificate: String = "certificate",
        /// Whether the server's certificate must be sound.
        verify_server_certificate: bool = "verify-server-certificate",
        /// `any` or `only-1.2`.
        tls_version: String = "tls-version",
        /// Digest.
        auth: String = "auth",
        /// Cipher.
        cipher: String = "cipher",
        /// `no`, `yes` or `exclusively`.
        use_peer_dns: String = "use-peer-dns",
        /// Whether it makes a default route.
        add_default_route: bool = "add-default-route",
        /// Whether it ignores pushed routes.
        route_nopull: bool = "route-nopull",
        /// Whether the tunnel is up.
        running: bool = "running",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Comment.
        comment: String = "comment",
    }

    /// How a PPP or OpenVPN session is set up.
    PppProfile at "/ppp/profile" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// List that the session's interface joins.
        interface_list: String = "interface-list",
        /// Script, or its name, that runs when a session is up.
        on_up: String = "on-up",
        /// Script, or its name, that runs when a session ends.
        on_down: String = "on-down",
        /// Whether it came with the system.
        default: bool = "default",
        /// Comment.
        comment: String = "comment",
    }

    /// A PPPoE client.
    PppoeClient at "/interface/pppoe-client" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// The interface below.
        interface: String = "interface",
        /// Whether the session is up.
        running: bool = "running",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Whether it makes a default route.
        add_default_route: bool = "add-default-route",
        /// That route's distance.
        default_route_distance: Option<u8> = "default-route-distance",
        /// Comment.
        comment: String = "comment",
    }

    /// What a mobile modem dials.
    LteApn at "/interface/lte/apn" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// The access point.
        apn: String = "apn",
        /// Whether it makes a default route.
        add_default_route: bool = "add-default-route",
        /// That route's distance.
        default_route_distance: Option<u8> = "default-route-distance",
        /// The interface that gets the modem's address in the router's place.
        passthrough_interface: String = "passthrough-interface",
        /// Whether it came with the system.
        default: bool = "default",
    }
}
