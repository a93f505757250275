//! Adoption: what a person pastes, and the script that it fetches.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{
    POLICIES, check_in,
    report::{Fact, checked, report},
};
use crate::{
    Attribute, Authority, Kind, Management, Menu, Tag, names, objects,
    script::{quoted, quoted_text},
};

/// The file that the script is fetched into.
const FILE: &str = "holdfast-adopt.rsc";

/// The file that the authority's certificate is fetched into.
const AUTHORITY_FILE: &str = "holdfast-ca.pem";

/// What the script tells about: a word for each step, and what a person reads of it. In this order.
pub const ADOPTION_STEPS: &[(&str, &str)] = &[
    ("check", "Check the router"),
    ("authority", "Trust the certificate authority"),
    ("user", "Make the service user"),
    ("access", "Let the controller reach the API"),
    ("tunnel", "Make the management tunnel"),
    ("check-in", "Report to the control plane"),
    ("connect", "Connect"),
];

/// Everything that the adoption of one router is made of.
///
/// The script tells how far it is: a POST to [`progress_url`](Self::progress_url) with the JSON object
/// `{"step", "state", "detail"}`, where `step` is a word of [`ADOPTION_STEPS`] and `state` is `running`, `succeeded` or
/// `failed`. The first of them, `check`, has `identity`, `version`, `board` and `serial` as well.
#[derive(Clone)]
pub struct Adoption {
    /// Where the script is. May hold a token that is good once.
    pub script_url: String,
    /// Where the authority's certificate is. It is fetched before anything can be checked, so whoever listens learns
    /// this URL: it must not hold the token.
    pub authority_url: String,
    /// Where the script tells how far it is.
    pub progress_url: String,
    /// Where the router checks in later.
    pub check_in_url: String,
    /// What it shows then.
    pub check_in_token: SecretString,
    /// The certificate authority.
    pub authority: Authority,
    /// The management tunnel.
    pub management: Management,
    /// The password of the service user.
    pub user_password: SecretString,
}

/// Without the URLs: some hold the token.
impl fmt::Debug for Adoption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adoption")
            .field("authority", &self.authority.fingerprint)
            .field("management", &self.management)
            .finish_non_exhaustive()
    }
}

impl Adoption {
    /// The [line](Self::line) of this adoption.
    pub fn command(&self) -> String {
        Self::line(&self.script_url, &self.authority_url, &self.authority)
    }

    /// The one line that a person pastes into the router's terminal. It needs no credentials, so it can be shown before
    /// there are any.
    ///
    /// The certificate that came over an unchecked connection is believed for its fingerprint, which the line holds.
    /// Everything after it comes over a checked one.
    pub fn line(script_url: &str, authority_url: &str, authority: &Authority) -> String {
        let name = quoted_text(names::AUTHORITY);
        let parts = [
            format!(
                "/tool/fetch url={} check-certificate=no dst-path={AUTHORITY_FILE}",
                quoted_text(authority_url)
            ),
            format!("/certificate remove [find name={name}]"),
            format!(
                "/certificate import file-name={AUTHORITY_FILE} passphrase=\"\" name={name} trusted=yes"
            ),
            format!("/file remove [find name=\"{AUTHORITY_FILE}\"]"),
            format!(
                ":if ([:len [/certificate find fingerprint={}]] = 0) do={{ /certificate remove [find name={name}]; \
                 :error \"Holdfast: that is not the certificate of your control plane, somebody is in between\" }}",
                quoted_text(&digits(authority))
            ),
            format!(
                "/tool/fetch url={}{} dst-path={FILE}",
                quoted_text(script_url),
                checked(script_url)
            ),
            format!(
                ":do {{ /import file-name={FILE} }} on-error={{ :put \"Holdfast: the router cannot run the script\" }}"
            ),
            // It holds passwords. The script removes it as well, unless it could not be read.
            format!("/file remove [find name=\"{FILE}\"]"),
        ];
        parts.join("; ")
    }

    /// The script. Run again it replaces what an earlier run has made, with new credentials.
    pub fn script(&self) -> String {
        let sections = [
            self.check(),
            self.trust(),
            self.user(),
            self.access(),
            self.tunnel(),
            self.check_in(),
            self.connect(),
        ];
        let body = indented(&indented(&sections.join("\n")));
        let facts = [
            ("step", Fact::Found("$step")),
            ("state", Fact::Known("failed")),
            ("detail", Fact::Found("$refusal")),
        ];
        let failed = indented(&indented(&report(&self.progress_url, None, &facts)));
        format!(
            "\
# Holdfast adopts this router. What it makes has a comment that begins with \"holdfast:\". Releasing the router in
# Holdfast removes all of it.
{{
  :local step \"check\"
  :local refusal \"\"
  :do {{
{body}
  }} on-error={{
    :if ([:len $refusal] = 0) do={{ :set refusal \"the router refused a command\" }}
{failed}
    :log info (\"Holdfast: adoption failed at step \" . $step . \": \" . $refusal)
    :put (\"Holdfast: adoption failed at step \" . $step . \": \" . $refusal)
  }}
}}
/file remove [find name=\"{FILE}\"]
"
        )
    }

    fn fingerprint(&self) -> String {
        digits(&self.authority)
    }

    /// Reports something that is known when the script is written.
    fn tell(&self, step: &str, state: &str) -> String {
        let facts = [
            ("step", Fact::Known(step)),
            ("state", Fact::Known(state)),
            ("detail", Fact::Known("")),
        ];
        report(&self.progress_url, None, &facts)
    }

    fn begins(&self, step: &str) -> String {
        format!(
            ":set step {}\n{}",
            quoted_text(step),
            self.tell(step, "running")
        )
    }

    fn done(&self, step: &str) -> String {
        self.tell(step, "succeeded")
    }

    fn check(&self) -> String {
        let facts = [
            ("step", Fact::Known("check")),
            ("state", Fact::Known("running")),
            ("detail", Fact::Known("")),
            ("identity", Fact::Found("$identity")),
            ("version", Fact::Found("$version")),
            ("board", Fact::Found("$board")),
            ("serial", Fact::Found("$serial")),
        ];
        let told = report(&self.progress_url, None, &facts);
        let clean = check_in::CLEAN_IDENTITY;
        let old = refuse_if(
            "$major < 7 || ($major = 7 && $minor < 8)",
            "(\"RouterOS 7.8 or newer is needed, this is \" . $version . \": upgrade it in /system/package/update\")",
        );
        let flagged = refuse_if(
            "$flagged = true",
            "\"RouterOS has flagged this router as possibly compromised: check it, then run /system/device-mode/update flagged=no\"",
        );
        let scheduler = refuse_if(
            "$scheduler = false",
            "\"the router's mode forbids schedulers: run /system/device-mode/update scheduler=yes fetch=yes\"",
        );
        let user = refuse_if(
            "[:len [/user find name=\"holdfast\"]] > 0 && [:len [/user find comment=\"holdfast:management\"]] = 0",
            "\"the router has a user named holdfast that is not from Holdfast: rename it\"",
        );
        // A release that is still to come would take what is made now.
        let release = names::RELEASE;
        let done = self.done("check");
        format!(
            "\
{clean}
:local version [/system/resource get version]
:local board [/system/resource get board-name]
:local serial \"\"
:do {{ :set serial [:tostr [/system/routerboard get serial-number]] }} on-error={{}}
{told}
:local dot [:find $version \".\"]
:local major [:tonum [:pick $version 0 $dot]]
:local rest [:pick $version ($dot + 1) [:len $version]]
:local digits \"\"
:local more true
:for i from=0 to=([:len $rest] - 1) do={{
  :local digit [:pick $rest $i ($i + 1)]
  :if ([:len [:find \"0123456789\" $digit]] = 0) do={{ :set more false }}
  :if ($more) do={{ :set digits ($digits . $digit) }}
}}
:local minor [:tonum $digits]
{old}
:local flagged false
:local scheduler true
:do {{ :set flagged [/system/device-mode get flagged] }} on-error={{}}
:do {{ :set scheduler [/system/device-mode get scheduler] }} on-error={{}}
{flagged}
{scheduler}
{user}
/system/scheduler remove [find name={release}]
{done}"
        )
    }

    fn trust(&self) -> String {
        let begins = self.begins("authority");
        let fingerprint = quoted_text(&self.fingerprint());
        let missing = refuse_if(
            &format!("[:len [/certificate find fingerprint={fingerprint}]] = 0"),
            "\"the certificate authority is not in the router's store: paste the whole line\"",
        );
        let done = self.done("authority");
        format!(
            "{begins}\n{missing}\n/certificate set [find fingerprint={fingerprint}] trusted=yes\n{done}"
        )
    }

    /// The service user may come from the tunnels' addresses only.
    fn user(&self) -> String {
        let begins = self.begins("user");
        let done = self.done("user");
        let (group, user) = (names::GROUP, names::USER);
        let password = quoted_text(self.user_password.expose_secret());
        let from = objects::controllers();
        let comment = quoted_text(&Tag::of(Kind::Management).to_string());
        format!(
            "\
{begins}
:if ([:len [/user/group find name={group}]] = 0) do={{
  /user/group add name={group} policy={POLICIES}
}} else={{
  /user/group set [find name={group}] policy={POLICIES}
}}
:if ([:len [/user find name={user}]] = 0) do={{
  /user add name={user} group={group} address={from} password={password} comment={comment}
}} else={{
  /user set [find name={user}] group={group} address={from} password={password} disabled=no
}}
{done}"
        )
    }

    /// The API listens no wider than it did, and at least for the tunnels. What it was is kept, for the release.
    fn access(&self) -> String {
        let begins = self.begins("access");
        let done = self.done("access");
        let from = objects::controllers();
        let (before, comment) = (
            names::BEFORE,
            quoted_text(&Tag::of(Kind::Before).to_string()),
        );
        let rules = access_rules();
        format!(
            "\
{begins}
:local off \"no\"
:if ([/ip/service get api disabled] = true) do={{ :set off \"yes\" }}
:local allowed \"\"
:foreach net in=[/ip/service get api address] do={{
  :local part [:tostr $net]
  :if ([:len $part] > 0) do={{
    :if ([:len $allowed] > 0) do={{ :set allowed ($allowed . \",\") }}
    :set allowed ($allowed . $part)
  }}
}}
:if ([:len [/system/script find comment={comment}]] = 0) do={{
  /system/script add name={before} comment={comment} policy={POLICIES} source=(\"/ip/service set api disabled=\" . $off . \" address=\\\"\" . $allowed . \"\\\"\")
}}
:if ($off = \"yes\") do={{
  /ip/service set api disabled=no address={from}
}} else={{
  :if ([:len $allowed] > 0 && [:len [:find $allowed \"{from}\"]] = 0) do={{
    /ip/service set api address=($allowed . \",{from}\")
  }}
}}
:local port [/ip/service get api port]
{rules}
{done}"
        )
    }

    fn tunnel(&self) -> String {
        let begins = self.begins("tunnel");
        let done = self.done("tunnel");
        let comment = quoted_text(&Tag::of(Kind::Management).to_string());
        let [profile, client] = objects::management(&self.management);
        let add = |menu: Menu, attributes: &crate::Attributes| {
            let fields: Vec<_> = attributes.iter().map(typed).collect();
            format!("{} add {}", menu.path(), fields.join(" "))
        };
        let profile = add(profile.menu, &profile.to_add());
        let client = add(client.menu, &client.to_add());
        format!(
            "\
{begins}
/interface/ovpn-client remove [find comment={comment}]
/ppp/profile remove [find comment={comment}]
{profile}
{client}
{done}"
        )
    }

    fn check_in(&self) -> String {
        let begins = self.begins("check-in");
        let done = self.done("check-in");
        let comment = quoted_text(&Tag::of(Kind::CheckIn).to_string());
        let name = names::CHECK_IN;
        let source = quoted_text(&check_in::check_in(
            &self.check_in_url,
            &self.check_in_token,
        ));
        format!(
            "\
{begins}
/system/scheduler remove [find comment={comment}]
/system/script remove [find comment={comment}]
/system/script add name={name} policy=read,test comment={comment} source={source}
/system/scheduler add name={name} policy=read,test comment={comment} interval=30s on-event={name}
{done}"
        )
    }

    fn connect(&self) -> String {
        let begins = self.begins("connect");
        let done = self.done("connect");
        let comment = quoted_text(&Tag::of(Kind::Management).to_string());
        let endpoint = self.management.endpoint;
        let down = refuse_if(
            "$up = false",
            &format!(
                "\"the management tunnel does not come up: does the router reach {endpoint}, and is its clock right?\""
            ),
        );
        format!(
            "\
{begins}
:local up false
:for i from=1 to=30 do={{
  :if ($up = false) do={{
    :delay 1s
    :set up [/interface/ovpn-client get [find comment={comment}] running]
  }}
}}
{down}
{done}
:put \"Holdfast: the router is adopted.\""
        )
    }
}

/// A fingerprint as RouterOS has it.
fn digits(authority: &Authority) -> String {
    authority.fingerprint.replace(':', "").to_ascii_lowercase()
}

/// Gives up if `condition` holds. `words`, an expression, are for the person at the terminal and for the control plane.
fn refuse_if(condition: &str, words: &str) -> String {
    format!(":if ({condition}) do={{\n  :set refusal {words}\n  :error \"refused\"\n}}")
}

/// The rules of [`objects::of_router`], before the first that could stop a packet.
fn access_rules() -> String {
    let list = names::LIST;
    let mut lines = vec![
        format!(
            ":if ([:len [/interface/list find name={list}]] = 0) do={{ /interface/list add name={list} comment={} }}",
            quoted_text(&Tag::of(Kind::List).to_string())
        ),
        "\
:local stop \"\"
:foreach rule in=[/ip/firewall/filter find chain=input dynamic=no] do={
  :local action [/ip/firewall/filter get $rule action]
  :if ([:len $stop] = 0 && ($action = \"drop\" || $action = \"reject\" || $action = \"tarpit\" || $action = \"jump\")) do={
    :set stop $rule
  }
}"
        .into(),
    ];
    for object in objects::of_router("$port") {
        if object.menu != Menu::Filter {
            continue;
        }
        let attributes = object.to_add();
        let fields: Vec<_> = attributes.iter().map(typed).collect();
        let fields = fields.join(" ");
        let comment = quoted_text(&object.tag.to_string());
        lines.push(format!(
            "\
/ip/firewall/filter remove [find comment={comment}]
:if ([:len $stop] = 0) do={{
  /ip/firewall/filter add {fields}
}} else={{
  /ip/firewall/filter add {fields} place-before=$stop
}}"
        ));
    }
    lines.join("\n")
}

/// A field as a script sets it. A value that is a variable stays one.
fn typed(attribute: &Attribute) -> String {
    let value = &attribute.value;
    if value.starts_with('$') && !attribute.secret {
        format!("{}={value}", attribute.name)
    } else {
        format!("{}={}", attribute.name, quoted(value))
    }
}

/// Two spaces before each line, but not inside of quoted texts, which have no line ends.
fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}
