//! Reports as Prometheus metrics.

mod families;

use std::borrow::ToOwned;
use std::collections::BTreeMap;
use std::string::{String, ToString};

use self::families::{CLASSES, Family, GENERAL, Kind, Labels, OURS};
use super::Topic;
use super::json::class_of;
use crate::{Engine, Now};

impl Engine {
    /// Appends all metrics in Prometheus' text format (version 0.0.4), under the names of the
    /// well-known memcached exporter, with the values that it would read from our reports. What only
    /// we know comes after that, under names that begin with `steadfast_`.
    ///
    /// Takes each stripe's lock of the store a few times; allocates some ten kilobytes.
    pub fn metrics(&self, now: Now, out: &mut String) {
        let stats = Collected::from(self, now);
        put_header(&UP, out);
        put_sample(UP.name, &[], "1", out);
        put_header(&VERSION, out);
        let version = &self.settings().version;
        put_sample(VERSION.name, &[("version", version)], "1", out);
        for family in GENERAL.iter().chain(OURS) {
            stats.put_general(family, out);
        }
        for family in CLASSES {
            stats.put_classes(family, out);
        }
    }
}

/// What all reports say.
struct Collected {
    general: BTreeMap<String, String>,
    classes: BTreeMap<u32, BTreeMap<String, String>>,
}

impl Collected {
    fn from(engine: &Engine, now: Now) -> Self {
        let mut stats = Self {
            general: BTreeMap::new(),
            classes: BTreeMap::new(),
        };
        for topic in [Topic::Settings, Topic::Items, Topic::Slabs, Topic::General] {
            engine.visit_stats(topic, now, &mut |name, value| stats.add(name, value));
        }
        add_plain_sets(
            &mut stats.general,
            &["cas_misses", "cas_hits", "cas_badval"],
        );
        for class in stats.classes.values_mut() {
            add_plain_sets(class, &["cas_hits", "cas_badval"]);
        }
        stats
    }

    fn add(&mut self, name: &str, value: &str) {
        let class = class_of(name).and_then(|(class, rest)| Some((class.parse().ok()?, rest)));
        let (map, name) = match class {
            Some((class, rest)) => (self.classes.entry(class).or_default(), rest),
            None => (&mut self.general, name),
        };
        let value = match value {
            "yes" => "1",
            "no" => "0",
            other => other,
        };
        map.insert(name.to_owned(), value.to_owned());
    }

    fn put_general(&self, family: &Family, out: &mut String) {
        let mut is_begun = false;
        for (stat, labels) in family.samples {
            if let Some(value) = self.general.get(*stat) {
                begin(&mut is_begun, family, out);
                put_sample(family.name, labels, value, out);
            }
        }
    }

    fn put_classes(&self, family: &Family, out: &mut String) {
        let mut is_begun = false;
        for (class, stats) in &self.classes {
            let class = class.to_string();
            for (stat, labels) in family.samples {
                if let Some(value) = stats.get(*stat) {
                    begin(&mut is_begun, family, out);
                    let mut all = [("slab", class.as_str()), ("", ""), ("", "")];
                    all[1..=labels.len()].copy_from_slice(labels);
                    put_sample(family.name, &all[..=labels.len()], value, out);
                }
            }
        }
    }
}

/// `cmd_set` counts cas as well; the exporter's `set` does not.
fn add_plain_sets(stats: &mut BTreeMap<String, String>, cas: &[&str]) {
    let number = |name: &str| stats.get(name)?.parse::<u64>().ok();
    let cas = cas.iter().filter_map(|name| number(name)).sum();
    if let Some(sets) = number("cmd_set") {
        let sets = sets.saturating_sub(cas).to_string();
        stats.insert(families::PLAIN_SETS.to_owned(), sets);
    }
}

/// Writes the header before the first sample.
fn begin(is_begun: &mut bool, family: &Family, out: &mut String) {
    if !core::mem::replace(is_begun, true) {
        put_header(family, out);
    }
}

fn put_header(family: &Family, out: &mut String) {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    for part in [
        "# HELP ",
        family.name,
        " ",
        family.help,
        "\n# TYPE ",
        family.name,
        " ",
        kind,
        "\n",
    ] {
        out.push_str(part);
    }
}

fn put_sample(name: &str, labels: Labels<'_>, value: &str, out: &mut String) {
    out.push_str(name);
    for (index, (label, text)) in labels.iter().enumerate() {
        out.push(if index == 0 { '{' } else { ',' });
        out.push_str(label);
        out.push_str("=\"");
        for character in text.chars() {
            match character {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                other => out.push(other),
            }
        }
        out.push('"');
    }
    out.push_str(if labels.is_empty() { " " } else { "} " });
    out.push_str(value);
    out.push('\n');
}

const UP: Family = Family {
    name: "memcached_up",
    kind: Kind::Gauge,
    help: "Whether the cache answers.",
    samples: &[],
};

const VERSION: Family = Family {
    name: "memcached_version",
    kind: Kind::Gauge,
    help: "The version that the cache reports.",
    samples: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut out = String::new();
        put_sample("m", &[("a", "x\"\\\n"), ("b", "")], "1", &mut out);
        assert_eq!(out, "m{a=\"x\\\"\\\\\\n\",b=\"\"} 1\n");
    }
}
