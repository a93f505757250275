//! `/setup`: the first organization and its owner, made with a link that the server prints.

pub(super) mod claim;
pub(super) mod show;
