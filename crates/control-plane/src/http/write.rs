//! The one way in which handlers change something: change, audit row and stored answer in one transaction, and the
//! events after it.

use std::ops::{Deref, DerefMut};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use holdfast_api_types::api::{Change, LiveEvent, Subject};
use holdfast_store::{Connection, WriteTransaction, audit};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    auth::Caller,
    error::ApiError,
    idempotency::{self, IdempotencyKey},
};
use crate::{App, ids};

/// A change in the making. Dropped without [`Write::commit`] or [`Write::answer`], it never happened.
#[derive(Debug)]
#[must_use = "nothing is changed until it is committed"]
pub struct Write<'a> {
    app: &'a App,
    caller: &'a Caller,
    now: Timestamp,
    key: Option<IdempotencyKey>,
    changes: Vec<Change>,
    transaction: WriteTransaction,
}

impl App {
    /// Begins a change by this caller. Others who write wait until it ends: check and hash before.
    ///
    /// # Errors
    /// 503 when the database is busy for too long.
    pub async fn write<'a>(&'a self, caller: &'a Caller) -> Result<Write<'a>, ApiError> {
        self.write_once(caller, None).await
    }

    /// Begins a change that happens once however often it is asked for with the same key.
    ///
    /// # Errors
    /// The answer of the first time; 409 when the key was used for something else; 503 when the database is busy.
    pub async fn write_once<'a>(
        &'a self,
        caller: &'a Caller,
        key: Option<IdempotencyKey>,
    ) -> Result<Write<'a>, ApiError> {
        let now = self.clock().now();
        let mut transaction = self.store().write().await?;
        if let Some(key) = &key {
            idempotency::replay(self, &mut transaction, caller, key, now).await?;
        }
        Ok(Write {
            app: self,
            caller,
            now,
            key,
            changes: Vec::new(),
            transaction,
        })
    }
}

impl Write<'_> {
    /// The time of this change, one for all its rows.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Puts the change into the audit log. `action` is `resource.verb`; `detail` says what changed, without secrets.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn audit(
        &mut self,
        action: &str,
        subject: Subject,
        detail: serde_json::Value,
    ) -> Result<(), ApiError> {
        let entry = audit::AuditEntry {
            id: ids::new_id(self.now),
            organization_id: self.caller.organization.clone(),
            at: self.now,
            actor_kind: self.caller.actor.kind,
            actor_id: self.caller.actor.id.clone(),
            actor_name: self.caller.actor.name.clone(),
            action: action.into(),
            subject_kind: subject.kind,
            subject_id: subject.id,
            detail: detail.to_string(),
            remote: Some(self.caller.remote.to_string()),
        };
        Ok(audit::insert(&mut self.transaction, &entry).await?)
    }

    /// Tells every open dashboard of the organization, once the change lasts.
    pub fn tell(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Makes the change last. Workers look for the jobs that it has queued.
    ///
    /// # Errors
    /// When the database refuses; then nothing has changed.
    pub async fn commit(self) -> Result<(), ApiError> {
        self.transaction.commit().await?;
        let is_job = |change: &Change| matches!(change, Change::Job { .. });
        if self.changes.iter().any(is_job) {
            self.app.job_queued().notify_one();
        }
        for change in self.changes {
            let event = LiveEvent {
                at: self.now,
                change,
            };
            self.app.bus().publish(&self.caller.organization, event);
        }
        Ok(())
    }

    /// Makes the change last and answers with `body`, now and whenever the same request comes again.
    ///
    /// # Errors
    /// When the database refuses; then nothing has changed.
    pub async fn answer<T: Serialize>(
        mut self,
        status: StatusCode,
        body: &T,
    ) -> Result<Response, ApiError> {
        if let Some(key) = &self.key {
            let text = serde_json::to_vec(body).map_err(ApiError::internal)?;
            let transaction = &mut self.transaction;
            idempotency::keep(
                self.app,
                transaction,
                self.caller,
                key,
                status,
                &text,
                self.now,
            )
            .await?;
        }
        let answer = (status, Json(body)).into_response();
        self.commit().await?;
        Ok(answer)
    }
}

impl Deref for Write<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.transaction
    }
}

impl DerefMut for Write<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.transaction
    }
}
