//! `/certificate/import`.

use holdfast_routeros_proto::{Command, Row, Trap};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sha2::{Digest, Sha256};

use crate::{
    model::{Answer, Caller, Database, failure, missing},
    router::Router,
};

/// Takes the certificates of a file into the store, under a name and numbers after it. What the file had is counted.
pub(super) fn import(router: &Router, caller: &Caller, command: &Command) -> Result<Answer, Trap> {
    caller.require("write")?;
    let file = command
        .get("file-name")
        .ok_or_else(|| missing("file-name"))?;
    let contents = router.read(|database| {
        database
            .named("/file", file)
            .map(|file| file.text("contents").to_owned())
    });
    let contents = contents.ok_or_else(|| failure("file not found"))?;
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(contents.as_bytes()).collect();
    let certificates = certificates.map_err(|error| failure(format!("{error}")))?;
    let key = PrivateKeyDer::from_pem_slice(contents.as_bytes()).is_ok();
    let name = command.get("name").unwrap_or(file);
    let trusted = !matches!(command.get("trusted"), Some("no" | "false"));
    router.update(|database| {
        for (number, certificate) in certificates.iter().enumerate() {
            let name = match number {
                0 => free_name(database, name),
                _ => free_name(database, &format!("{name}_{number}")),
            };
            let mut row = Row::new()
                .with("name", name)
                .with("fingerprint", hex(&Sha256::digest(certificate)))
                .with("trusted", trusted.to_string())
                .with("pem", pem(certificate));
            if key && number == 0 {
                row.set("private-key", "true");
                row.set("key-pem", &contents);
            }
            if let Some(store) = command.get("trust-store") {
                row.set("trust-store", store);
            }
            database.add_item("/certificate", &row);
        }
    });
    let count = |number: usize| number.to_string();
    let row = Row::new()
        .with("certificates-imported", count(certificates.len()))
        .with("private-keys-imported", count(usize::from(key)))
        .with("files-imported", "1")
        .with("decryption-failures", "0")
        .with("keys-with-no-certificate", "0");
    Ok(Answer::list(vec![row]))
}

fn free_name(database: &Database, name: &str) -> String {
    let is_free = |name: &String| database.named("/certificate", name).is_none();
    let numbered = (1..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(is_free).unwrap_or_else(|| name.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One certificate, as a file of its own has it.
fn pem(certificate: &[u8]) -> String {
    let encoded = encode(certificate);
    let lines: Vec<_> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

/// Base 64.
fn encode(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= group.len() {
                LETTERS[index].into()
            } else {
                '='
            });
        }
    }
    text
}
