//! Every known-answer vector: computed from fixed inputs, or recorded from stock OpenVPN programs.

use std::{collections::BTreeSet, convert::Infallible};

use holdfast_ovpn_proto::{
    data::{
        Auth, Cipher, DataChannel, PING, Payload,
        epoch::{EpochSecret, epoch_of},
    },
    keys::{EXPORT_LABEL, KeyMaterial, Role},
    wire::{
        Acks, Control, ControlOpcode, Deframer, KeyId, KeyMethod2, KeySource, OccOptions, Packet,
        PeerInfo, PushReader, SessionId, Text, options, write_frame,
    },
};
use rand_core::TryRng;
use serde_json::Value;

use self::{
    exporter::{tls12_prf, tls13_exporter},
    file::{VECTORS, array, bytes, list, number, role, text},
};

mod exporter;
mod file;

#[test]
fn no_vector_is_left_out() {
    let known = BTreeSet::from([
        "_about",
        "aead_synthetic",
        "cbc_synthetic",
        "control_synthetic",
        "ekm_tls12_recorded",
        "ekm_tls13_recorded",
        "epoch_recorded",
        "epoch_synthetic",
        "km2_synthetic",
        "prf_recorded_aes256cbc_sha256",
        "prf_recorded_aes256gcm",
        "prf_synthetic",
        "trace_full_tcp_session",
    ]);
    let present: BTreeSet<&str> = VECTORS
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(present, known);
}

// --- key derivation

#[test]
fn the_prf_derives_the_key_material_of_fixed_inputs() {
    let vector = &VECTORS["prf_synthetic"];
    assert_split(&material_from_prf(vector), &vector["split"]);
}

#[test]
fn the_prf_derives_the_keys_of_recorded_sessions() {
    for name in ["prf_recorded_aes256gcm", "prf_recorded_aes256cbc_sha256"] {
        assert_split(&material_from_prf(&VECTORS[name]), &VECTORS[name]["split"]);
    }
}

#[test]
fn the_tls13_exporter_gives_the_recorded_key_material() {
    let vector = &VECTORS["ekm_tls13_recorded"];
    let exported = tls13_exporter(&bytes(&vector["exporter_master_secret"]));
    assert_eq!(hex::encode(exported), text(&vector["key_material"]));
    assert_split(&KeyMaterial::from_export(exported), &vector["split"]);
}

#[test]
fn the_tls12_exporter_gives_the_recorded_key_material() {
    let vector = &VECTORS["ekm_tls12_recorded"];
    let seed = [
        EXPORT_LABEL,
        &bytes(&vector["client_random"]),
        &bytes(&vector["server_random"]),
    ]
    .concat();
    let exported = tls12_prf(&bytes(&vector["tls_master_secret"]), &seed);
    assert_eq!(hex::encode(exported), text(&vector["key_material"]));
    assert_split(&KeyMaterial::from_export(exported), &vector["split"]);
}

// --- data channel

#[test]
fn recorded_packets_open_and_seal_to_the_same_bytes() {
    for name in ["prf_recorded_aes256gcm", "prf_recorded_aes256cbc_sha256"] {
        let vector = &VECTORS[name];
        let keys = material_from_prf(vector);
        for sender in [Role::Client, Role::Server] {
            let mut sealing = channel(vector, &keys, sender, 0, Some(0));
            let mut opening = channel(vector, &keys, sender.peer(), 0, Some(0));
            let sent = list(&vector["packets"])
                .iter()
                .filter(|packet| role(&packet["dir"]) == sender);
            for packet in sent {
                let plaintext = opening.open(&bytes(&packet["packet"])).unwrap();
                assert_eq!(hex::encode(&plaintext), text(&packet["plaintext"]));
                assert_kind(&plaintext, text(&packet["kind"]));
                assert_eq!(
                    hex::encode(seal(&mut sealing, &plaintext, &packet["iv"])),
                    text(&packet["packet"])
                );
                assert_eq!(
                    u64::from(sealing.packets_sealed()),
                    packet["packet_id"].as_u64().unwrap()
                );
            }
            assert!(
                sealing.packets_sealed() > 0,
                "{name}: {sender:?} sent nothing"
            );
        }
    }
}

#[test]
fn fixed_plaintexts_seal_to_known_packets_and_open_again() {
    let keys = material_from_prf(&VECTORS["prf_synthetic"]);
    for vector in list(&VECTORS["aead_synthetic"]["vectors"])
        .iter()
        .chain(list(&VECTORS["cbc_synthetic"]["vectors"]))
    {
        let sender = role(&vector["direction"]);
        let key_id = number(&vector["key_id"]) as u8;
        let peer_id = vector["peer_id"].as_u64().map(|id| id as u32);
        let mut sealing = channel(vector, &keys, sender, key_id, peer_id);
        for _ in 1..number(&vector["packet_id"]) {
            seal(&mut sealing, b"", &vector["iv"]);
        }
        let packet = seal(&mut sealing, &bytes(&vector["plaintext"]), &vector["iv"]);
        assert_eq!(hex::encode(&packet), text(&vector["packet"]), "{vector}");
        let opened = channel(vector, &keys, sender.peer(), key_id, peer_id).open(&packet);
        assert_eq!(opened, Ok(bytes(&vector["plaintext"])), "{vector}");
    }
}

#[test]
fn fixed_plaintexts_seal_to_known_epoch_packets_and_open_again() {
    let keys = material_from_prf(&VECTORS["prf_synthetic"]);
    for vector in list(&VECTORS["epoch_synthetic"]["vectors"]) {
        let secret = epoch_secret(&keys, role(&vector["direction"]), number(&vector["epoch"]));
        let key = secret.key(cipher(vector)).unwrap();
        let mut packet = Vec::new();
        key.seal(
            KeyId::FIRST,
            7,
            number(&vector["counter"]),
            &bytes(&vector["plaintext"]),
            &mut packet,
        );
        assert_eq!(hex::encode(&packet), text(&vector["packet"]), "{vector}");
        assert_eq!(
            key.open(&packet),
            Ok((number(&vector["counter"]), bytes(&vector["plaintext"])))
        );
    }
}

#[test]
fn recorded_epoch_packets_open() {
    let vector = &VECTORS["epoch_recorded"];
    let keys = KeyMaterial::from_export(array(&vector["key_material"]));
    for packet in list(&vector["packets"]) {
        let sealed = bytes(&packet["packet"]);
        let epoch = epoch_of(&sealed).unwrap();
        let key = epoch_secret(&keys, role(&packet["dir"]), epoch.into())
            .key(cipher(vector))
            .unwrap();
        let (counter, plaintext) = key.open(&sealed).unwrap();
        assert!(counter > 0);
        assert_eq!(hex::encode(plaintext), text(&packet["plaintext"]));
    }
}

// --- control channel

#[test]
fn control_packets_read_and_write_to_the_same_bytes() {
    for vector in list(&VECTORS["control_synthetic"]) {
        assert_reencodes(&bytes(&vector["packet"]));
        let Some(tcp) = vector.get("tcp").map(bytes) else {
            continue;
        };
        let mut framed = Vec::new();
        write_frame(&mut framed, &bytes(&vector["packet"]));
        assert_eq!(framed, tcp);
        let mut deframer = Deframer::default();
        deframer.extend(&tcp);
        assert_eq!(deframer.next_frame(), Ok(Some(bytes(&vector["packet"]))));
    }
}

#[test]
fn the_control_packets_mean_what_their_names_say() {
    let packet = |index: usize| bytes(&VECTORS["control_synthetic"][index]["packet"]);
    let (client, server) = (
        SessionId([1, 2, 3, 4, 5, 6, 7, 8]),
        SessionId(array(&VECTORS["prf_synthetic"]["server_session_id"])),
    );
    let plain = |opcode, session_id, packet_id| Control {
        opcode,
        key_id: KeyId::FIRST,
        session_id,
        acks: Acks::default(),
        remote_session_id: None,
        packet_id,
        payload: &[],
    };
    let acking = |ids: &[u32], remote, control| Control {
        acks: Acks::from_slice(ids).unwrap(),
        remote_session_id: Some(remote),
        ..control
    };
    let reset = plain(ControlOpcode::HardResetClientV2, client, Some(0));
    assert_eq!(Packet::decode(&packet(0)), Ok(Packet::Control(reset)));
    let answer = acking(
        &[0],
        client,
        plain(ControlOpcode::HardResetServerV2, server, Some(0)),
    );
    assert_eq!(Packet::decode(&packet(1)), Ok(Packet::Control(answer)));
    let ack = acking(
        &[3, 2, 1, 0],
        server,
        plain(ControlOpcode::AckV1, client, None),
    );
    assert_eq!(Packet::decode(&packet(2)), Ok(Packet::Control(ack)));
    let tls = acking(
        &[2],
        client,
        plain(ControlOpcode::ControlV1, server, Some(4)),
    );
    assert_eq!(
        Packet::decode(&packet(3)),
        Ok(Packet::Control(Control {
            payload: &[0x17, 3, 3],
            ..tls
        }))
    );
    let soft = plain(ControlOpcode::SoftResetV1, client, Some(0));
    assert_eq!(
        Packet::decode(&packet(4)),
        Ok(Packet::Control(Control {
            key_id: KeyId::new(1),
            ..soft
        }))
    );
}

#[test]
fn both_key_method_messages_read_and_write_to_the_same_bytes() {
    let vectors = &VECTORS["km2_synthetic"];
    let (client, server) = (
        bytes(&vectors["client"]["message"]),
        bytes(&vectors["server"]["message"]),
    );

    let (message, taken) = KeyMethod2::decode_client(&client).unwrap().unwrap();
    assert_eq!(taken, client.len());
    assert_eq!(message.username, text(&vectors["client"]["username"]));
    assert_eq!(*message.password, text(&vectors["client"]["password"]));
    assert_eq!(message.options, text(&vectors["client"]["occ"]));
    assert_eq!(
        message.peer_info.as_deref(),
        Some(text(&vectors["client"]["peer_info"]))
    );
    assert_eq!(
        message.source,
        key_source(&VECTORS["prf_synthetic"], Role::Client)
    );
    assert_eq!(encode(&message), client);

    let (reply, taken) = KeyMethod2::decode_server(&server).unwrap().unwrap();
    assert_eq!(taken, server.len());
    assert_eq!(reply.options, text(&vectors["server"]["occ"]));
    assert_eq!(reply.options, options::mirror(&message.options));
    assert_eq!(
        reply.source,
        key_source(&VECTORS["prf_synthetic"], Role::Server)
    );
    assert_eq!(encode(&reply), server);
}

// --- a whole recorded session

#[test]
fn every_packet_of_a_recorded_session_is_understood() {
    let trace = &VECTORS["trace_full_tcp_session"];
    let keys = KeyMaterial::from_export(array(&trace["data_key_material"]));
    let new = |own| {
        DataChannel::new(
            Cipher::Aes256Gcm,
            Auth::Sha1,
            &keys,
            own,
            KeyId::FIRST,
            Some(0),
        )
    };
    let (mut client, mut server) = (new(Role::Client), new(Role::Server));
    let (mut control_packets, mut pings) = (0, 0);
    for event in list(&trace["packets"]) {
        let Some(packet) = event.get("packet").map(bytes) else {
            continue;
        };
        assert_eq!(packet.len() as u64, number(&event["len"]));
        match Packet::decode(&packet).unwrap() {
            Packet::Control(control) => {
                assert_control(&control, event);
                assert_reencodes(&packet);
                control_packets += 1;
            }
            Packet::Data(data) => {
                let opening = if role(&event["dir"]) == Role::Client {
                    &mut server
                } else {
                    &mut client
                };
                let plaintext = opening.open(data.packet).unwrap();
                assert_eq!(
                    (data.peer_id, Payload::classify(&plaintext)),
                    (Some(0), Payload::Ping)
                );
                pings += 1;
            }
        }
    }
    assert_eq!((control_packets, pings), (13, 4));
}

#[test]
fn the_messages_inside_a_recorded_tls_session_are_understood() {
    let trace = &VECTORS["trace_full_tcp_session"];
    let exported = tls13_exporter(&bytes(&trace["exporter_master_secret"]));
    assert_eq!(hex::encode(exported), text(&trace["data_key_material"]));

    let messages: Vec<Vec<u8>> = list(&trace["packets"])
        .iter()
        .filter_map(|event| event["tls"].as_array())
        .flatten()
        .filter(|record| record["type"] == "application_data")
        .map(|record| bytes(&record["plaintext"]))
        .collect();
    let [from_client, from_server, push] = &messages[..] else {
        panic!("{} messages", messages.len())
    };

    let (login, taken) = KeyMethod2::decode_client(from_client).unwrap().unwrap();
    assert_eq!(
        (login.username.as_str(), taken),
        ("router1", from_client.len())
    );
    assert_eq!(encode(&login), *from_client);
    let info = PeerInfo::parse(login.peer_info.as_deref());
    assert!(info.proto.key_export() && info.proto.request_push() && !info.proto.push_update());
    assert_eq!(info.render(), login.peer_info.clone().unwrap());
    let occ = OccOptions::parse(&login.options);
    assert_eq!(
        (occ.cipher, occ.auth.as_deref(), occ.tun_mtu),
        (None, Some("SHA1"), Some(1500))
    );

    let (reply, _) = KeyMethod2::decode_server(from_server).unwrap().unwrap();
    assert_eq!(reply.options, options::mirror(&login.options));
    assert_eq!(encode(&reply), *from_server);

    let Ok(Text::PushReply(options)) = Text::parse(push.strip_suffix(&[0]).unwrap()) else {
        panic!("not a push reply")
    };
    let configuration = PushReader::default().push(options).unwrap().unwrap();
    assert_eq!(configuration.address.to_string(), "10.99.0.10");
    assert_eq!(configuration.cipher, Some(Cipher::Aes256Gcm));
}

// --- helpers

/// Draws the IV of a vector, so that a CBC packet comes out as it was recorded.
struct FixedIv(Vec<u8>);

impl TryRng for FixedIv {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("an IV is drawn as bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("an IV is drawn as bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

fn seal(channel: &mut DataChannel, plaintext: &[u8], iv: &Value) -> Vec<u8> {
    let mut packet = Vec::new();
    let iv = FixedIv(if iv.is_null() { Vec::new() } else { bytes(iv) });
    channel.seal(plaintext, &mut { iv }, &mut packet).unwrap();
    packet
}

fn channel(
    vector: &Value,
    keys: &KeyMaterial,
    own: Role,
    key_id: u8,
    peer_id: Option<u32>,
) -> DataChannel {
    let auth = vector["auth"]
        .as_str()
        .map_or(Auth::Sha1, |name| Auth::from_name(name).unwrap());
    DataChannel::new(cipher(vector), auth, keys, own, KeyId::new(key_id), peer_id)
}

fn cipher(vector: &Value) -> Cipher {
    Cipher::from_name(text(&vector["cipher"])).unwrap()
}

fn epoch_secret(keys: &KeyMaterial, sender: Role, epoch: u64) -> EpochSecret {
    let first = EpochSecret::first(keys.direction(sender));
    (1..epoch).fold(first, |secret, _| secret.next().unwrap())
}

fn material_from_prf(vector: &Value) -> KeyMaterial {
    let session_id = |side: &str| SessionId(array(&vector[format!("{side}_session_id")]));
    let (client, server) = (
        key_source(vector, Role::Client),
        key_source(vector, Role::Server),
    );
    KeyMaterial::from_prf(&client, &server, session_id("client"), session_id("server"))
}

fn key_source(vector: &Value, side: Role) -> KeySource {
    let (name, pre_master) = match side {
        Role::Client => ("client", Some(array(&vector["pre_master"]))),
        Role::Server => ("server", None),
    };
    KeySource {
        pre_master,
        random1: array(&vector[format!("{name}_random1")]),
        random2: array(&vector[format!("{name}_random2")]),
    }
}

fn assert_split(keys: &KeyMaterial, split: &Value) {
    let (client, server) = (keys.direction(Role::Client), keys.direction(Role::Server));
    assert_eq!(hex::encode(client.cipher), text(&split["c2s_cipher"]));
    assert_eq!(hex::encode(client.hmac), text(&split["c2s_hmac"]));
    assert_eq!(hex::encode(server.cipher), text(&split["s2c_cipher"]));
    assert_eq!(hex::encode(server.hmac), text(&split["s2c_hmac"]));
}

fn assert_kind(plaintext: &[u8], kind: &str) {
    match kind {
        "ping" => assert_eq!(plaintext, PING),
        "ip" => assert_eq!(Payload::classify(plaintext), Payload::Ip(plaintext)),
        other => panic!("unknown kind {other}"),
    }
}

fn assert_control(control: &Control<'_>, event: &Value) {
    assert_eq!(control.session_id, SessionId(array(&event["session_id"])));
    assert_eq!(u64::from(control.key_id.get()), number(&event["key_id"]));
    assert_eq!(
        control.packet_id.map(u64::from),
        event.get("packet_id").map(number)
    );
    let acks: Vec<u64> = list(&event["acks"]).iter().map(number).collect();
    assert_eq!(
        control
            .acks
            .as_slice()
            .iter()
            .map(|id| u64::from(*id))
            .collect::<Vec<_>>(),
        acks
    );
    assert_eq!(
        control.remote_session_id,
        event
            .get("remote_session_id")
            .map(|id| SessionId(array(id)))
    );
}

fn assert_reencodes(packet: &[u8]) {
    let Ok(Packet::Control(control)) = Packet::decode(packet) else {
        panic!("{:?}", Packet::decode(packet))
    };
    let mut out = Vec::new();
    control.encode(&mut out);
    assert_eq!(hex::encode(out), hex::encode(packet));
}

fn encode(message: &KeyMethod2) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out);
    out
}
