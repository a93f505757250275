use std::borrow::Cow;

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use holdfast_api_types::{FaultId, OrganizationId, api::Fault};
use holdfast_store::{Seek, fault};

use super::{FaultFilter, view};
use crate::{
    App,
    http::{
        auth::Viewer,
        error::{ApiError, chain},
        extract::Query,
    },
};

/// Faults read from the database at once: a slow download keeps no connection to it.
const CHUNK: u32 = 500;

const HEADINGS: &str = "id,site,tunnel,type,severity,state,cause,started_at,ended_at,duration_s,end_cause,closed_by\r\n";

/// Download faults as CSV
///
/// The latest first, as many as there are. A text that a spreadsheet would take for a formula begins with an
/// apostrophe.
#[utoipa::path(
    get,
    path = "/faults.csv",
    operation_id = "download_faults",
    tag = "faults",
    params(FaultFilter),
    responses((status = 200, description = "RFC 4180, with headings", body = String, content_type = "text/csv")),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn download(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Query(filter): Query<FaultFilter>,
) -> Result<Response, ApiError> {
    let mut reader = Reader {
        app,
        organization: caller.organization,
        filter: filter.into(),
        after: Some(None),
    };
    // The first rows are read before the answer begins, so that a broken database is an error and not half a file.
    let first = reader.next().await?.unwrap_or_default();
    let rest = stream::unfold(reader, async |mut reader| match reader.next().await {
        Ok(rows) => Some((Ok(rows?), reader)),
        Err(err) => {
            tracing::error!(error = %chain(&err), "a download of faults ends early");
            // The client sees that the file is not whole.
            reader.after = None;
            Some((Err(err), reader))
        }
    });
    let head = stream::iter([Ok(HEADINGS.to_owned()), Ok(first)]);
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present",
        ),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"faults.csv\"",
        ),
    ];
    Ok((headers, Body::from_stream(head.chain(rest))).into_response())
}

struct Reader {
    app: App,
    organization: OrganizationId,
    filter: fault::FaultFilter,
    /// The last fault read; `None` in place of it when there are no more.
    after: Option<Option<FaultId>>,
}

impl Reader {
    /// Some more lines, or none when all were read.
    async fn next(&mut self) -> Result<Option<String>, holdfast_store::StoreError> {
        let Some(after) = self.after.take() else {
            return Ok(None);
        };
        let seek = Seek {
            after,
            limit: CHUNK,
        };
        let mut conn = self.app.store().read().await?;
        let rows = fault::list(&mut conn, &self.organization, &self.filter, &seek).await?;
        let last = rows.items.last().filter(|_| rows.more);
        self.after = last.map(|fault| Some(fault.id.clone()));
        Ok(Some(
            rows.items.into_iter().map(|row| line(&view(row))).collect(),
        ))
    }
}

fn line(fault: &Fault) -> String {
    let time = |at: Option<jiff::Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        fault.id.to_string(),
        fault.site_name.clone(),
        text(&fault.tunnel_name),
        fault.fault_type.to_string(),
        fault.severity.to_string(),
        fault.state.to_string(),
        fault.cause.clone(),
        fault.started_at.to_string(),
        time(fault.ended_at),
        fault
            .duration_s
            .map_or_else(String::new, |seconds| seconds.to_string()),
        text(&fault.end_cause),
        text(&fault.closed_by),
    ];
    let cells: Vec<_> = cells.iter().map(|text| cell(text)).collect();
    cells.join(",") + "\r\n"
}

/// A cell by RFC 4180 that no spreadsheet takes for a formula.
fn cell(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    };
    if text.contains(['"', ',', '\n', '\r']) {
        return Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_never_a_formula() {
        for (text, written) in [
            ("plain text", "plain text"),
            ("", ""),
            ("a, b", "\"a, b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\""),
            ("-2", "'-2"),
            ("@x", "'@x"),
        ] {
            assert_eq!(cell(text), written, "{text}");
        }
    }
}
