//! md.

use steadfast_protocol::{Meta, Response};
use steadfast_store::{
    CasId, Change, Edit, Entry, Expiry, Located, Lookup, NewId, ShortValue, Usage,
};

use super::{is_version, next_or_given_id, real_key};
use crate::Now;
use crate::counters::{ClassCounter, Counter};
use crate::marks::{BASE64_KEY, CLAIMED, STALE};
use crate::session::execute::Turn;

impl Turn<'_> {
    /// `md`: removes an item, empties it, or marks it as outdated.
    pub(in crate::session) fn meta_delete<'k>(
        &mut self,
        meta: &Meta<'k>,
        place: Option<Located<'k>>,
    ) {
        let mut room = None;
        let key = real_key(meta.key(), &mut room);
        let place = self.meta_place(place, key);
        if self.attention != 0 {
            self.tell_lookup(key);
        }
        let (now, counts_cas) = (self.now, self.counts_cas());
        let edit = |entry: &Entry<'_>| {
            let compared = meta.compared_id();
            if compared.is_some_and(|id| !is_version(entry, id, counts_cas)) {
                return (Change::Keep, None);
            }
            let size = (entry.item_bytes(), entry.value().len());
            (change(meta, entry, now), Some(size))
        };
        let store = self.engine.store();
        let found = match store.update_as(place, Usage::Trace, now.timestamp, edit) {
            Ok(found) => found,
            Err(_) => return self.respond(&Response::ServerError(b"out of memory")),
        };
        let code: &[u8] = match found {
            Lookup::Hit(Some((item_bytes, value_bytes))) => {
                // Invalidation is no deletion.
                if !meta.flags().has(b'I') {
                    self.count_in_class(ClassCounter::DeleteHits, item_bytes);
                    if self.attention != 0 {
                        self.tell_deleted(key, "md", item_bytes, value_bytes);
                    }
                }
                if meta.is_quiet() {
                    return;
                }
                b"HD"
            }
            Lookup::Hit(None) => b"EX",
            _ => b"NF",
        };
        if code != b"HD" {
            self.count(Counter::DeleteMisses);
        }
        self.echo(code, meta, key);
    }
}

/// What becomes of an item that is there and is the one that was meant.
fn change(meta: &Meta<'_>, entry: &Entry<'_>, now: Now) -> Change {
    let flags = meta.flags();
    let (empties, invalidates) = (flags.has(b'x'), flags.has(b'I'));
    if !empties && !invalidates {
        return Change::Remove;
    }
    let mut edit = Edit::new();
    let ttl = meta.ttl().map(|exptime| now.expiry(exptime));
    if empties {
        // All but the key is forgotten, and how it came.
        edit = edit
            .with_value(ShortValue::default())
            .unread()
            .with_flags(meta.client_flags().unwrap_or(0))
            .with_expiry(ttl.unwrap_or(Expiry::NEVER))
            .with_marks(entry.marks().among(BASE64_KEY))
            .with_id(
                meta.given_id()
                    .map_or(NewId::Same, |id| NewId::Given(CasId::new(id))),
            );
    }
    if invalidates {
        let kept = edit.marks.unwrap_or_else(|| entry.marks());
        edit = edit
            .with_marks(kept.without(CLAIMED) | STALE)
            .with_id(next_or_given_id(meta));
        edit.expiry = edit.expiry.or(ttl);
    }
    Change::Edit(edit)
}
