//! Carries out `router-checks.txt` at the API of a router, real or virtual, and prints what comes of it.
//!
//! ROUTER_HOST, ROUTER_PORT, ROUTER_USER and ROUTER_PASSWORD say which router, ROUTER_WAIT for how many seconds it may yet
//! start, ROUTER_CONTROLLER (ADDRESS:PORT) where it can dial a route controller.

use std::{
    env,
    io::{ErrorKind, Read, Write, stdout},
    net::TcpStream,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use holdfast_routeros_proto::{Client, ClientEvent, Command, Login, Row, Trap};

const CHECKS: &str = include_str!("router-checks.txt");

/// What the checks make has a name or a comment that begins with this.
const OURS: &str = "holdfast-check";

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a condition may take to become true.
const UNTIL: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut router = Router::log_in()?;
    let controller = env::var("ROUTER_CONTROLLER").ok();
    let checks = CHECKS.split("\n== ").skip(1);
    for check in checks {
        let (title, steps) = check.split_once('\n').unwrap_or((check, ""));
        let mut out = format!("== {title}\n");
        match (steps.contains("needs controller"), &controller) {
            (true, None) => out += "left out: there is no controller that the router can dial\n",
            (_, controller) => {
                let controller = controller.as_deref().and_then(|it| it.rsplit_once(':'));
                router.clean_up(steps)?;
                router.carry_out(steps, controller, &mut out)?;
                router.clean_up(steps)?;
            }
        }
        writeln!(stdout(), "{out}")?;
    }
    Ok(())
}

/// A log-in at a router.
struct Router {
    stream: TcpStream,
    client: Client,
}

/// A command's rows and what it returns, or why it is refused.
type Answer = Result<(Vec<Row>, Option<String>), Trap>;

impl Router {
    /// As soon as it answers.
    fn log_in() -> anyhow::Result<Self> {
        let wait = env::var("ROUTER_WAIT").map_or(Ok(0), |text| text.parse())?;
        let until = Instant::now() + Duration::from_secs(wait);
        loop {
            match Self::try_log_in() {
                Ok(router) => return Ok(router),
                Err(err) if Instant::now() >= until => return Err(err),
                Err(_) => thread::sleep(Duration::from_secs(1)),
            }
        }
    }

    fn try_log_in() -> anyhow::Result<Self> {
        let variable = |name| env::var(name).with_context(|| format!("{name} is not set"));
        let port: u16 = variable("ROUTER_PORT")?.parse().context("ROUTER_PORT")?;
        let host = variable("ROUTER_HOST")?;
        let stream = TcpStream::connect((host.as_str(), port))
            .with_context(|| format!("no API answers at {host}:{port}"))?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let login = Login {
            user: variable("ROUTER_USER")?,
            password: variable("ROUTER_PASSWORD")?.into(),
        };
        let mut router = Self {
            stream,
            client: Client::new(login),
        };
        match router.next_event()? {
            ClientEvent::LoggedIn => Ok(router),
            ClientEvent::Closed(cause) => bail!("the log-in failed: {cause}"),
            other @ (ClientEvent::Row { .. } | ClientEvent::Finished { .. }) => {
                bail!("{other:?} instead of a log-in")
            }
        }
    }

    fn run(&mut self, command: &Command) -> anyhow::Result<Answer> {
        let sent = self.client.send(command);
        let mut rows = Vec::new();
        loop {
            match self.next_event()? {
                ClientEvent::Row { tag, row } if tag == sent => rows.push(row),
                ClientEvent::Finished { tag, result } if tag == sent => {
                    return Ok(result.map(|ret| (rows, ret)));
                }
                ClientEvent::Closed(cause) => bail!("{command}: {cause}"),
                ClientEvent::Row { .. } | ClientEvent::Finished { .. } | ClientEvent::LoggedIn => {}
            }
        }
    }

    fn next_event(&mut self) -> anyhow::Result<ClientEvent> {
        let (mut out, mut bytes) = (Vec::new(), [0; 4096]);
        loop {
            if let Some(event) = self.client.poll_event() {
                return Ok(event);
            }
            self.client.poll_transmit(&mut out);
            self.stream.write_all(&out)?;
            out.clear();
            match self.stream.read(&mut bytes) {
                Ok(0) => self.client.handle_eof(),
                Ok(count) => self.client.handle_bytes(&bytes[..count]),
                Err(err) if err.kind() == ErrorKind::WouldBlock => {
                    bail!("no answer within {} s", ANSWER_WITHIN.as_secs())
                }
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// Does what the steps say, and writes down what comes of it.
    fn carry_out(
        &mut self,
        steps: &str,
        controller: Option<(&str, &str)>,
        out: &mut String,
    ) -> anyhow::Result<()> {
        let (host, port) = controller.unwrap_or_default();
        let mut id = String::new();
        for line in lines(steps) {
            let filled = line
                .replace("{id}", &id)
                .replace("{controller-host}", host)
                .replace("{controller-port}", port);
            let (verb, rest) = filled
                .split_once(' ')
                .with_context(|| format!("{line:?} is no step"))?;
            *out += &format!("{line}\n");
            match verb {
                "do" => match self.run(&command(rest)?)? {
                    Ok((_, ret)) => {
                        *out += "  done\n";
                        id = ret.unwrap_or(id);
                    }
                    Err(trap) => *out += &format!("  refused: {trap}\n"),
                },
                "see" => *out += &shown(&command(rest)?, self.run(&command(rest)?)?),
                "until" => {
                    let (condition, rest) = rest.split_once(' ').context("until what?")?;
                    *out += &self.wait(condition, &command(rest)?)?;
                }
                _ => bail!("{verb:?} is no kind of step"),
            }
        }
        Ok(())
    }

    fn wait(&mut self, condition: &str, command: &Command) -> anyhow::Result<String> {
        let (name, value) = condition.split_once('=').context("until NAME=VALUE")?;
        let until = Instant::now() + UNTIL;
        loop {
            let rows = self.run(command)?.map_err(|trap| anyhow!("{trap}"))?.0;
            if rows.iter().any(|row| row.says(name, value)) {
                return Ok("  it does\n".into());
            }
            if Instant::now() >= until {
                return Ok(format!("  it does not within {} s\n", UNTIL.as_secs()));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Removes what the steps add, or have added when they were broken off.
    fn clean_up(&mut self, steps: &str) -> anyhow::Result<()> {
        let added = lines(steps)
            .filter_map(|line| line.strip_prefix("do ")?.split(' ').next())
            .filter_map(|path| path.strip_suffix("/add"));
        for menu in added.collect::<Vec<_>>().into_iter().rev() {
            let print = Command::print(menu).only(&[Row::ID, "name", "comment", "dynamic"]);
            let Ok((rows, _)) = self.run(&print)? else {
                continue;
            };
            let is_ours = |row: &&Row| {
                let fields = [row.text("name"), row.text("comment")];
                fields.iter().any(|text| text.starts_with(OURS)) && !row.flag("dynamic")
            };
            for id in rows.iter().filter(is_ours).filter_map(Row::id) {
                if let Err(trap) = self.run(&Command::remove(menu, id))? {
                    bail!("{menu} {id} cannot be removed: {trap}");
                }
            }
        }
        Ok(())
    }
}

fn lines(steps: &str) -> impl Iterator<Item = &str> {
    let lines = steps.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#') && *line != "needs controller")
}

/// Reads a command whose values may have spaces.
fn command(text: &str) -> anyhow::Result<Command> {
    let mut words: Vec<String> = Vec::new();
    for piece in text.split(' ') {
        match words.last_mut() {
            Some(word) if !piece.starts_with(['=', '?']) => {
                word.push(' ');
                word.push_str(piece);
            }
            Some(_) | None => words.push(piece.to_owned()),
        }
    }
    Ok(Command::read(words.iter().map(String::as_str))?)
}

/// The rows of an answer, a line for each, in the order in which the fields were asked for.
fn shown(command: &Command, answer: Answer) -> String {
    let rows = match answer {
        Ok((rows, _)) => rows,
        Err(trap) => return format!("  refused: {trap}\n"),
    };
    if rows.is_empty() {
        return "  nothing\n".into();
    }
    let asked: Vec<&str> = match command.get(".proplist") {
        Some(names) => names.split(',').collect(),
        None => Vec::new(),
    };
    let line = |row: &Row| {
        let mut fields: Vec<_> = row.iter().filter(|(name, _)| *name != Row::ID).collect();
        fields.sort_by_key(|(name, _)| asked.iter().position(|asked| asked == name));
        let fields = fields
            .iter()
            .map(|(name, value)| format!(" {name}={value:?}"));
        format!(" {}\n", fields.collect::<String>())
    };
    rows.iter().map(line).collect()
}
