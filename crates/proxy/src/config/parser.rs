//! Files to sections: finds the lines, opens sections, hands statements to their keywords.

use std::sync::Arc;

use super::address::NOT_IMPLEMENTED;
use super::diagnostic::{Complaints, Diagnostic, Position};
use super::global;
use super::header::Header;
use super::keyword::{FOREIGN_SECTIONS, SECTIONS, unknown};
use super::lexer::{LexError, Variables, Word, split};
use super::model::Global;
use super::proxy;
use super::section::{Kind, Section, Settings};
use super::statement::{Modifier, Statement};

/// What the files say, statement by statement, before names are resolved.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) global: Global,
    /// All `defaults` sections, in order.
    pub(super) defaults: Vec<Section>,
    /// All other proxies, in order.
    pub(super) proxies: Vec<Section>,
}

/// The reader of configuration files.
pub(super) struct Parser<'e> {
    environment: &'e dyn Fn(&str) -> Option<String>,
    draft: Draft,
    current: Current,
    file: Arc<str>,
    line: u32,
    complaints: Complaints,
    /// Listeners of all sections so far.
    listener_count: usize,
}

/// The section that statements belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Current {
    /// None: before the first section of a file.
    None,
    /// One that could not be opened; its statements have been complained about with it.
    Skipped,
    Global,
    /// The last of [`Draft::defaults`].
    Defaults,
    /// The last of [`Draft::proxies`].
    Proxy,
}

impl<'e> Parser<'e> {
    /// A parser that has read nothing.
    pub(super) fn new(environment: &'e dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            environment,
            draft: Draft::default(),
            current: Current::None,
            file: Arc::from(""),
            line: 0,
            complaints: Complaints::default(),
            listener_count: 0,
        }
    }

    /// What was read, and the complaints about it.
    pub(super) fn finish(self) -> (Draft, Complaints) {
        (self.draft, self.complaints)
    }

    /// Reads a file. A section ends with its file.
    pub(super) fn read_file(&mut self, name: &str, content: &[u8]) {
        self.file = Arc::from(name);
        self.current = Current::None;
        self.line = 1;
        if content.len() > FILE_BYTES_MAX {
            let message = format!("file of {} bytes exceeds {FILE_BYTES_MAX}", content.len());
            self.complaints
                .push(Diagnostic::error(&self.position(1), message));
            return;
        }
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            if self.complaints.is_hopeless() {
                return;
            }
            match line.split_last() {
                Some((b'\n', line)) => self.read_line(line),
                _ => {
                    self.read_line(line);
                    self.report_missing_line_feed(line.len());
                }
            }
            self.line += 1;
        }
    }

    fn report_missing_line_feed(&mut self, line_bytes: usize) {
        let column = u32::try_from(line_bytes + 1).unwrap_or(u32::MAX);
        let message = format!(
            "Missing LF on last line, file might have been truncated at position {column}."
        );
        self.complaints
            .push(Diagnostic::error(&self.position(column), message));
    }

    fn read_line(&mut self, line: &[u8]) {
        if line.len() > LINE_BYTES_MAX {
            let message = format!("line of {} bytes exceeds {LINE_BYTES_MAX}", line.len());
            self.complaints
                .push(Diagnostic::error(&self.position(1), message));
            return;
        }
        let file = Arc::clone(&self.file);
        let variables = Variables {
            environment: self.environment,
            file: &file,
            line: self.line,
            section: self.section_name(),
        };
        match split(line, variables) {
            Err(error) => self.report_lex_error(line, &error),
            Ok(words) => {
                if let Err(diagnostic) = self.read_words(&words, &file) {
                    self.complaints.push(diagnostic);
                }
            }
        }
    }

    /// What `${.SECTION}` stands for: the section's name, else its keyword (as in HAProxy 2.6).
    fn section_name(&self) -> &str {
        let section = match self.current {
            Current::None | Current::Skipped => return "",
            Current::Global => return "global",
            Current::Defaults => self.draft.defaults.last(),
            Current::Proxy => self.draft.proxies.last(),
        };
        match section {
            Some(section) if section.name.is_empty() => section.kind.name(),
            Some(section) => &section.name,
            None => "",
        }
    }

    fn read_words(&mut self, words: &[Word], file: &Arc<str>) -> Result<(), Diagnostic> {
        let Some(statement) = Statement::new(words, file, self.line) else {
            return Ok(());
        };
        let keyword = statement.keyword();
        if keyword.starts_with('.') {
            let message = format!("'{keyword}' (a conditional block or message) {NOT_IMPLEMENTED}");
            return Err(statement.error(0, message));
        }
        if statement.modifier == Modifier::Set {
            let kind = match keyword {
                "global" => return self.open_global(&statement),
                "defaults" => Kind::Defaults,
                "frontend" => Kind::Frontend,
                "backend" => Kind::Backend,
                "listen" => Kind::Listen,
                // In a proxy these are keywords, or unknown ones, and not sections.
                _ if FOREIGN_SECTIONS.split(' ').any(|name| name == keyword) => {
                    self.current = Current::Skipped;
                    let message = format!("section '{keyword}' {NOT_IMPLEMENTED}");
                    return Err(statement.error(0, message));
                }
                _ => return self.read_statement(&statement),
            };
            // Statements of a section that can't be opened belong to no other one.
            self.current = Current::Skipped;
            return self.open_proxy(kind, &statement);
        }
        self.read_statement(&statement)
    }

    fn read_statement(&mut self, statement: &Statement<'_>) -> Result<(), Diagnostic> {
        let section = match self.current {
            Current::Skipped => return Ok(()),
            Current::Global => return global::handle(&mut self.draft.global, statement),
            Current::Defaults => self.draft.defaults.last_mut(),
            Current::Proxy => self.draft.proxies.last_mut(),
            Current::None => None,
        };
        let Some(section) = section else {
            let keyword = statement.keyword();
            let sections = SECTIONS.into_iter();
            let text = unknown("keyword", keyword, " out of section", sections, "");
            return Err(statement.error(0, text));
        };
        let before_count = section.binds.len();
        proxy::handle(section, statement, &mut self.complaints)?;
        let count = section.binds.len() - before_count;
        self.count_listeners(count, statement)
    }

    /// Refuses more listeners than there can be. Ranges of ports make many from few bytes.
    fn count_listeners(
        &mut self,
        count: usize,
        statement: &Statement<'_>,
    ) -> Result<(), Diagnostic> {
        self.listener_count += count;
        if self.listener_count <= LISTENERS_MAX {
            return Ok(());
        }
        // Nothing can be used any more; let go of the memory.
        for section in &mut self.draft.proxies {
            section.binds = Vec::new();
        }
        self.listener_count = 0;
        Err(statement.error(0, format!("more than {LISTENERS_MAX} listeners")))
    }

    fn open_global(&mut self, statement: &Statement<'_>) -> Result<(), Diagnostic> {
        self.current = Current::Global;
        statement.check_arguments_max(0, "global")
    }

    fn open_proxy(&mut self, kind: Kind, statement: &Statement<'_>) -> Result<(), Diagnostic> {
        let header = Header::parse(kind, statement, &mut self.complaints)?;
        if self.draft.defaults.len() + self.draft.proxies.len() >= SECTIONS_MAX {
            return Err(statement.error(0, format!("more than {SECTIONS_MAX} sections")));
        }
        let settings = self.inherited(&header, statement)?;
        let mut section = Section::new(kind, header.name, statement.position(), settings);
        let outcome = self.old_address(&mut section, statement, header.address);
        let listener_count = section.binds.len();
        if kind == Kind::Defaults {
            self.draft.defaults.push(section);
            self.current = Current::Defaults;
        } else {
            self.draft.proxies.push(section);
            self.current = Current::Proxy;
        }
        outcome?;
        self.count_listeners(listener_count, statement)
    }

    /// What a new section starts from: the defaults that it names, else the last ones.
    fn inherited(
        &mut self,
        header: &Header<'_>,
        statement: &Statement<'_>,
    ) -> Result<Settings, Diagnostic> {
        let Header { kind, name, .. } = *header;
        let heir = format!("{} '{name}'", kind.name());
        let index = match header.from {
            Some((at, from)) => Some(
                self.named_defaults(from, &heir)
                    .map_err(|message| statement.error(at, message))?,
            ),
            None if kind == Kind::Defaults => None,
            None => self.draft.defaults.len().checked_sub(1),
        };
        let Some(index) = index else {
            return Ok(Settings::default());
        };
        let defaults = &mut self.draft.defaults[index];
        defaults
            .admit_heir(kind)
            .map_err(|message| statement.error(0, message))?;
        Ok(defaults.settings.clone())
    }

    /// The index of the only defaults of this name.
    fn named_defaults(&self, name: &str, heir: &str) -> Result<usize, String> {
        let sections = self.draft.defaults.iter().enumerate();
        let mut found = sections.filter(|(_, defaults)| &*defaults.name == name);
        match (found.next(), found.next()) {
            (None, _) => Err(format!("defaults section '{name}' not found for {heir}.")),
            (Some((index, _)), None) => Ok(index),
            (Some((_, first)), Some((_, second))) => {
                let (first, second) = (&first.position, &second.position);
                Err(format!(
                    "ambiguous defaults section name '{name}' referenced by {heir} exists at least \
                     at {}:{} and {}:{}.",
                    first.file, first.line, second.file, second.line
                ))
            }
        }
    }

    /// `listen NAME ADDRESS`: the form of HAProxy before 1.6, kept because files and guides have it.
    fn old_address(
        &mut self,
        section: &mut Section,
        statement: &Statement<'_>,
        address: Option<(usize, &str)>,
    ) -> Result<(), Diagnostic> {
        let Some((index, address)) = address else {
            return Ok(());
        };
        let keyword = section.kind.name();
        let line = format!("'{keyword} {} {address}'", section.name);
        if !section.kind.has_frontend() {
            let message = format!("{line}: the address is ignored, a backend has no listener.");
            self.complaints
                .push(Diagnostic::warning(&statement.position_of(index), message));
            return Ok(());
        }
        proxy::add_binds(section, statement, index, address)?;
        let message = format!(
            "{line} is an old form, which HAProxy refuses since 1.6; write 'bind {address}' on a \
             line of its own today."
        );
        self.complaints
            .push(Diagnostic::warning(&statement.position_of(index), message));
        Ok(())
    }

    fn report_lex_error(&mut self, line: &[u8], error: &LexError) {
        let LexError { column, text } = error;
        let mut diagnostic = Diagnostic::error(
            &self.position(*column),
            format!("{text} at position {column}"),
        );
        if line.len() <= EXCERPT_BYTES_MAX {
            let before = &line[..line.len().min(*column as usize - 1)];
            let indent = String::from_utf8_lossy(before).chars().count();
            let shown: String = String::from_utf8_lossy(line)
                .chars()
                .map(|character| {
                    if character.is_control() {
                        ' '
                    } else {
                        character
                    }
                })
                .collect();
            let shown = shown.trim_end();
            diagnostic = diagnostic.with_lines(&format!(":\n  {shown}\n  {:indent$}^", ""));
        }
        self.complaints.push(diagnostic);
    }

    fn position(&self, column: u32) -> Position {
        Position::new(Arc::clone(&self.file), self.line, column)
    }
}

/// Bytes of a file; the largest in use, with thousands of servers, have a few megabytes.
const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of a line. HAProxy's line buffer has 2048, and grows.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Listeners of all sections: each is a socket.
const LISTENERS_MAX: usize = 65_536;

/// Sections of all files; each proxy costs memory in the runtime state.
const SECTIONS_MAX: usize = 4096;

/// Longer lines are not shown under a complaint.
const EXCERPT_BYTES_MAX: usize = 200;
