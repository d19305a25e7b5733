//! One key of a cache, as the protocol says that it behaves.

use crate::linearizable::Model;

/// The model of one key: what a cache that forgets nothing would answer.
#[derive(Clone, Copy, Debug)]
pub struct Key;

/// An item, or none.
pub type State = Option<Item>;

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// Its value.
    pub value: String,
    /// Its id, once somebody has seen it; no two versions have the same.
    pub id: Option<u64>,
    /// It should be made anew.
    pub is_stale: bool,
    /// Somebody was told to make it (anew).
    pub is_claimed: bool,
}

/// Who makes an item (anew).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody has to.
    None,
    /// The reader of this answer (`W`).
    Won,
    /// Somebody else (`Z`).
    Lost,
}

/// What is asked of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `gets key`, which knows nothing of claims.
    Look,
    /// `mg key v c`.
    Get,
    /// `mg key v c N60`: makes an empty item where there is none.
    GetOrMake,
    /// `ms key .. c`.
    Set(String),
    /// In mode E.
    Add(String),
    /// In mode R.
    Replace(String),
    /// In mode A.
    Append(String),
    /// With `C`.
    SetIf(u64, String),
    /// `ma key v c`.
    Increment(u64),
    /// `ma key MD v c`.
    Decrement(u64),
    /// `md key`.
    Delete,
    /// `md key C`.
    DeleteIf(u64),
    /// `md key I`: it is there, and should be made anew.
    Invalidate,
}

/// What a key answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An item as it was read, or is now after an increment.
    Found {
        /// Its value.
        value: String,
        /// Its id, if it was told.
        id: Option<u64>,
        /// Who makes it (anew).
        claim: Claim,
        /// It is outdated (`X`).
        is_stale: bool,
    },
    /// It was stored or deleted; under this id, if it was told.
    Done(Option<u64>),
    /// There is none (`EN`, `NF`).
    Missing,
    /// There is one, or none where one should be (`NS`).
    NotStored,
    /// There is another version (`EX`).
    Exists,
    /// The value is no number.
    NotANumber,
}

impl Model for Key {
    type State = State;
    type Event = (Command, Reply);

    fn step(state: &State, (command, reply): &Self::Event) -> Option<State> {
        match command {
            Command::Look => looked_at(state, reply),
            Command::GetOrMake if state.is_none() => made(reply),
            Command::Get | Command::GetOrMake => read(state, reply),
            Command::Set(value) => stored(value.clone(), reply),
            Command::Add(value) if state.is_none() => stored(value.clone(), reply),
            Command::Replace(value) if state.is_some() => stored(value.clone(), reply),
            Command::Add(_) | Command::Replace(_) => kept(state, reply, &Reply::NotStored),
            Command::Append(data) => match state {
                Some(item) => stored([&item.value[..], data].concat(), reply),
                None => kept(state, reply, &Reply::NotStored),
            },
            Command::SetIf(id, value) => {
                compared(state, *id, reply, || stored(value.clone(), reply))
            }
            Command::DeleteIf(id) => compared(state, *id, reply, || deleted(reply)),
            Command::Increment(delta) => counted(state, reply, |old| old.wrapping_add(*delta)),
            Command::Decrement(delta) => counted(state, reply, |old| old.saturating_sub(*delta)),
            Command::Invalidate => match (state, reply) {
                (Some(item), Reply::Done(_)) => Some(Some(Item {
                    id: None,
                    is_stale: true,
                    is_claimed: false,
                    ..item.clone()
                })),
                _ => kept(state, reply, &Reply::Missing).filter(Option::is_none),
            },
            Command::Delete if state.is_some() => deleted(reply),
            Command::Delete => kept(state, reply, &Reply::Missing),
        }
    }
}

/// The answer is this one, and nothing changes.
fn kept(state: &State, reply: &Reply, expected: &Reply) -> Option<State> {
    (reply == expected).then(|| state.clone())
}

/// What is there, and nothing else.
fn looked_at(state: &State, reply: &Reply) -> Option<State> {
    match (state, reply) {
        (None, Reply::Missing) => Some(None),
        (Some(item), Reply::Found { value, id, .. }) if *value == item.value => {
            let id = agreed(item.id, *id)?;
            Some(Some(Item { id, ..item.clone() }))
        }
        _ => None,
    }
}

/// The first to read an outdated item wins it, the others are told that somebody has.
fn read(state: &State, reply: &Reply) -> Option<State> {
    let mut next = looked_at(state, reply)?;
    if let (
        Some(item),
        Reply::Found {
            claim, is_stale, ..
        },
    ) = (&mut next, reply)
    {
        let expected = match (item.is_claimed, item.is_stale) {
            (true, _) => Claim::Lost,
            (false, true) => Claim::Won,
            (false, false) => Claim::None,
        };
        if (*claim, *is_stale) != (expected, item.is_stale) {
            return None;
        }
        item.is_claimed |= *claim == Claim::Won;
    }
    Some(next)
}

/// One reader makes the item, and is told so.
fn made(reply: &Reply) -> Option<State> {
    match reply {
        Reply::Found {
            value,
            id,
            claim: Claim::Won,
            is_stale: false,
        } if value.is_empty() => Some(Some(Item {
            value: String::new(),
            id: *id,
            is_stale: false,
            is_claimed: true,
        })),
        _ => None,
    }
}

fn stored(value: String, reply: &Reply) -> Option<State> {
    match reply {
        Reply::Done(id) => Some(Some(Item {
            value,
            id: *id,
            is_stale: false,
            is_claimed: false,
        })),
        _ => None,
    }
}

fn deleted(reply: &Reply) -> Option<State> {
    matches!(reply, Reply::Done(_)).then_some(None)
}

/// Happens only to the version that is named.
fn compared(
    state: &State,
    id: u64,
    reply: &Reply,
    happen: impl FnOnce() -> Option<State>,
) -> Option<State> {
    match (state, reply) {
        (None, Reply::Missing) => Some(None),
        (Some(item), Reply::Exists) if item.id != Some(id) => Some(state.clone()),
        (Some(item), Reply::Done(_)) if item.id.is_none_or(|present| present == id) => happen(),
        _ => None,
    }
}

fn counted(state: &State, reply: &Reply, count: impl FnOnce(u64) -> u64) -> Option<State> {
    let Some(item) = state else {
        return kept(state, reply, &Reply::Missing);
    };
    // A number ends at a space, whatever follows.
    let digits = item.value.split(' ').next();
    let Some(old) = digits.and_then(|digits| digits.parse().ok()) else {
        return kept(state, reply, &Reply::NotANumber);
    };
    let number = count(old).to_string();
    match reply {
        Reply::Found { value, id, .. } if value.trim_end() == number => {
            // A shorter number is padded to the length that was there.
            let value = format!("{number:width$}", width = item.value.len());
            Some(Some(Item {
                value,
                id: *id,
                ..item.clone()
            }))
        }
        _ => None,
    }
}

/// One id of the two, unless they differ.
fn agreed(known: Option<u64>, seen: Option<u64>) -> Option<Option<u64>> {
    match (known, seen) {
        (Some(known), Some(seen)) => (known == seen).then_some(Some(seen)),
        (known, seen) => Some(known.or(seen)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizable::{Operation, check};

    fn found(value: &str, id: u64) -> Reply {
        Reply::Found {
            value: value.into(),
            id: Some(id),
            claim: Claim::None,
            is_stale: false,
        }
    }

    fn won() -> Reply {
        Reply::Found {
            value: String::new(),
            id: Some(1),
            claim: Claim::Won,
            is_stale: false,
        }
    }

    /// Of clients that all ask at once.
    fn holds_at_once(events: &[(Command, Reply)]) -> bool {
        holds(events, |client| (client as u64, 100 + client as u64))
    }

    fn holds_in_turn(events: &[(Command, Reply)]) -> bool {
        holds(events, |turn| (2 * turn as u64, 2 * turn as u64 + 1))
    }

    fn holds(events: &[(Command, Reply)], when: impl Fn(usize) -> (u64, u64)) -> bool {
        let operation = |(client, event): (usize, &(Command, Reply))| Operation {
            client,
            called: when(client).0,
            returned: when(client).1,
            event: event.clone(),
        };
        let history: Vec<_> = events.iter().enumerate().map(operation).collect();
        check::<Key>(&history).is_ok()
    }

    fn set(value: &str, id: u64) -> (Command, Reply) {
        (Command::Set(value.into()), Reply::Done(Some(id)))
    }

    #[test]
    fn only_one_adds_and_only_one_makes() {
        let add = |reply| (Command::Add("a".into()), reply);
        let one = [
            add(Reply::NotStored),
            add(Reply::Done(None)),
            add(Reply::NotStored),
        ];
        assert!(holds_at_once(&one));
        let two = [add(Reply::Done(Some(1))), add(Reply::Done(Some(2)))];
        assert!(!holds_at_once(&two));
        let make = |reply| (Command::GetOrMake, reply);
        assert!(!holds_at_once(&[make(won()), make(won())]));
        assert!(!holds_at_once(&[make(Reply::Missing)]));
    }

    #[test]
    fn an_outdated_item_is_won_once() {
        let read = |claim, is_stale| {
            let (value, id) = ("1".to_owned(), None);
            (
                Command::Get,
                Reply::Found {
                    value,
                    id,
                    claim,
                    is_stale,
                },
            )
        };
        let invalidate = (Command::Invalidate, Reply::Done(None));
        let good = [
            set("1", 1),
            invalidate.clone(),
            read(Claim::Won, true),
            read(Claim::Lost, true),
            set("1", 2),
            read(Claim::None, false),
        ];
        assert!(holds_in_turn(&good));
        let twice = [
            set("1", 1),
            invalidate,
            read(Claim::Won, true),
            read(Claim::Won, true),
        ];
        assert!(!holds_in_turn(&twice));
    }

    #[test]
    fn a_store_over_another_version_than_was_named_is_found() {
        let set_if = |id, reply| (Command::SetIf(id, "new".into()), reply);
        assert!(holds_in_turn(&[
            set("1", 5),
            set_if(5, Reply::Done(Some(6)))
        ]));
        assert!(holds_in_turn(&[set("1", 5), set_if(4, Reply::Exists)]));
        assert!(!holds_in_turn(&[
            set("1", 5),
            set_if(4, Reply::Done(Some(6)))
        ]));
        assert!(!holds_in_turn(&[set("1", 5), set_if(5, Reply::Exists)]));
        let both = [
            set_if(5, Reply::Done(Some(6))),
            set_if(5, Reply::Done(Some(7))),
        ];
        assert!(!holds_in_turn(&[&[set("1", 5)], &both[..]].concat()));
        assert!(!holds_in_turn(&[
            set("1", 5),
            set("2", 6),
            (Command::Get, found("2", 5))
        ]));
    }

    #[test]
    fn lost_appends_and_increments_are_found() {
        let append = (Command::Append("+".into()), Reply::Done(None));
        let read = |value| (Command::Look, found(value, 9));
        assert!(holds_in_turn(&[
            set("a", 1),
            append.clone(),
            append.clone(),
            read("a++")
        ]));
        assert!(!holds_in_turn(&[
            set("a", 1),
            append.clone(),
            append,
            read("a+")
        ]));
        let count = |text| (Command::Decrement(1), found(text, 9));
        assert!(holds_in_turn(&[set("10", 1), count("9"), read("9 ")]));
        assert!(!holds_in_turn(&[set("10", 1), count("9"), read("9")]));
        assert!(!holds_in_turn(&[set("10", 1), count("9"), count("9")]));
    }
}
