use holdfast_api_types::{
    StreamId,
    controller::{LoginVerdict, Order, StillGood},
};
use holdfast_control_plane::engine::{StreamError, Via};
use holdfast_store::router::{self, Handed};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::bed::{Bed, digest, id, until};

impl Bed {
    /// The site has a router whose management tunnel has this name, and the same for its password.
    pub(super) async fn add_router(&self, name: &str) {
        let handed = Handed {
            api_user: "holdfast".into(),
            api_password_sealed: vec![1],
            management_username: id(name),
            management_password_sealed: vec![1],
            management_password_sha256: digest(name),
            check_in_token_hash: None,
        };
        let mut write = self.store.write().await.unwrap();
        let now = Timestamp::UNIX_EPOCH;
        router::insert(&mut write, &self.organization, &self.site, &handed, now)
            .await
            .unwrap();
        write.commit().await.unwrap();
    }

    /// The next stream that is ordered: connection, name and port.
    async fn ordered(&self) -> (u64, StreamId, u16) {
        until("a stream to be ordered", async || {
            let commands = self.engine.take_commands(self.controller);
            commands.into_iter().find_map(|it| match it.order {
                Order::OpenStream { stream, port } => Some((it.connection, stream, port)),
                Order::Push { .. }
                | Order::Burst
                | Order::SetRole { .. }
                | Order::Disconnect { .. } => None,
            })
        })
        .await
    }

    /// The connections that are told to go.
    fn turned_out(&self) -> Vec<u64> {
        let commands = self.engine.take_commands(self.controller).into_iter();
        let gone = commands.filter(|it| matches!(it.order, Order::Disconnect { .. }));
        gone.map(|it| it.connection).collect()
    }
}

#[tokio::test]
async fn a_stream_takes_the_next_way_when_one_fails_and_knows_which_it_has() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    let open = bed.engine.open_stream(&bed.site, 8728);
    let serve = async {
        let (connection, stream, port) = bed.ordered().await;
        assert_eq!((connection, port), (fibre, 8728));
        bed.engine
            .stream_failed(bed.controller, &stream, "refused".into());
        let (connection, stream, _) = bed.ordered().await;
        assert_eq!(connection, lte);
        let stranger = bed.engine.attach();
        assert!(!bed.engine.awaits_stream(stranger, &stream));
        bed.engine
            .stream_failed(stranger, &stream, "not its affair".into());
        assert!(bed.engine.awaits_stream(bed.controller, &stream));
        let (ours, theirs) = duplex(64);
        bed.engine
            .stream_opened(bed.controller, &stream, Box::new(theirs));
        ours
    };
    let (stream, mut router) = tokio::join!(open, serve);
    let mut stream = stream.unwrap();
    assert!(matches!(stream.via(), Via::Tunnel { tunnel, .. } if *tunnel == id("lte")));
    stream.write_all(b"/quit").await.unwrap();
    let mut read = [0; 5];
    router.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"/quit");
}

#[tokio::test]
async fn when_every_way_fails_each_says_why() {
    let mut bed = Bed::new().await;
    let none = bed.engine.open_stream(&bed.site, 8728).await;
    assert_eq!(none.unwrap_err(), StreamError::NoTunnel);
    bed.connect("fibre").await;
    let open = bed.engine.open_stream(&bed.site, 8728);
    let serve = async {
        let (_, stream, _) = bed.ordered().await;
        bed.engine
            .stream_failed(bed.controller, &stream, "refused".into());
    };
    let (failed, ()) = tokio::join!(open, serve);
    let told = failed.unwrap_err().to_string();
    assert!(
        told.starts_with("through ") && told.ends_with(": refused"),
        "{told}"
    );
}

#[tokio::test]
async fn a_management_tunnel_has_no_place_and_is_the_first_way() {
    let mut bed = Bed::new().await;
    bed.add_router("management").await;
    bed.connect("fibre").await;
    let (_, wrong) = bed.log_in("management", "guess").await;
    assert!(matches!(wrong, LoginVerdict::Refused(_)), "{wrong:?}");

    let (older, grant) = bed.connect("management").await;
    assert_eq!((grant.place, grant.routes.len()), (None, 0));
    assert!(bed.engine.management_up(&bed.site));
    assert!(
        bed.engine
            .holds(&bed.site)
            .iter()
            .all(|it| it.tunnel != id("management"))
    );
    let again = bed.login("management", "management");
    assert_eq!(bed.engine.reauthorize(again).await, StillGood::Yes);

    bed.turned_out();
    let (management, _) = bed.connect("management").await;
    assert_eq!(bed.turned_out(), [older]);
    bed.go_down("management", older, true);
    let open = bed.engine.open_stream(&bed.site, 8728);
    let serve = async {
        let (connection, stream, _) = bed.ordered().await;
        assert_eq!(connection, management);
        let bytes = Box::new(duplex(64).0);
        bed.engine.stream_opened(bed.controller, &stream, bytes);
    };
    let (stream, ()) = tokio::join!(open, serve);
    assert_eq!(*stream.unwrap().via(), Via::Management);

    bed.go_down("management", management, false);
    assert!(!bed.engine.management_up(&bed.site));
}

#[tokio::test]
async fn a_dead_management_tunnel_is_closed_so_that_it_dials_anew() {
    let mut bed = Bed::new().await;
    bed.add_router("management").await;
    let (connection, _) = bed.connect("management").await;
    bed.die("management", connection);
    assert_eq!(bed.turned_out(), [connection]);
    assert!(!bed.engine.management_up(&bed.site));
}
