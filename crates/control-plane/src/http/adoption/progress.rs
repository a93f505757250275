use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use holdfast_api_types::api::{AdoptionReport, AdoptionStep, RouterFacts};
use holdfast_routeros_plan::ADOPTION_STEPS;
use holdfast_routeros_proto::Version;
use holdfast_store::{
    adoption,
    router::{self, Facts},
};
use secrecy::SecretString;

use super::line;
use crate::{
    App,
    http::{auth::Remote, error::ApiError, extract},
    ids::SecretHash,
};

/// Longest text that a router may say of itself or of a step, in characters.
const LONGEST: usize = 200;

/// Tell how far an adoption is
///
/// For the script, until its line is over.
#[utoipa::path(
    post,
    path = "/adoption/{token}/progress",
    operation_id = "report_adoption",
    tag = "routers",
    params(("token" = String, Path, description = "From the line that was pasted")),
    request_body = AdoptionReport,
    responses(
        (status = 204, description = "It is noted"),
        (status = 404, description = "The line is not good, or not any more"),
        (status = 429, description = "Too many attempts from this address")
    )
)]
pub(in crate::http) async fn progress(
    State(app): State<App>,
    Remote(remote): Remote,
    Path(token): Path<String>,
    extract::Json(report): extract::Json<AdoptionReport>,
) -> Result<StatusCode, ApiError> {
    let token = SecretString::from(token);
    let now = app.clock().now();
    let mut write = app.store().write().await?;
    let line = match line(&mut write, &token, now).await {
        Ok(line) => line,
        Err(err) => {
            // Only guesses are counted: a script reports more often than anybody may guess.
            app.log_in_limits().attempt(remote, None)?;
            return Err(err);
        }
    };
    let known = ADOPTION_STEPS
        .iter()
        .position(|(word, _)| *word == report.step)
        .ok_or_else(|| ApiError::invalid("step", Some(&report.step), "is no step of the script"))?;
    let mut steps: Vec<AdoptionStep> =
        serde_json::from_str(&line.progress).map_err(ApiError::internal)?;
    if let Some(step) = steps.get_mut(known) {
        step.state = report.state;
        step.detail = short(&report.detail);
        step.at = Some(now);
    }
    let text = serde_json::to_string(&steps).map_err(ApiError::internal)?;
    adoption::set_progress(&mut write, SecretHash::of(&token).as_bytes(), &text).await?;
    router::set_facts(&mut write, &line.site_id, &facts(report.facts)).await?;
    write.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a router says of itself, cut to a length fit for a page.
pub(super) fn facts(said: RouterFacts) -> Facts {
    let fact = |text: Option<String>| text.map(|text| short(&text)).filter(|it| !it.is_empty());
    Facts {
        identity: fact(said.identity),
        serial: fact(said.serial),
        board: fact(said.board),
        version: fact(said.version).map(spelled),
    }
}

/// A version as we spell it, so that it is the same whoever tells of it.
fn spelled(version: String) -> String {
    match version.parse::<Version>() {
        Ok(known) => known.to_string(),
        Err(_) => version,
    }
}

fn short(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(LONGEST).collect()
}
