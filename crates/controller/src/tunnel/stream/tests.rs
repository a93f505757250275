use std::task::Waker;

use proptest::prelude::*;

use super::*;

const SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const ROUTER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
const PORT: u16 = 8728;

/// A tunnel with a router behind it that echoes, at a pace.
struct Bed {
    streams: Streams,
    router: Stack,
    listening: Option<SocketHandle>,
    /// Bytes that the router echoes in a turn.
    pace: usize,
    now: Instant,
}

impl Bed {
    fn new(pace: usize) -> Self {
        let now = Instant::now();
        let mut router = Stack::new(ROUTER, SERVER, 1, now);
        let listening = Some(router.listen(PORT));
        Self {
            streams: Streams::new(SERVER, ROUTER, now),
            router,
            listening,
            pace,
            now,
        }
    }

    fn order(&mut self, port: u16) {
        self.streams.open("stream".parse().unwrap(), port, self.now);
    }

    /// Lets a millisecond pass and carries what is there.
    fn turn(&mut self) {
        self.now += Duration::from_millis(1);
        self.streams.advance(self.now);
        while let Some(packet) = self.streams.poll_packet() {
            self.router.handle_packet(&packet, self.now);
        }
        self.echo();
        self.router.advance(self.now);
        while let Some(packet) = self.router.poll_packet() {
            assert!(self.streams.wants(&packet));
            self.streams.handle_packet(&packet, self.now);
        }
        let _ = self.streams.poll_move(&mut context(), self.now);
    }

    fn echo(&mut self) {
        let Some(listening) = self.listening else {
            return;
        };
        let socket = self.router.socket(listening);
        let mut bytes = vec![0; self.pace.min(socket.send_capacity() - socket.send_queue())];
        if let Ok(count) = socket.recv_slice(&mut bytes) {
            assert_eq!(socket.send_slice(&bytes[..count]), Ok(count));
        }
        if socket.state() == State::CloseWait && !socket.can_recv() {
            socket.close();
        }
    }

    fn until<T>(&mut self, mut found: impl FnMut(&mut Self) -> Option<T>) -> T {
        for _ in 0..200_000 {
            if let Some(found) = found(self) {
                return found;
            }
            self.turn();
        }
        panic!("it did not happen in 200 s");
    }

    fn opened(&mut self) -> TunnelStream {
        self.order(PORT);
        let event = self.until(|bed| bed.streams.poll_event());
        let StreamEvent::Opened(_, stream) = event else {
            panic!("{event:?}")
        };
        stream
    }

    fn failed(&mut self) -> String {
        let event = self.until(|bed| bed.streams.poll_event());
        let StreamEvent::Failed(_, cause) = event else {
            panic!("{event:?}")
        };
        cause
    }
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn write(stream: &mut TunnelStream, bytes: &[u8]) -> usize {
    match Pin::new(stream).poll_write(&mut context(), bytes) {
        Poll::Ready(written) => written.unwrap(),
        Poll::Pending => 0,
    }
}

/// None when there is nothing now; empty at the end.
fn read(stream: &mut TunnelStream, at_most: usize) -> Option<std::io::Result<Vec<u8>>> {
    let mut room = vec![0; at_most];
    let mut buffer = ReadBuf::new(&mut room);
    match Pin::new(stream).poll_read(&mut context(), &mut buffer) {
        Poll::Ready(read) => Some(read.map(|()| buffer.filled().to_vec())),
        Poll::Pending => None,
    }
}

/// Sends everything, says that this was all, and reads until the router has no more to say.
fn exchange(bed: &mut Bed, stream: &mut TunnelStream, sent: &[u8], chunk: usize) -> Vec<u8> {
    let (mut written, mut echoed) = (0, Vec::new());
    bed.until(|_| {
        let end = sent.len().min(written + chunk);
        if written < end {
            written += write(stream, &sent[written..end]);
        } else {
            let _ = Pin::new(&mut *stream).poll_shutdown(&mut context());
        }
        let piece = read(stream, chunk)?.unwrap();
        let is_over = piece.is_empty();
        echoed.extend(piece);
        is_over.then_some(())
    });
    echoed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn bytes_come_back_as_they_were_however_slow_either_side_is(
        sent in prop::collection::vec(any::<u8>(), 0..120_000),
        chunk in 64usize..30_000,
        pace in 64usize..30_000,
    ) {
        let mut bed = Bed::new(pace);
        let mut stream = bed.opened();
        let echoed = exchange(&mut bed, &mut stream, &sent, chunk);
        prop_assert!(echoed == sent);
        let ended = bed.until(|bed| bed.streams.poll_event());
        let expected = sent.len() as u64;
        let StreamEvent::Ended { sent, received } = ended else {
            panic!("{ended:?}");
        };
        prop_assert_eq!((sent, received), (expected, expected));
        prop_assert!(bed.streams.is_over());
    }
}

#[test]
fn what_nobody_reads_stops_the_router_instead_of_filling_memory() {
    let mut bed = Bed::new(usize::MAX);
    let mut stream = bed.opened();
    let mut written = 0;
    for _ in 0..5_000 {
        written += write(&mut stream, &[7; 4096]);
        bed.turn();
    }
    assert!((10_000..300_000).contains(&written), "{written}");
}

#[test]
fn a_closed_port_and_a_mute_router_are_told_apart() {
    let mut bed = Bed::new(100);
    bed.order(80);
    let cause = bed.failed();
    assert_eq!(cause, "198.18.0.2 port 80 refuses connections");
    assert!(bed.streams.is_over());

    let mut streams = Streams::new(SERVER, ROUTER, bed.now);
    streams.open("stream".parse().unwrap(), PORT, bed.now);
    let due = streams
        .poll_timeout(bed.now)
        .expect("it waits for an answer");
    assert!(due <= bed.now + CONNECT_WITHIN);
    streams.advance(bed.now + CONNECT_WITHIN);
    let Some(StreamEvent::Failed(_, cause)) = streams.poll_event() else {
        panic!("it waits still");
    };
    assert_eq!(cause, "no answer from 198.18.0.2 port 8728 within 2 s");
}

#[test]
fn a_stream_ends_with_an_error_when_its_tunnel_does() {
    let mut bed = Bed::new(100);
    let mut stream = bed.opened();
    assert_eq!(write(&mut stream, b"hello"), 5);
    let echoed = bed.until(|_| read(&mut stream, 100));
    assert_eq!(echoed.unwrap(), b"hello");
    bed.streams.fail("the peer has closed the connection");
    let err = read(&mut stream, 100).unwrap().unwrap_err().to_string();
    let expected = "its tunnel is gone: the peer has closed the connection";
    assert_eq!(err, expected);
}

#[test]
fn a_router_that_breaks_off_is_an_error() {
    let mut bed = Bed::new(100);
    let mut stream = bed.opened();
    let listening = bed.listening.unwrap();
    bed.router.socket(listening).abort();
    let err = bed.until(|_| read(&mut stream, 100)).unwrap_err();
    assert_eq!(err.to_string(), "the router has broken the connection off");
}

#[test]
fn a_stream_that_was_dropped_ends_though_the_router_does_not_care() {
    let mut bed = Bed::new(0);
    drop(bed.opened());
    bed.listening = None;
    let began = bed.now;
    let ended = bed.until(|bed| bed.streams.poll_event());
    assert!(matches!(ended, StreamEvent::Ended { .. }), "{ended:?}");
    assert!(bed.now - began <= END_WITHIN + Duration::from_secs(1));
    assert!(bed.streams.is_over());
}

#[test]
fn a_tunnel_has_four_streams_at_most() {
    let mut bed = Bed::new(100);
    for _ in 0..STREAMS_AT_MOST {
        bed.order(PORT);
    }
    bed.order(PORT);
    assert_eq!(bed.failed(), "its tunnel has 4 streams already");
}

#[test]
fn other_packets_of_the_tunnel_are_not_for_streams() {
    let bed = Bed::new(100);
    let mut packet = vec![0; 40];
    packet[0] = 0x45;
    packet[12..16].copy_from_slice(&ROUTER.octets());
    packet[16..20].copy_from_slice(&SERVER.octets());
    packet[9] = 6;
    assert!(bed.streams.wants(&packet));
    packet[9] = 1;
    assert!(!bed.streams.wants(&packet), "an echo");
    packet[9] = 6;
    packet[19] = 9;
    assert!(!bed.streams.wants(&packet), "to somebody else");
    assert!(!bed.streams.wants(&packet[..20]));
}
