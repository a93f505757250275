//! Golden plans: each file in `tests/golden` is a conversation. Lines that begin with `> ` are what is said, the others
//! what came of it. `UPDATE_GOLDEN=1 cargo test` writes the answers anew.

use std::{
    fs,
    path::{Path, PathBuf},
};

mod line;
mod session;

use session::Session;

#[test]
fn every_conversation_goes_as_written() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    let files = conversations();
    assert!(
        files.len() >= 30,
        "only {} conversations found",
        files.len()
    );
    for path in files {
        let written = fs::read_to_string(&path).unwrap();
        let spoken = Session::default().transcript(&written);
        if spoken == written {
            continue;
        }
        if update {
            fs::write(&path, spoken).unwrap();
        } else {
            wrong.push(format!(
                "{}:\n{}",
                path.display(),
                first_difference(&written, &spoken)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE_GOLDEN=1 writes these anew:\n{}",
        wrong.join("\n")
    );
}

fn conversations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    files
}

fn first_difference(written: &str, spoken: &str) -> String {
    let (mut left, mut right) = (written.lines(), spoken.lines());
    for number in 1.. {
        match (left.next(), right.next()) {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => {
                let (a, b) = (a.unwrap_or("(nothing)"), b.unwrap_or("(nothing)"));
                return format!("  line {number}\n  - {a}\n  + {b}");
            }
        }
    }
    "  they differ in line ends".into()
}
