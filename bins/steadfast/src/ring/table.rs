//! Columns of text for people.

use std::fmt;

/// Rows under a head, each column as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(head: &[&str; COLUMNS]) -> Self {
        Self {
            rows: vec![head.map(Into::into)],
        }
    }

    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let widths = self.rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or_default()
        };
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        for row in &self.rows {
            let cells = row.iter().zip(widths);
            let line: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            writeln!(f, "  {}", line.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// A share of all keys: `43.0 %`, or with more digits where it is small.
pub(crate) fn percent(share: f64) -> String {
    // Nothing added up is -0.
    match share * 100.0 + 0.0 {
        share if share > 0.0 && share < 0.1 => format!("{share:6.3} %"),
        share => format!("{share:6.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["a", "bb"]);
        table.row(["é12".into(), "x".into()]);
        assert_eq!(table.to_string(), "  a    bb\n  é12  x\n");
    }

    #[test]
    fn small_shares_keep_their_digits() {
        assert_eq!(percent(0.43), "  43.0 %");
        assert_eq!(percent(0.000_25), " 0.025 %");
        assert_eq!(percent(0.0), "   0.0 %");
        assert_eq!(percent(-0.0), "   0.0 %");
        assert_eq!(percent(1.0), " 100.0 %");
    }
}
