use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, ensure};
use zeroize::Zeroizing;

/// Stands for the number of the connection in a user name.
const NUMBER: &str = "{n}";

/// Whom connections log in as.
#[derive(Clone)]
pub struct Users(Arc<[User]>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: Zeroizing<String>,
}

impl Users {
    /// The same password for all; `{n}` in the name becomes the number of the connection, from 0.
    pub fn numbered(name: &str, password: &str) -> Self {
        Self(
            [User {
                name: name.to_owned(),
                password: Zeroizing::new(password.to_owned()),
            }]
            .into(),
        )
    }

    /// From a file with a user name, a blank and a password on each line; connections take them in turn.
    ///
    /// # Errors
    /// When it cannot be read, has a line of another form, or none at all.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .map(Zeroizing::new)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a list of users", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let user = |(number, line): (usize, &str)| {
            let (name, password) = line.trim().split_once(' ').with_context(|| {
                format!("line {number}: write a user name, a blank, a password")
            })?;
            anyhow::Ok(User {
                name: name.to_owned(),
                password: Zeroizing::new(password.trim().to_owned()),
            })
        };
        let users: Arc<[_]> = (1..)
            .zip(text.lines())
            .map(user)
            .collect::<Result<_, _>>()?;
        ensure!(!users.is_empty(), "it is empty");
        Ok(Self(users))
    }

    /// How many different ones are listed.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whom connection `index` logs in as.
    pub(crate) fn of(&self, index: usize) -> User {
        let User { name, password } = &self.0[index % self.0.len()];
        User {
            name: name.replace(NUMBER, &index.to_string()),
            password: password.clone(),
        }
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} users", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_a_list_are_taken_in_turn() {
        let users = Users::parse("fibre one\nlte  two words\n").unwrap();
        assert_eq!(users.of(0).name, "fibre");
        assert_eq!(users.of(1).name, "lte");
        assert_eq!(users.of(1).password.as_str(), "two words");
        assert_eq!(users.of(4), users.of(0));
    }

    #[test]
    fn a_number_in_the_name_makes_everybody_somebody_else() {
        let users = Users::numbered("load-{n}", "secret");
        assert_eq!(users.of(0).name, "load-0");
        assert_eq!(users.of(4711).name, "load-4711");
    }

    #[test]
    fn a_line_that_is_not_a_user_is_named() {
        let error = Users::parse("a b\nc\n").unwrap_err();
        assert!(error.to_string().starts_with("line 2:"), "{error}");
        assert!(Users::parse("").is_err());
    }
}
