//! Requests to bytes: the client's side.

use bytes::BufMut;

use super::{Arithmetic, Request, Storage, StorageVerb};
use crate::admin::put_words;
use crate::number::{put_decimal, put_signed};
use crate::words::Words;
use crate::{Key, MetaVerb};

impl Request<'_> {
    /// Writes the command line. After [`Request::Store`] the caller writes the data block, or
    /// uses [`Storage::encode_with_value`].
    ///
    /// # Panics
    ///
    /// If `out` cannot grow and is too small, as every write to a `BufMut`.
    pub fn encode(&self, out: &mut impl BufMut) {
        match *self {
            Self::Get { keys, cas } => {
                out.put_slice(if cas { b"gets" } else { b"get" });
                keys.encode(out);
                end_line(false, out);
            }
            Self::GetAndTouch { exptime, keys, cas } => {
                out.put_slice(if cas { b"gats " } else { b"gat " });
                put_signed(exptime.into(), out);
                keys.encode(out);
                end_line(false, out);
            }
            Self::Store(storage) => storage.encode_header(storage.value_bytes, out),
            Self::Delete { key, noreply } => encode_delete(key, noreply, out),
            Self::Arithmetic {
                operation,
                key,
                delta,
                noreply,
            } => {
                out.put_slice(match operation {
                    Arithmetic::Increment => b"incr ",
                    Arithmetic::Decrement => b"decr ",
                });
                key.encode(out);
                out.put_u8(b' ');
                put_decimal(delta, out);
                end_line(noreply, out);
            }
            Self::Touch {
                key,
                exptime,
                noreply,
            } => {
                out.put_slice(b"touch ");
                key.encode(out);
                out.put_u8(b' ');
                put_signed(exptime.into(), out);
                end_line(noreply, out);
            }
            Self::FlushAll { exptime, noreply } => {
                out.put_slice(b"flush_all");
                if let Some(exptime) = exptime {
                    out.put_u8(b' ');
                    put_signed(exptime.into(), out);
                }
                end_line(noreply, out);
            }
            Self::Verbosity { level, noreply } => {
                out.put_slice(b"verbosity ");
                put_decimal(level.into(), out);
                end_line(noreply, out);
            }
            Self::Stats { topic, rest } => {
                out.put_slice(b"stats");
                for word in Words::new(topic).chain(Words::new(rest)) {
                    out.put_u8(b' ');
                    out.put_slice(word);
                }
                end_line(false, out);
            }
            Self::Version => out.put_slice(b"version\r\n"),
            Self::Quit => out.put_slice(b"quit\r\n"),
            _ => self.encode_meta(out),
        }
    }

    fn encode_meta(&self, out: &mut impl BufMut) {
        match self {
            Self::MetaGet(meta) => meta.encode(MetaVerb::Get, None, out),
            Self::MetaSet { meta, value_bytes } => {
                meta.encode(MetaVerb::Set, Some(*value_bytes), out);
            }
            Self::MetaDelete(meta) => meta.encode(MetaVerb::Delete, None, out),
            Self::MetaArithmetic(meta) => meta.encode(MetaVerb::Arithmetic, None, out),
            Self::MetaDebug(meta) => meta.encode(MetaVerb::Debug, None, out),
            Self::MetaNoop => out.put_slice(b"mn\r\n"),
            _ => self.encode_admin(out),
        }
    }

    fn encode_admin(&self, out: &mut impl BufMut) {
        let noreply = match *self {
            Self::CacheMemlimit { megabytes, noreply } => {
                out.put_slice(b"cache_memlimit ");
                put_decimal(megabytes.into(), out);
                noreply
            }
            Self::RefreshCertificates { noreply } => {
                out.put_slice(b"refresh_certs");
                noreply
            }
            Self::Lru { command, noreply } => {
                command.encode(out);
                noreply
            }
            Self::Slabs { command, noreply } => {
                command.encode(out);
                noreply
            }
            Self::Shutdown { mode } => {
                mode.encode(out);
                false
            }
            Self::Crawler(command) => {
                command.encode(out);
                false
            }
            Self::Dump { form, classes } => {
                out.put_slice(b"lru_crawler ");
                out.put_slice(form.name());
                put_words(classes, out);
                false
            }
            Self::Watch { words } => {
                out.put_slice(b"watch");
                put_words(words, out);
                false
            }
            _ => unreachable!("the caller wrote the others"),
        };
        end_line(noreply, out);
    }
}

impl Storage<'_> {
    /// Writes the whole command: the header with the length of `value` (whatever
    /// `self.value_bytes` says) and the data block.
    ///
    /// # Panics
    ///
    /// If `out` cannot grow and is too small, as every write to a `BufMut`.
    pub fn encode_with_value(&self, value: &[u8], out: &mut impl BufMut) {
        self.encode_header(value.len(), out);
        out.put_slice(value);
        out.put_slice(b"\r\n");
    }

    fn encode_header(&self, value_bytes: usize, out: &mut impl BufMut) {
        out.put_slice(self.verb.name());
        out.put_u8(b' ');
        self.key.encode(out);
        out.put_u8(b' ');
        put_decimal(self.flags.into(), out);
        out.put_u8(b' ');
        put_signed(self.exptime.into(), out);
        out.put_u8(b' ');
        put_decimal(value_bytes as u64, out);
        if let StorageVerb::Cas(id) = self.verb {
            out.put_u8(b' ');
            put_decimal(id, out);
        }
        end_line(self.noreply, out);
    }
}

fn encode_delete(key: Key<'_>, noreply: bool, out: &mut impl BufMut) {
    out.put_slice(b"delete ");
    key.encode(out);
    // A key of this name would be taken for the wish as well, unless a word that means nothing
    // stands behind it: the time of old, of which all versions allow a zero.
    if key.as_bytes() == b"noreply" && !noreply {
        out.put_slice(b" 0");
    }
    end_line(noreply, out);
}

fn end_line(noreply: bool, out: &mut impl BufMut) {
    out.put_slice(if noreply { b" noreply\r\n" } else { b"\r\n" });
}
