//! What is written of what is done at a router.

use holdfast_api_types::{
    LogKind, StepState,
    api::{Edit, LiveEvent},
};
use holdfast_routeros_plan::{Memory, Mode};
use holdfast_routeros_proto::Version;
use holdfast_store::router::{self, Findings, Router as Row};

use super::{AtRouter, away, tell};
use crate::{
    jobs::run::JobError,
    router::{Applied, Line, Router, Witness, fault, live, presence, reads},
};

impl AtRouter<'_> {
    /// Writes what the router says of itself; the version that it runs.
    pub(super) async fn note_facts(&self, router: &Router, row: &Row) -> Result<Version, JobError> {
        let facts = live::facts(router).await.map_err(away)?;
        let version = facts.version.parse().map_err(|_| {
            JobError::Failed(format!(
                "the router says that its version is {:?}",
                facts.version
            ))
        })?;
        let mut write = self.run.app().store().write().await?;
        self.run.hold(&mut write).await?;
        presence::heard_of(self.run.app(), write, row, Some(&facts.into())).await?;
        Ok(version)
    }

    pub(super) async fn note_findings(&self, applied: &Applied) -> Result<(), JobError> {
        let problems = serde_json::to_string(&applied.warnings);
        let findings = Findings {
            drift: 0,
            problems: problems.unwrap_or_else(|_| "[]".into()),
            at: self.run.app().clock().now(),
        };
        let mut write = self.run.app().store().write().await?;
        self.run.hold(&mut write).await?;
        router::set_findings(&mut write, self.site, &findings).await?;
        let over = fault::close(&mut write, self.site, "it was configured", findings.at).await?;
        write.commit().await?;
        if let Some(change) = over {
            let at = findings.at;
            let organization = &self.run.job().organization_id;
            let event = LiveEvent { at, change };
            self.run.app().bus().publish(organization, event);
        }
        self.tell().await
    }

    pub(super) async fn set_configured(&self, configured: bool) -> Result<(), JobError> {
        // Also when the job was cancelled: what is written must be true.
        let mut write = self.run.app().store().write().await?;
        router::set_configured(&mut write, self.site, configured).await?;
        write.commit().await?;
        self.run.app().reconciler().site_changed(self.site);
        self.tell().await
    }

    pub(super) async fn set_mode(
        &self,
        mode: Mode,
        version: &Version,
        reason: Option<String>,
    ) -> Result<(), JobError> {
        let mode = router::Mode {
            mode: reads::show_mode(mode),
            version: Some(version.to_string()),
            reason,
        };
        let mut write = self.run.app().store().write().await?;
        self.run.hold(&mut write).await?;
        router::set_mode(&mut write, self.site, &mode).await?;
        write.commit().await?;
        self.tell().await
    }

    /// Tells dashboards that something about the router is different.
    async fn tell(&self) -> Result<(), JobError> {
        let row = self.row().await?;
        tell(self.run, &row, Edit::Changed);
        Ok(())
    }
}

impl Witness for AtRouter<'_> {
    type Stop = JobError;

    async fn tell(&self, line: Line) -> Result<(), JobError> {
        let (kind, text) = match &line {
            Line::Command(text) => (LogKind::Command, text),
            Line::Answer(text) => (LogKind::Answer, text),
            Line::Note(text) => (LogKind::Note, text),
        };
        self.run.log(kind, text).await
    }

    async fn progress(&self, done: usize, of: usize, summary: &str) -> Result<(), JobError> {
        let detail = format!("{} of {of}: {summary}", done + 1);
        self.run
            .step(self.ordinal, self.title, StepState::Running, &detail)
            .await
    }

    async fn remember(&self, memory: &Memory) -> Result<(), JobError> {
        let text = serde_json::to_string(memory);
        let text = text.map_err(|err| JobError::Failed(err.to_string()))?;
        let mut write = self.run.app().store().write().await?;
        self.run.hold(&mut write).await?;
        router::set_memory(&mut write, self.site, &text).await?;
        Ok(write.commit().await?)
    }
}
