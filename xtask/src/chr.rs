//! `cargo xtask chr`: lays a real RouterOS beside the virtual router.
//!
//! The same commands go to both (`crates/virtual-router/examples/router-checks.txt`), and what they answer differently
//! is printed. The real one is an image of MikroTik's Cloud Hosted Router in QEMU, or any router whose API can be
//! reached. Where a check needs a tunnel, both dial a route controller of ours on this machine.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Write, stdout},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::json;
use xshell::{Shell, cmd};

use crate::{demo::target_directory, packages};

const ABOUT: &str = "\
Without --image and --address only the virtual router is asked, and its answers are printed.

An image: mikrotik.com/download, Cloud Hosted Router, \"Raw disk image\", for example
chr-7.20.8.img.zip. Unpack it and give the .img. It is booted in QEMU and not changed: 256 MiB,
three network cards behind QEMU's own NAT. Without /dev/kvm it takes minutes to start.

What has been run so far: these checks against the virtual router. There was no image when this was
written, so nothing here has been seen on a real RouterOS; who runs it first finds out.

What the API does not show is not asked: the first packets of a tunnel, what its TLS offers, its
peer-info, routes in great number, the traffic of a site. The scenarios of the lab run on the virtual
router only.";

#[derive(Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Chr {
    /// The disk image of a Cloud Hosted Router
    #[arg(long, value_name = "FILE", conflicts_with = "address")]
    image: Option<PathBuf>,

    /// The API of a router that runs already; its checks make and remove things that are called holdfast-check
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,

    /// Who logs in there
    #[arg(long, default_value = "admin")]
    user: String,

    /// A file with the password; without it there is none, as out of the box
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// The version that the virtual router claims to be
    #[arg(long, default_value = "7.20.8")]
    version: String,

    #[arg(long, hide = true)]
    inside: bool,
}

/// How long a router may take to answer: one in QEMU without KVM is slow.
const START: Duration = Duration::from_secs(600);

/// How long a program that we start may take to listen.
const OURS_START: Duration = Duration::from_secs(20);

/// The program that asks.
const CHECKS: &[&str] = &[
    "--package=holdfast-virtual-router",
    "--example=router-checks",
];

impl Chr {
    pub(crate) fn run(self, shell: &Shell) -> anyhow::Result<()> {
        if self.inside {
            return self.ask_virtual(shell);
        }
        if let Some(image) = &self.image {
            ensure!(
                image.is_file(),
                "--image: there is no {}: get one at mikrotik.com/download, Cloud Hosted Router, raw disk image",
                image.display()
            );
            packages::install(shell, packages::QEMU)?;
        }
        packages::install(shell, packages::LAB)?;
        let password = self.password()?;
        for what in [&["--package=holdfast"][..], CHECKS] {
            cmd!(shell, "cargo build --quiet {what...}").quiet().run()?;
        }

        let version = &self.version;
        let this = env::current_exe()?;
        let virtual_answers = cmd!(
            shell,
            "unshare --user --map-root-user --net {this} chr --inside --version {version}"
        )
        .quiet()
        .read()
        .context("ask the virtual router, in a network namespace")?;
        let real_answers = match (&self.image, &self.address) {
            (Some(image), _) => self.ask_image(shell, image, &password)?,
            (None, Some(address)) => {
                ask(shell, address, &self.user, &password, None, Duration::ZERO)?
            }
            (None, None) => {
                return say(&virtual_answers);
            }
        };
        say(&compared(&virtual_answers, &real_answers))
    }

    fn password(&self) -> anyhow::Result<String> {
        let Some(file) = &self.password_file else {
            return Ok(String::new());
        };
        let text = fs::read_to_string(file)
            .with_context(|| format!("--password-file: {} cannot be read", file.display()))?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Boots the image and asks it.
    fn ask_image(&self, shell: &Shell, image: &Path, password: &str) -> anyhow::Result<String> {
        let scratch = shell.create_temp_dir()?;
        let (_controller, controller_port) = start_controller(scratch.path())?;
        let api_port = free_port()?;
        let _qemu = start_qemu(image, api_port)?;
        let address = format!("127.0.0.1:{api_port}");
        // This machine's loopback, as it looks from inside QEMU.
        let controller = format!("10.0.2.2:{controller_port}");
        ask(
            shell,
            &address,
            &self.user,
            password,
            Some(&controller),
            START,
        )
    }

    /// Inside a network namespace: starts a controller and a virtual router, and prints what that answers.
    fn ask_virtual(&self, shell: &Shell) -> anyhow::Result<()> {
        cmd!(shell, "ip link set lo up").quiet().run()?;
        // As QEMU gives out addresses, so that the answers can be compared.
        for n in 1..=3 {
            let (name, far) = (format!("ether{n}"), format!("isp{n}"));
            cmd!(shell, "ip link add {name} type veth peer name {far}")
                .quiet()
                .run()?;
            cmd!(shell, "ip link set {far} up").quiet().run()?;
        }
        let scratch = shell.create_temp_dir()?;
        let directory = scratch.path();
        let (_controller, port) = start_controller(directory)?;
        let (config, ready) = (directory.join("router.json"), directory.join("ready.json"));
        let lease = json!({ "address": "10.0.2.15", "prefix": 24, "gateway": "10.0.2.2" });
        let settings = json!({
            "identity": "MikroTik",
            "version": self.version,
            "board": "CHR",
            "access": { "api": "127.0.0.1:8728", "ready": ready },
            "interfaces": [{ "name": "ether1", "lease": lease }, { "name": "ether2" }, { "name": "ether3" }],
            "certificates": [{ "name": "authority", "trusted": true,
                               "pem": fs::read_to_string(directory.join("data/ca.pem"))? }],
            "configuration": "/ip/dhcp-client/add interface=ether1",
        });
        fs::write(&config, settings.to_string())?;
        let mut router = Command::new(holdfast()?);
        router.args(["lab", "router", "--config"]).arg(&config);
        let mut router = Running::start(&router)?;
        router.wait(|| ready.exists())?;
        let controller = format!("127.0.0.1:{port}");
        let answers = ask(
            shell,
            "127.0.0.1:8728",
            "admin",
            "",
            Some(&controller),
            OURS_START,
        )?;
        say(&answers)
    }
}

/// Carries the checks out at a router; what it answers.
fn ask(
    shell: &Shell,
    address: &str,
    user: &str,
    password: &str,
    controller: Option<&str>,
    wait: Duration,
) -> anyhow::Result<String> {
    let (host, port) = address.rsplit_once(':').with_context(|| {
        format!("--address: {address:?} is not HOST:PORT, as in 192.168.88.1:8728")
    })?;
    let checks = target_directory()?.join("debug/examples/router-checks");
    let mut command = cmd!(shell, "{checks}")
        .env("ROUTER_HOST", host)
        .env("ROUTER_PORT", port)
        .env("ROUTER_USER", user)
        .env("ROUTER_PASSWORD", password)
        .env("ROUTER_WAIT", wait.as_secs().to_string());
    if let Some(controller) = controller {
        command = command.env("ROUTER_CONTROLLER", controller);
    }
    let asked = command.quiet().read();
    asked.with_context(|| format!("the checks at {address} were broken off"))
}

/// A controller with the one tunnel of the checks, on this machine's loopback; its port.
fn start_controller(directory: &Path) -> anyhow::Result<(Running, u16)> {
    let port = free_port()?;
    let grants = format!(
        "[listen]\nslots = [\"127.0.0.1:{port}\"]\n\n[[tunnels]]\nusername = \"holdfast-check\"\n\
         password = \"holdfast-check\"\nsite = \"check\"\nrank = 0\ngateway = \"100.127.255.254\"\nprofile = \"fast\"\n"
    );
    let file = directory.join("grants.toml");
    fs::write(&file, grants)?;
    let data = directory.join("data");
    let mut command = Command::new(holdfast()?);
    command.args(["controller", "--grants"]).arg(file);
    command.arg("--data").arg(&data);
    let mut controller = Running::start(&command)?;
    controller.wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    Ok((controller, port))
}

fn start_qemu(image: &Path, api_port: u16) -> anyhow::Result<Running> {
    let has_kvm = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_ok();
    let accelerator = if has_kvm { "kvm" } else { "tcg" };
    eprintln!(
        "booting {} ({accelerator}), API at 127.0.0.1:{api_port}",
        image.display()
    );
    let format = match image.extension().and_then(|it| it.to_str()) {
        Some("vdi") => "vdi",
        Some("vmdk") => "vmdk",
        Some("qcow2") => "qcow2",
        Some("vhdx") => "vhdx",
        Some(_) | None => "raw",
    };
    let card = "user,model=virtio-net-pci";
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-m", "256", "-display", "none", "-accel", accelerator]);
    qemu.arg("-drive").arg(format!(
        "file={},format={format},snapshot=on",
        image.display()
    ));
    qemu.arg("-nic")
        .arg(format!("{card},hostfwd=tcp:127.0.0.1:{api_port}-:8728"));
    for network in ["10.0.3.0/24", "10.0.4.0/24"] {
        qemu.arg("-nic").arg(format!("{card},net={network}"));
    }
    let mut qemu = Running::start(&qemu)?;
    // It takes connections for the router before that has started; if it cannot use the image, it never does.
    qemu.wait(|| TcpStream::connect(("127.0.0.1", api_port)).is_ok())?;
    Ok(qemu)
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(stdout(), "{text}").context("standard output is closed")
}

/// What the real router answers otherwise, check by check and step by step.
fn compared(virtual_answers: &str, real_answers: &str) -> String {
    let ours: BTreeMap<_, _> = checks(virtual_answers).into_iter().collect();
    let (mut count, mut same, mut text) = (0, 0, String::new());
    for (title, steps) in checks(real_answers) {
        if let [(left_out, answer)] = &steps[..]
            && answer.is_empty()
        {
            text += &format!("== {title}\n  {left_out}\n\n");
            continue;
        }
        count += 1;
        let expected = ours.get(title).map(Vec::as_slice).unwrap_or_default();
        if steps == expected {
            same += 1;
            continue;
        }
        text += &format!("== {title}\n");
        for (n, step) in steps.iter().enumerate() {
            text += &beside(expected.get(n), step);
        }
        text += "\n";
    }
    text + &format!(
        "{same} of {count} checks are answered alike. Lines with - are the virtual router's, with + the real one's."
    )
}

/// A step, and the lines of its answer.
type Step<'a> = (&'a str, Vec<&'a str>);

/// The checks of a text, by their titles. Lines of answers are indented.
fn checks(answers: &str) -> Vec<(&str, Vec<Step<'_>>)> {
    let mut found: Vec<(&str, Vec<Step<'_>>)> = Vec::new();
    for line in answers.lines().filter(|line| !line.is_empty()) {
        if let Some(title) = line.strip_prefix("== ") {
            found.push((title, Vec::new()));
        } else if let Some((_, steps)) = found.last_mut() {
            match steps.last_mut() {
                Some((_, answer)) if line.starts_with(' ') => answer.push(line),
                Some(_) | None => steps.push((line, Vec::new())),
            }
        }
    }
    found
}

fn beside(expected: Option<&Step<'_>>, (step, answer): &Step<'_>) -> String {
    let expected = expected
        .map(|(_, answer)| answer.as_slice())
        .unwrap_or_default();
    let mut text = format!("  {step}\n");
    let lines = |mark: &str, lines: &[&str], others: &[&str]| -> String {
        let unlike = lines.iter().filter(|line| !others.contains(line));
        unlike.map(|line| format!("{mark} {line}\n")).collect()
    };
    text += &lines("-", expected, answer);
    text += &lines("+", answer, expected);
    text
}

/// A program that ends with this value.
struct Running {
    name: String,
    process: Child,
}

impl Running {
    fn start(command: &Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        // It also ends when we are killed.
        let mut bound = Command::new("setpriv");
        bound.args(["--pdeathsig", "KILL", &name]);
        bound.args(command.get_args());
        let started = bound.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let process = started.with_context(|| format!("start {name}"))?;
        Ok(Self { name, process })
    }

    fn wait(&mut self, is_ready: impl Fn() -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + OURS_START;
        while !is_ready() {
            if let Some(status) = self.process.try_wait()? {
                bail!("{} ended with {status}", self.name);
            }
            ensure!(
                Instant::now() < deadline,
                "{} does not answer after {OURS_START:?}",
                self.name
            );
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn holdfast() -> anyhow::Result<PathBuf> {
    Ok(target_directory()?.join("debug/holdfast"))
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_answered_otherwise_is_shown() {
        let check = |y| format!("== one\ndo /a\n  done\n\n== two\nsee /b\n  x=\"1\"\n  y={y:?}\n");
        let real = check("3") + "\n== three\nleft out\n";
        let text = compared(&check("2"), &real);
        let expected =
            "== two\n  see /b\n-   y=\"2\"\n+   y=\"3\"\n\n== three\n  left out\n\n1 of 2 checks";
        assert!(text.starts_with(expected), "{text}");
    }
}
