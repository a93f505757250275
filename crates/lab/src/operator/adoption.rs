//! How the operator makes a MikroTik the site's: by a line that it pastes into the router's terminal.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use holdfast_api_types::{
    LogKind, RouterState, StepState,
    api::{
        Accepted, AdoptionProgress, Deactivation, FieldFault, GatewayCandidates, Job, LogLine,
        Page, Router, RouterInterfaces, RouterPlan,
    },
};
use serde_json::{Value, json};

use super::{Connection, Operator};
use crate::{api::Refusal, network::Line, routeros::RouterOs, wait};

/// From the end of the script until the control plane has heard of the router.
const ONLINE_WITHIN: Duration = Duration::from_secs(20);

/// Whoever asks for something that is on the router has an answer by then, or the reason why there is none.
const READ_WITHIN: Duration = Duration::from_secs(2);

impl Operator {
    /// Adopts a router, and waits until it is online.
    ///
    /// # Errors
    /// When it is not, with what was printed in its terminal and how far its adoption came.
    pub(crate) fn adopt(&self, router: &RouterOs) -> anyhow::Result<()> {
        let line: Value = self.api.post(&self.path("/adoption"), &json!({}))?;
        let printed = router.paste(line["command"].as_str().context("there is a line")?)?;
        let progress: AdoptionProgress = self.api.get(&self.path("/adoption"))?;
        let left = progress
            .steps
            .iter()
            .find(|step| step.state != StepState::Succeeded);
        if let Some(step) = left {
            bail!(
                "adoption: {} is {}: {}\n{printed}",
                step.title,
                step.state,
                step.detail
            );
        }
        let online = || {
            self.router()
                .is_ok_and(|router| router.state == RouterState::Online)
        };
        wait::until(Instant::now() + ONLINE_WITHIN, online).map_err(|_| {
            anyhow!(
                "the router is adopted, and {:?}",
                self.router().map(|router| router.state)
            )
        })
    }

    /// Finds these lines on the router, enables failover on them with the gateways that are looked up, and has the
    /// router configured for them in this order.
    ///
    /// # Errors
    /// When the router cannot be read, does not have what the site has, or the job fails.
    pub(crate) fn configure(&self, lines: &[Line]) -> anyhow::Result<Job> {
        let seen = self.interfaces()?;
        let connections = lines
            .iter()
            .map(|line| self.found(line, &seen))
            .collect::<anyhow::Result<Vec<_>>>()?;
        self.enable_failover(&connections)?;
        let order: Vec<_> = (0..lines.len()).collect();
        let job = self.reorder(&order)?;
        self.finish(&job)
    }

    /// Has the router brought to what is configured.
    pub(crate) fn repair(&self) -> anyhow::Result<Job> {
        let accepted: Accepted = self
            .api
            .post(&self.path("/router/configuration"), &json!({}))?;
        self.finish(&accepted.job)
    }

    /// How many commands a job has sent to the router.
    pub(crate) fn commands(&self, job: &Job) -> anyhow::Result<usize> {
        let path = format!("/api/v1/jobs/{}/log?limit=200", job.id);
        let log: Page<LogLine> = self.api.get(&path)?;
        let commands = log
            .items
            .iter()
            .filter(|line| line.kind == LogKind::Command);
        Ok(commands.count())
    }

    /// What would be changed on the router now, for a person.
    pub(crate) fn plan(&self) -> anyhow::Result<RouterPlan> {
        self.api.get(&self.path("/router/plan"))
    }

    /// A line as the router has it.
    fn found(&self, line: &Line, seen: &RouterInterfaces) -> anyhow::Result<Connection> {
        let name = line.plan.routeros_interface();
        let interface = seen.items.iter().find(|interface| interface.name == name);
        let interface = interface.with_context(|| format!("the router shows no {name}"))?;
        ensure!(
            interface.can_be_wan,
            "{name} cannot be a WAN: {:?}",
            interface.reason
        );
        Ok(Connection {
            name: line.isp.name.clone(),
            connection_type: line.isp.connection,
            gateway: self.look_up_gateway(&name)?,
            interface: name,
        })
    }

    /// The router's interfaces as they are now.
    ///
    /// # Errors
    /// When it does not answer, and when that takes longer than is promised.
    pub(crate) fn interfaces(&self) -> anyhow::Result<RouterInterfaces> {
        let began = Instant::now();
        let read = self.api.get(&self.path("/router/interfaces"));
        let took = began.elapsed();
        ensure!(took < READ_WITHIN, "reading took {took:?}");
        read
    }

    /// The best gateway that the router knows for an interface.
    fn look_up_gateway(&self, interface: &str) -> anyhow::Result<String> {
        let path = self.path(&format!("/router/gateways?interface={interface}"));
        let found: GatewayCandidates = self.api.get(&path)?;
        let best = found.items.first();
        let best = best.with_context(|| format!("the router knows no gateway of {interface}"))?;
        ensure!(
            best.reachable != Some(false),
            "{} does not answer: {:?}",
            best.gateway,
            best.warnings
        );
        Ok(best.gateway.clone())
    }

    /// Enters something for a connection's tunnel that cannot work, and answers what the API has against it.
    ///
    /// # Errors
    /// When it is taken, or refused for more than that.
    pub(crate) fn refused(
        &self,
        connection: usize,
        field: &str,
        value: &str,
    ) -> anyhow::Result<FieldFault> {
        let wish = json!({ field: value });
        let path = format!("/api/v1/tunnels/{}", self.tunnel(connection)?);
        let Err(error) = self.api.patch::<Value>(&path, &wish) else {
            bail!("{wish} is taken");
        };
        let refusal: Refusal = error.downcast()?;
        match &refusal.error.fields[..] {
            [fault] if refusal.status == 422 => Ok(fault.clone()),
            _ => bail!("{wish}: {refusal}"),
        }
    }

    /// Takes failover off the router.
    pub(crate) fn deactivate(&self) -> anyhow::Result<()> {
        let wish = self.path("/failover/deactivation");
        let announced: Deactivation = self.api.post(&wish, &json!({}))?;
        let path = format!("/failover?confirmation={}", announced.confirmation);
        let answer = self.api.send("DELETE", &self.path(&path), &[], None)?;
        self.finish(&answer.json::<Accepted>()?.job).map(drop)
    }

    /// Takes everything of ours off the router, and forgets it.
    pub(crate) fn release(&self) -> anyhow::Result<()> {
        let answer = self.api.send("DELETE", &self.path("/router"), &[], None)?;
        self.finish(&answer.json::<Accepted>()?.job).map(drop)
    }

    /// The site's router as the control plane knows it.
    pub(crate) fn router(&self) -> anyhow::Result<Router> {
        self.api.get(&self.path("/router"))
    }
}
