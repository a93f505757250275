//! SIGKILL, again and again, while somebody writes: what was acknowledged stays.

use std::{
    collections::BTreeSet,
    sync::mpsc::{Sender, channel},
    time::{Duration, Instant},
};

use holdfast_lab::api::Api;
use holdfast_store::Store;
use serde_json::{Value, json};

use crate::bed::{Bed, Server, admin};

const DATA: &str = "data";

/// Writers at once: some are waiting for the database while another's change is committed.
const WRITERS: u64 = 3;

#[test]
fn every_acknowledged_write_survives_a_killed_process_and_the_database_stays_sound() {
    let kills = match std::env::var("HOLDFAST_LONG_TESTS").as_deref() {
        Ok("1") => 200,
        _ => 60,
    };
    let bed = Bed::on_loopback();
    let token = token(&bed);
    let mut acknowledged = BTreeSet::new();
    for life in 0..kills {
        let mut server = Server::start(&bed, DATA);
        let kept = names(&authorized(&server, &token));
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(lost.is_empty(), "life {life} has lost {lost:?}");
        acknowledged.extend(write_until_killed(&mut server, &token, life));
    }
    assert!(
        acknowledged.len() > kills,
        "{} writes in {kills} lives",
        acknowledged.len()
    );
    assert_sound(&bed);
}

/// A token of the owner's.
fn token(bed: &Bed) -> String {
    let mut server = Server::start(bed, DATA);
    server.set_up(bed, DATA);
    let printed = admin(bed, DATA, &["token", "create", "writer", "--role", "owner"]);
    server.kill();
    printed.split_whitespace().last().unwrap().to_owned()
}

fn authorized(server: &Server, token: &str) -> Api {
    let mut api = server.api();
    api.use_token(token);
    api
}

/// The names that were acknowledged in a life, which is longer or shorter than the one before.
fn write_until_killed(server: &mut Server, token: &str, life: usize) -> Vec<String> {
    let (done, acknowledged) = channel();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (api, done) = (authorized(server, token), done.clone());
            scope.spawn(move || write(&api, &format!("{life}-{writer}"), &done));
        }
        drop(done);
        let until = Instant::now() + Duration::from_millis(5 + (life as u64 * 37) % 150);
        let mut names = Vec::new();
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            names.extend(acknowledged.recv_timeout(left));
        }
        server.kill();
        // Answers that were under way: the writers end, because nobody answers any more.
        names.extend(acknowledged);
        names
    })
}

fn write(api: &Api, prefix: &str, done: &Sender<String>) {
    for n in 0.. {
        let name = format!("{prefix}-{n}");
        let wish = json!({ "name": name, "role": "viewer" });
        if api.post::<Value>("/api/v1/tokens", &wish).is_err() {
            return;
        }
        if done.send(name).is_err() {
            return;
        }
    }
}

/// The names of all tokens.
fn names(api: &Api) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut path = "/api/v1/tokens?limit=200".to_owned();
    loop {
        let page: Value = api.get(&path).unwrap();
        let items = page["items"].as_array().unwrap();
        names.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            return names;
        };
        path = format!("/api/v1/tokens?limit=200&after={next}");
    }
}

fn assert_sound(bed: &Bed) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let database = bed.path(DATA).join("holdfast.db");
    let problems =
        runtime.block_on(async { Store::open(&database).await.unwrap().check().await.unwrap() });
    assert!(problems.is_empty(), "{problems:?}");
}
