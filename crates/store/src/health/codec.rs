//! The samples of one minute as bytes, about five a sample.
//!
//! ```text
//! version     1 byte: 1
//! present     8 bytes, little endian: bit n says whether second n has a sample
//! per sample, in the order of the seconds:
//!   flags     1 byte: 1 = a round trip follows, 2 = a jitter follows, 4 = a number of lost probes follows,
//!             8 = a number of probes follows
//!   probes    varint; without it as many as in the sample before, 0 before the first
//!   lost      varint; without it none
//!   rtt       zigzag varint, microseconds, as difference from the round trip before, 0 before the first
//!   jitter    the same with the jitter before
//! ```
//!
//! A varint is little endian, seven bits a byte, with the high bit set in all but the last. Zigzag maps 0, -1, 1, -2 to
//! 0, 1, 2, 3. Rows of every version ever written must stay readable: a new layout gets a new version.

use sqlx::{Database, Decode, Type, error::BoxDynError};

use super::{Sample, Samples};

const VERSION: u8 = 1;

const RTT: u8 = 1;
const JITTER: u8 = 2;
const LOST: u8 = 4;
const PROBES: u8 = 8;

/// Why bytes are not the samples of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damaged {
    #[error("packed samples have version {0}, and this program knows version {VERSION}")]
    Version(u8),
    #[error("packed samples end too early")]
    Short,
    #[error("packed samples have bytes left over")]
    Long,
    #[error("a number in packed samples is out of its range")]
    Range,
}

/// Samples as bytes.
pub(crate) fn pack(samples: &Samples) -> Vec<u8> {
    let present = (0u64..).zip(samples).fold(0u64, |bits, (second, sample)| {
        bits | u64::from(sample.is_some()) << second
    });
    let mut bytes = vec![VERSION];
    bytes.extend(present.to_le_bytes());

    let mut before = Before::default();
    for sample in samples.iter().flatten() {
        pack_sample(&mut bytes, sample, &mut before);
    }
    bytes
}

/// Bytes as samples.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Samples, Damaged> {
    let mut reader = Reader(bytes);
    let version = reader.byte()?;
    if version != VERSION {
        return Err(Damaged::Version(version));
    }
    let present = reader.present()?;

    let mut samples = [None; 60];
    let mut before = Before::default();
    for (second, sample) in samples.iter_mut().enumerate() {
        if present >> second & 1 == 1 {
            *sample = Some(unpack_sample(&mut reader, &mut before)?);
        }
    }
    if !reader.0.is_empty() {
        return Err(Damaged::Long);
    }
    Ok(samples)
}

/// What differences are taken from.
#[derive(Default)]
struct Before {
    probes: u16,
    rtt_us: u32,
    jitter_us: u32,
}

fn pack_sample(bytes: &mut Vec<u8>, sample: &Sample, before: &mut Before) {
    let flag = |present: bool, flag: u8| if present { flag } else { 0 };
    bytes.push(
        flag(sample.rtt_us.is_some(), RTT)
            | flag(sample.jitter_us.is_some(), JITTER)
            | flag(sample.lost > 0, LOST)
            | flag(sample.probes != before.probes, PROBES),
    );
    if sample.probes != before.probes {
        push_varint(bytes, sample.probes.into());
        before.probes = sample.probes;
    }
    if sample.lost > 0 {
        push_varint(bytes, sample.lost.into());
    }
    if let Some(rtt) = sample.rtt_us {
        push_difference(bytes, rtt, &mut before.rtt_us);
    }
    if let Some(jitter) = sample.jitter_us {
        push_difference(bytes, jitter, &mut before.jitter_us);
    }
}

fn unpack_sample(reader: &mut Reader<'_>, before: &mut Before) -> Result<Sample, Damaged> {
    let flags = reader.byte()?;
    if flags & !(RTT | JITTER | LOST | PROBES) != 0 {
        return Err(Damaged::Range);
    }
    let has = |flag: u8| flags & flag != 0;
    if has(PROBES) {
        before.probes = reader.small()?;
    }
    Ok(Sample {
        probes: before.probes,
        lost: if has(LOST) { reader.small()? } else { 0 },
        rtt_us: if has(RTT) {
            Some(reader.difference(&mut before.rtt_us)?)
        } else {
            None
        },
        jitter_us: if has(JITTER) {
            Some(reader.difference(&mut before.jitter_us)?)
        } else {
            None
        },
    })
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn push_difference(bytes: &mut Vec<u8>, value: u32, before: &mut u32) {
    let difference = i64::from(value) - i64::from(*before);
    // Two's complement of both halves: a small difference of either sign is a small number.
    push_varint(bytes, ((difference << 1) ^ (difference >> 63)) as u64);
    *before = value;
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Damaged> {
        let (&byte, rest) = self.0.split_first().ok_or(Damaged::Short)?;
        self.0 = rest;
        Ok(byte)
    }

    fn present(&mut self) -> Result<u64, Damaged> {
        let (bits, rest) = self.0.split_first_chunk().ok_or(Damaged::Short)?;
        self.0 = rest;
        let bits = u64::from_le_bytes(*bits);
        if bits >> 60 != 0 {
            return Err(Damaged::Range);
        }
        Ok(bits)
    }

    fn varint(&mut self) -> Result<u64, Damaged> {
        let mut value = 0;
        // Five groups of seven bits hold every number there can be: a difference of two u32, and its sign.
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Damaged::Range)
    }

    fn small(&mut self) -> Result<u16, Damaged> {
        u16::try_from(self.varint()?).map_err(|_| Damaged::Range)
    }

    fn difference(&mut self, before: &mut u32) -> Result<u32, Damaged> {
        let zigzag = self.varint()? as i64;
        let difference = (zigzag >> 1) ^ -(zigzag & 1);
        *before = u32::try_from(i64::from(*before) + difference).map_err(|_| Damaged::Range)?;
        Ok(*before)
    }
}

/// A column of packed samples.
#[derive(Debug)]
pub(crate) struct Packed(pub(crate) Samples);

impl<DB: Database> Type<DB> for Packed
where
    Vec<u8>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <Vec<u8> as Type<DB>>::type_info()
    }
}

impl<'r, DB> Decode<'r, DB> for Packed
where
    DB: Database,
    Vec<u8>: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = <Vec<u8> as Decode<DB>>::decode(value)?;
        Ok(Self(unpack(&bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;

    fn sample() -> impl Strategy<Value = Sample> {
        (
            any::<u16>(),
            any::<u16>(),
            option::of(any::<u32>()),
            option::of(any::<u32>()),
        )
            .prop_map(|(probes, lost, rtt_us, jitter_us)| Sample {
                probes,
                lost,
                rtt_us,
                jitter_us,
            })
    }

    fn samples() -> impl Strategy<Value = Samples> {
        prop::collection::vec(option::of(sample()), 60)
            .prop_map(|samples| samples.try_into().expect("it has 60 samples"))
    }

    proptest! {
        #[test]
        fn every_minute_reads_back(samples in samples()) {
            prop_assert_eq!(unpack(&pack(&samples)), Ok(samples));
        }

        #[test]
        fn every_beginning_of_a_minute_is_too_short(samples in samples(), cut in any::<prop::sample::Index>()) {
            let bytes = pack(&samples);
            prop_assert_eq!(unpack(&bytes[..cut.index(bytes.len())]), Err(Damaged::Short));
        }

        #[test]
        fn arbitrary_bytes_are_refused_or_read_and_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Some(version) = bytes.first_mut() {
                *version = VERSION;
            }
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn the_bytes_of_version_1_stay_what_they_are() {
        let mut samples = [None; 60];
        samples[0] = Some(Sample {
            probes: 10,
            lost: 0,
            rtt_us: Some(12_000),
            jitter_us: Some(300),
        });
        samples[2] = Some(Sample {
            probes: 10,
            lost: 10,
            rtt_us: None,
            jitter_us: None,
        });
        samples[59] = Some(Sample {
            probes: 10,
            lost: 0,
            rtt_us: Some(11_999),
            jitter_us: None,
        });
        let bytes = [
            1, 0b101, 0, 0, 0, 0, 0, 0, 0b1000, // version, present
            11, 10, 0xc0, 0xbb, 0x01, 0xd8, 0x04, // second 0
            4, 10, // second 2
            1, 1, // second 59
        ];
        assert_eq!(pack(&samples), bytes);
        assert_eq!(unpack(&bytes), Ok(samples));
    }

    #[test]
    fn a_version_of_the_future_and_bytes_left_over_are_refused() {
        let mut bytes = pack(&[None; 60]);
        bytes.push(0);
        assert_eq!(unpack(&bytes), Err(Damaged::Long));
        bytes[0] = 2;
        assert_eq!(unpack(&bytes), Err(Damaged::Version(2)));
    }

    #[test]
    fn an_ordinary_minute_takes_about_five_bytes_a_second() {
        let samples = std::array::from_fn(|second| {
            Some(Sample {
                probes: 10,
                lost: 0,
                rtt_us: Some(12_000 + 37 * (second as u32 % 7)),
                jitter_us: Some(150 + 11 * (second as u32 % 5)),
            })
        });
        assert!(pack(&samples).len() <= 60 * 5 + 16);
    }
}
