use std::fmt;

use crate::file::{Configuration, files_named};

/// Where a key is: a server, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(Vec<usize>);

impl From<usize> for Answer {
    fn from(index: usize) -> Self {
        Self(vec![index])
    }
}

impl From<Vec<usize>> for Answer {
    fn from(indexes: Vec<usize>) -> Self {
        Self(indexes)
    }
}

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many columns were compared.
    pub columns: usize,
    /// How many keys were compared, over all columns.
    pub keys: usize,
    /// How many of them were placed otherwise.
    pub wrong: usize,
    /// The first of those of each column, at most [`MISMATCHES_MAX`](Report::MISMATCHES_MAX) in all.
    pub mismatches: Vec<Mismatch>,
}

/// A key that is somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The file that has it.
    pub file: &'static str,
    /// The dialect.
    pub dialect: String,
    /// The key.
    pub key: Vec<u8>,
    /// Where the client puts it.
    pub expected: Vec<usize>,
    /// Where it was put.
    pub found: Vec<usize>,
}

/// Compares with every recorded answer.
///
/// `place` is called for each configuration and dialect, and returns what places keys in that
/// configuration, or `None` to leave it out. That is then called for each key.
pub fn check<P, A>(place: impl FnMut(&Configuration, &str) -> Option<P>) -> Report
where
    P: FnMut(&[u8]) -> A,
    A: Into<Answer>,
{
    check_files(|_| true, place)
}

/// Compares with the files whose name is wanted: it begins with the client's. The others are not
/// unpacked.
pub fn check_files<P, A>(
    wanted: impl Fn(&str) -> bool,
    mut place: impl FnMut(&Configuration, &str) -> Option<P>,
) -> Report
where
    P: FnMut(&[u8]) -> A,
    A: Into<Answer>,
{
    let mut report = Report::default();
    for file in files_named(wanted) {
        for column in file.columns() {
            let Some(mut place) = place(column.configuration(), column.dialect()) else {
                continue;
            };
            report.columns += 1;
            let wrong_before = report.wrong;
            for (key, expected) in file.keys().iter().zip(column.answers()) {
                let Some(expected) = expected else { continue };
                report.keys += 1;
                let Answer(found) = place(key).into();
                if found == *expected {
                    continue;
                }
                report.wrong += 1;
                if report.wrong <= wrong_before + SHOWN_PER_COLUMN
                    && report.mismatches.len() < Report::MISMATCHES_MAX
                {
                    report.mismatches.push(Mismatch {
                        file: file.name(),
                        dialect: column.dialect().to_owned(),
                        key: key.clone(),
                        expected: expected.clone(),
                        found,
                    });
                }
            }
        }
    }
    report
}

impl Report {
    /// How many mismatches are kept.
    pub const MISMATCHES_MAX: usize = 100;
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            columns,
            keys,
            wrong,
            mismatches,
        } = self;
        write!(f, "{wrong} of {keys} keys wrong in {columns} columns")?;
        for mismatch in mismatches {
            write!(f, "\n{mismatch}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} \"{}\": expected {:?}, found {:?}",
            self.file,
            self.dialect,
            self.key.escape_ascii(),
            self.expected,
            self.found
        )
    }
}

/// Of one column so many mismatches are kept, so that others are seen too.
const SHOWN_PER_COLUMN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mismatches_are_counted_and_the_first_are_told() {
        let report = check_files(
            |name| name == "twemproxy-n3",
            |_, dialect| dialect.ends_with("-md5").then_some(|_: &[u8]| 7usize),
        );
        assert_eq!(
            (report.columns, report.keys, report.wrong),
            (2, 10_000, 10_000)
        );
        assert_eq!(report.mismatches.len(), 2 * SHOWN_PER_COLUMN);
        let text = report.to_string();
        assert!(text.starts_with("10000 of 10000 keys wrong in 2 columns\ntwemproxy-n3 "));
        assert!(
            text.contains("\"rv7febl8i1sv2jdb6eb2q9gdjg\": expected [2], found [7]"),
            "{text}"
        );
    }
}
