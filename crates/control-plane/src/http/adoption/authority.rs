use axum::{extract::State, http::header};

use crate::{App, http::error::ApiError};

/// The certificate authority of this server
///
/// As PEM. Who fetches it cannot check where it came from, and compares its fingerprint.
#[utoipa::path(
    get,
    path = "/certificate-authority",
    operation_id = "show_certificate_authority",
    tag = "routers",
    responses((status = 200, description = "The certificate", body = String, content_type = "application/x-pem-file"))
)]
pub(in crate::http) async fn authority(
    State(app): State<App>,
) -> Result<([(header::HeaderName, &'static str); 1], String), ApiError> {
    let pem = app.config().ca.clone();
    if pem.is_empty() {
        return Err(ApiError::not_found("certificate authority"));
    }
    Ok(([(header::CONTENT_TYPE, "application/x-pem-file")], pem))
}
