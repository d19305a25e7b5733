//! A moment as log lines write it.

/// A moment, and how far the local time is from Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "a moment and an offset, complete"
)]
pub struct Date {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: u64,
    /// Seconds to add for the local time; negative west of Greenwich.
    pub utc_offset_s: i32,
}

impl Date {
    /// The moment `unix_ms`, told in the local time that is `utc_offset_s` ahead of Unix time.
    #[must_use]
    pub const fn new(unix_ms: u64, utc_offset_s: i32) -> Self {
        Self {
            unix_ms,
            utc_offset_s,
        }
    }

    /// The calendar's fields. Years outside 1970 to 9999 are brought to that range.
    fn fields(self) -> Fields {
        let local_s = (self.unix_ms / 1000).min(SECOND_MAX);
        let local_s = local_s
            .saturating_add_signed(i64::from(self.utc_offset_s))
            .min(SECOND_MAX);
        let (days, second) = (local_s / 86_400, local_s % 86_400);
        let (year, month, day) = civil(days);
        Fields {
            year,
            month: MONTHS[month],
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            ms: self.unix_ms % 1000,
        }
    }

    /// Appends `Mon DD HH:MM:SS`, the form of RFC 3164, section 4.1.2.
    pub(super) fn write_syslog(self, out: &mut Vec<u8>) {
        let Fields {
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self.fields();
        out.extend_from_slice(
            format!("{month} {day:2} {hour:02}:{minute:02}:{second:02}").as_bytes(),
        );
    }

    /// Appends `DD/Mon/YYYY:HH:MM:SS.mmm`.
    pub(super) fn write_request(self, out: &mut Vec<u8>) {
        let Fields {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ms,
        } = self.fields();
        let text = format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02}.{ms:03}");
        out.extend_from_slice(text.as_bytes());
    }
}

struct Fields {
    year: u64,
    month: &'static str,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    ms: u64,
}

/// Year, month from 0 and day of the month of the day `days` after 1970-01-01.
///
/// Counts from 0000-03-01, so that the leap day is the last of its year; an era has 400 years.
fn civil(days: u64) -> (u64, usize, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    (year, usize::try_from(month).unwrap_or(0), day)
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The last second of the year 9999.
const SECOND_MAX: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(unix_ms: u64, utc_offset_s: i32) -> String {
        let mut out = Vec::new();
        Date::new(unix_ms, utc_offset_s).write_request(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_are_civil() {
        assert_eq!(request(0, 0), "01/Jan/1970:00:00:00.000");
        assert_eq!(request(951_782_400_000, 0), "29/Feb/2000:00:00:00.000");
        assert_eq!(request(951_868_799_999, 0), "29/Feb/2000:23:59:59.999");
        assert_eq!(request(951_868_800_000, 0), "01/Mar/2000:00:00:00.000");
        assert_eq!(request(4_107_542_400_000, 0), "01/Mar/2100:00:00:00.000");
        assert_eq!(request(1_795_350_723_126, 0), "22/Nov/2026:12:32:03.126");
        assert_eq!(request(1_798_761_599_000, 0), "31/Dec/2026:23:59:59.000");
    }

    #[test]
    fn offsets_move_the_day() {
        assert_eq!(request(1_798_761_599_000, 3600), "01/Jan/2027:00:59:59.000");
        assert_eq!(request(1_798_675_200_000, -1), "30/Dec/2026:23:59:59.000");
        assert_eq!(request(0, -3600), "01/Jan/1970:00:00:00.000");
        assert_eq!(request(u64::MAX, i32::MAX), "31/Dec/9999:23:59:59.615");
    }
}
