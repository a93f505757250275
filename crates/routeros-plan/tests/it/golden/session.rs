use std::fmt::Write;

use holdfast_api_types::Place;
use holdfast_routeros_plan::{
    ADOPTION_STEPS, Adoption, Authority, Change, Desired, Gateway, Management, Memory, Menu, Mode,
    Observed, Plan, Refusal, Slot, dead_man, gateways, interfaces, plan, release, removal,
    validate,
};
use holdfast_routeros_proto::Row;

use crate::{
    golden::line::{field, words},
    router::Router,
};

/// A router, what is wanted of it, and what is remembered of it.
pub(crate) struct Session {
    pub(crate) router: Router,
    pub(crate) desired: Desired,
    pub(crate) memory: Memory,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            router: Router::new("7.16.2 (stable)"),
            desired: Desired {
                slots: Vec::new(),
                mode: Mode::Pushed,
                authority: Authority {
                    pem: "pem of 5f0c".into(),
                    fingerprint: "5F:0C".into(),
                },
                management: None,
                watchdog: false,
            },
            memory: Memory::default(),
        }
    }
}

impl Session {
    /// The conversation with its answers.
    pub(crate) fn transcript(&mut self, written: &str) -> String {
        let mut text = String::new();
        let said = written
            .lines()
            .filter(|line| line.starts_with("> ") || line.starts_with('#'));
        for line in said {
            text.push_str(line);
            text.push('\n');
            if let Some(command) = line.strip_prefix("> ") {
                text.push_str(&self.say(command));
            }
        }
        text
    }

    fn say(&mut self, command: &str) -> String {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let arguments = words(rest);
        match verb {
            "router" => self.router.version = rest.parse().unwrap(),
            "include" => return self.include(rest),
            "add" => self.insert(&arguments),
            "set" => self.set(&arguments),
            "remove" => self.remove(&arguments),
            "slot" => self.slot(&arguments),
            "no-slot" => {
                let number: u8 = rest.parse().unwrap();
                self.desired.slots.retain(|slot| slot.number != number);
            }
            "mode" => self.desired.mode = rest.parse().unwrap(),
            "watchdog" => self.desired.watchdog = true,
            "management" => self.desired.management = Some(management(rest)),
            "authority" => {
                self.desired.authority = Authority {
                    pem: format!("pem of {rest}"),
                    fingerprint: rest.into(),
                }
            }
            _ => return self.ask(verb, rest),
        }
        String::new()
    }

    fn ask(&mut self, verb: &str, rest: &str) -> String {
        let observed = self.router.observe();
        match verb {
            "plan" => shown(&self.plan(&observed)),
            "validate" => listed(&validate(&self.desired, &observed)),
            "apply" => match self.plan(&observed) {
                Ok(plan) => self.apply(&plan),
                Err(refusals) => listed(&refusals),
            },
            "removal" => shown(&Ok(removal(&observed, &self.memory))),
            "apply-removal" => self.apply(&removal(&observed, &self.memory)),
            "release" => {
                let plan = release(&observed, &self.memory);
                let script = plan
                    .steps
                    .last()
                    .and_then(|step| added(&step.change, "on-event"));
                format!("{plan}{}\n", indented(script.unwrap_or_default()))
            }
            "dead-man" => {
                let plan = self.plan(&observed).expect("a plan");
                guard(&observed, &plan, rest.parse().unwrap())
            }
            "gateways" => found(rest, &self.router.look_around(rest)),
            "interfaces" => seen(&self.router.look_around("")),
            "adoption" => adoption(rest),
            "reads" => {
                let requests = Observed::queries(&self.router.version).into_iter();
                let lines = requests.map(|request| format!("{}\n", request.to_command()));
                lines.collect()
            }
            "export" => self.router.export(),
            other => panic!("nobody knows what {other:?} means"),
        }
    }

    pub(crate) fn plan(&self, observed: &Observed) -> Result<Plan, Vec<Refusal>> {
        plan(&self.desired, observed, &self.memory)
    }

    /// Sends every step, and sees that the router is as it should be.
    fn apply(&mut self, plan: &Plan) -> String {
        for step in &plan.steps {
            self.memory.sending(step);
            if let Err(error) = self.router.apply(&step.change) {
                return format!("{}: {error}\n", step.command_text());
            }
            self.memory.sent(step);
        }
        format!("{} steps done\n", plan.steps.len())
    }

    fn include(&mut self, name: &str) -> String {
        let path = format!("{}/tests/golden/common/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let answer = self.say(line);
            assert_eq!(answer, "", "{line}");
        }
        String::new()
    }

    /// `/menu name=value ...`
    fn insert(&mut self, arguments: &[String]) {
        let row: Row = arguments[1..].iter().map(|word| field(word)).collect();
        self.router.insert(menu(&arguments[0]), row);
    }

    /// `/menu name=value ... : name=value ...`
    fn set(&mut self, arguments: &[String]) {
        let colon = arguments.iter().position(|word| word == ":").unwrap();
        for row in self.matching(&arguments[..colon]) {
            for word in &arguments[colon + 1..] {
                match word.strip_prefix('!') {
                    Some(name) => {
                        row.unset(name);
                    }
                    None => {
                        let (name, value) = field(word);
                        row.set(name, value);
                    }
                }
            }
        }
    }

    fn remove(&mut self, arguments: &[String]) {
        let ids: Vec<_> = self
            .matching(arguments)
            .map(|row| row.text(Row::ID).to_owned())
            .collect();
        assert!(!ids.is_empty(), "nothing matches {arguments:?}");
        for id in ids {
            self.router.remove(menu(&arguments[0]), &id).unwrap();
        }
    }

    fn matching(&mut self, arguments: &[String]) -> impl Iterator<Item = &mut Row> {
        let conditions: Vec<_> = arguments[1..].iter().map(|word| field(word)).collect();
        let rows = self.router.rows_mut(menu(&arguments[0])).iter_mut();
        rows.filter(move |row| {
            conditions
                .iter()
                .all(|(name, value)| row.text(name) == value)
        })
    }

    fn slot(&mut self, arguments: &[String]) {
        let number: u8 = arguments[0].parse().unwrap();
        let value = |name: &str| {
            let found = arguments
                .iter()
                .map(|word| field(word))
                .find(|(own, _)| own == name);
            found.map(|(_, value)| value)
        };
        let has = |word: &str| arguments.iter().any(|own| own == word);
        let counted =
            |name: &str, default: u8| value(name).map_or(default, |text| text.parse().unwrap());
        let gateway = value("gateway").expect("a gateway");
        let slot = Slot {
            number,
            interface: value("interface").expect("an interface"),
            gateway: gateway.parse().map_or(Gateway::Interface, Gateway::Address),
            controller: value("controller").map_or_else(
                || format!("203.0.113.{number}:443").parse().unwrap(),
                |text| text.parse().unwrap(),
            ),
            username: value("user").unwrap_or_else(|| format!("USER-{number}")),
            password: value("password")
                .unwrap_or_else(|| format!("password-{number}"))
                .into(),
            server: [198, 18, 0, number * 4 + 1].into(),
            metered: has("metered"),
            enabled: !has("off"),
            place: Place {
                rung: counted("rung", 2 - number.min(2)),
                step: counted("step", 10),
            },
            rank: counted("rank", number - 1),
        };
        self.desired.slots.retain(|other| other.number != number);
        self.desired.slots.push(slot);
    }
}

fn menu(path: &str) -> Menu {
    Menu::from_path(path).unwrap_or_else(|| panic!("no menu {path}"))
}

fn management(endpoint: &str) -> Management {
    Management {
        endpoint: endpoint.parse().unwrap(),
        username: "MANAGEMENT".into(),
        password: "management-password".to_owned().into(),
    }
}

fn shown(plan: &Result<Plan, Vec<Refusal>>) -> String {
    match plan {
        Ok(plan) => plan.to_text(),
        Err(refusals) => listed(refusals),
    }
}

fn listed(refusals: &[Refusal]) -> String {
    if refusals.is_empty() {
        return "nothing is wrong\n".into();
    }
    refusals
        .iter()
        .map(|refusal| format!("refused: {refusal}\n"))
        .collect()
}

fn guard(observed: &Observed, plan: &Plan, seconds: u32) -> String {
    let guard = dead_man(observed, plan, seconds);
    let mut text = format!("needed: {}\n", plan.cuts_off());
    for change in &guard.arm {
        match added(change, "source") {
            Some(source) => writeln!(text, "{}", indented(source)).unwrap(),
            None => writeln!(text, "{change}").unwrap(),
        }
    }
    for change in &guard.disarm {
        writeln!(text, "disarm: {change}").unwrap();
    }
    text
}

/// The field of an object that is added.
fn added<'a>(change: &'a Change, field: &str) -> Option<&'a str> {
    let Change::Add { attributes, .. } = change else {
        return None;
    };
    attributes.value(field)
}

fn found(interface: &str, observed: &Observed) -> String {
    let mut text = String::new();
    for candidate in gateways(interface, observed) {
        let gateway = match candidate.gateway {
            Gateway::Address(address) => address.to_string(),
            Gateway::Interface => interface.into(),
        };
        writeln!(
            text,
            "{gateway} ({}): {}",
            candidate.source.as_str(),
            candidate.reason
        )
        .unwrap();
        for warning in candidate.warnings {
            writeln!(text, "  ! {warning}").unwrap();
        }
    }
    text
}

fn seen(observed: &Observed) -> String {
    let mut text = String::new();
    for view in interfaces(observed) {
        let can = if view.can_be_wan { "WAN" } else { "no WAN" };
        let state = if view.running { "running" } else { "down" };
        let addresses = view.addresses.join(", ");
        write!(
            text,
            "{} {} {state} [{addresses}] {can}",
            view.name, view.kind
        )
        .unwrap();
        match view.reason {
            Some(reason) => writeln!(text, ": {reason}").unwrap(),
            None => text.push('\n'),
        }
    }
    text
}

fn adoption(part: &str) -> String {
    let base = "https://control.example/api/v1";
    let adoption = Adoption {
        script_url: format!("{base}/adoption/TOKEN/script"),
        authority_url: format!("{base}/authority.pem"),
        progress_url: format!("{base}/adoption/TOKEN/progress"),
        check_in_url: format!("{base}/check-in"),
        check_in_token: "CHECK-IN-TOKEN".to_owned().into(),
        authority: Authority {
            pem: "pem of 5f0c".into(),
            fingerprint: "5F:0C".into(),
        },
        management: management("203.0.113.1:443"),
        user_password: "user-password".to_owned().into(),
    };
    match part {
        "command" => format!("{}\n", adoption.command()),
        "script" => indented(&adoption.script()) + "\n",
        "steps" => ADOPTION_STEPS
            .iter()
            .map(|(word, title)| format!("{word}: {title}\n"))
            .collect(),
        other => panic!("adoption has no {other}"),
    }
}

/// So that no line of a script is taken for one that was said.
fn indented(script: &str) -> String {
    let lines: Vec<_> = script.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}
