//! The terminal: a story that scrolls, and beneath it a live line per ISP.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Stdout, Write},
};

use super::board::Line;

/// Datagrams that one sign of the bar stands for, of about 100 in a second.
const PER_SIGN: usize = 5;

/// Standard output. Without a terminal the live lines are printed only when something about them changed.
pub(super) struct Screen {
    out: Stdout,
    live: bool,
    lines: Vec<Line>,
    /// Live lines on the screen now.
    drawn: usize,
}

impl Screen {
    pub(super) fn new() -> Self {
        let out = io::stdout();
        Self {
            live: out.is_terminal(),
            out,
            lines: Vec::new(),
            drawn: 0,
        }
    }

    /// Adds a line to the story.
    pub(super) fn say(&mut self, text: &str) -> anyhow::Result<()> {
        let mut frame = self.erase();
        frame.push_str(text);
        frame.push('\n');
        frame.push_str(&self.draw());
        self.write(&frame)
    }

    /// Shows how the lines are now.
    pub(super) fn show(&mut self, lines: &[Line]) -> anyhow::Result<()> {
        if self.live {
            let mut frame = self.erase();
            self.lines = lines.to_vec();
            frame.push_str(&self.draw());
            return self.write(&frame);
        }
        let changed = self.lines.len() != lines.len()
            || self
                .lines
                .iter()
                .zip(lines)
                .any(|(old, new)| new.differs_from(old));
        if changed {
            self.lines = lines.to_vec();
            let text: String = lines.iter().map(Line::row).collect();
            self.write(&text)?;
        }
        Ok(())
    }

    /// Takes the live lines away, until they are shown again.
    pub(super) fn clear(&mut self) -> anyhow::Result<()> {
        let frame = self.erase();
        self.lines.clear();
        self.write(&frame)
    }

    /// The signs that take the live lines off the screen.
    fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            drawn => format!("\x1b[{drawn}A\x1b[J"),
        }
    }

    fn draw(&mut self) -> String {
        if !self.live {
            return String::new();
        }
        self.drawn = self.lines.len();
        self.lines.iter().map(Line::row).collect()
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }
}

impl Line {
    fn differs_from(&self, old: &Self) -> bool {
        (self.state, self.active, self.rung) != (old.state, old.active, old.rung)
    }

    /// As wide as 80 columns allow, with the line's end.
    fn row(&self) -> String {
        let role = if self.active { "active" } else { "standby" };
        let mut row = format!("  {:9}{:11}{role:8}", self.isp, self.state);
        // Writing to a String cannot fail.
        let _ = match self.rung {
            Some(rung) => write!(row, " rung {rung}"),
            None => write!(row, " {:6}", "-"),
        };
        let health = self.health.and_then(|h| Some((h.rtt_ms?, h.loss * 100.0)));
        let _ = match health {
            Some((rtt, loss)) => write!(row, " {rtt:4.0} ms {loss:3.0} % lost "),
            None => write!(row, " {:17}", ""),
        };
        row.push_str(&"#".repeat(self.carried.div_ceil(PER_SIGN)));
        if self.carried == 0 {
            row.push_str(&self.cause.chars().take(25).collect::<String>());
        }
        row.truncate(row.trim_end().len());
        row.push('\n');
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            isp: "fibre".into(),
            state: "online",
            active: true,
            rung: Some(2),
            health: None,
            carried: 100,
            cause: String::new(),
        }
    }

    #[test]
    fn a_row_fits_eighty_columns_and_reads_without_colour() {
        let row = line().row();
        assert!(row.len() <= 80, "{row}");
        assert!(row.contains("fibre") && row.contains("active") && row.ends_with("####\n"));
    }

    #[test]
    fn a_silent_line_shows_its_cause_instead_of_a_bar() {
        let mut line = line();
        line.carried = 0;
        line.cause = "6 probes without an answer in 0.45 s of silence".into();
        let row = line.row();
        assert!(
            row.contains("6 probes without") && !row.contains('#'),
            "{row}"
        );
        assert!(row.len() <= 81, "{row}");
    }

    #[test]
    fn only_state_role_and_rung_are_worth_a_new_line_without_a_terminal() {
        let old = line();
        assert!(
            !Line {
                carried: 3,
                ..line()
            }
            .differs_from(&old)
        );
        assert!(
            Line {
                rung: None,
                ..line()
            }
            .differs_from(&old)
        );
    }
}
