//! Ways to come up: ciphers, digests, kinds of clients, TLS versions, certificates.

use super::pair::Setup;

#[test]
fn a_tunnel_comes_up_and_carries_packets_both_ways() {
    let mut pair = Setup::default().connected();
    pair.send_both_ways(1);
    pair.drive();
    assert_eq!((pair.at_server(), pair.at_client()), (vec![1], vec![1]));
}
