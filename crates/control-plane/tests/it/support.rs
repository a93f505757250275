//! A control plane on a port of its own, and clients for it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use holdfast_api_types::{OrganizationId, TokenId, UserId, UserRole};
use holdfast_control_plane::{
    App, Config, Parts,
    clock::ManualClock,
    http::router::router,
    ids::{SecretHash, SecretKind, new_id, new_secret},
    password::Passwords,
    vault::Vault,
};
use holdfast_store::{Store, organization, token, user};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// The password of every user that the harness makes.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// When every test begins.
pub(crate) const START: &str = "2026-11-23T10:00:00Z";

/// A running control plane with an empty database.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) clock: ManualClock,
    address: SocketAddr,
    http: reqwest::Client,
    server: JoinHandle<()>,
    _data: TempDir,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let data = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START.parse().unwrap());
        let app = App::new(Parts {
            store: Store::open(&data.path().join("holdfast.db")).await.unwrap(),
            vault: Vault::in_directory(data.path()).unwrap(),
            clock: Arc::new(clock.clone()),
            passwords: Passwords::cheap(),
            config,
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service: IntoMakeServiceWithConnectInfo<_, SocketAddr> =
            router(app.clone()).into_make_service_with_connect_info();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            app,
            clock,
            address,
            http: reqwest::Client::new(),
            server,
            _data: data,
        }
    }

    /// An organization with one user per role: `viewer@NAME.example` and so on.
    pub(crate) async fn organization(&self, name: &str) -> Organization<'_> {
        let now = self.app.clock().now();
        let id: OrganizationId = new_id(now);
        let password_hash = self.app.passwords().hash(PASSWORD.into()).await.unwrap();
        let mut write = self.app.store().write().await.unwrap();
        let row = organization::Organization {
            id: id.clone(),
            name: name.into(),
            created_at: now,
        };
        organization::insert(&mut write, &row).await.unwrap();
        for role in UserRole::ALL {
            let row = user::User {
                id: new_id(now),
                organization_id: id.clone(),
                email: format!("{role}@{name}.example"),
                name: format!("The {role}"),
                role,
                password_hash: Some(password_hash.clone()),
                created_at: now,
                disabled_at: None,
            };
            user::insert(&mut write, &row).await.unwrap();
        }
        write.commit().await.unwrap();
        Organization {
            app: self,
            id,
            name: name.into(),
        }
    }

    /// A client that shows nothing.
    pub(crate) fn anonymous(&self) -> Client<'_> {
        Client {
            app: self,
            headers: HeaderMap::new(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1{path}", self.address)
    }

    /// What a browser on our own pages sends as `Origin`.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.bus().close();
        self.server.abort();
    }
}

/// An organization of a running control plane.
pub(crate) struct Organization<'a> {
    app: &'a TestApp,
    pub(crate) id: OrganizationId,
    name: String,
}

impl<'a> Organization<'a> {
    /// The e-mail address of the user with this role.
    pub(crate) fn email(&self, role: UserRole) -> String {
        format!("{role}@{}.example", self.name)
    }

    /// The id of the user with this role.
    pub(crate) async fn user(&self, role: UserRole) -> UserId {
        let mut conn = self.app.app.store().read().await.unwrap();
        let user = user::find_by_email(&mut conn, &self.email(role)).await;
        user.unwrap().unwrap().id
    }

    /// A client with an API token of this role.
    pub(crate) async fn token(&self, role: UserRole) -> Client<'a> {
        let now = self.app.app.clock().now();
        let secret = new_secret(SecretKind::ApiToken);
        let id: TokenId = new_id(now);
        let row = token::ApiToken {
            id,
            organization_id: self.id.clone(),
            name: format!("{role} of the tests"),
            role,
            hash: *SecretHash::of(&secret).as_bytes(),
            created_by: None,
            created_at: now,
            expires_at: None,
            last_used_at: None,
        };
        let mut write = self.app.app.store().write().await.unwrap();
        token::insert(&mut write, &row).await.unwrap();
        write.commit().await.unwrap();
        self.app.anonymous().bearer(secret.expose_secret())
    }

    /// A browser in which the user with this role has logged in.
    pub(crate) async fn browser(&self, role: UserRole) -> Client<'a> {
        self.app
            .anonymous()
            .log_in(&self.email(role), PASSWORD)
            .await
    }
}

/// Somebody who sends requests.
#[derive(Clone)]
pub(crate) struct Client<'a> {
    app: &'a TestApp,
    headers: HeaderMap,
}

impl<'a> Client<'a> {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// A browser with the session cookie of this user.
    pub(crate) async fn log_in(self, email: &str, password: &str) -> Self {
        let body = serde_json::json!({ "email": email, "password": password });
        let answer = self.post("/session", body).await;
        answer.expect(201);
        let origin = self.app.origin();
        self.header("cookie", &answer.cookie())
            .header("origin", &origin)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body))
            .await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body))
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// A request to be sent with [`Client::send`].
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.app.http.request(method, self.app.url(path));
        request
            .timeout(Duration::from_secs(20))
            .headers(self.headers.clone())
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The JSON body of an answer that must have this status; null when it has none.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap()
    }

    /// The error of an answer that must have this status and a whole envelope.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> Value {
        let error = self.expect(status)["error"].take();
        assert_eq!(error["request_id"], self.header("x-request-id"), "{error}");
        assert!(
            error["message"].is_string() && error["code"].is_string(),
            "{error}"
        );
        error
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("no header {name}"))
            .to_str()
            .unwrap()
    }

    /// The session cookie that was given, as a browser sends it back.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").split(';').next();
        cookie.unwrap().to_owned()
    }
}
