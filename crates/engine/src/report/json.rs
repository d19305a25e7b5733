//! Reports as JSON.

use std::string::String;

use super::Topic;
use crate::{Engine, Now};

impl Engine {
    /// Appends the general report, the settings, the items and the slabs as one JSON object without
    /// line ends: `{"general":{"pid":1,...},"settings":{...},"items":{"1":{...}},"slabs":{...}}`.
    ///
    /// Names are those of the text reports, those of size classes below the number of their class.
    /// Values that are decimal numbers are numbers, others strings, whose characters besides
    /// printable ASCII are escaped, as is the space: the object is one word.
    pub fn stats_json(&self, now: Now, out: &mut String) {
        let reports = [
            ("general", Topic::General),
            ("settings", Topic::Settings),
            ("items", Topic::Items),
            ("slabs", Topic::Slabs),
        ];
        for (index, (name, topic)) in reports.into_iter().enumerate() {
            out.push(if index == 0 { '{' } else { ',' });
            put_name(name, out);
            let mut object = Object::new(out);
            self.visit_stats(topic, now, &mut |name, value| {
                match class_of(name) {
                    Some((class, rest)) => object.put_in(class, rest, value),
                    None => object.put(name, value),
                };
            });
            object.end();
        }
        out.push('}');
    }
}

/// Splits `items:1:number` and `1:chunk_size` into class and name.
pub(super) fn class_of(name: &str) -> Option<(&str, &str)> {
    let name = name.strip_prefix("items:").unwrap_or(name);
    name.split_once(':')
}

/// A JSON object on its way out, with objects for classes in it.
struct Object<'a> {
    out: &'a mut String,
    /// The class whose object is open; empty for none.
    class: String,
    is_first: bool,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut String) -> Self {
        out.push('{');
        Self {
            out,
            class: String::new(),
            is_first: true,
        }
    }

    /// Adds a value, behind those of all classes.
    fn put(&mut self, name: &str, value: &str) {
        self.close_class();
        self.put_pair(name, value);
    }

    /// Adds a value of a class.
    fn put_in(&mut self, class: &str, name: &str, value: &str) {
        if self.class != class {
            self.close_class();
            self.separate();
            put_name(class, self.out);
            self.out.push('{');
            self.class.push_str(class);
            self.is_first = true;
        }
        self.put_pair(name, value);
    }

    fn end(mut self) {
        self.close_class();
        self.out.push('}');
    }

    fn close_class(&mut self) {
        if !self.class.is_empty() {
            self.class.clear();
            self.out.push('}');
            self.is_first = false;
        }
    }

    fn put_pair(&mut self, name: &str, value: &str) {
        self.separate();
        put_name(name, self.out);
        if is_number(value) {
            self.out.push_str(value);
        } else {
            put_string(value, self.out);
        }
    }

    fn separate(&mut self) {
        if !core::mem::take(&mut self.is_first) {
            self.out.push(',');
        }
    }
}

fn put_name(name: &str, out: &mut String) {
    put_string(name, out);
    out.push(':');
}

fn put_string(text: &str, out: &mut String) {
    out.push('"');
    let mut units = [0; 2];
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '!'..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut units) {
                    out.push_str("\\u");
                    let digits = (0..4)
                        .rev()
                        .map(|place| u32::from(*unit) >> (4 * place) & 15);
                    out.extend(digits.filter_map(|digit| char::from_digit(digit, 16)));
                }
            }
        }
    }
    out.push('"');
}

/// Whether `text` is a decimal number as JSON writes it.
fn is_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    is_digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(is_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_objects_in_the_object() {
        let mut out = String::new();
        let mut object = Object::new(&mut out);
        object.put_in("1", "a", "7");
        object.put_in("1", "b", "x y");
        object.put_in("2", "a", "0.50");
        object.put("total", "3");
        object.end();
        assert_eq!(
            out,
            r#"{"1":{"a":7,"b":"x\u0020y"},"2":{"a":0.50},"total":3}"#
        );
    }

    #[test]
    fn strings_are_one_printable_word() {
        let mut out = String::new();
        put_string("a\"b\\c\n\u{e9}\u{1f600}", &mut out);
        assert_eq!(out, r#""a\"b\\c\u000a\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn numbers_are_those_of_json() {
        for text in ["0", "10", "0.000001", "18446744073709551615"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "007", "1.", ".5", "1.6.45", "-1", "1e3", "yes"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
