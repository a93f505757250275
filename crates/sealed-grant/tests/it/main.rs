//! What opens a sealed grant, and everything that must not.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

use std::net::Ipv4Addr;

use holdfast_api_types::{
    Place, Route, TunnelId,
    controller::{ProfileName, SealedGrant, TunnelGrant},
};
use holdfast_sealed_grant::{LIFETIME, OpenError, SALT_LEN, open, seal};
use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, prelude::*, sample::Index};

fn id() -> impl Strategy<Value = TunnelId> {
    "[A-Za-z0-9._@-]{1,27}".prop_map(|text| text.parse().unwrap())
}

fn route() -> impl Strategy<Value = Route> {
    (any::<u32>(), 0..=32u8, any::<u32>(), any::<u32>()).prop_map(
        |(network, prefix, gateway, metric)| Route {
            network: Ipv4Addr::from(network),
            prefix,
            gateway: Ipv4Addr::from(gateway),
            metric,
        },
    )
}

fn grant() -> impl Strategy<Value = TunnelGrant> {
    let place = (0..5u8, 0..100u8).prop_map(|(rung, step)| Place { rung, step });
    let place = prop::option::of(place);
    let profile = prop::sample::select(&ProfileName::ALL[..]);
    (
        id(),
        any::<[u32; 2]>(),
        place,
        vec(route(), 0..=30),
        profile,
    )
        .prop_map(
            |(tunnel, [address, server], place, routes, profile)| TunnelGrant {
                tunnel,
                site: "head-office".parse().unwrap(),
                address: Ipv4Addr::from(address),
                server: Ipv4Addr::from(server),
                prefix: 30,
                place,
                routes,
                profile,
            },
        )
}

fn password() -> impl Strategy<Value = String> {
    "[!-~]{0,64}"
}

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn expiry() -> Timestamp {
    noon() + LIFETIME
}

proptest! {
    #[test]
    fn the_password_opens_it_until_it_expires(
        grant in grant(),
        password in password(),
        salt in any::<[u8; SALT_LEN]>(),
        age_s in 0..LIFETIME.as_secs(),
    ) {
        let sealed = seal(&grant, &password, expiry(), salt);
        let now = noon() + SignedDuration::from_secs(age_s);
        prop_assert_eq!(open(&sealed, &grant.tunnel, &password, now), Ok(grant));
    }

    #[test]
    fn after_its_time_not_even_the_password_opens_it(
        grant in grant(),
        password in password(),
        salt in any::<[u8; SALT_LEN]>(),
        late_s in 0..1_000_000_i64,
    ) {
        let sealed = seal(&grant, &password, expiry(), salt);
        let now = expiry() + SignedDuration::from_secs(late_s);
        let expired = OpenError::Expired { at: expiry() };
        prop_assert_eq!(open(&sealed, &grant.tunnel, &password, now), Err(expired));
    }

    #[test]
    fn no_other_password_opens_it(
        grant in grant(),
        password in password(),
        other in password(),
        salt in any::<[u8; SALT_LEN]>(),
    ) {
        prop_assume!(password != other);
        let sealed = seal(&grant, &password, expiry(), salt);
        prop_assert_eq!(open(&sealed, &grant.tunnel, &other, noon()), Err(OpenError::Refused));
    }

    #[test]
    fn it_opens_for_no_other_tunnel(
        grant in grant(),
        other in id(),
        password in password(),
        salt in any::<[u8; SALT_LEN]>(),
    ) {
        prop_assume!(grant.tunnel != other);
        let sealed = seal(&grant, &password, expiry(), salt);
        prop_assert_eq!(open(&sealed, &other, &password, noon()), Err(OpenError::Refused));
    }

    #[test]
    fn a_single_bit_changed_is_noticed(
        grant in grant(),
        password in password(),
        salt in any::<[u8; SALT_LEN]>(),
        at in any::<Index>(),
        bit in 0..8u8,
    ) {
        let mut bytes = seal(&grant, &password, expiry(), salt).as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let opened = open(&SealedGrant::from(bytes), &grant.tunnel, &password, noon());
        let expected = if at == 0 { OpenError::UnknownForm } else { OpenError::Refused };
        prop_assert_eq!(opened, Err(expected));
    }

    #[test]
    fn a_part_of_it_opens_nothing(
        grant in grant(),
        password in password(),
        salt in any::<[u8; SALT_LEN]>(),
        length in any::<Index>(),
    ) {
        let sealed = seal(&grant, &password, expiry(), salt);
        let part = &sealed.as_bytes()[..length.index(sealed.as_bytes().len())];
        let opened = open(&SealedGrant::from(part.to_vec()), &grant.tunnel, &password, noon());
        prop_assert!(matches!(opened, Err(OpenError::Refused | OpenError::UnknownForm)));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..512), tunnel in id()) {
        let opened = open(&SealedGrant::from(bytes), &tunnel, "secret", noon());
        prop_assert!(matches!(opened, Err(OpenError::Refused | OpenError::UnknownForm)));
    }

    #[test]
    fn nothing_of_the_grant_can_be_read_without_the_password(
        grant in grant(),
        salt in any::<[u8; SALT_LEN]>(),
    ) {
        let sealed = seal(&grant, "secret", expiry(), salt);
        let readable = |text: &[u8]| sealed.as_bytes().windows(text.len()).any(|part| part == text);
        prop_assert!(!readable(b"head-office"));
        prop_assert!(!readable(b"secret"));
    }
}

/// Controllers and control planes are not always of the same age.
#[test]
fn the_form_of_version_1_does_not_change() {
    let grant = TunnelGrant {
        tunnel: "fibre".parse().unwrap(),
        site: "office".parse().unwrap(),
        address: Ipv4Addr::new(198, 18, 0, 2),
        server: Ipv4Addr::new(198, 18, 0, 1),
        prefix: 30,
        place: Some(Place { rung: 0, step: 10 }),
        routes: Vec::new(),
        profile: ProfileName::Fast,
    };
    let sealed = seal(&grant, "secret", expiry(), [7; SALT_LEN]);
    assert_eq!(String::from(sealed), VERSION_1);
    let opened = open(&VERSION_1.parse().unwrap(), &grant.tunnel, "secret", noon());
    assert_eq!(opened, Ok(grant));
}

const VERSION_1: &str = "010707070707070707070707070707070707070707070707070707070707070707385e598103c180eda8cdc648672e4c\
     d18c98e11063206be60f22f1af72258ef2640abd37954491f72188ebfef53ac578a6b99819e96f83c1d65e2e61997504\
     8bf63b8da421387a271fc14d6218808e6c260252c02bab0cf4efc43fb0ee8bebd6f37dcc3d5952328de052fb12a5a59c\
     5462ca79571f51385690b22f0c5c927e04e77027e35c9950ddb6247403b77aa5e251a99eeefd16d6aec5a6a8149e37aa\
     b4dd3f8a6137e47523670848a10c23078809ce137c07560ac856f1c453f18df4ff9796b0fcb376a5584f5c533b5df2d5\
     86278546";
