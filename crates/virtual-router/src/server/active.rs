//! `/user/active`: who is logged in.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use holdfast_routeros_proto::Row;

use super::listener::Service;
use crate::router::Router;

/// The row of somebody who is logged in; it goes when this is dropped.
pub(super) struct ActiveUser {
    router: Router,
    owner: String,
}

const MENU: &str = "/user/active";

impl ActiveUser {
    pub(super) fn new(router: &Router, user: &str, peer: IpAddr, service: Service) -> Self {
        static SESSIONS: AtomicU64 = AtomicU64::new(0);
        let owner = format!("session:{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
        let now = router.now();
        router.update(|database| {
            let group = database.named("/user", user).map(|user| user.text("group"));
            let row = Row::new()
                .with("when", now)
                .with("name", user)
                .with("address", peer.to_string())
                .with("via", service.name())
                .with("group", group.unwrap_or_default());
            database.replace_dynamic(MENU, &owner, vec![row]);
        });
        Self {
            router: router.clone(),
            owner,
        }
    }
}

impl Drop for ActiveUser {
    fn drop(&mut self) {
        self.router
            .update(|database| database.replace_dynamic(MENU, &self.owner, Vec::new()));
    }
}
