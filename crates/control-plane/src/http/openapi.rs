//! The OpenAPI document. Handlers describe what is theirs; what follows from the conventions of the API is added here,
//! in one place, so that no endpoint can forget it.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use holdfast_api_types::api::{ErrorCode, ErrorEnvelope};
use serde_json::{Map, Value, json};
use utoipa::{OpenApi, openapi};

use super::{idempotency, router};

/// The document, as JSON that ends with a newline.
pub fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut document = serde_json::to_value(router::endpoints().into_openapi())
            .expect("the document is plain data");
        complete(&mut document);
        let text = serde_json::to_string_pretty(&document).expect("the document is plain data");
        text + "\n"
    });
    &TEXT
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "system",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object))
)]
pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document())
}

/// What the document says before the first endpoint.
pub(super) fn about() -> openapi::OpenApi {
    About::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Holdfast",
        description = "Keeps sites online when one of their internet connections fails.\n\n\
                       Conventions: docs/api-design.md. A first walk: docs/api.md.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "session", description = "Setting up, logging in and out, and who one is"),
        (name = "people", description = "The organization, its users and API tokens"),
        (name = "sites", description = "Routers with several internet connections"),
        (name = "failover", description = "Enabling, watching and deactivating failover of a site"),
        (name = "tunnels", description = "The internet connections of the sites, one WAN tunnel each"),
        (name = "priority", description = "The order of a site's tunnels"),
        (name = "faults", description = "What was, or is, wrong with sites and tunnels"),
        (name = "jobs", description = "Work that goes on after the request that asked for it was answered"),
        (name = "routers", description = "The routers of sites, as they are and as they should be"),
        (name = "audit", description = "Who changed what"),
        (name = "events", description = "What changes now"),
        (name = "system", description = "The server itself"),
        (name = "lab", description = "Breaking internet connections, on servers that run in a lab")
    ),
    components(schemas(ErrorEnvelope))
)]
struct About;

/// Statuses of errors by what an operation is like. What it says about one of them itself stays.
fn complete(document: &mut Value) {
    let paths = document["paths"].as_object_mut().expect("there are paths");
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().expect("a path has operations") {
            complete_operation(path, method, operation);
        }
    }
    // The authors of our crates are nobody to turn to about an installation.
    document["info"]
        .as_object_mut()
        .expect("there is an info")
        .remove("contact");
    document["components"]["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token (`hft_...`). The scope is the least role that is needed."
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "holdfast-session",
            "description": "Given by logging in; over HTTPS it is called `__Host-holdfast-session`. Changes need \
                            the header Origin of the dashboard. The scope is the least role that is needed."
        }
    });
    let responses: Map<_, _> = ERRORS
        .iter()
        .map(|error| (error.name.to_owned(), error.response()))
        .collect();
    document["components"]["responses"] = Value::Object(responses);
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    let traits = Traits::of(path, method, operation);
    let own = operation["responses"]
        .as_object_mut()
        .expect("an operation has responses");
    for error in ERRORS.iter().filter(|error| (error.when)(&traits)) {
        own.entry(error.code.status().to_string())
            .or_insert(Value::Null);
    }
    for (status, response) in own.iter_mut() {
        let known = ERRORS
            .iter()
            .find(|error| error.code.status().to_string() == *status);
        if let Some(error) = known {
            *response = error.reference(response["description"].as_str());
        }
    }
    if traits.guarded && method == "post" {
        parameters(operation).push(idempotency_key());
    }
    // Whatever a token may do, somebody logged in may do as well.
    if let Some([token]) = operation["security"].as_array().map(Vec::as_slice)
        && let Some(role) = token.get("token").cloned()
    {
        operation["security"] = json!([{ "session": role }, { "token": role }]);
    }
}

/// What decides which errors an operation can have.
struct Traits {
    guarded: bool,
    above_viewer: bool,
    in_path: bool,
    in_query: bool,
    body: bool,
    post: bool,
    if_match: bool,
}

impl Traits {
    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let security = &operation["security"][0];
        let role = security["token"][0]
            .as_str()
            .or(security["session"][0].as_str());
        let parameters = operation["parameters"].as_array();
        let has = |place: &str, name: Option<&str>| {
            parameters.into_iter().flatten().any(|parameter| {
                parameter["in"] == place && name.is_none_or(|name| parameter["name"] == name)
            })
        };
        Self {
            guarded: role.is_some(),
            above_viewer: role.is_some_and(|role| role != "viewer"),
            in_path: path.contains('{'),
            in_query: has("query", None),
            body: !operation["requestBody"].is_null(),
            post: method == "post",
            if_match: has("header", Some("If-Match")),
        }
    }
}

/// An error that follows from the conventions.
struct Convention {
    name: &'static str,
    code: ErrorCode,
    description: &'static str,
    message: &'static str,
    when: fn(&Traits) -> bool,
}

const ERRORS: [Convention; 14] = [
    Convention {
        name: "Malformed",
        code: ErrorCode::Malformed,
        description: "The body is not JSON, or a header cannot be read",
        message: "the body is not JSON: expected value at line 1 column 1",
        when: |is| is.body || is.if_match || (is.guarded && is.post),
    },
    Convention {
        name: "Unauthenticated",
        code: ErrorCode::Unauthenticated,
        description: "No log-in, or none that is good any more",
        message: "log in, or send an API token as `Authorization: Bearer hft_...`",
        when: |is| is.guarded,
    },
    Convention {
        name: "Forbidden",
        code: ErrorCode::Forbidden,
        description: "Your role does not allow it, or the request came from another web site",
        message: "this needs the role operator, and yours is viewer: ask an owner",
        when: |is| is.above_viewer,
    },
    Convention {
        name: "NotFound",
        code: ErrorCode::NotFound,
        description: "There is no such thing in your organization",
        message: "there is no such site in your organization",
        when: |is| is.in_path,
    },
    Convention {
        name: "Conflict",
        code: ErrorCode::Conflict,
        description: "It contradicts what is there, or the Idempotency-Key was used for another request",
        message: "the name of the site is in use already: choose another",
        when: |is| is.guarded && is.post,
    },
    Convention {
        name: "Gone",
        code: ErrorCode::Gone,
        description: "It is over and will not come back",
        message: "the set-up link has expired: make another with `holdfast admin setup-link`",
        when: |_| false,
    },
    Convention {
        name: "Stale",
        code: ErrorCode::Stale,
        description: "Somebody else changed it since you read it",
        message: "it was changed since you read it (you have version 3, now it is 4): read it again and repeat \
                  your change",
        when: |is| is.if_match,
    },
    Convention {
        name: "TooLarge",
        code: ErrorCode::TooLarge,
        description: "The body is too long",
        message: "the body is longer than 65536 bytes: send less",
        when: |is| is.body,
    },
    Convention {
        name: "UnsupportedMediaType",
        code: ErrorCode::UnsupportedMediaType,
        description: "The body is not declared as JSON",
        message: "send the body as JSON, with the header `content-type: application/json`",
        when: |is| is.body,
    },
    Convention {
        name: "Invalid",
        code: ErrorCode::Invalid,
        description: "A field or parameter has a value that cannot be",
        message: "gateway: is not an IPv4 address: use one as 192.0.2.1",
        when: |is| is.body || is.in_query,
    },
    Convention {
        name: "PreconditionRequired",
        code: ErrorCode::PreconditionRequired,
        description: "The header If-Match is missing",
        message: "read it first and send its ETag as the header If-Match, so that nobody's change is lost",
        when: |is| is.if_match,
    },
    Convention {
        name: "RateLimited",
        code: ErrorCode::RateLimited,
        description: "Too many attempts; Retry-After says when to come back",
        message: "too many attempts: try again in 12 s",
        when: |_| false,
    },
    Convention {
        name: "Internal",
        code: ErrorCode::Internal,
        description: "A fault of Holdfast; its log has the request id",
        message: "this is a fault of Holdfast: look for the request id in its log",
        when: |_| true,
    },
    Convention {
        name: "Unavailable",
        code: ErrorCode::Unavailable,
        description: "Not now; Retry-After says when to come back",
        message: "the database is busy: try again in a moment",
        when: |_| true,
    },
];

impl Convention {
    /// The response in the document's components.
    fn response(&self) -> Value {
        let mut response = json!({
            "description": self.description,
            "content": {
                "application/json": {
                    "schema": { "$ref": "#/components/schemas/ErrorEnvelope" },
                    "example": {
                        "error": {
                            "code": self.code,
                            "message": self.message,
                            "request_id": "01J9ZQ3V6N8W4T2K5R7M1X0ABC"
                        }
                    }
                }
            }
        });
        if matches!(self.code, ErrorCode::RateLimited | ErrorCode::Unavailable) {
            response["headers"] = json!({
                "Retry-After": {
                    "description": "Seconds to wait",
                    "required": true,
                    "schema": { "type": "integer", "minimum": 1 }
                }
            });
        }
        response
    }

    /// A reference to it; OpenAPI 3.1 lets an operation describe it in its own words.
    fn reference(&self, description: Option<&str>) -> Value {
        let mut reference = json!({ "$ref": format!("#/components/responses/{}", self.name) });
        if let Some(description) = description {
            reference["description"] = description.into();
        }
        reference
    }
}

fn parameters(operation: &mut Value) -> &mut Vec<Value> {
    let operation = operation
        .as_object_mut()
        .expect("an operation is an object");
    let parameters = operation.entry("parameters").or_insert(json!([]));
    parameters.as_array_mut().expect("parameters are a list")
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "A name for this request, best a UUID. The same request with the same key is carried out \
                        once; later ones within 24 h get the first answer, with `Idempotency-Replayed: true`.",
        "schema": { "type": "string", "minLength": 1, "maxLength": idempotency::MAX_KEY },
        "example": "0b9d6f3e-6b0c-4a57-9d0e-3c1f7c2a9a11"
    })
}
