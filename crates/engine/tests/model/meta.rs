//! The meta commands.

use super::line::{Line, put, put_key};
use super::{Choices, Item, Model, TIMES, VALUES, seconds};

impl Model {
    pub(super) fn meta_get(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let mut line = Line::new(
            "mg",
            choices,
            &["v", "t", "f", "k", "s", "h", "l", "u", "q"],
        );
        line.push(choices, 4, "T", TIMES);
        line.push(choices, 3, "N", &[0, 3, 30]);
        line.push(choices, 3, "R", &[0, 2, 20, 40]);
        let request = line.text();
        let is_new = line.has('N') && !self.items.contains_key(line.key);
        let now = self.now;
        if is_new {
            let item = Item {
                used_at: now,
                is_base64: line.is_base64,
                ..Item::default()
            };
            self.items.insert(line.key, item);
        }
        let ends = line.flags.iter().map(|flag| self.end_of(flag.number));
        let ends: Vec<_> = ends.collect();
        let Some(item) = self.items.get_mut(line.key) else {
            let answer = if line.has('q') {
                String::new()
            } else {
                line.echo("EN")
            };
            return (request, answer);
        };
        let mut answer = if line.has('v') {
            format!("VA {}", item.value.len())
        } else {
            "HD".into()
        };
        let mut wins = false;
        for (flag, end) in line.flags.iter().zip(ends) {
            match flag.letter {
                'T' => item.end = end,
                'N' if is_new => {
                    item.end = end;
                    wins = true;
                }
                'R' => {
                    let is_due = item.end.zip(end).is_some_and(|(item, due)| item < due);
                    wins |= is_due && !is_new && !item.is_claimed;
                }
                't' => put(&mut answer, 't', item.seconds_left(now)),
                'f' => put(&mut answer, 'f', i64::from(item.flags)),
                's' => put(&mut answer, 's', length(&item.value)),
                'h' => put(&mut answer, 'h', i64::from(item.was_read)),
                'l' => put(&mut answer, 'l', seconds(item.used_at, now)),
                'k' => put_key(&mut answer, line.key, item.is_base64),
                _ => {}
            }
        }
        item.put_marks(wins, &mut answer);
        answer.push_str("\r\n");
        if line.has('v') {
            answer.push_str(&item.value);
            answer.push_str("\r\n");
        }
        if !line.has('u') {
            item.read(now);
        }
        (request, answer)
    }

    pub(super) fn meta_set(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let value = choices.choose(VALUES);
        let mut line = Line::new("ms", choices, &["k", "s", "q"]);
        line.data = Some(value);
        let mode = choices.choose(&["S", "S", "E", "A", "P", "R"]);
        line.words.push(format!("M{mode}"));
        line.push(choices, 3, "T", TIMES);
        line.push(choices, 3, "F", &[5]);
        line.push(choices, 3, "N", &[0, 30]);
        let id = self.next_id();
        line.words.push(format!("E{id}"));
        let compared = self.compared(choices, &mut line);
        let invalidates = compared.is_some() && choices.below(2) == 0;
        if invalidates {
            line.words.push("I".into());
        }
        let (code, stored) = self.store(&line, mode, value, id, compared, invalidates);
        let answer = if code == "HD" && line.has('q') {
            String::new()
        } else {
            let bytes = stored.unwrap_or(value.len());
            line.echo_with(code, 's', i64::try_from(bytes).unwrap_or(0))
        };
        (line.text(), answer)
    }

    /// What becomes of an `ms`, and how long the value is then.
    fn store(
        &mut self,
        line: &Line,
        mode: &str,
        value: &str,
        id: u64,
        compared: Option<u64>,
        invalidates: bool,
    ) -> (&'static str, Option<usize>) {
        let now = self.now;
        let mut fresh = Item {
            value: value.into(),
            flags: u32::try_from(line.number('F').unwrap_or(0)).unwrap_or(0),
            end: self.end_of(line.number('T').unwrap_or(0)),
            id,
            used_at: now,
            is_base64: line.is_base64,
            ..Item::default()
        };
        let vivify_end = line.number('N').map(|exptime| self.end_of(exptime));
        let Some(item) = self.items.get_mut(line.key) else {
            return match (mode, compared, vivify_end) {
                ("A" | "P", _, Some(end)) => {
                    fresh.end = end;
                    self.items.insert(line.key, fresh);
                    ("HD", None)
                }
                ("R" | "S", Some(_), _) => ("NF", None),
                ("R" | "A" | "P", ..) => ("NS", None),
                _ => {
                    self.items.insert(line.key, fresh);
                    ("HD", None)
                }
            };
        };
        match mode {
            "E" => {
                item.used_at = now;
                return ("NS", None);
            }
            "A" | "P" => {
                if compared.is_some_and(|id| id != 0 && id != item.id) {
                    // Looked at to be extended, and so used.
                    return ("EX", None);
                }
                let value = if mode == "A" {
                    format!("{}{value}", item.value)
                } else {
                    format!("{value}{}", item.value)
                };
                item.extend(&value, now);
                item.id = id;
                return ("HD", Some(item.value.len()));
            }
            _ => {}
        }
        match compared {
            None => {}
            Some(compared) if compared == item.id => {}
            Some(compared) if invalidates && compared != 0 && compared < item.id => {
                fresh.end = item.end;
                fresh.is_stale = true;
                fresh.is_claimed = item.is_claimed;
            }
            Some(_) => return ("EX", None),
        }
        *item = fresh;
        ("HD", None)
    }

    pub(super) fn meta_delete(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let mut line = Line::new("md", choices, &["k", "q", "I", "x"]);
        line.push(choices, 3, "T", TIMES);
        line.push(choices, 4, "F", &[5]);
        let id = self.next_id();
        line.words.push(format!("E{id}"));
        let compared = self.compared(choices, &mut line);
        let end = line.number('T').map(|exptime| self.end_of(exptime));
        let flags = line.number('F').unwrap_or(0);
        let now = self.now;
        let code = match self.items.get_mut(line.key) {
            None => "NF",
            Some(item) if compared.is_some_and(|id| id != item.id) => "EX",
            Some(item) => {
                if line.has('x') {
                    *item = Item {
                        flags: u32::try_from(flags).unwrap_or(0),
                        end: end.unwrap_or(None),
                        id,
                        used_at: now,
                        is_base64: item.is_base64,
                        ..Item::default()
                    };
                }
                if line.has('I') {
                    item.id = id;
                    item.end = end.unwrap_or(item.end);
                    (item.is_stale, item.is_claimed) = (true, false);
                } else if !line.has('x') {
                    self.items.remove(line.key);
                }
                "HD"
            }
        };
        let answer = if code == "HD" && line.has('q') {
            String::new()
        } else {
            line.echo(code)
        };
        (line.text(), answer)
    }

    pub(super) fn meta_arithmetic(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let mut line = Line::new("ma", choices, &["v", "t", "k", "q"]);
        line.push(choices, 3, "T", TIMES);
        line.push(choices, 3, "N", &[0, 3, 30]);
        line.push(choices, 3, "J", &[13]);
        let delta = choices.choose(&[1, 9, 1000]);
        let is_up = choices.below(2) == 0;
        line.words.push(format!("D{delta}"));
        line.words.push(if is_up { "MI" } else { "M-" }.into());
        let id = self.next_id();
        line.words.push(format!("E{id}"));
        let compared = self.compared(choices, &mut line).filter(|&id| id != 0);
        let ends: Vec<_> = line.flags.iter().map(|f| self.end_of(f.number)).collect();
        let now = self.now;
        let is_new = !self.items.contains_key(line.key);
        if is_new {
            if !line.has('N') {
                return (line.text(), line.echo("NF"));
            }
            let item = Item {
                value: line.number('J').unwrap_or(0).to_string(),
                used_at: now,
                is_base64: line.is_base64,
                ..Item::default()
            };
            self.items.insert(line.key, item);
        }
        let item = self.items.entry(line.key).or_default();
        if item.value.is_empty() {
            item.used_at = now;
            return (line.text(), NOT_A_NUMBER.into());
        }
        if !is_new {
            item.used_at = now;
            if compared.is_some_and(|id| id != item.id) {
                return (line.text(), line.echo("EX"));
            }
            // What follows the first space does not count.
            let first = item.value.split(' ').find(|word| !word.is_empty());
            let Some(old) = first.and_then(|word| word.parse::<u64>().ok()) else {
                return (line.text(), NOT_A_NUMBER.into());
            };
            let down = old.saturating_sub(delta);
            let number = if is_up { old + delta } else { down };
            // A number keeps its field, unless that is wider than what the store edits.
            let width = Some(item.value.len()).filter(|&width| width <= FIELD_BYTES_MAX);
            item.value = format!("{number:<width$}", width = width.unwrap_or(0));
        }
        item.id = id;
        let shown = item.value.trim_end().to_owned();
        let mut answer = match line.has('v') {
            true => format!("VA {}", shown.len()),
            false => "HD".into(),
        };
        for (flag, end) in line.flags.iter().zip(ends) {
            match flag.letter {
                'T' => item.end = end,
                'N' if is_new => item.end = end,
                't' => put(&mut answer, 't', item.seconds_left(now)),
                'k' => put_key(&mut answer, line.key, line.is_base64),
                _ => {}
            }
        }
        answer.push_str("\r\n");
        if line.has('v') {
            answer = answer + &shown + "\r\n";
        }
        if line.has('q') {
            answer.clear();
        }
        (line.text(), answer)
    }

    pub(super) fn meta_debug(&mut self, choices: &mut Choices<'_>) -> (String, String) {
        let line = Line::new("me", choices, &[]);
        // The id would have to be known: only absence is asked for.
        match self.items.get(line.key) {
            None => (line.text(), "EN\r\n".into()),
            Some(_) => ("mn\r\n".into(), "MN\r\n".into()),
        }
    }

    /// Adds an id to compare with: the present one, if it was given, or one that is none.
    fn compared(&self, choices: &mut Choices<'_>, line: &mut Line) -> Option<u64> {
        let present = self.items.get(line.key).map(|item| item.id);
        if choices.below(3) > 0 || present == Some(0) {
            return None;
        }
        let id = choices.choose(&[present.unwrap_or(1), 0, 1, u64::MAX - 1]);
        line.words.push(format!("C{id}"));
        Some(id)
    }
}

fn length(value: &str) -> i64 {
    i64::try_from(value.len()).unwrap_or(0)
}

const NOT_A_NUMBER: &str = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
const FIELD_BYTES_MAX: usize = steadfast_store::ShortValue::BYTES_MAX;
