//! A lab without a story: a site that nobody has set up yet, to be set up in the dashboard.

use std::{io::Write, path::PathBuf, sync::Arc};

use anyhow::Context;

use crate::{
    bed::Lab,
    control::{self, ControlSocket},
    enter::Enter,
    kind::ClientKind,
    operator::{EMAIL, PASSWORD},
    run_dir::RunDir,
    topology::Isp,
};

/// What the site is like.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Its internet connections.
    pub isps: Vec<Isp>,
    /// Who dials, once there are profiles, or the router is adopted.
    pub client: ClientKind,
    /// Where logs and profiles stay; elsewhere they are deleted.
    pub keep_logs: Option<PathBuf>,
}

/// Starts the network and our server, prints where the dashboard is and what the router looks like, and stays until
/// Enter is pressed or standard input ends.
///
/// # Errors
/// When the lab cannot be built.
pub fn open(options: OpenOptions) -> anyhow::Result<()> {
    let dir = match options.keep_logs {
        Some(dir) => RunDir::kept(dir),
        None => RunDir::temporary()?,
    };
    let lab = Lab::builder()
        .isps(options.isps)
        .client(options.client)
        .control(control::socket_path()?)
        .blank()
        .build(dir.path())?;
    let lab = Arc::new(lab);
    let _control = ControlSocket::open(Arc::clone(&lab))?;
    let door = lab.open_door()?.context("our server has a dashboard")?;
    tell(&lab, &door.url(), options.client)?;
    Enter::listen()?.wait();
    Ok(())
}

fn tell(lab: &Lab, url: &str, client: ClientKind) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", invitation(url))?;
    writeln!(out, "The router's internet connections:")?;
    for (line, isp) in lab.isps().into_iter().enumerate() {
        let (interface, gateway) = (lab.interface(line), lab.gateway(line));
        writeln!(out, "  {isp:10} {interface:6} gateway {gateway}")?;
    }
    writeln!(out, "The lab ends when you press Enter.")?;
    match client {
        ClientKind::Adopted => {
            writeln!(
                out,
                "Make a site, adopt its router, and paste the line that you get into the terminal of the router:"
            )?;
            writeln!(out, "  holdfast lab paste LINE")?;
        }
        ClientKind::Stock | ClientKind::Agent | ClientKind::Routeros => {
            writeln!(
                out,
                "Make a site, enable failover, set up a tunnel for each, download its profile, and have it dial:"
            )?;
            writeln!(out, "  holdfast lab connect {} FILE", lab.isps()[0])?;
        }
    }
    Ok(())
}

/// Where the dashboard is, and how one gets in.
pub(crate) fn invitation(url: &str) -> String {
    format!("The dashboard: {url} (log in as {EMAIL} with the password: {PASSWORD})")
}
