use std::fmt;

/// Why nothing is sent to a router: something that is configured cannot work there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The slot it is about, from 1; none if it is about the router.
    pub slot: Option<u8>,
    /// The field that is wrong, as the API calls it: `interface`, `gateway`, `name`, `safe-mode`, `device-mode`, `version`.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it, as a sentence without a full stop.
    pub reason: String,
    /// What helps, likewise.
    pub mend: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.field, self.value)?;
        if let Some(slot) = self.slot {
            write!(f, " of slot {slot}")?;
        }
        write!(f, ": {}; {}", self.reason, self.mend)
    }
}

impl std::error::Error for Refusal {}
