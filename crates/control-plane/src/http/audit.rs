//! `/audit`: who changed what.

pub(super) mod list;
