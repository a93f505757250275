//! What the site's users feel: a datagram every 10 ms and a steady download.

mod download;
mod echo;
mod pulse;
mod report;

use std::sync::Arc;

use crate::{network::Network, topology::Plan};

pub use self::{
    download::DownloadReport,
    report::{Carrier, Change, Gap, PulseReport},
};

use self::{download::Download, echo::Servers, pulse::Pulse, report::Window};

/// Everything the meter found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MeterReport {
    /// The datagrams.
    #[serde(flatten)]
    pub pulse: PulseReport,
    /// The download.
    pub tcp: DownloadReport,
}

/// A running measurement from `lan` to a server in `inet`.
#[derive(Debug)]
pub(crate) struct Meter {
    pulse: Pulse,
    download: Download,
    // After those who talk to them.
    _servers: Servers,
}

impl Meter {
    pub(crate) fn start(network: &Network) -> anyhow::Result<Self> {
        let servers = Servers::start(&network.inet)?;
        let carriers = network.lines.iter().map(|line| Carrier {
            isp: line.isp.name.clone(),
            address: Plan::wan(line.plan),
        });
        let samples = Arc::new(Samples::new(carriers.collect()));
        Ok(Self {
            pulse: Pulse::start(&network.lan, samples)?,
            download: Download::start(&network.lan)?,
            _servers: servers,
        })
    }

    /// What was measured so far, without stopping.
    pub(crate) fn samples(&self) -> &Samples {
        self.pulse.samples()
    }

    /// Waits for answers still under way, then reports what was sent within `window`.
    pub(crate) fn finish(self, window: Window) -> MeterReport {
        let tcp = self.download.finish();
        MeterReport {
            pulse: self.pulse.finish().report(window),
            tcp,
        }
    }
}

pub(crate) use self::report::{Samples, Window as MeterWindow, median};
