//! RouterOS's scripting language, as far as we write it.

/// A value as it stands in a script or on the command line: bare if it can be, else quoted.
pub(crate) fn quoted(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./%@,*!".contains(c);
    if !value.is_empty() && value.chars().all(bare) {
        return value.into();
    }
    quoted_text(value)
}

/// A text in quotes, wherever an expression is expected and not a value.
pub(crate) fn quoted_text(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' | '?' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_read_otherwise_is_quoted() {
        for (value, text) in [
            ("ether1", "ether1"),
            ("192.0.2.1%ether1", "192.0.2.1%ether1"),
            ("", r#""""#),
            ("two words", r#""two words""#),
            (r#"a"b\c$d?"#, r#""a\"b\\c\$d\?""#),
            ("a\r\nb", r#""a\r\nb""#),
            ("[find]", r#""[find]""#),
        ] {
            assert_eq!(quoted(value), text);
        }
    }
}
