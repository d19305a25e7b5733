//! A line of the language to words: blanks, quotes, escapes, comments, environment variables.
//!
//! The rules are those of HAProxy's configuration manual, sections 2.2 and 2.3.

/// A word of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The text, without quotes and escapes, never empty.
    pub(super) text: String,
    /// Where it begins, in bytes from 1.
    pub(super) column: u32,
}

/// A line that is not made of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LexError {
    /// Where the fault is, in bytes from 1.
    pub(super) column: u32,
    /// What it is.
    pub(super) text: String,
}

/// What a variable in weak quotes can stand for.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a> {
    /// The environment of the process.
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// `${.FILE}`.
    pub(super) file: &'a str,
    /// `${.LINE}`.
    pub(super) line: u32,
    /// `${.SECTION}`: the section's name, else its keyword.
    pub(super) section: &'a str,
}

impl Variables<'_> {
    fn look_up(&self, name: &str) -> Option<String> {
        match name {
            ".FILE" => Some(self.file.to_owned()),
            ".LINE" => Some(self.line.to_string()),
            ".SECTION" => Some(self.section.to_owned()),
            _ => (self.environment)(name),
        }
    }
}

/// Splits `line`, which has no line feed, into words. A blank line or a comment has none.
///
/// # Errors
///
/// The first fault: an unmatched quote, a bad escape or variable, an empty word (as in HAProxy
/// 3.x; 2.6 drops the rest of the line in silence), a word that is not UTF-8, too many words.
pub(super) fn split(line: &[u8], variables: Variables<'_>) -> Result<Vec<Word>, LexError> {
    let mut lexer = Lexer {
        line,
        at: 0,
        variables,
        words: Vec::new(),
        word: None,
    };
    lexer.run()?;
    Ok(lexer.words)
}

/// Words in a statement. HAProxy's number; the longest statements in use have about 40.
pub(super) const WORDS_MAX: usize = 64;

/// Bytes in a word, after variables are expanded.
pub(super) const WORD_BYTES_MAX: usize = 16 * 1024;

struct Lexer<'a> {
    line: &'a [u8],
    /// The next byte to look at.
    at: usize,
    variables: Variables<'a>,
    words: Vec<Word>,
    /// The word under way: where it began and its bytes.
    word: Option<(usize, Vec<u8>)>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), LexError> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'#' => break,
                b'"' => self.weak_quotes()?,
                b'\'' => self.strong_quotes()?,
                b'\\' => self.escape(false)?,
                0 => return Err(error(self.at, "stray NUL character")),
                _ if is_blank(byte) => {
                    self.finish_word()?;
                    self.at += 1;
                }
                _ => self.take(byte),
            }
        }
        self.finish_word()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.line.get(self.at + ahead).copied()
    }

    /// Appends `byte` to the word and steps over one byte of the line.
    fn take(&mut self, byte: u8) {
        self.open_word().push(byte);
        self.at += 1;
    }

    fn open_word(&mut self) -> &mut Vec<u8> {
        &mut self.word.get_or_insert_with(|| (self.at, Vec::new())).1
    }

    fn finish_word(&mut self) -> Result<(), LexError> {
        self.check_word_bytes()?;
        let Some((start, bytes)) = self.word.take() else {
            return Ok(());
        };
        if bytes.is_empty() {
            let number = self.words.len();
            let text = format!("argument number {number} is empty and marks the end of the list");
            return Err(error(start, &text));
        }
        if self.words.len() == WORDS_MAX {
            return Err(error(
                start,
                &format!("more than {WORDS_MAX} words in a line"),
            ));
        }
        let text = String::from_utf8(bytes).map_err(|_| error(start, "word is not UTF-8"))?;
        self.words.push(Word {
            text,
            column: column(start),
        });
        Ok(())
    }

    /// `'...'`: nothing is interpreted.
    fn strong_quotes(&mut self) -> Result<(), LexError> {
        let start = self.at;
        self.open_word();
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\'' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => self.take(byte),
            }
        }
        Err(error(start, "unmatched quote"))
    }

    /// `"..."`: escapes and variables are interpreted.
    fn weak_quotes(&mut self) -> Result<(), LexError> {
        let start = self.at;
        self.open_word();
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape(true)?,
                b'$' => self.variable()?,
                _ => self.take(byte),
            }
        }
        Err(error(start, "unmatched quote"))
    }

    fn escape(&mut self, quoted: bool) -> Result<(), LexError> {
        let protected = match self.peek(1) {
            Some(byte @ (b' ' | b'#' | b'\\' | b'\'' | b'"')) => byte,
            Some(b'$') if quoted => b'$',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'x') => return self.hex_escape(),
            // An unknown escape stays as it is, backslash included.
            _ => {
                self.take(b'\\');
                return Ok(());
            }
        };
        self.take(protected);
        self.at += 1;
        Ok(())
    }

    fn hex_escape(&mut self) -> Result<(), LexError> {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(self.peek(2)), digit(self.peek(3))) {
            (Some(high), Some(low)) => {
                let byte = u8::try_from(high * 16 + low).expect("two digits make a byte");
                self.take(byte);
                self.at += 3;
                Ok(())
            }
            _ => Err(error(self.at, "truncated or invalid hexadecimal sequence")),
        }
    }

    /// `$NAME`, `${NAME}`, `${NAME-default}` or `${NAME[*]}`, inside weak quotes.
    fn variable(&mut self) -> Result<(), LexError> {
        self.at += 1;
        if self.peek(0) == Some(b'{') {
            return self.braced_variable();
        }
        let name = self.variable_name(false)?;
        let value = self.variables.look_up(&name).unwrap_or_default();
        self.take_value(&value)
    }

    fn braced_variable(&mut self) -> Result<(), LexError> {
        let brace = self.at;
        self.at += 1;
        let name = self.variable_name(true)?;
        let is_split = self.line[self.at..].starts_with(b"[*]");
        self.at += if is_split { 3 } else { 0 };
        let mut default = String::new();
        if self.peek(0) == Some(b'-') {
            self.at += 1;
            let start = self.at;
            self.skip_while(|byte| byte != b'}' && byte != b'"');
            default = self.text_since(start);
        }
        if self.peek(0) != Some(b'}') {
            return Err(error(brace, "unmatched brace in environment variable name"));
        }
        self.at += 1;
        let value = self.variables.look_up(&name).unwrap_or(default);
        if is_split {
            return self.take_split(&value);
        }
        self.take_value(&value)
    }

    /// A letter or `_`, then digits too. The names of pseudo variables begin with a dot.
    fn variable_name(&mut self, may_be_pseudo: bool) -> Result<String, LexError> {
        let start = self.at;
        self.at += usize::from(may_be_pseudo && self.peek(0) == Some(b'.'));
        let starts_name = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        if !self.peek(0).is_some_and(starts_name) {
            let text = "forbidden first char in environment variable name";
            return Err(error(self.at, text));
        }
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        Ok(self.text_since(start))
    }

    /// Each word of `value` becomes a word; the outer ones are glued to what surrounds them.
    fn take_split(&mut self, value: &str) -> Result<(), LexError> {
        for (index, part) in value.split_ascii_whitespace().enumerate() {
            if index > 0 {
                self.finish_word()?;
            }
            self.take_value(part)?;
        }
        Ok(())
    }

    /// Appends the value of a variable to the word. A line can name one thousands of times.
    fn take_value(&mut self, value: &str) -> Result<(), LexError> {
        self.open_word().extend_from_slice(value.as_bytes());
        self.check_word_bytes()
    }

    fn check_word_bytes(&self) -> Result<(), LexError> {
        match &self.word {
            Some((start, bytes)) if bytes.len() > WORD_BYTES_MAX => {
                let text = format!("word of {} bytes exceeds {WORD_BYTES_MAX}", bytes.len());
                Err(error(*start, &text))
            }
            _ => Ok(()),
        }
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&accept) {
            self.at += 1;
        }
    }

    fn text_since(&self, start: usize) -> String {
        String::from_utf8_lossy(&self.line[start..self.at]).into_owned()
    }
}

/// The bytes between words; a carriage return counts, so that files of other systems load.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn error(at: usize, text: &str) -> LexError {
    LexError {
        column: column(at),
        text: text.to_owned(),
    }
}

fn column(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
