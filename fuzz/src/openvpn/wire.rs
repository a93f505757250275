//! Framing, packets, messages, texts.

use std::net::Ipv4Addr;

use holdfast_ovpn_proto::wire::{
    Deframer, FrameError, KeyMethod2, OccOptions, Packet, PeerInfo, PushReader, PushUpdateReader,
    RouteChange, Text, options as occ, push_update, write_frame,
};

use super::input::Input;

/// Cuts a stream into packets: how the stream is split into segments makes no difference, and what comes out
/// is what went in.
pub fn frame(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(size) = input.byte() else {
        return;
    };
    let stream = input.rest();
    let whole = deframe(stream, stream.len().max(1));
    assert_eq!(whole, deframe(stream, usize::from(size).max(1)));
    let mut written = Vec::new();
    whole
        .0
        .iter()
        .for_each(|packet| write_frame(&mut written, packet));
    assert!(stream.starts_with(&written));
}

fn deframe(stream: &[u8], size: usize) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut deframer = Deframer::default();
    let mut packets = Vec::new();
    for segment in stream.chunks(size) {
        deframer.extend(segment);
        loop {
            match deframer.next_frame() {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                Err(error) => return (packets, Some(error)),
            }
        }
    }
    (packets, None)
}

/// Reads one packet; what can be read is written back as a packet that reads the same.
pub fn control(data: &[u8]) {
    let Ok(packet) = Packet::decode(data) else {
        return;
    };
    if let Packet::Control(control) = &packet {
        let mut written = Vec::new();
        control.encode(&mut written);
        assert_eq!(Packet::decode(&written).as_ref(), Ok(&packet));
    }
}

/// Reads a key method 2 message of either side; the same message is read from what it writes.
pub fn key_method(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(side) = input.byte() else {
        return;
    };
    let decode = match side % 2 {
        0 => KeyMethod2::decode_client,
        _ => KeyMethod2::decode_server,
    };
    let bytes = input.rest();
    let Ok(Some((message, taken))) = decode(bytes) else {
        return;
    };
    assert!(taken <= bytes.len());
    let mut written = Vec::new();
    message.encode(&mut written);
    let (again, _) = decode(&written)
        .expect("our own is sound")
        .expect("and whole");
    // A server always writes its last text, even where another one left it out.
    let absent_from_server = message.source.pre_master.is_none() && message.peer_info.is_none();
    assert!(again == message || absent_from_server);
}

/// Reads texts of all kinds, several of them separated by NULs as on the wire.
pub fn options(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mirrored = occ::mirror(&text);
    assert_eq!(
        OccOptions::parse(&mirrored).cipher,
        OccOptions::parse(&text).cipher
    );
    let peer = PeerInfo::parse(Some(&text));
    // The end of a line takes a carriage return with it.
    if !text.contains('\r') {
        assert_eq!(PeerInfo::parse(Some(&peer.render())), peer);
    }
    let mut pushes = PushReader::default();
    let mut updates = PushUpdateReader::default();
    for message in data.split(|byte| *byte == 0) {
        match Text::parse(message) {
            Ok(Text::PushReply(options)) => push(&mut pushes, options),
            Ok(Text::PushUpdate(items)) => update(&mut updates, items),
            Ok(_) | Err(_) => {}
        }
    }
}

fn push(reader: &mut PushReader, options: &str) {
    if let Ok(Some(reply)) = reader.push(options) {
        let text = reply.encode();
        let options = text.strip_prefix("PUSH_REPLY,").expect("so it begins");
        assert_eq!(PushReader::default().push(options), Ok(Some(reply)));
    }
}

fn update(reader: &mut PushUpdateReader, items: &str) {
    let gateway = Ipv4Addr::new(10, 99, 0, 1);
    if let Ok(Some(RouteChange::Replaced(routes))) = reader.push(items, gateway) {
        let text = push_update::replace_routes(&routes);
        let items = text.strip_prefix("PUSH_UPDATE,").expect("so it begins");
        let again = PushUpdateReader::default().push(items, gateway);
        assert_eq!(again, Ok(Some(RouteChange::Replaced(routes))));
    }
}
