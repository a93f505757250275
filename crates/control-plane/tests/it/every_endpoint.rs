//! Every endpoint of the document, asked by somebody who may not: without a log-in, with too small a role, from another
//! organization. A new endpoint is covered by being in the document.

use std::collections::BTreeSet;

use holdfast_api_types::{
    OrganizationId,
    UserRole::{self, Operator, Owner, Viewer},
};
use holdfast_control_plane::http::openapi::document;
use holdfast_store::{
    Seek,
    fault::{self, FaultFilter},
    job::{self, JobFilter},
    site, token,
    tunnel::{self, TunnelFilter},
    user,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    estate::furnish,
    support::{Answer, Client, TestApp},
};

/// The endpoints that need no log-in.
const OPEN: &str = include_str!("open_endpoints.txt");

/// One operation of the document.
struct Operation {
    method: Method,
    path: String,
    role: Option<UserRole>,
    for_tokens: bool,
    description: Value,
}

#[tokio::test]
async fn without_a_log_in_nothing_answers_but_what_is_listed_as_open() {
    let app = TestApp::start().await;
    let mut open = BTreeSet::new();
    for operation in operations() {
        if operation.role.is_none() {
            open.insert(operation.to_string());
            continue;
        }
        let answer = operation
            .send(&app.anonymous(), "01J9ZQ3V6N8W4T2K5R7M1X0ABC")
            .await;
        assert_eq!(answer.status, 401, "{operation}: {}", answer.text);
        assert_eq!(answer.error(401)["code"], "unauthenticated");
    }
    let listed: BTreeSet<_> = OPEN.lines().map(str::to_owned).collect();
    assert_eq!(
        open, listed,
        "open_endpoints.txt lists what needs no log-in, one a line, sorted"
    );
}

#[tokio::test]
async fn a_smaller_role_than_the_document_says_is_not_enough() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let clients = [
        (Viewer, ours.token(Viewer).await),
        (Operator, ours.token(Operator).await),
    ];
    for operation in operations() {
        for (role, client) in &clients {
            if operation.role.is_none_or(|wanted| wanted <= *role) {
                continue;
            }
            let answer = operation.send(client, "01J9ZQ3V6N8W4T2K5R7M1X0ABC").await;
            assert_eq!(answer.status, 403, "{operation} as {role}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn nobody_but_operators_and_owners_changes_anything_but_their_own_session() {
    for operation in operations() {
        let reads = operation.method == Method::GET;
        let own = operation.path.starts_with("/session");
        let open = operation.role.is_none();
        assert!(
            reads || own || open || operation.role > Some(Viewer),
            "{operation} is a change that a viewer may make"
        );
    }
}

#[tokio::test]
async fn what_belongs_to_another_organization_is_not_found() {
    let app = TestApp::start().await;
    let (ours, theirs) = (
        app.organization("ours").await,
        app.organization("theirs").await,
    );
    let (us, them) = (ours.token(Owner).await, theirs.token(Owner).await);
    furnish(&app, &them).await;
    for operation in operations() {
        if !operation.path.contains("{id}") {
            continue;
        }
        let id = foreign(&app, &theirs.id, &operation.path).await;
        let answer = operation.send(&us, &id).await;
        assert_eq!(answer.status, 404, "{operation}: {}", answer.text);
        if operation.method == Method::GET {
            let answer = operation.send(&them, &id).await;
            assert_ne!(
                answer.status, 404,
                "{operation}: the probe must name what is there"
            );
        }
    }
}

#[tokio::test]
async fn an_api_token_is_refused_where_the_document_wants_a_session() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    for operation in operations() {
        if operation.role.is_some() && !operation.for_tokens {
            let answer = operation.send(&owner, "01J9ZQ3V6N8W4T2K5R7M1X0ABC").await;
            assert_eq!(answer.status, 403, "{operation}: {}", answer.text);
        }
    }
}

/// The id of something of that organization that the path is about.
async fn foreign(app: &TestApp, organization: &OrganizationId, path: &str) -> String {
    let mut conn = app.app.store().read().await.unwrap();
    let resource = path.split('/').nth(1).unwrap();
    match resource {
        "users" => {
            let users = user::list(&mut conn, organization, &Seek::first(1))
                .await
                .unwrap();
            users.items[0].id.to_string()
        }
        "tokens" => {
            let tokens = token::list(&mut conn, organization, &Seek::first(1))
                .await
                .unwrap();
            tokens.items[0].id.to_string()
        }
        "sites" => {
            let sites = site::list(&mut conn, organization, None, &Seek::first(1)).await;
            sites.unwrap().items[0].id.to_string()
        }
        "tunnels" => {
            let filter = TunnelFilter::default();
            let tunnels = tunnel::list(&mut conn, organization, &filter, &Seek::first(1)).await;
            tunnels.unwrap().items[0].id.to_string()
        }
        "faults" => {
            let filter = FaultFilter::default();
            let faults = fault::list(&mut conn, organization, &filter, &Seek::first(1)).await;
            faults.unwrap().items[0].id.to_string()
        }
        "jobs" => {
            let filter = JobFilter::default();
            let jobs = job::list(&mut conn, organization, &filter, &Seek::first(1)).await;
            jobs.unwrap().items[0].id.to_string()
        }
        other => panic!("{path}: teach this test to find one of another organization's {other}"),
    }
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, description) in item.as_object().unwrap() {
            let schemes = description["security"].as_array();
            let role = schemes.map(|schemes| {
                let role = schemes[0]["session"][0].as_str().unwrap();
                role.parse().unwrap()
            });
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.strip_prefix("/api/v1").unwrap().to_owned(),
                role,
                for_tokens: schemes.is_some_and(|schemes| schemes.len() == 2),
                description: description.clone(),
            });
        }
    }
    assert!(operations.len() > 15, "the document lists the API");
    operations
}

impl Operation {
    /// Sends a request that is right in every way but for who sends it.
    async fn send(&self, client: &Client<'_>, id: &str) -> Answer {
        let mut path = self.path.replace("{id}", id);
        for parameter in self.description["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            if parameter["in"] == "query" && parameter["required"] == true {
                let value = sample(&parameter["schema"]);
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                let mark = if path.contains('?') { '&' } else { '?' };
                path += &format!("{mark}{}={text}", parameter["name"].as_str().unwrap());
            }
        }
        let mut request = client
            .request(self.method.clone(), &path)
            .header("if-match", "*");
        let schema = &self.description["requestBody"]["content"]["application/json"]["schema"];
        if !schema.is_null() {
            request = request.json(&sample(schema));
        }
        client.send(request).await
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} /api/v1{}", self.method, self.path)
    }
}

/// A value that a schema allows: its example, or the least that it asks for.
fn sample(schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        let document: Value = serde_json::from_str(document()).unwrap();
        let pointer = name.strip_prefix('#').unwrap();
        return sample(document.pointer(pointer).unwrap());
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some([first, ..]) = schema["oneOf"].as_array().map(Vec::as_slice) {
        return sample(first);
    }
    if let Some([first, ..]) = schema["enum"].as_array().map(Vec::as_slice) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            required
                .map(|name| name.as_str().unwrap())
                .map(|name| (name.to_owned(), sample(&schema["properties"][name])))
                .collect()
        }
        Some("array") => json!([sample(&schema["items"])]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        _ => json!("text"),
    }
}
