//! The documents do not point to things that are gone.

use std::{
    fs,
    path::{Path, PathBuf},
};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/decisions",
];

#[test]
fn every_relative_link_leads_to_a_file() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let directory = document.parent().unwrap();
        for target in links(&text) {
            assert!(
                directory.join(target).exists(),
                "{} links to {target}",
                document.display()
            );
        }
    }
}

#[test]
fn every_source_file_on_the_map_exists() {
    let map = root().join("docs/where.md");
    let text = fs::read_to_string(map).unwrap();
    let files: Vec<_> = code_spans(&text)
        .filter(|span| span.contains("/src/") || span.contains("/tests/"))
        .collect();
    let gone: Vec<_> = files.iter().filter(|file| !is_in_tree(file)).collect();
    assert!(!files.is_empty());
    assert!(gone.is_empty(), "the map names {gone:?}");
}

/// The map leaves out `crates/` before a crate's name.
fn is_in_tree(file: &str) -> bool {
    root().join(file).exists() || root().join("crates").join(file).exists()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in DOCUMENTS {
        let path = root().join(name);
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a listed directory can be read");
            found.extend(entries.flatten().map(|entry| entry.path()));
        } else {
            found.push(path);
        }
    }
    found
}

/// Targets of `[text](target)` that are files of this repository, without their `#fragment`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

/// What stands between single backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}
