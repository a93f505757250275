use crate::{Attribute, Attributes, Authority, names};

/// The file that the certificate is imported from.
const FILE: &str = "holdfast-ca.pem";

/// The calls that put the authority into the router's store, with what each does. The file comes and goes.
pub(crate) fn import_calls(authority: &Authority) -> [(&'static str, &'static str, Attributes); 3] {
    let plain = Attribute::plain;
    let import = vec![
        plain("file-name", FILE),
        plain("passphrase", ""),
        plain("name", names::AUTHORITY),
        plain("trusted", "yes"),
    ];
    let file = vec![plain("name", FILE), plain("contents", &authority.pem)];
    let removed = vec![plain(".id", FILE)];
    [
        (
            "write the authority's certificate into a file",
            "/file/add",
            Attributes(file),
        ),
        (
            "import the authority's certificate",
            "/certificate/import",
            Attributes(import),
        ),
        ("remove the file", "/file/remove", Attributes(removed)),
    ]
}
