//! Log lines on standard error.

use std::{fmt, io::IsTerminal, str::FromStr};

use tracing_subscriber::EnvFilter;

/// `[log]`: how much is logged, and in which form.
#[derive(Debug, Default)]
pub(crate) struct LogConfig {
    /// `level`, HOLDFAST_LOG_LEVEL: info unless set. HOLDFAST_LOG, which every command heeds, goes before it.
    pub(crate) level: Option<Level>,
    /// `format`, HOLDFAST_LOG_FORMAT: text unless set.
    pub(crate) format: Format,
}

/// A level, or directives per module, as tracing takes them.
#[derive(Debug, Clone)]
pub(crate) struct Level(String);

/// The form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for Level {
    type Err = tracing_subscriber::filter::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EnvFilter::builder().parse(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Format {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Begins to log; called once.
pub(crate) fn start(config: &LogConfig) {
    let filter = EnvFilter::try_from_env("HOLDFAST_LOG").unwrap_or_else(|_| {
        let level = config.level.as_ref().map_or("info", |level| &level.0);
        EnvFilter::new(level)
    });
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match config.format {
        Format::Text => lines.init(),
        Format::Json => lines.json().init(),
    }
}
