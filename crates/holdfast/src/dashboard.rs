//! The dashboard: the files that `cargo xtask web` left in `web/dist`, embedded in this binary and served beside the API.
//!
//! Optimised builds carry the files; a debug build reads them from the folder, so that `npm run build` is enough to see
//! a change. Where they were not built, a page says how to do that.

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Response},
};
use holdfast_control_plane::http::secure;
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "../../web/dist"]
struct Files;

/// What answers every path that belongs to the application itself: it reads the address bar.
const INDEX: &str = "index.html";

/// Their names change with their content.
const ASSETS: &str = "assets/";

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Kept, but asked about each time.
const ASK_AGAIN: &str = "no-cache";

/// What was compressed when it was built: the ending beside the name, and what it is called over HTTP. The smallest first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gz", "gzip")];

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Holdfast</title>\
    <h1>The dashboard is not in this binary</h1>\
    <p>It was built without it. In a clone of the repository run <code>cargo xtask web</code>, then build holdfast again.\
    <p>The API is here: <a href=\"/api/v1/openapi.json\">what it can do</a>.";

/// Serves the dashboard on every path that is not the API's.
pub(crate) fn beside(api: Router, https: bool) -> Router {
    api.layer(from_fn(move |request: Request, next: Next| async move {
        if is_of_the_api(request.uri().path()) {
            return next.run(request).await;
        }
        let mut response = answer(&request);
        secure(response.headers_mut(), https);
        response
    }))
}

fn is_of_the_api(path: &str) -> bool {
    ["/api", "/controller"].iter().any(|prefix| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn answer(request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if let Some(file) = Files::get(path) {
        return serve(path, file, request.headers());
    }
    // A page that was opened before an update asks for files that are gone; the index would not be what it needs.
    if path.starts_with(ASSETS) {
        return (StatusCode::NOT_FOUND, "there is no such file (any more)").into_response();
    }
    match Files::get(INDEX) {
        Some(index) => serve(INDEX, index, request.headers()),
        None => (StatusCode::SERVICE_UNAVAILABLE, Html(NOT_BUILT)).into_response(),
    }
}

fn serve(path: &str, file: EmbeddedFile, request: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let caching = if path.starts_with(ASSETS) {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    let head = [
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::ETAG, tag.clone()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    let known = request.get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.metadata.mimetype().to_owned())];
    match compressed(path, request) {
        Some((encoding, smaller)) => {
            let encoding = [(header::CONTENT_ENCODING, encoding)];
            (head, kind, encoding, Body::from(smaller.data)).into_response()
        }
        None => (head, kind, Body::from(file.data)).into_response(),
    }
}

/// The smallest form of a file that the browser understands.
fn compressed(path: &str, request: &HeaderMap) -> Option<(HeaderValue, EmbeddedFile)> {
    let accepted = request.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    ENCODINGS.iter().find_map(|(ending, encoding)| {
        let wanted = accepted
            .split(',')
            .any(|offer| offer.split(';').next().map(str::trim) == Some(encoding));
        let file = wanted.then(|| Files::get(&format!("{path}.{ending}")))??;
        Some((HeaderValue::from_static(encoding), file))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_keeps_its_paths_and_the_dashboard_has_the_rest() {
        for path in ["/api", "/api/v1/sites", "/controller/v1/events"] {
            assert!(is_of_the_api(path), "{path}");
        }
        for path in ["/", "/sites", "/apiary", "/controllers", "/assets/index.js"] {
            assert!(!is_of_the_api(path), "{path}");
        }
    }

    #[test]
    fn a_missing_asset_is_no_page() {
        let request = Request::get("/assets/gone.js").body(Body::empty()).unwrap();
        assert_eq!(answer(&request).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_page_cannot_be_written() {
        let request = Request::post("/sites").body(Body::empty()).unwrap();
        assert_eq!(answer(&request).status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        let mut request = Request::get("/any/page").body(Body::empty()).unwrap();
        let first = answer(&request);
        let Some(tag) = first.headers().get(header::ETAG) else {
            assert_eq!(first.status(), StatusCode::SERVICE_UNAVAILABLE, "not built");
            return;
        };
        assert_eq!(first.headers()[header::CACHE_CONTROL], ASK_AGAIN);
        request
            .headers_mut()
            .insert(header::IF_NONE_MATCH, tag.clone());
        assert_eq!(answer(&request).status(), StatusCode::NOT_MODIFIED);
    }
}
