//! Those who connect but are no clients: each is cut off, and none of them keeps a client out.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::bed::{
    Bed, ClientPlan, Controller, ControllerPlan, PATIENCE, Program, grants, part_arguments,
};

/// A framed hard reset of a client.
const RESET: [u8; 16] = *b"\x00\x0e\x38session.\x00\x00\x00\x00\x00";

/// The length of the controller's answer to it, framed.
const ANSWER: usize = 28;

#[test]
fn ten_thousand_half_open_connections_do_not_keep_another_address_out() {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let _flood = flood(&bed, &controller, 10_000);
    assert_connects_from_another_address(&bed, &controller);
}

#[test]
fn a_flood_does_not_use_up_the_files_of_a_process_that_may_have_few() {
    let bed = Bed::with_wans(1);
    let controller = ControllerPlan::new(&bed, &grants(&["wan1"]))
        .with_open_files(512)
        .start();
    let _flood = flood(&bed, &controller, 1_500);
    assert_connects_from_another_address(&bed, &controller);
}

#[test]
fn one_byte_a_second_is_cut_off_before_the_first_packet_is_whole() {
    let bed = Bed::on_loopback();
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let lasted = drip(dial(&controller), &RESET);
    // The first three bytes open the door; from there the packet has 5 s.
    assert!((4..=10).contains(&lasted.as_secs()), "it lasted {lasted:?}");
}

#[test]
fn one_byte_a_second_is_cut_off_before_the_handshake_is_done() {
    let bed = Bed::on_loopback();
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let mut stream = dial(&controller);
    stream.write_all(&RESET).unwrap();
    stream.read_exact(&mut [0; ANSWER]).unwrap();
    // A packet of 255 bytes that never becomes whole.
    let lasted = drip(stream, &[0, 255]);
    assert!(
        (18..=24).contains(&lasted.as_secs()),
        "it lasted {lasted:?}"
    );
}

#[test]
fn a_scanner_gets_no_answer() {
    let bed = Bed::on_loopback();
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    for request in [
        &b"GET / HTTP/1.1\r\nHost: office\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-scanner\r\n",
        &[0; 64],
    ] {
        let mut stream = dial(&controller);
        stream.write_all(request).unwrap();
        assert_eq!(rest_of(stream), b"", "in answer to {request:?}");
    }
}

#[test]
fn garbage_after_the_reset_ends_the_connection() {
    let bed = Bed::on_loopback();
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    for garbage in [
        // No frame is that long.
        &[0xff; 64][..],
        // An unknown opcode.
        b"\x00\x04\xf8\x00\x00\x00",
        // A frame of no length.
        &[0; 2],
        // A control packet of another session.
        b"\x00\x12\x20stranger\x00\x00\x00\x00\x01\x16\x03\x01\x00",
        // The session's own, with bytes that are not TLS.
        b"\x00\x12\x20session.\x00\x00\x00\x00\x01\x58\x58\x58\x58",
    ] {
        let mut stream = dial(&controller);
        stream.write_all(&RESET).unwrap();
        stream.read_exact(&mut [0; ANSWER]).unwrap();
        stream.write_all(garbage).unwrap();
        rest_of(stream);
    }
}

fn assert_connects_from_another_address(bed: &Bed, controller: &Controller) {
    let start = Instant::now();
    let client = ClientPlan::new(bed, controller, "wan1")
        .with("--local 127.0.0.2")
        .start();
    client.expect("Initialization Sequence Completed");
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(2), "it took {taken:?}");
}

fn dial(controller: &Controller) -> TcpStream {
    let stream = TcpStream::connect(controller.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a byte of `bytes` each second, the last one for ever; how long the connection lasted.
fn drip(mut stream: TcpStream, bytes: &[u8]) -> Duration {
    let start = Instant::now();
    stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    for sent in 0.. {
        let byte = bytes[bytes.len().min(sent + 1) - 1];
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        match stream.read(&mut [0; 64]) {
            Err(err) if err.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => break,
            Ok(more) => panic!("{more} bytes came in answer to byte {sent}"),
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it lasts for ever"
        );
    }
    start.elapsed()
}

/// What still comes before the controller closes, which it must.
fn rest_of(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => {}
        // The kernel's way to close with bytes unread.
        Err(err) if err.kind() == ErrorKind::ConnectionReset => {}
        Err(err) => panic!("the connection was not closed: {err}"),
    }
    rest
}

/// Half-open connections from one address, until this is dropped.
fn flood(bed: &Bed, controller: &Controller, count: usize) -> Program {
    let target = controller.address().to_string();
    let flood = bed.start_part(
        "attackers::flood_from_inside",
        &[&target, &count.to_string()],
    );
    flood.err().expect("flooded");
    flood
}

#[test]
#[ignore = "other tests run it inside their networks"]
fn flood_from_inside() {
    let Some([target, count]) = part_arguments() else {
        return;
    };
    let (target, count) = (target.parse().unwrap(), count.parse().unwrap());
    raise_open_files(count);
    let mut held: Vec<TcpStream> = (0..count).map(|n| half_open(target, n)).collect();
    eprintln!("flooded");
    // Those that are cut off come back, a thousand in a second.
    for n in (0..count).cycle() {
        thread::sleep(Duration::from_millis(1));
        held[n] = half_open(target, n);
    }
}

/// Every other one has sent a hard reset; none says more.
fn half_open(target: SocketAddr, n: usize) -> TcpStream {
    let mut stream = TcpStream::connect(target).unwrap();
    if n.is_multiple_of(2) {
        // It may be cut off at once.
        let _ = stream.write_all(&RESET);
    }
    stream
}

fn raise_open_files(count: usize) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(
        hard > count as u64 + 500,
        "the tests want more open files: raise the hard limit (ulimit -Hn)"
    );
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
}
