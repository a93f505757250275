//! What the lab changes while the router runs: a line of JSON for each request, and one for each answer.

use std::path::{Path, PathBuf};

use anyhow::Context;
use holdfast_routeros_proto::Command;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

use crate::{
    actions::{self, Replies},
    model::Caller,
    router::{Event, Router},
    scripts,
    settings::{Behaviour, DeviceMode, Faults, Lease, Peer},
};

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Other answers to what is not known of real routers.
    Behaviour(Behaviour),
    /// Other faults.
    Faults(Faults),
    /// Another device mode.
    DeviceMode(DeviceMode),
    /// Another DHCP lease on an interface, or none.
    Lease {
        /// The interface, as the settings call it.
        interface: String,
        /// What the server says from now on.
        lease: Option<Lease>,
    },
    /// Another end for PPPoE on an interface or for LTE, or none: the session is dialled anew.
    Peer {
        /// The interface, as the settings call it.
        interface: String,
        /// Who is there from now on.
        peer: Option<Peer>,
    },
    /// Puts a cable in or pulls it out, where no kernel says.
    Link {
        /// The interface, as the settings call it.
        interface: String,
        /// Whether it is in.
        up: bool,
    },
    /// Ends a PPPoE or LTE session.
    Redial {
        /// Its interface, as the router calls it.
        interface: String,
    },
    /// The configuration as a script.
    Export,
    /// The router restarts: what it only knew while it ran is forgotten, connections are cut.
    Restart,
    /// Pastes text into the router's terminal. The answer is what is printed there.
    Paste(String),
    /// Carries out a command as the router itself.
    Command {
        /// Such as `/ip/route/print`.
        path: String,
        /// Arguments by name.
        #[serde(default)]
        attributes: std::collections::BTreeMap<String, String>,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It is done.
    Done,
    /// The script that was asked for, or what a command returns.
    Text(String),
    /// What a command says.
    Rows(Vec<std::collections::BTreeMap<String, String>>),
    /// It could not be done.
    Error(String),
}

/// The socket.
pub(super) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

/// Begins to listen.
pub(super) fn bind(path: &Path) -> anyhow::Result<Control> {
    // Left by a router that was killed.
    let _ = std::fs::remove_file(path);
    let listener =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    let path = path.to_owned();
    Ok(Control { listener, path })
}

impl Control {
    /// Serves until dropped.
    pub(super) async fn serve(self, router: &Router) {
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(sessions.spawn(session(stream, router.clone()))),
                    Err(error) => tracing::warn!(%error, "cannot accept a control connection"),
                },
                Some(_) = sessions.join_next() => {}
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn session(stream: UnixStream, router: Router) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = match serde_json::from_str(&line) {
            Ok(request) => carry_out(&router, request).await,
            Err(error) => Reply::Error(format!("not a request: {error}")),
        };
        let mut reply = serde_json::to_vec(&reply).unwrap_or_default();
        reply.push(b'\n');
        if writer.write_all(&reply).await.is_err() {
            return;
        }
    }
}

async fn carry_out(router: &Router, request: Request) -> Reply {
    match request {
        Request::Behaviour(behaviour) => router.change_settings(|s| s.behaviour = behaviour),
        Request::Faults(faults) => router.change_settings(|s| s.faults = faults),
        Request::DeviceMode(mode) => {
            router.change_settings(|settings| settings.device_mode = mode);
            let settings = router.settings();
            router.update(|database| crate::setup::set_device_mode(database, &settings));
        }
        Request::Lease { interface, lease } => {
            return change_interface(router, &interface, |found| found.lease = lease);
        }
        Request::Peer { interface, peer } => {
            return change_interface(router, &interface, |found| found.peer = peer);
        }
        Request::Link { interface, up } => {
            return change_interface(router, &interface, |found| found.link = up);
        }
        Request::Redial { interface } => {
            router.announce(Event::Redial { interface });
        }
        Request::Export => {
            return Reply::Text(router.read(|database| database.export("", true, false)));
        }
        Request::Restart => router.restart(),
        Request::Paste(text) => return Reply::Text(scripts::paste(router, text).await),
        Request::Command { path, attributes } => {
            let command = Command::new(path).with_all(attributes);
            return command_reply(router, &command).await;
        }
    }
    Reply::Done
}

fn change_interface(
    router: &Router,
    name: &str,
    change: impl FnOnce(&mut crate::settings::InterfaceSettings),
) -> Reply {
    let mut reply = Reply::Error(format!("the settings have no interface {name}"));
    router.change_settings(|settings| {
        if let Some(found) = settings
            .interfaces
            .iter_mut()
            .find(|found| found.name == name)
        {
            change(found);
            reply = Reply::Done;
        }
    });
    reply
}

async fn command_reply(router: &Router, command: &Command) -> Reply {
    let (row_tx, mut row_rx) = tokio::sync::mpsc::channel(1);
    let replies = Replies::new(row_tx);
    let work = async {
        let result = actions::run(router, &Caller::system(), command, &replies).await;
        drop(replies);
        result
    };
    let collect = async {
        let mut rows = Vec::new();
        while let Some(row) = row_rx.recv().await {
            rows.push(row);
        }
        rows
    };
    let (result, mut rows) = tokio::join!(work, collect);
    match result {
        Ok(answer) => match answer.ret {
            Some(ret) => Reply::Text(ret),
            None => {
                rows.extend(answer.rows);
                let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
                Reply::Rows(
                    rows.iter()
                        .map(|row| row.iter().map(owned).collect())
                        .collect(),
                )
            }
        },
        Err(trap) => Reply::Error(trap.message),
    }
}
