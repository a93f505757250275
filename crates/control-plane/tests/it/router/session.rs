//! Log-ins at routers that do not know when to stop.

use std::time::Duration;

use holdfast_control_plane::router::{CommandError, Session};
use holdfast_routeros_proto::{Command, Login, Row, Server, ServerConfig, ServerEvent};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::bed::LONG;

/// A router that answers every command with one row again and again, for as long as anybody listens. How many it has
/// sent.
async fn babble(mut io: DuplexStream, row: Row) -> usize {
    let mut server = Server::new(ServerConfig::default());
    let (mut bytes, mut out, mut sent) = (vec![0; 4096], Vec::new(), 0);
    let mut asked = None;
    loop {
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::Authorize { .. } => server.admit(),
                ServerEvent::Request { id, .. } => asked = Some(id),
                ServerEvent::Cancelled(_) | ServerEvent::Closed(_) => return sent,
            }
        }
        if let Some(id) = asked {
            server.row(id, &row);
            sent += 1;
        }
        server.poll_transmit(&mut out);
        let written = io.write_all(&out).await;
        out.clear();
        if written.is_err() {
            return sent;
        }
        if asked.is_none() {
            match io.read(&mut bytes).await {
                Ok(count @ 1..) => server.handle_bytes(&bytes[..count]),
                Ok(0) | Err(_) => return sent,
            }
        }
    }
}

/// What becomes of a command, and how many rows the router has sent.
async fn ask(row: Row) -> (String, usize) {
    let (ours, theirs) = duplex(64 * 1024);
    let router = tokio::spawn(babble(theirs, row));
    let login = Login {
        user: "admin".into(),
        password: SecretString::from("secret"),
    };
    let session = Session::log_in(ours, login, LONG).await.unwrap();
    let asked = session.run(Command::print("/ip/route"), Duration::from_secs(60));
    let err = asked.await.unwrap_err();
    assert!(matches!(err, CommandError::Lost(_)), "{err:?}");
    (err.to_string(), router.await.unwrap())
}

#[tokio::test]
async fn a_router_cannot_fill_memory_with_rows() {
    let (told, sent) = ask(Row::new()).await;
    assert!(told.contains("more than 20000 rows"), "{told}");
    // What was on its way is not kept.
    assert!((20_000..60_000).contains(&sent), "{sent}");
}

#[tokio::test]
async fn a_router_cannot_fill_memory_with_long_rows() {
    let (told, sent) = ask(Row::new().with("comment", "x".repeat(8_000))).await;
    assert!(told.contains("8 MiB at once"), "{told}");
    assert!((1_000..1_200).contains(&sent), "{sent}");
}
