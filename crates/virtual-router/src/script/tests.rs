use std::time::Duration;

use holdfast_routeros_proto::{Command, Row, Version};

use super::*;
use crate::model::{Caller, Database, Kind};

/// A router that is a database and nothing else.
struct Bench {
    database: Database,
    printed: Vec<String>,
}

impl Console for Bench {
    fn has_menu(&self, path: &str) -> bool {
        self.database.has_menu(path)
    }

    fn items(&mut self, menu: &str) -> Result<Vec<Row>, String> {
        let items = self.database.items(menu);
        Ok(items
            .map(|item| self.database.row(menu, item, true))
            .collect())
    }

    fn is_list(&self, menu: &str, field: &str) -> bool {
        let spec = self.database.spec(menu);
        let field = spec.and_then(|spec| spec.field(field, self.database.version()));
        field.is_some_and(|field| matches!(field.kind, Kind::List(_)))
    }

    fn command(
        &mut self,
        menu: &str,
        verb: &str,
        arguments: &[(String, String)],
    ) -> Result<Option<String>, String> {
        let arguments = arguments
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let command = Command::new(format!("{menu}/{verb}")).with_all(arguments);
        let answer = self.database.execute(&Caller::system(), &command);
        answer.map(|answer| answer.ret).map_err(|trap| trap.message)
    }

    fn log(&mut self, topic: &str, message: &str) {
        self.printed.push(format!("{topic}: {message}"));
    }

    fn print(&mut self, line: &str) {
        self.printed.push(line.into());
    }

    fn delay(&mut self, time: Duration) {
        self.printed.push(format!("{time:?}"));
    }
}

/// What a script prints, and last the error it ends with.
fn printed(source: &str) -> Vec<String> {
    let mut bench = Bench {
        database: Database::new(Version::release(7, 20, 0)),
        printed: Vec::new(),
    };
    if let Err(message) = run(&mut bench, source, &[("given", "x".into())]) {
        bench.printed.push(format!("error: {message}"));
    }
    bench.printed
}

#[test]
fn expressions_are_calculated() {
    let cases = [
        (":put (1 + 2 * 3)", "7"),
        (":put ((1 + 2) * 3)", "9"),
        (":put (\"a\" . 1 . \"b\")", "a1b"),
        (":local x 5; :put ($x - 1)", "4"),
        (":put (7 = 7 && !(1 > 2))", "true"),
        (":put [:len \"abc\"]", "3"),
        (":put [:pick \"abcdef\" 1 3]", "bc"),
        (":put [:pick \"abc\" 1]", "b"),
        (":put [:find \"7.20.6\" \".\"]", "1"),
        (":put [:len [:find \"abc\" \"x\"]]", "0"),
        (":put [:typeof [:tonum \"x\"]]", "nothing"),
        (
            ":put \"in $given, $[:len \"ab\"] and \\\"$(1 + 1)\\\" \\$\"",
            "in x, 2 and \"2\" $",
        ),
        (":foreach i in={1;2;3} do={ :put $i }", "1"),
        (":put [:tostr (1,2)]", "1;2"),
        (":put \\\n  word", "word"),
    ];
    for (source, expected) in cases {
        assert_eq!(
            printed(source).first().map(String::as_str),
            Some(expected),
            "{source}"
        );
    }
}

#[test]
fn loops_and_conditions_run_as_often_as_they_should() {
    assert_eq!(
        printed(":for i from=1 to=3 do={ :put $i }"),
        ["1", "2", "3"]
    );
    assert_eq!(
        printed(":for i from=2 to=0 do={ :put $i }"),
        ["2", "1", "0"]
    );
    assert_eq!(
        printed(":local n 0; :while ($n < 2) do={ :set n ($n + 1); :put $n }"),
        ["1", "2"]
    );
    assert_eq!(printed(":if (1 = 2) do={ :put a } else={ :put b }"), ["b"]);
}

#[test]
fn errors_are_caught_where_somebody_catches_them() {
    let caught = ":do { :error \"no\"; :put never } on-error={ :put caught }\n:put after";
    assert_eq!(printed(caught), ["caught", "after"]);
    assert_eq!(printed(":put a; :error \"no\"; :put b"), ["a", "error: no"]);
    assert_eq!(
        printed(":put (1 +"),
        ["error: syntax error (line 1 column 10)"]
    );
    assert_eq!(
        printed(":while (true) do={ }"),
        ["error: script takes too long"]
    );
}

#[test]
fn commands_find_get_set_and_remove() {
    let script = "\
# a route, twice
/ip/route
add dst-address=10.0.0.0/8 blackhole comment=\"holdfast:x:1\"
/ip route add dst-address=10.1.0.0/16 blackhole comment=other
:put [:len [find]]
:put [/ip/route get [find comment=\"holdfast:x:1\"] dst-address]
/ip/route set [/ip/route find comment=other] distance=7
:put [:len [/ip/route find where distance>5 and comment~\"^oth\"]]
/ip/route/remove [find comment=nobody]
/ip/route remove [find comment=\"holdfast:x:1\"]
:foreach r in=[/ip/route find blackhole=yes] do={ :put [/ip/route get $r comment] }
/ip service set api address=10.0.0.0/8,192.168.0.0/16
:foreach net in=[/ip/service get api address] do={ :put $net }
:if ([/ip/service get api disabled] = false) do={ :put open }
:put [/system/identity get name]
/ip/service disable telnet
:put [/ip/service get telnet disabled]
";
    let expected = [
        "2",
        "10.0.0.0/8",
        "1",
        "other",
        "10.0.0.0/8",
        "192.168.0.0/16",
        "open",
        "MikroTik",
        "true",
    ];
    assert_eq!(printed(script), expected);
}

#[test]
fn what_the_router_says_against_a_command_is_the_script_s_error() {
    assert_eq!(
        printed("/ip/address add address=10.0.0.1/24 interface=ether9"),
        ["error: input does not match any value of interface"]
    );
    assert_eq!(printed("/ip/nonsense add"), ["error: no such command"]);
}
