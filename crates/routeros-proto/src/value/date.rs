//! Dates: `jan/13/2023 00:16:01` up to 7.9, `2023-11-19 16:36:57` since 7.10.

use std::{fmt, str::FromStr};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// A day of the router's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day, from 1.
    pub day: u8,
}

/// A moment on the router's clock, which has the time zone that is set there and may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    /// The day.
    pub date: Date,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute.
    pub minute: u8,
    /// Second.
    pub second: u8,
}

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a date such as 2023-11-19 16:36:57 or jan/13/2023 00:16:01")]
pub struct DateError {
    text: String,
}

impl Date {
    /// The spelling up to 7.9: `jan/13/2023`.
    pub fn old_spelling(self) -> String {
        let month = MONTHS[usize::from(self.month - 1)];
        format!("{month}/{:02}/{:04}", self.day, self.year)
    }

    fn read(text: &str) -> Option<Self> {
        let date = match *text.split(['/', '-']).collect::<Vec<_>>() {
            [month, day, year] if text.contains('/') => {
                let name = month.to_ascii_lowercase();
                let index = MONTHS.iter().position(|month| *month == name)?;
                Self {
                    year: year.parse().ok()?,
                    month: u8::try_from(index + 1).ok()?,
                    day: day.parse().ok()?,
                }
            }
            [year, month, day] => Self {
                year: year.parse().ok()?,
                month: month.parse().ok()?,
                day: day.parse().ok()?,
            },
            _ => return None,
        };
        let is_day = (1..=12).contains(&date.month) && (1..=31).contains(&date.day);
        is_day.then_some(date)
    }
}

impl DateTime {
    /// The spelling up to 7.9: `jan/13/2023 00:16:01`.
    pub fn old_spelling(self) -> String {
        format!("{} {}", self.date.old_spelling(), self.time())
    }

    fn time(self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }

    fn read(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(' ')?;
        let [hour, minute, second] = *time.split(':').collect::<Vec<_>>() else {
            return None;
        };
        let moment = Self {
            date: Date::read(date)?,
            hour: hour.parse().ok()?,
            minute: minute.parse().ok()?,
            second: second.parse().ok()?,
        };
        // A leap second is a moment too.
        let is_moment = moment.hour < 24 && moment.minute < 60 && moment.second <= 60;
        is_moment.then_some(moment)
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        Self::read(text).ok_or_else(|| DateError {
            text: text.to_owned(),
        })
    }
}

impl FromStr for DateTime {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        Self::read(text).ok_or_else(|| DateError {
            text: text.to_owned(),
        })
    }
}

/// The spelling since 7.10: `2023-11-19`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The spelling since 7.10: `2023-11-19 16:36:57`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.date, self.time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_written() {
        for (old, new) in [
            ("jan/13/2023 00:16:01", "2023-01-13 00:16:01"),
            ("nov/19/2023 16:36:57", "2023-11-19 16:36:57"),
        ] {
            let moment: DateTime = new.parse().unwrap();
            assert_eq!(old.parse(), Ok(moment));
            assert_eq!(moment.to_string(), new);
            assert_eq!(moment.old_spelling(), old);
            assert_eq!(old[..11].parse(), Ok(moment.date));
            assert_eq!(new[..10].parse(), Ok(moment.date));
        }
    }

    #[test]
    fn moments_are_ordered() {
        let earlier: DateTime = "dec/31/2022 23:59:59".parse().unwrap();
        assert!(earlier < "2023-01-01 00:00:00".parse().unwrap());
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "never",
            "2023-13-01 00:00:00",
            "jan/32/2023 00:00:00",
            "2023-01-01",
            "2023-01-01 24:00:00",
        ] {
            assert!(text.parse::<DateTime>().is_err(), "{text}");
        }
    }
}
