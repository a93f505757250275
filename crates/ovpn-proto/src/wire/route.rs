use std::{fmt::Write as _, net::Ipv4Addr};

use holdfast_api_types::Route;

use super::push::PushError;

/// Appends `,route NETWORK MASK GATEWAY METRIC` for each route.
pub(super) fn write_routes(routes: &[Route], out: &mut String) {
    for Route {
        network,
        prefix,
        gateway,
        metric,
    } in routes
    {
        let mask = mask_of(*prefix);
        write!(out, ",route {network} {mask} {gateway} {metric}")
            .expect("writing to a string cannot fail");
    }
}

/// Reads what follows the word `route`: `NETWORK [MASK [GATEWAY [METRIC]]]`. `None` for a gateway that
/// only a client with its own routing table can name, such as `net_gateway`.
pub(super) fn parse_route(
    arguments: &str,
    tunnel_gateway: Ipv4Addr,
) -> Result<Option<Route>, PushError> {
    let bad = || PushError::BadOption(format!("route {arguments}"));
    let mut words = arguments.split_ascii_whitespace();
    let network = words
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(bad)?;
    let mask = words.next().map_or(Ok(Ipv4Addr::BROADCAST), |word| {
        word.parse().map_err(|_| bad())
    })?;
    let gateway = match words.next() {
        None | Some("vpn_gateway" | "default") => tunnel_gateway,
        Some("net_gateway" | "remote_host") => return Ok(None),
        Some(word) => word.parse().map_err(|_| bad())?,
    };
    let metric = words
        .next()
        .map_or(Ok(0), |word| word.parse().map_err(|_| bad()))?;
    let prefix = prefix_of(mask).ok_or_else(bad)?;
    Ok(Some(Route {
        network,
        prefix,
        gateway,
        metric,
    }))
}

/// The netmask of a prefix length; lengths above 32 count as 32.
pub(super) fn mask_of(prefix: u8) -> Ipv4Addr {
    let host_bits = 32_u32.saturating_sub(prefix.into());
    Ipv4Addr::from_bits(u32::MAX.checked_shl(host_bits).unwrap_or(0))
}

/// The prefix length of a netmask; `None` when its bits have a gap.
pub(super) fn prefix_of(mask: Ipv4Addr) -> Option<u8> {
    let ones = mask.to_bits().leading_ones() as u8;
    (mask_of(ones) == mask).then_some(ones)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

    #[test]
    fn masks_and_prefixes_are_two_spellings_of_one_thing() {
        for prefix in 0..=32 {
            assert_eq!(prefix_of(mask_of(prefix)), Some(prefix));
        }
        assert_eq!(mask_of(1), Ipv4Addr::new(128, 0, 0, 0));
        assert_eq!(prefix_of(Ipv4Addr::new(255, 0, 255, 0)), None);
    }

    #[test]
    fn a_route_may_leave_out_its_tail() {
        let parse = |text| parse_route(text, GATEWAY).unwrap().unwrap().to_string();
        assert_eq!(
            parse("203.0.113.7"),
            "203.0.113.7/32 via 10.99.0.1 metric 0"
        );
        assert_eq!(
            parse("203.0.113.0 255.255.255.0"),
            "203.0.113.0/24 via 10.99.0.1 metric 0"
        );
        assert_eq!(
            parse("0.0.0.0 128.0.0.0 vpn_gateway 9"),
            "0.0.0.0/1 via 10.99.0.1 metric 9"
        );
        assert_eq!(
            parse("0.0.0.0 128.0.0.0 192.0.2.1 90"),
            "0.0.0.0/1 via 192.0.2.1 metric 90"
        );
        assert_eq!(
            parse_route("0.0.0.0 0.0.0.0 net_gateway", GATEWAY),
            Ok(None)
        );
    }

    #[test]
    fn a_broken_route_is_named() {
        for text in [
            "",
            "x",
            "0.0.0.0 255.0.255.0",
            "0.0.0.0 0.0.0.0 gw",
            "0.0.0.0 0.0.0.0 1.1.1.1 -1",
        ] {
            assert_eq!(
                parse_route(text, GATEWAY),
                Err(PushError::BadOption(format!("route {text}")))
            );
        }
    }
}
