//! `holdfast serve --lab SOCKET`: the dashboard breaks the lab that the server runs in, by way of its control socket.

use std::path::PathBuf;

use anyhow::{Context, bail};
use holdfast_api_types::{
    LineState,
    api::{self, LabLine},
};
use holdfast_control_plane::lab::{Lab, LabAnswer, LabError};
use holdfast_lab::{LineStatus, Reply, Request};

/// The control socket of a lab.
#[derive(Debug)]
pub(crate) struct LabSocket {
    path: PathBuf,
}

impl LabSocket {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    async fn ask(&self, request: Request) -> Result<api::Lab, LabError> {
        let path = self.path.clone();
        let reply =
            tokio::task::spawn_blocking(move || holdfast_lab::ask_at(&path, &request)).await;
        let answer = reply
            .context("the question was not asked")
            .flatten()
            .and_then(|reply| match reply {
                Reply::Status { lines } => Ok(Ok(seen(lines))),
                Reply::Refused { reason } => Ok(Err(LabError::NoSuchIsp(reason))),
                Reply::Done | Reply::Printed { .. } | Reply::Namespace { .. } => {
                    bail!("it did not say how its lines are")
                }
            });
        answer.unwrap_or_else(|error| Err(LabError::Unreachable(format!("{error:#}"))))
    }
}

impl Lab for LabSocket {
    fn lines(&self) -> LabAnswer<'_> {
        Box::pin(self.ask(Request::Status))
    }

    fn set_line<'a>(&'a self, isp: &'a str, state: LineState) -> LabAnswer<'a> {
        let isp = isp.to_owned();
        Box::pin(self.ask(Request::Set { isp, state }))
    }
}

fn seen(lines: Vec<LineStatus>) -> api::Lab {
    let lines = lines.into_iter().map(|line| LabLine {
        isp: line.isp,
        interface: line.interface,
        state: line.state,
    });
    api::Lab {
        lines: lines.collect(),
    }
}
