//! Reads of a router what plans are made of.

use std::time::Duration;

use holdfast_routeros_plan::{Menu, Observed, ReadRequest};
use holdfast_routeros_proto::{Command, Row, Version};

use super::{
    access::{AccessError, Router},
    session::CommandError,
};

/// A router with many rows on a slow line takes its time.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// Why nothing is known of a router.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObserveError {
    /// It does not answer.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// It answers what we do not understand.
    #[error("the router says that its version is {version:?}, which cannot be read")]
    Version {
        /// What it says.
        version: String,
    },
}

/// Reads everything that a plan depends on.
///
/// # Errors
/// The router cannot be reached, refuses a menu that it must have, or names a version that is none.
pub async fn observe(router: &Router) -> Result<Observed, ObserveError> {
    let version = version(router).await?;
    let requests = Observed::queries(&version);
    let answers = read_requests(router, &requests).await?;
    Ok(Observed::read(version, answers))
}

/// Reads these menus only.
///
/// # Errors
/// As [`observe`].
pub(super) async fn look_around(
    router: &Router,
    requests: &[ReadRequest],
) -> Result<Observed, ObserveError> {
    let (version, answers) = tokio::join!(version(router), read_requests(router, requests));
    let menus = requests.iter().map(|request| request.menu);
    let rows = menus.zip(answers?);
    let nothing = Observed::new(version?);
    Ok(rows.fold(nothing, |observed, (menu, rows)| observed.with(menu, rows)))
}

async fn version(router: &Router) -> Result<Version, ObserveError> {
    let read = Command::print(Menu::Resource.path()).only(&["version"]);
    let rows = router.read(read, READ_WITHIN).await?;
    let text = rows.first().map_or("", |row| row.text("version"));
    text.parse().map_err(|_| ObserveError::Version {
        version: text.into(),
    })
}

async fn read_requests(
    router: &Router,
    requests: &[ReadRequest],
) -> Result<Vec<Vec<Row>>, AccessError> {
    let commands = requests.iter().map(ReadRequest::to_command);
    let answers = router.read_all(commands, READ_WITHIN).await;
    let rows = requests.iter().zip(answers);
    rows.map(|(request, answer)| match answer {
        Err(AccessError::Command(CommandError::Refused(_))) if request.optional => Ok(Vec::new()),
        answer => answer,
    })
    .collect()
}
