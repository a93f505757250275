//! Connections that are cut at a chosen command.

use holdfast_routeros_proto::Command;

use crate::{model::split_path, router::Router};

/// When the connection is cut: the client learns in neither case what became of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The command is not carried out.
    Before,
    /// It is carried out.
    After,
}

impl Router {
    /// Counts a command that changes something, and says whether it is the one at which the connection is cut.
    pub(crate) fn cut_at(&self, command: &Command) -> Option<Cut> {
        if !changes(command) || self.settings().faults.cut_after_changes.is_none() {
            return None;
        }
        let mut cut = None;
        self.change_settings(|settings| {
            let faults = &mut settings.faults;
            match faults.cut_after_changes {
                Some(0 | 1) => {
                    faults.cut_after_changes = None;
                    let after = faults.cut_takes_effect;
                    cut = Some(if after { Cut::After } else { Cut::Before });
                }
                Some(left) => faults.cut_after_changes = Some(left - 1),
                None => {}
            }
        });
        cut
    }
}

fn changes(command: &Command) -> bool {
    const READS: &[&str] = &[
        "print",
        "getall",
        "get",
        "find",
        "listen",
        "monitor",
        "monitor-traffic",
        "export",
        "ping",
        "check",
    ];
    !READS.contains(&split_path(command).1)
}
