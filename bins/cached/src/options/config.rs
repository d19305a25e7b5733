//! Files of options, as Debian's packages have them: `/etc/memcached.conf`.
//!
//! Debian's script hands the lines of the file to memcached through a shell, without comments, without
//! what sends the daemon to the background, and without `logfile`. The same file means the same here,
//! but that the shell's quotes are all of the shell that is understood, and that a line that is
//! neither option nor `logfile` is an error.

use std::fs::File;
use std::io::{self, Read};

use steadfast_host::exit::reason;

use super::UsageError;
use super::draft::Draft;

/// Returns the options in `file`. Files that name files are followed until there are too many.
pub(super) fn read(draft: &mut Draft, file: &str) -> Result<Vec<String>, UsageError> {
    draft.files_read += 1;
    if draft.files_read > FILES_MAX {
        return Err(UsageError::usage(format!(
            "more than {FILES_MAX} files; does one name itself?"
        )));
    }
    let text = text(file)
        .map_err(|cause| UsageError::system(format!("cannot read '{file}': {}", reason(&cause))))?;
    words(&text).map_err(|error| error.about(file))
}

fn text(file: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?
        .take(FILE_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// Splits the lines of a file into the words of a command line.
fn words(text: &str) -> Result<Vec<String>, UsageError> {
    let mut words = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let first = words.len();
        split(line, &mut words)
            .map_err(|()| UsageError::value(format!("line {number} has a quote without an end")))?;
        let Some(word) = words.get(first) else {
            continue;
        };
        // In the file these mean: as ever, in the background. Who supervises us wants us in front.
        if word.starts_with("-d") || word.starts_with("-h") || word == "logfile" {
            words.truncate(first);
        } else if !word.starts_with('-') {
            return Err(UsageError::value(format!(
                "line {number} begins with '{word}', which is no option"
            )));
        }
    }
    Ok(words)
}

/// Splits one line at its spaces, up to a comment. An `Err` has a quote without an end.
fn split(line: &str, words: &mut Vec<String>) -> Result<(), ()> {
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '#' => break,
            '\'' | '"' => {
                let quoted = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(())? {
                        end if end == character => break,
                        '\\' if character == '"' => quoted.push(characters.next().ok_or(())?),
                        inner => quoted.push(inner),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(characters.next()),
            space if space.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(())
}

const FILES_MAX: usize = 16;
/// A device or a log given by mistake is not read for ever.
const FILE_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_debians_script_and_its_shell() {
        let text = concat!(
            "# -v\n",
            "-d\n",
            "logfile /var/log/memcached.log\n",
            "  -m 64   # megabytes\n",
            "\n",
            "-P \"/run/a b\" -l'::1' -D \\#\n",
            "--disable-cas",
        );
        assert_eq!(
            words(text).unwrap(),
            [
                "-m",
                "64",
                "-P",
                "/run/a b",
                "-l::1",
                "-D",
                "#",
                "--disable-cas"
            ]
        );
    }

    #[test]
    fn what_is_no_option_is_an_error_that_names_its_line() {
        for (text, message) in [
            (
                "-m 1\nport 5",
                "line 2 begins with 'port', which is no option",
            ),
            ("-P \"/x", "line 1 has a quote without an end"),
        ] {
            assert_eq!(words(text).unwrap_err().to_string(), message);
        }
    }
}
