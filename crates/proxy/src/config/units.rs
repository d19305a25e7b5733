//! Numbers with units.

use core::time::Duration;

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeError {
    /// No digit at all.
    Missing,
    /// This character is neither a digit nor a unit.
    Unexpected(char),
    /// More than [`TIME_MS_MAX`].
    Overflow,
}

/// The longest time: HAProxy's, whose clock is a signed number of milliseconds.
pub(super) const TIME_MS_MAX: u64 = 2_147_483_647;

/// Reads a time: an integer in milliseconds, or with a suffix `us`, `ms`, `s`, `m`, `h` or `d`.
///
/// Microseconds are rounded up to milliseconds.
pub(super) fn parse_time(text: &str) -> Result<Duration, TimeError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(unit
            .chars()
            .next()
            .map_or(TimeError::Missing, TimeError::Unexpected));
    }
    let micros_per_unit: u64 = match unit {
        "us" => 1,
        "" | "ms" => 1000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(TimeError::Unexpected(unexpected_in(unit))),
    };
    let number: u64 = number.parse().map_err(|_| TimeError::Overflow)?;
    let micros = number
        .checked_mul(micros_per_unit)
        .ok_or(TimeError::Overflow)?;
    match micros.div_ceil(1000) {
        ms if ms > TIME_MS_MAX => Err(TimeError::Overflow),
        ms => Ok(Duration::from_millis(ms)),
    }
}

/// The first character of `unit` after which it can't be a unit any more.
fn unexpected_in(unit: &str) -> char {
    let mut characters = unit.chars();
    let first = characters.next().unwrap_or(' ');
    match (first, characters.next()) {
        ('s' | 'h' | 'd', Some(second)) => second,
        ('m' | 'u', Some('s')) => characters.next().unwrap_or(first),
        ('m', Some(second)) => second,
        _ => first,
    }
}

impl TimeError {
    /// The message about `word`, the argument of the statement `of`.
    pub(super) fn message(self, word: &str, of: &str) -> String {
        match self {
            Self::Missing => format!("'{of}' expects an integer value (in milliseconds)"),
            Self::Unexpected(character) => format!("unexpected character '{character}' in '{of}'"),
            Self::Overflow => format!(
                "timer overflow in argument '{word}' to '{of}' (maximum value is {TIME_MS_MAX} ms \
                 or ~24.8 days)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let cases = [
            ("0", 0),
            ("3000", 3000),
            ("250ms", 250),
            ("2000us", 2),
            ("1500us", 2),
            ("1us", 1),
            ("45s", 45_000),
            ("1m", 60_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("2147483647", TIME_MS_MAX),
        ];
        for (text, ms) in cases {
            assert_eq!(parse_time(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn bad_times_say_why() {
        let cases = [
            ("", "'timeout x' expects an integer value (in milliseconds)"),
            ("x", "unexpected character 'x' in 'timeout x'"),
            ("-1", "unexpected character '-' in 'timeout x'"),
            ("1x", "unexpected character 'x' in 'timeout x'"),
            ("1.5s", "unexpected character '.' in 'timeout x'"),
            ("1sec", "unexpected character 'e' in 'timeout x'"),
            ("1msx", "unexpected character 'x' in 'timeout x'"),
            (
                "25d",
                "timer overflow in argument '25d' to 'timeout x' (maximum value is 2147483647 ms or ~24.8 days)",
            ),
            (
                "99999999999999999999",
                "timer overflow in argument '99999999999999999999' to 'timeout x' (maximum value is 2147483647 ms or ~24.8 days)",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(
                parse_time(text).unwrap_err().message(text, "timeout x"),
                message
            );
        }
    }
}
