//! A copy of a session as a node holds it, and which of several is the newest.

use bytes::Bytes;

use crate::batch::{Batch, Value};
use crate::link::{Item, Reply};
use crate::procedure::Answer;
use crate::session::Names;
use crate::{SessionError, Settings};

/// How often a session was saved: the larger number is the newer copy. 0 is a session that is not
/// there.
///
/// Kept in the flags of the item, where a node returns it with the value: bits 0 to 30 count, bit 31
/// marks a session that was destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Version(u32);

impl Version {
    pub(crate) fn next(self) -> Self {
        Self((self.0 + 1).min(DESTROYED - 1))
    }
}

/// One copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) version: Version,
    /// A destroyed session leaves a mark, so that a node that missed it cannot bring it back.
    pub(crate) is_destroyed: bool,
    pub(crate) data: Bytes,
}

/// What a node holds of a session: copy and lock, each with its cas id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) copy: Option<(Copy, u64)>,
    pub(crate) lock: Option<(Vec<u8>, u64)>,
}

impl Copy {
    /// What no reader would accept is not to be stored: it would make good nodes look faulty.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), SessionError> {
        let (found, max) = (self.data.len(), settings.value_bytes_max);
        if found > max {
            return Err(SessionError::TooLong { found, max });
        }
        Ok(())
    }

    /// The request that puts this copy where a node holds `view`, unless it has changed meanwhile.
    pub(crate) fn put(&self, batch: Batch, names: &Names, view: &View, lifetime: i32) -> Batch {
        let mark = if self.is_destroyed { DESTROYED } else { 0 };
        let flags = self.version.0 | mark;
        let value = Value {
            bytes: &self.data,
            flags,
            exptime: lifetime,
        };
        match &view.copy {
            Some((_, cas)) => batch.cas(&names.data, *cas, value),
            None => batch.add(&names.data, value),
        }
    }

    /// Newer first; of two with one version the mark of destruction.
    fn rank(&self) -> (Version, bool) {
        (self.version, self.is_destroyed)
    }
}

impl View {
    /// What the items that a node returned say.
    pub(crate) fn of(items: &[Item], names: &Names) -> Self {
        let mut view = Self::default();
        for item in items {
            if item.key == names.data[..] {
                let copy = Copy {
                    version: Version(item.flags & !DESTROYED),
                    is_destroyed: item.flags & DESTROYED != 0,
                    data: Bytes::copy_from_slice(&item.value),
                };
                view.copy = Some((copy, item.cas));
            } else if item.key == names.lock[..] {
                view.lock = Some((item.value.clone(), item.cas));
            }
        }
        view
    }

    /// The cas id of the lock if it is held under `token`.
    pub(crate) fn lock_of(&self, token: &[u8]) -> Option<u64> {
        self.lock
            .as_ref()
            .filter(|(holder, _)| holder == token)
            .map(|&(_, cas)| cas)
    }
}

/// What each copy's node holds, where it answered a lone `gets`.
pub(crate) fn views(answers: &[Answer], names: &Names) -> Vec<Option<View>> {
    let view = |answer: &Answer| match answer {
        Answer::Replies(replies) => match &replies[..] {
            [Reply::Items(items)] => Some(View::of(items, names)),
            _ => None,
        },
        Answer::NotAsked | Answer::Failed => None,
    };
    answers.iter().map(view).collect()
}

/// The newest of the copies, the mark of a destroyed session included; of equals the first.
pub(crate) fn newest(views: &[Option<View>]) -> Option<&Copy> {
    let copies = views.iter().flatten().filter_map(|view| view.copy.as_ref());
    copies.map(|(copy, _)| copy).reduce(|best, copy| {
        if copy.rank() > best.rank() {
            copy
        } else {
            best
        }
    })
}

/// The requests that bring the nodes up to date that answered without the newest copy: added where
/// there is none, exchanged where there is an older one, never put over what has changed since.
pub(crate) fn repairs(views: &[Option<View>], names: &Names, lifetime: i32) -> Vec<(usize, Batch)> {
    let Some(newest) = newest(views) else {
        return Vec::new();
    };
    let is_behind = |view: &View| match &view.copy {
        Some((copy, _)) => copy.rank() < newest.rank(),
        None => true,
    };
    let views = views
        .iter()
        .enumerate()
        .filter_map(|(at, view)| Some((at, view.as_ref()?)));
    views
        .filter(|(_, view)| is_behind(view))
        .map(|(at, view)| (at, newest.put(Batch::default(), names, view, lifetime)))
        .collect()
}

/// The flag of a destroyed session.
const DESTROYED: u32 = 1 << 31;
