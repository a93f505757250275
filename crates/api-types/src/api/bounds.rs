use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Why a value cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// A number outside its bounds.
    #[error("use a whole number from {min} to {max}")]
    Number {
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// A share of lost packets.
    #[error("use a percentage from 0 to 100, as 0.5")]
    LossPercent,
    /// Not an address at all.
    #[error(
        "is neither an IPv4 address nor an interface: use the ISP's gateway as the router sees it, as 192.0.2.1"
    )]
    NotIpv4,
    /// An address that no gateway can have.
    #[error(
        "is {0}, and no router's next hop: use the ISP's gateway as the router sees it, as 192.0.2.1"
    )]
    NoGateway(&'static str),
    /// The name of a router's interface.
    #[error(
        "an interface name has 1 to {} printable ASCII characters and no space, quote or slash: write it as the \
         router does, as ether1 or wan0.100",
        InterfaceName::MAX
    )]
    Interface,
    /// A time that nothing here can have happened at.
    #[error("use a time from {} until before {}", Moment::FIRST, Moment::END)]
    Moment,
    /// A text of several lines.
    #[error("a text has at most {max} characters, and no control characters but line breaks")]
    Text {
        /// The most characters.
        max: usize,
    },
    /// A text that says nothing.
    #[error("say something, in at most {max} characters")]
    Empty {
        /// The most characters.
        max: usize,
    },
}

/// A whole number between two bounds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Number", into = "u32")]
pub struct Number<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Number<MIN, MAX> {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u32> for Number<MIN, MAX> {
    type Error = InvalidValue;

    fn try_from(number: u32) -> Result<Self, InvalidValue> {
        if (MIN..=MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(InvalidValue::Number { min: MIN, max: MAX })
        }
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<serde_json::Number> for Number<MIN, MAX> {
    type Error = InvalidValue;

    fn try_from(number: serde_json::Number) -> Result<Self, InvalidValue> {
        number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or(InvalidValue::Number { min: MIN, max: MAX })?
            .try_into()
    }
}

impl<const MIN: u32, const MAX: u32> From<Number<MIN, MAX>> for u32 {
    fn from(number: Number<MIN, MAX>) -> Self {
        number.0
    }
}

/// A share of lost packets, written in percent and kept in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = f64, minimum = 0, maximum = 100, example = 0.5))]
pub struct LossPercent(u32);

impl LossPercent {
    /// From parts per million, as the database has it.
    pub const fn from_ppm(ppm: u32) -> Self {
        Self(ppm)
    }

    /// In parts per million.
    pub const fn ppm(self) -> u32 {
        self.0
    }
}

impl TryFrom<f64> for LossPercent {
    type Error = InvalidValue;

    fn try_from(percent: f64) -> Result<Self, InvalidValue> {
        if (0.0..=100.0).contains(&percent) {
            Ok(Self((percent * 10_000.0).round() as u32))
        } else {
            Err(InvalidValue::LossPercent)
        }
    }
}

impl From<LossPercent> for f64 {
    fn from(loss: LossPercent) -> Self {
        Self::from(loss.0) / 10_000.0
    }
}

/// A time from 1970 until before 2100, as RFC 3339 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Timestamp", into = "Timestamp")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-11-23T10:00:00Z"))]
pub struct Moment(Timestamp);

impl Moment {
    const FIRST: Timestamp = Timestamp::UNIX_EPOCH;
    /// 2100. From the first to the last are fewer than 2^32 seconds, and every year has four digits.
    const END: Timestamp = Timestamp::constant(4_102_444_800, 0);

    /// The time.
    pub const fn get(self) -> Timestamp {
        self.0
    }
}

impl TryFrom<Timestamp> for Moment {
    type Error = InvalidValue;

    fn try_from(at: Timestamp) -> Result<Self, InvalidValue> {
        if (Self::FIRST..Self::END).contains(&at) {
            Ok(Self(at))
        } else {
            Err(InvalidValue::Moment)
        }
    }
}

impl From<Moment> for Timestamp {
    fn from(moment: Moment) -> Self {
        moment.0
    }
}

/// The name of an interface on the router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 64, example = "ether1"))]
pub struct InterfaceName(String);

impl InterfaceName {
    /// Longest name in characters: RouterOS allows more than Linux does.
    pub const MAX: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for InterfaceName {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let fine = |c: char| c.is_ascii_graphic() && !"\"'\\/#;".contains(c);
        if (1..=Self::MAX).contains(&text.len()) && text.chars().all(fine) {
            Ok(Self(text))
        } else {
            Err(InvalidValue::Interface)
        }
    }
}

impl From<InterfaceName> for String {
    fn from(name: InterfaceName) -> Self {
        name.0
    }
}

/// A text of at most `MAX` characters, of one or more lines; it may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let strange = |c: char| c.is_control() && c != '\n';
        let text = text.replace("\r\n", "\n");
        if text.chars().count() <= MAX && !text.contains(strange) {
            Ok(Self(text))
        } else {
            Err(InvalidValue::Text { max: MAX })
        }
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

/// A text of at most `MAX` characters that says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Words<const MAX: usize>(String);

impl<const MAX: usize> Words<MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Words<MAX> {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let text = Text::<MAX>::try_from(text)?;
        match text.as_str().trim() {
            "" => Err(InvalidValue::Empty { max: MAX }),
            words => Ok(Self(words.into())),
        }
    }
}

impl<const MAX: usize> From<Words<MAX>> for String {
    fn from(words: Words<MAX>) -> Self {
        words.0
    }
}

/// A field of a change: left out it stays, null clears it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is cleared.
    Clear,
    /// It gets this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the field is left out.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// What the field is after the change.
    pub fn apply<U>(self, to: &mut Option<U>, convert: impl FnOnce(T) -> U) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(value) => *to = Some(convert(value)),
        }
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    /// Skip the field when it [stays](Self::is_keep): JSON has no word for that.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => serializer.serialize_some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::deserialize(deserializer).map_err(D::Error::custom)?;
        Ok(value.map_or(Self::Clear, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Gateway, *};

    #[test]
    fn an_interface_name_is_what_routers_call_theirs() {
        for text in [
            "ether1",
            "wan0.100",
            "lte1",
            "sfp-sfpplus1",
            "eth0@if3",
            "<pppoe-x>",
        ] {
            assert!(InterfaceName::try_from(text.to_owned()).is_ok(), "{text}");
        }
        for text in ["", "a b", "a\nb", "eth\"0", "a;b", "ä", &"x".repeat(65)] {
            assert!(
                InterfaceName::try_from(text.to_owned()).is_err(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_number_outside_its_bounds_is_told_them() {
        type Latency = Number<1, 60_000>;
        assert_eq!(
            serde_json::from_str::<Latency>("60000").unwrap().get(),
            60_000
        );
        for text in ["0", "60001", "-1", "1.5", "99999999999"] {
            let err = serde_json::from_str::<Latency>(text)
                .unwrap_err()
                .to_string();
            assert!(err.contains("from 1 to 60000"), "{text}: {err}");
        }
    }

    #[test]
    fn a_loss_in_percent_keeps_four_digits() {
        for (text, ppm) in [("0.5", 5_000), ("100", 1_000_000), ("0.0001", 1), ("0", 0)] {
            let loss: LossPercent = serde_json::from_str(text).unwrap();
            assert_eq!(loss.ppm(), ppm);
            assert_eq!(f64::from(loss), text.parse::<f64>().unwrap());
        }
        for text in ["-0.1", "100.1"] {
            assert!(serde_json::from_str::<LossPercent>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_of_another_age_is_told_the_bounds() {
        for text in ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59.999Z"] {
            let moment: Moment = serde_json::from_value(text.into()).unwrap();
            assert_eq!(moment.get().to_string(), text);
        }
        for text in [
            "0080-09-19T13:37:16+03:24",
            "1969-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "5820-03-01T12:31:42Z",
        ] {
            let err = serde_json::from_value::<Moment>(text.into()).unwrap_err();
            let mend = "use a time from 1970-01-01T00:00:00Z until before 2100-01-01T00:00:00Z";
            assert_eq!(err.to_string(), mend, "{text}");
        }
    }

    #[test]
    fn what_is_left_out_of_a_change_stays_and_null_clears() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Change {
            #[serde(default, skip_serializing_if = "Patch::is_keep")]
            gateway: Patch<Gateway>,
        }
        let gateway = Gateway::Address([192, 0, 2, 1].into());
        for (text, patch) in [
            ("{}", Patch::Keep),
            (r#"{"gateway":null}"#, Patch::Clear),
            (r#"{"gateway":"192.0.2.1"}"#, Patch::Set(gateway)),
        ] {
            let change: Change = serde_json::from_str(text).unwrap();
            assert_eq!(change.gateway, patch);
            assert_eq!(serde_json::to_string(&change).unwrap(), text);
        }
    }

    #[test]
    fn words_say_something() {
        assert_eq!(
            Words::<5>::try_from(" abc ".to_owned()).unwrap().as_str(),
            "abc"
        );
        for text in ["", "  \n ", "abcdef", "a\u{7}"] {
            assert!(Words::<5>::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
