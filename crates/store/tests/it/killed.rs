//! What a process that is killed had acknowledged is there afterwards.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use holdfast_api_types::OrganizationId;
use holdfast_store::{
    Store, audit, job,
    organization::{self, Organization},
};

use crate::{
    audit::entry,
    fixture::{at, organization_id},
    job::new_job,
};

/// Processes killed, half of them about when they open the database, half while they write.
const LIVES: u32 = 200;

/// Where a child finds the database, and from which number on it writes.
const DATABASE: &str = "HOLDFAST_TEST_DATABASE";
const FIRST: &str = "HOLDFAST_TEST_FIRST";

/// What a child prints before each number that it has committed.
const ACKNOWLEDGED: &str = "acknowledged ";

#[tokio::test]
async fn everything_acknowledged_survives_two_hundred_kills() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("holdfast.db");
    let mut acknowledged = BTreeSet::new();
    let mut next = 1;
    for life in 0..LIVES {
        let numbers = live(&path, life, next);
        next = numbers.last().map_or(next, |last| last + 1) + 10;
        acknowledged.extend(numbers);

        let store = Store::open(&path).await.unwrap();
        assert_eq!(store.check().await.unwrap(), [""; 0], "life {life}");
        let (entries, jobs) = written(&store).await;
        let lost: Vec<_> = acknowledged.difference(&entries).collect();
        assert!(lost.is_empty(), "life {life} lost {lost:?}");
        assert_eq!(entries, jobs, "life {life} wrote half a change");
        store.close().await;
    }
    assert!(
        acknowledged.len() >= LIVES as usize,
        "only {} changes were acknowledged",
        acknowledged.len()
    );
}

/// Lets a child write for a moment, kills it, and answers what it had acknowledged.
fn live(path: &Path, life: u32, first: u32) -> Vec<u32> {
    let mut child = start(path, first);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut numbers = Vec::new();
    if life % 2 == 1 {
        let number = lines.by_ref().find_map(|line| number(&line.unwrap()));
        numbers.push(number.expect("the child ended before it wrote anything"));
    }
    // A different moment every time, the same in every run: multiples of the golden ratio spread evenly.
    let moment = (f64::from(life) * 0.618_033_988_75).fract() * 40.0;
    thread::sleep(Duration::from_secs_f64(moment / 1000.0));
    child.kill().unwrap();
    child.wait().unwrap();

    numbers.extend(lines.filter_map(|line| number(&line.unwrap())));
    numbers
}

fn start(path: &Path, first: u32) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "killed::writes_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DATABASE, path)
        .env(FIRST, first.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn number(line: &str) -> Option<u32> {
    // The line may have been cut off by the kill: only a whole one has the full stop.
    line.strip_prefix(ACKNOWLEDGED)?
        .strip_suffix('.')?
        .parse()
        .ok()
}

async fn written(store: &Store) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let mut conn = store.read().await.unwrap();
    let numbers = |ids: Vec<String>| {
        ids.iter()
            .map(|id| id.rsplit('-').next().unwrap().parse().unwrap())
            .collect()
    };
    let entries = sqlx::query_scalar("select id from audit")
        .fetch_all(&mut *conn)
        .await;
    let jobs = sqlx::query_scalar("select id from job")
        .fetch_all(&mut *conn)
        .await;
    (numbers(entries.unwrap()), numbers(jobs.unwrap()))
}

#[tokio::test]
#[ignore = "it is the child that the test above starts and kills"]
async fn writes_until_it_is_killed() {
    let path = PathBuf::from(env::var_os(DATABASE).expect("only the test above starts this"));
    let first: u32 = env::var(FIRST).unwrap().parse().unwrap();
    let store = Store::open(&path).await.unwrap();
    let organization = own_organization(&store).await;

    // Whoever should have killed it may be gone.
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut number = first;
    while Instant::now() < deadline {
        let mut tx = store.write().await.unwrap();
        audit::insert(&mut tx, &entry(number.into(), &organization))
            .await
            .unwrap();
        job::insert(&mut tx, &new_job(number, &organization))
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{ACKNOWLEDGED}{number}.").unwrap();
        out.flush().unwrap();
        number += 1;
    }
}

async fn own_organization(store: &Store) -> OrganizationId {
    let new = Organization {
        id: organization_id("acme"),
        name: "acme".into(),
        created_at: at(0),
    };
    let mut tx = store.write().await.unwrap();
    if organization::get(&mut tx, &new.id).await.unwrap().is_none() {
        organization::insert(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
    }
    new.id
}
