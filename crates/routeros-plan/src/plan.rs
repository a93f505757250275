use std::fmt;

use crate::{Change, Menu, Step};

/// What would be sent to a router, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Every command. Those that nothing can undo come last, see [`Self::commit_point`].
    pub steps: Vec<Step>,
    /// What a person should know about the router, whether or not anything is to be done.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Whether the router is as it should be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many steps the dead man can take back. The caller sends these, sees that the router still answers, calls the
    /// dead man off, and only then sends the rest.
    pub fn commit_point(&self) -> usize {
        let reversible = |step: &&Step| step.undo.is_some();
        self.steps.iter().take_while(reversible).count()
    }

    /// Whether the steps could cut us off from the router, so that a dead man is needed.
    pub fn cuts_off(&self) -> bool {
        self.steps[..self.commit_point()]
            .iter()
            .any(|step| reaches_traffic(&step.change))
    }

    /// The plan as people read it: a preview, a log, a golden test. Secrets are masked.
    pub fn to_text(&self) -> String {
        self.to_string()
    }
}

/// Certificates, lists, scripts and schedulers carry no packet; everything else may.
fn reaches_traffic(change: &Change) -> bool {
    match change {
        Change::Add { menu, .. }
        | Change::Set { menu, .. }
        | Change::Remove { menu, .. }
        | Change::Move { menu, .. } => !matches!(
            menu,
            Menu::Certificate | Menu::File | Menu::InterfaceList | Menu::Scheduler | Menu::Script
        ),
        Change::Call { .. } => false,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "! {warning}")?;
        }
        if self.is_empty() {
            return writeln!(f, "nothing to do");
        }
        for (number, step) in (1..).zip(&self.steps) {
            if number == self.commit_point() + 1 {
                writeln!(f, "-- not undone from here")?;
            }
            writeln!(f, "{number}. {}", step.summary)?;
            writeln!(f, "   {}", step.command_text())?;
        }
        Ok(())
    }
}
