//! The result as a table.

use std::fmt::Write as _;

use super::measure::{Figures, Plan};

/// The table in Markdown, ours beside theirs.
pub(super) fn render(plan: &Plan, ours: &Figures, theirs: &Figures) -> String {
    let mut table = String::from("| | holdfast | openvpn | ratio |\n|---|---:|---:|---:|\n");
    let mut row = |what: String, unit: &str, ours: f64, theirs: f64| {
        let ratio = if ours > 0.0 {
            format!("1 : {:.1}", theirs / ours)
        } else {
            "-".into()
        };
        writeln!(
            table,
            "| {what} | {ours:.2} {unit} | {theirs:.2} {unit} | {ratio} |"
        )
        .expect("writing to a string cannot fail");
    };
    for (nth, rate) in plan.handshake_rates.iter().enumerate() {
        let at = |figures: &Figures| median(&figures.handshake_cpu_ms[nth]);
        let what = format!(
            "server CPU per log-in, {rate} of them a second (ECDSA P-256, TLS 1.3, median of {})",
            plan.runs
        );
        row(what, "ms", at(ours), at(theirs));
    }
    for (nth, tunnels) in plan.idle.iter().enumerate() {
        let at = |figures: &Figures| figures.idle_kib.get(nth).copied().unwrap_or(f64::NAN);
        let what = format!("memory per idle tunnel at {tunnels}");
        row(what, "KiB", at(ours), at(theirs));
    }
    row(
        format!("CPU of {} idle tunnels, pings of 10 s", plan.idle[1]),
        "% of a core",
        ours.hold_cpu_percent,
        theirs.hold_cpu_percent,
    );
    let clients = plan.restart;
    row(
        format!("{clients} clients back after SIGTERM and start"),
        "s",
        ours.restart_s,
        theirs.restart_s,
    );
    row(
        format!("{clients} clients back after SIGKILL and start"),
        "s",
        ours.crash_s,
        theirs.crash_s,
    );
    let ((our_failed, our_lost), (their_failed, their_lost)) = (ours.failures(), theirs.failures());
    let missing = |figures: &Figures| -> usize {
        let views = figures.clients.iter();
        views
            .map(|view| view.report.connections - view.report.up)
            .sum()
    };
    let mut count = |what: &str, ours: u64, theirs: u64| {
        writeln!(table, "| {what} | {ours} | {theirs} | |")
            .expect("writing to a string cannot fail");
    };
    count("failed log-ins, restarts apart", our_failed, their_failed);
    count("lost tunnels, restarts apart", our_lost, their_lost);
    count(
        "clients not up at the end of a part",
        missing(ours) as u64,
        missing(theirs) as u64,
    );
    table
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
