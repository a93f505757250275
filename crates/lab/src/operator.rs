//! The operator of the lab's installation: everything it does goes through the HTTP API, as anybody's would.

mod adoption;

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use holdfast_api_types::{
    ConnectionType, JobState, ProfileName, SiteId, StepState, TunnelId,
    api::{
        Accepted, ConfigureTunnel, FailoverStatus, Fault, Job, Page, Patch, Priority, Site, Tunnel,
    },
};
use serde_json::json;

use crate::{api::Api, process::lock, wait};

/// One internet connection as the operator knows it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) name: String,
    pub(crate) connection_type: ConnectionType,
    pub(crate) interface: String,
    pub(crate) gateway: String,
}

/// Somebody with an API token, a site, and its tunnels.
#[derive(Debug)]
pub(crate) struct Operator {
    api: Api,
    site: SiteId,
    /// In the order of the internet connections, since failover was enabled last.
    tunnels: Mutex<Vec<TunnelId>>,
}

/// With what the operator logs in.
pub(crate) const EMAIL: &str = "operator@lab.example";
pub(crate) const PASSWORD: &str = "a lab keeps no secrets";

/// A job that takes longer has gone wrong.
const JOB_WITHIN: Duration = Duration::from_secs(60);

impl Operator {
    /// Makes the first account with a set-up token; answers the API as seen by a program of that operator's.
    pub(crate) fn sign_up(mut api: Api, token: &str) -> anyhow::Result<Api> {
        let account = json!({
            "token": token,
            "organization": "Lab",
            "name": "Operator",
            "email": EMAIL,
            "password": PASSWORD,
        });
        let answer = api.send_json("POST", "/api/v1/setup", &[], &account)?;
        api.use_session(&answer)?;
        // Of all that an operator does in the lab, releasing a router is an owner's to do.
        let wish = json!({ "name": "lab", "role": "owner" });
        let token: serde_json::Value = api.post("/api/v1/tokens", &wish)?;
        api.use_token(token["secret"].as_str().context("a token has a secret")?);
        Ok(api)
    }

    /// Makes a site. `hold` is how long a tunnel that has returned must be steady before it carries traffic.
    pub(crate) fn set_up(api: Api, hold: Duration) -> anyhow::Result<Self> {
        let site: Site = api.post(
            "/api/v1/sites",
            &json!({ "name": "lab", "hold_s": hold.as_secs() }),
        )?;
        Ok(Self {
            api,
            site: site.id,
            tunnels: Mutex::default(),
        })
    }

    /// Enables failover, which brings two tunnels, adds the others, and configures all for these connections, best
    /// first.
    pub(crate) fn enable_failover(&self, connections: &[Connection]) -> anyhow::Result<()> {
        let site = self.path("");
        let status: FailoverStatus = self.api.post(&format!("{site}/failover"), &json!({}))?;
        let blank: Vec<TunnelId> = status.tunnels.into_iter().map(|tunnel| tunnel.id).collect();
        let mut tunnels = Vec::new();
        for (n, connection) in connections.iter().enumerate() {
            let wish = connection.configuration()?;
            let tunnel: Tunnel = match blank.get(n) {
                Some(id) => self.api.patch(&format!("/api/v1/tunnels/{id}"), &wish)?,
                None => self.api.post(&format!("{site}/tunnels"), &wish)?,
            };
            tunnels.push(tunnel.id);
        }
        *lock(&self.tunnels) = tunnels;
        Ok(())
    }

    /// Downloads the profile of a connection's tunnel.
    pub(crate) fn profile(&self, connection: usize) -> anyhow::Result<String> {
        let path = format!("/api/v1/tunnels/{}/profile", self.tunnel(connection)?);
        Ok(self.api.send("GET", &path, &[], None)?.text())
    }

    /// Confirms another order of connections, best first. The job carries it out.
    pub(crate) fn reorder(&self, order: &[usize]) -> anyhow::Result<Job> {
        let path = self.path("/priority");
        let answer = self.api.send("GET", &path, &[], None)?;
        let version = answer.header("etag").context("an order has an ETag")?;
        let mut priority: Priority = answer.json()?;
        priority.tunnels = order
            .iter()
            .map(|&line| self.tunnel(line))
            .collect::<anyhow::Result<_>>()?;
        let wish = json!({ "tunnels": priority.tunnels });
        let answer = self
            .api
            .send_json("PUT", &path, &[("if-match", version)], &wish)?;
        Ok(answer.json::<Accepted>()?.job)
    }

    /// Waits until a job has succeeded, with every step of it.
    pub(crate) fn finish(&self, job: &Job) -> anyhow::Result<Job> {
        let path = format!("/api/v1/jobs/{}", job.id);
        let mut latest = job.clone();
        let finished = wait::until(Instant::now() + JOB_WITHIN, || {
            // A server that restarts goes on with the job.
            if let Ok(job) = self.api.get(&path) {
                latest = job;
            }
            latest.state.is_finished()
        });
        if latest.state == JobState::Succeeded {
            // Every line works when the lab's operator confirms an order.
            let left_out = latest
                .steps
                .iter()
                .find(|step| step.state != StepState::Succeeded);
            return match left_out {
                None => Ok(latest),
                Some(step) => bail!("the job left out a step: {}: {}", step.title, step.detail),
            };
        }
        let nothing = if finished.is_ok() {
            "no reason"
        } else {
            "no end"
        };
        bail!(
            "the job is {} after {} s: {}",
            latest.state,
            JOB_WITHIN.as_secs(),
            latest.error.as_deref().unwrap_or(nothing)
        );
    }

    /// The faults of the site, the latest first.
    pub(crate) fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        let path = format!("/api/v1/faults?site={}&limit=200", self.site);
        Ok(self.api.get::<Page<Fault>>(&path)?.items)
    }

    /// The line of a tunnel.
    pub(crate) fn line_of(&self, tunnel: &TunnelId) -> Option<usize> {
        lock(&self.tunnels).iter().position(|id| id == tunnel)
    }

    fn tunnel(&self, connection: usize) -> anyhow::Result<TunnelId> {
        let tunnels = lock(&self.tunnels);
        let tunnel = tunnels.get(connection).cloned();
        tunnel.context("failover was never enabled")
    }

    /// Of something that belongs to the site.
    fn path(&self, of: &str) -> String {
        format!("/api/v1/sites/{}{of}", self.site)
    }
}

impl Connection {
    /// Everything is probed as quickly, whatever kind of line it is: the lab compares lines.
    fn configuration(&self) -> anyhow::Result<ConfigureTunnel> {
        Ok(ConfigureTunnel {
            name: Some(self.name.clone().try_into()?),
            interface: Patch::Set(self.interface.clone().try_into()?),
            gateway: Patch::Set(self.gateway.parse()?),
            connection_type: Patch::Set(self.connection_type),
            probe_profile: Patch::Set(ProfileName::Fast),
            ..ConfigureTunnel::default()
        })
    }
}
