//! The link events of our controller, as they come.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Mutex},
};

use holdfast_api_types::LinkEvent;

use crate::process::lock;

/// Every event so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventLog {
    events: Arc<Mutex<Vec<LinkEvent>>>,
}

impl EventLog {
    /// Reads JSON lines until the controller closes its end. The thread ends with the controller.
    pub(crate) fn follow(&self, source: impl Read + Send + 'static) -> anyhow::Result<()> {
        let log = self.clone();
        std::thread::Builder::new()
            .name("events".into())
            .spawn(move || {
                for line in BufReader::new(source).lines().map_while(Result::ok) {
                    log.handle_line(&line);
                }
            })?;
        Ok(())
    }

    /// What came after the first `seen` events.
    pub(crate) fn after(&self, seen: usize) -> Vec<LinkEvent> {
        lock(&self.events).get(seen..).unwrap_or_default().to_vec()
    }

    fn handle_line(&self, line: &str) {
        match serde_json::from_str(line) {
            Ok(event) => lock(&self.events).push(event),
            Err(error) => {
                tracing::warn!(%error, line, "the controller printed something that is no event")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn events_are_kept_in_order_and_other_lines_are_passed_over() {
        let log = EventLog::default();
        let line = |n: u32| {
            format!(
                r#"{{"at":"2026-11-23T10:00:00Z","sequence":{n},"site":"lab","tunnel":"lte","event":"link-online"}}"#
            )
        };
        let text = format!("{}\nnonsense\n{}\n", line(1), line(2));
        log.follow(std::io::Cursor::new(text)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        crate::wait::until(deadline, || log.after(0).len() == 2).unwrap();
        assert_eq!(log.after(1)[0].sequence, 2);
        assert!(log.after(9).is_empty());
    }
}
