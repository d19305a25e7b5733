//! Named checks, their outcomes and the closing count.

use std::fmt;

/// What a check or a step towards one gives.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why something is not as it should be: one sentence, with what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure that says `why`.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// The same failure, with what was being done in front.
    #[must_use]
    pub fn while_doing(self, what: &str) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<std::num::ParseIntError> for Failure {
    fn from(error: std::num::ParseIntError) -> Self {
        Self(error.to_string())
    }
}

/// Fails with the formatted message unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::check::Failure::new(format!($($message)+)));
        }
    };
}

/// Counts checks and prints a line for each.
#[derive(Debug, Default)]
pub struct Checks {
    passed: usize,
    failed: Vec<String>,
}

impl Checks {
    /// Nothing checked so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs one check and prints `check NAME ... ok` or what is wrong. Later checks run in any case.
    pub fn run(&mut self, name: &str, body: impl FnOnce() -> Outcome) {
        let outcome = body();
        self.record(name, outcome);
    }

    /// Records a check whose outcome is known.
    pub fn record(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Ok(()) => {
                println!("check {name} ... ok");
                self.passed += 1;
            }
            Err(failure) => {
                println!("check {name} ... FAILED\n    {failure}");
                self.failed.push(name.to_owned());
            }
        }
    }

    /// True if no check has failed.
    pub fn all_passed(&self) -> bool {
        self.failed.is_empty()
    }

    /// Prints the failed checks again and the closing line `N passed, N failed`.
    pub fn finish(&self, title: &str) {
        if !self.failed.is_empty() {
            println!("\nfailed checks:");
            for name in &self.failed {
                println!("    {name}");
            }
        }
        println!(
            "\n{title}: {} passed, {} failed",
            self.passed,
            self.failed.len()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_check_is_remembered_and_later_ones_still_run() {
        let mut checks = Checks::new();
        checks.run("one", || Ok(()));
        checks.run("two", || Err(Failure::new("no")));
        checks.run("three", || Ok(()));
        assert!(!checks.all_passed());
        assert_eq!((checks.passed, checks.failed), (2, vec!["two".to_owned()]));
    }
}
