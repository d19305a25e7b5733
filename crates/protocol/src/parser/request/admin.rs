//! Commands for operators.
//!
//! Sub-commands are full words, as in 1.6.18: 1.6.45 takes any beginning of one, so that `lru m`
//! and even `lru_crawler e` do something.

use super::{Fault, is_noreply};
use crate::number::{parse_exptime, parse_u32};
use crate::words::Words;
use crate::{
    CrawlerCommand, DumpForm, Factor, LruCommand, ParseErrorKind, Request, ShutdownMode,
    SlabsCommand,
};

pub(super) fn parse_cache_memlimit<'a>(
    mut words: Words<'a>,
    line: &'a [u8],
) -> Result<Request<'a>, Fault> {
    let megabytes = words.next().and_then(parse_u32);
    Ok(Request::CacheMemlimit {
        megabytes: megabytes.ok_or_else(|| bad_argument(line))?,
        noreply: is_noreply(line),
    })
}

pub(super) fn parse_shutdown<'a>(
    mut words: Words<'a>,
    line: &'a [u8],
) -> Result<Request<'a>, Fault> {
    // It is the last of too many words, which are refused in silence.
    if is_noreply(line) {
        return Err(bad_argument(line));
    }
    let all = words.rest();
    let mode = match (words.next(), words.rest()) {
        (None, _) => ShutdownMode::Now,
        (Some(b"graceful"), b"") => ShutdownMode::Graceful,
        _ => ShutdownMode::Other(all),
    };
    Ok(Request::Shutdown { mode })
}

pub(super) fn parse_lru<'a>(words: Words<'a>, line: &'a [u8]) -> Result<Request<'a>, Fault> {
    Ok(Request::Lru {
        command: lru_command(words).ok_or_else(|| bad_argument(line))?,
        noreply: is_noreply(line),
    })
}

fn lru_command(mut words: Words<'_>) -> Option<LruCommand> {
    Some(match words.next()? {
        b"mode" => LruCommand::Mode {
            segmented: match words.next()? {
                b"segmented" => true,
                b"flat" => false,
                _ => return None,
            },
        },
        b"tune" => LruCommand::Tune {
            hot_percent: parse_u32(words.next()?)?,
            warm_percent: parse_u32(words.next()?)?,
            hot_factor: Factor::parse(words.next()?)?,
            warm_factor: Factor::parse(words.next()?)?,
        },
        b"temp_ttl" => LruCommand::TempTtl {
            seconds: parse_exptime(words.next()?)?,
        },
        _ => return None,
    })
}

pub(super) fn parse_slabs<'a>(mut words: Words<'a>, line: &'a [u8]) -> Result<Request<'a>, Fault> {
    let command = match words.next() {
        Some(b"reassign") if words.count() == REASSIGN_WORDS => reassign(words, line)?,
        Some(b"automove") => automove(words, line)?,
        _ => return Err(bad_argument(line)),
    };
    Ok(Request::Slabs {
        command,
        noreply: is_noreply(line),
    })
}

fn reassign(mut words: Words<'_>, line: &[u8]) -> Result<SlabsCommand, Fault> {
    let mut class = || {
        words
            .next()
            .and_then(parse_exptime)
            .ok_or_else(|| bad_number(line))
    };
    Ok(SlabsCommand::Reassign {
        source: class()?,
        destination: class()?,
    })
}

fn automove(mut words: Words<'_>, line: &[u8]) -> Result<SlabsCommand, Fault> {
    let word = words.next().ok_or_else(|| bad_argument(line))?;
    let mut argument = || words.next();
    let ratio = |word: Option<&[u8]>| {
        word.and_then(Factor::parse)
            .ok_or_else(|| bad_argument(line))
    };
    Ok(match word {
        b"ratio" => SlabsCommand::AutomoveRatio {
            ratio: ratio(argument())?,
        },
        b"freeratio" => SlabsCommand::AutomoveFreeRatio {
            ratio: ratio(argument())?,
        },
        b"window" => SlabsCommand::AutomoveWindow {
            seconds: argument()
                .and_then(parse_u32)
                .ok_or_else(|| bad_number(line))?,
        },
        level => match parse_u32(level).ok_or_else(|| bad_number(line))? {
            level @ 0..=2 => SlabsCommand::Automove { level },
            _ => return Err(bad_argument(line)),
        },
    })
}

pub(super) fn parse_crawler<'a>(
    mut words: Words<'a>,
    line: &'a [u8],
) -> Result<Request<'a>, Fault> {
    let command = words.next();
    let argument = words.next();
    // Nothing may follow, not even `noreply`: in the place of an argument it is none.
    if words.next().is_some() || is_noreply(line) {
        return Err(bad_argument(line));
    }
    let Some((command, argument)) = command.map(|command| (command, argument)) else {
        return Err(bad_argument(line));
    };
    let number = |word| parse_u32(word).ok_or_else(|| bad_number(line));
    Ok(match (command, argument) {
        (b"enable", None) => Request::Crawler(CrawlerCommand::Enable),
        (b"disable", None) => Request::Crawler(CrawlerCommand::Disable),
        (b"sleep", Some(word)) => Request::Crawler(CrawlerCommand::Sleep {
            microseconds: number(word)?,
        }),
        (b"tocrawl", Some(word)) => Request::Crawler(CrawlerCommand::ToCrawl {
            items: number(word)?,
        }),
        (b"crawl", Some(classes)) => Request::Crawler(CrawlerCommand::Crawl { classes }),
        (b"metadump", Some(classes)) => Request::Dump {
            form: DumpForm::Metadata,
            classes,
        },
        (b"mgdump", Some(classes)) => Request::Dump {
            form: DumpForm::Keys,
            classes,
        },
        _ => return Err(bad_argument(line)),
    })
}

fn bad_argument(line: &[u8]) -> Fault {
    Fault::unless_noreply(ParseErrorKind::BadArgument, line)
}

fn bad_number(line: &[u8]) -> Fault {
    Fault::unless_noreply(ParseErrorKind::BadNumber, line)
}

const REASSIGN_WORDS: usize = 2;
