//! Runs the workspace's tests, with cargo-nextest where it is installed and plain `cargo test` elsewhere.

use std::{
    io::{self, BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

/// How the tests went, and the lines with which the runner says so.
pub(super) struct Outcome {
    pub(super) result: anyhow::Result<()>,
    pub(super) closing: Vec<String>,
}

pub(super) fn run(shell: &Shell) -> anyhow::Result<Outcome> {
    let nextest = cmd!(shell, "cargo nextest --version")
        .quiet()
        .output()
        .is_ok();
    let command = if nextest {
        cmd!(shell, "cargo nextest run --workspace --no-fail-fast")
    } else {
        cmd!(
            shell,
            "cargo test --workspace --lib --bins --tests --no-fail-fast"
        )
    };
    eprintln!("$ {command}");
    let (lines, passed) = tee(command.env("CARGO_TERM_COLOR", "never").into())?;
    Ok(Outcome {
        result: passed,
        closing: closing_lines(&lines),
    })
}

/// Runs a command without standard input, passing on what it prints line by line while remembering it.
fn tee(mut command: Command) -> anyhow::Result<(Vec<String>, anyhow::Result<()>)> {
    let (reader, writer) = io::pipe()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()
        .context("start the test runner")?;
    // The command holds the writing ends; with them open the reader below would wait for ever.
    drop(command);

    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        eprintln!("{line}");
        lines.push(line);
    }
    let status = child.wait()?;
    let passed = || {
        ensure!(status.success(), "the test runner ended with {status}");
        Ok(())
    };
    Ok((lines, passed()))
}

/// The runner's last word: nextest's summary with the failures below it, or every `test result` of libtest.
fn closing_lines(lines: &[String]) -> Vec<String> {
    let summary = lines
        .iter()
        .rposition(|line| line.trim_start().starts_with("Summary ["));
    match summary {
        Some(summary) => lines[summary..].to_vec(),
        None => lines
            .iter()
            .filter(|line| line.starts_with("test result:"))
            .cloned()
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn nextest_closes_with_its_summary_and_the_failures_below_it() {
        let output = lines(
            "        FAIL [   0.002s] (2/2) lab it blips\n────────────\n     Summary [   0.012s] 2 tests run: 1 passed, 1 failed, 0 skipped\n        FAIL [   0.002s] (2/2) lab it blips\nerror: test run failed\n",
        );
        assert_eq!(closing_lines(&output), output[2..]);
    }

    #[test]
    fn libtest_closes_with_one_result_per_test_program() {
        let output = lines(
            "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed\n\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed\n",
        );
        assert_eq!(
            closing_lines(&output),
            [
                "test result: ok. 1 passed; 0 failed",
                "test result: ok. 0 passed; 0 failed"
            ]
        );
    }

    #[test]
    fn tee_remembers_both_streams_and_reports_failure() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);

        let (lines, passed) = tee(command).unwrap();

        assert_eq!(lines, ["out", "err"]);
        assert!(passed.unwrap_err().to_string().contains("exit status: 3"));
    }
}
