use std::fmt;

/// Identifies one side of a session; drawn at random, never zero, and the same for the life of the TCP
/// connection, over all key renegotiations.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 8]);

impl SessionId {
    /// True for the one value no peer may use.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 8]
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Which key of a session a packet belongs to: 0 for the first, then 1 to 7 and round again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u8);

impl KeyId {
    /// The key negotiated when the session starts.
    pub const FIRST: Self = Self(0);
    const MASK: u8 = 0b111;

    /// The key id in the lower three bits of `bits`.
    pub const fn new(bits: u8) -> Self {
        Self(bits & Self::MASK)
    }

    /// The key id of the next renegotiation. 0 never returns.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.0 {
            Self::MASK => Self(1),
            id => Self(id + 1),
        }
    }

    /// The number, 0 to 7.
    pub const fn get(self) -> u8 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_count_to_seven_and_go_on_at_one() {
        let ids: Vec<u8> = std::iter::successors(Some(KeyId::FIRST), |id| Some(id.next()))
            .map(KeyId::get)
            .take(10)
            .collect();
        assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6, 7, 1, 2]);
    }

    #[test]
    fn key_ids_take_three_bits() {
        assert_eq!(KeyId::new(0x4b), KeyId::new(3));
    }

    #[test]
    fn session_ids_show_as_hex() {
        assert_eq!(
            format!("{:?}", SessionId([0, 1, 2, 3, 4, 5, 6, 0xff])),
            "00010203040506ff"
        );
        assert!(SessionId([0; 8]).is_zero() && !SessionId([1; 8]).is_zero());
    }
}
