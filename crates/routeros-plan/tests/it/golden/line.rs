//! Lines of golden conversations.

/// `name=value`; a name alone is a field without a value.
pub(crate) fn field(word: &str) -> (String, String) {
    match word.split_once('=') {
        Some((name, value)) => (name.into(), value.into()),
        None => (word.into(), String::new()),
    }
}

/// Words apart, quotes and escapes undone.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quoted, mut bracketed) = (false, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let last = words.last_mut().expect("there is always one");
        match letter {
            '[' if !quoted => {
                bracketed = true;
                last.push(letter);
            }
            ']' if bracketed => {
                bracketed = false;
                last.push(letter);
            }
            _ if bracketed => last.push(letter),
            '"' => quoted = !quoted,
            '\\' if quoted => last.push(match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => panic!("a text ends in a backslash: {text}"),
            }),
            ' ' if !quoted => words.push(String::new()),
            _ => last.push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
