//! A profile as text: lines of words, and blocks.

/// One line of a profile, or one `<name>` block.
pub(super) struct Directive<'a> {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) name: &'a str,
    pub(super) values: Vec<&'a str>,
    /// What stands between `<name>` and `</name>`.
    pub(super) inline: Option<String>,
}

impl Directive<'_> {
    pub(super) fn value(&self) -> Option<&str> {
        self.values.first().copied()
    }
}

/// The directives of a profile, in order.
pub(super) fn directives(text: &str) -> Vec<Directive<'_>> {
    let mut found = Vec::new();
    let mut lines = (1..).zip(text.lines().map(str::trim));
    while let Some((line, text)) = lines.next() {
        let text = text.split(['#', ';']).next().unwrap_or_default();
        let mut words = text.split_ascii_whitespace().map(unquote);
        let Some(first) = words.next() else {
            continue;
        };
        let block = first.strip_prefix('<').and_then(|s| s.strip_suffix('>'));
        let inline = block.map(|name| {
            let end = format!("</{name}>");
            let body = lines.by_ref().map(|(_, text)| text);
            body.take_while(|text| *text != end)
                .flat_map(|text| [text, "\n"])
                .collect()
        });
        found.push(Directive {
            line,
            name: block.unwrap_or(first).trim_start_matches("--"),
            values: words.collect(),
            inline,
        });
    }
    found
}

fn unquote(word: &str) -> &str {
    word.strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'))
        .unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_comments_quotes_and_blocks_are_told_apart() {
        let text = "# a comment\n\n--remote a.example 443 ; why not\nca \"ca.pem\"\n<ca>\n one\n two\n</ca>\nverb 3\n";
        let found: Vec<_> = directives(text)
            .into_iter()
            .map(|it| (it.line, it.name, it.values, it.inline))
            .collect();
        let inline = Some("one\ntwo\n".to_owned());
        assert_eq!(
            found,
            [
                (3, "remote", vec!["a.example", "443"], None),
                (4, "ca", vec!["ca.pem"], None),
                (5, "ca", vec![], inline),
                (9, "verb", vec!["3"], None),
            ]
        );
    }
}
