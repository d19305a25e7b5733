//! What operators turn: lru, slabs, lru_crawler, cache_memlimit, shutdown, refresh_certs.

use steadfast_protocol::{
    CrawlerCommand, LruCommand, Request, Response, ShutdownMode, SlabClasses, SlabsCommand,
};
use steadfast_store::CLASSES;

use super::execute::Turn;
use crate::{LruSettings, Shutdown, SlabSettings};

impl Turn<'_> {
    /// Executes a command for operators; what is none is unknown.
    #[inline(never)]
    pub(super) fn administer(&mut self, request: Request<'_>) {
        let engine = self.engine;
        let (answer, noreply) = match request {
            Request::Lru { command, noreply } => (engine.knobs().lru.turn(command), noreply),
            Request::Slabs { command, noreply } => (engine.knobs().slabs.turn(command), noreply),
            Request::Crawler(command) => (self.direct_crawler(command), false),
            Request::CacheMemlimit { megabytes, noreply } => {
                (self.limit_memory(megabytes.into()), noreply)
            }
            Request::RefreshCertificates { noreply } => {
                let result = engine.process().refresh_certificates();
                return match result {
                    Ok(()) => self.respond_unless(noreply, &Response::Ok),
                    Err(reason) => self.answer_line(noreply, reason.as_bytes()),
                };
            }
            // The session takes care of the others; a command to come is unknown till then.
            _ => return self.respond(&Response::ERROR),
        };
        match answer {
            Ok(()) => self.respond_unless(noreply, &Response::Ok),
            Err(line) => self.answer_line(noreply, line.as_bytes()),
        }
    }

    /// Has the process end, where that is allowed; tells whether the session ends with it.
    pub(super) fn shut_down(&mut self, mode: ShutdownMode<'_>) -> bool {
        let noreply = matches!(mode, ShutdownMode::Other(words) if words.ends_with(b"noreply"));
        if !self.engine.settings().shutdown_enabled {
            self.answer_line(noreply, b"SERVER_ERROR: shutdown not enabled");
            return false;
        }
        let how = match mode {
            ShutdownMode::Now => Shutdown::Now,
            ShutdownMode::Graceful => Shutdown::Graceful,
            ShutdownMode::Other(_) => {
                let error = Response::ClientError(b"invalid shutdown mode");
                self.respond_unless(noreply, &error);
                return false;
            }
        };
        self.engine.process().handle_shutdown(how);
        true
    }

    fn limit_memory(&self, megabytes: u64) -> Answer {
        if megabytes < MEMORY_MEGABYTES_MIN {
            return Err("MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m");
        }
        if megabytes > MEMORY_MEGABYTES_MAX {
            return Err("MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes");
        }
        let bytes = usize::try_from(megabytes << 20).unwrap_or(usize::MAX);
        let store = self.engine.store();
        if self.engine.settings().memory_fixed || store.set_memory_bytes_max(bytes).is_err() {
            return Err("MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust");
        }
        Ok(())
    }

    fn direct_crawler(&self, command: CrawlerCommand<'_>) -> Answer {
        let mut knobs = self.engine.knobs();
        let lru = &mut knobs.lru;
        match command {
            CrawlerCommand::Enable if lru.crawler => {
                return Err("ERROR failed to start lru crawler thread");
            }
            CrawlerCommand::Enable => lru.crawler = true,
            CrawlerCommand::Disable => lru.crawler = false,
            CrawlerCommand::Sleep { microseconds } if microseconds > CRAWLER_SLEEP_US_MAX => {
                return Err("CLIENT_ERROR sleep must be one second or less");
            }
            CrawlerCommand::Sleep { microseconds } => lru.crawler_sleep_us = microseconds,
            CrawlerCommand::ToCrawl { items } => lru.crawler_items_max = items,
            CrawlerCommand::Crawl { .. } if !lru.crawler => {
                return Err("CLIENT_ERROR lru crawler disabled");
            }
            CrawlerCommand::Crawl { classes } => {
                drop(knobs);
                return self.crawl(classes);
            }
            // A command to come is unknown till then.
            _ => return Err("ERROR"),
        }
        Ok(())
    }

    /// Has the background look at all items, whatever classes are named: they lie together.
    fn crawl(&self, classes: &[u8]) -> Answer {
        match SlabClasses::parse(classes) {
            None => return Err("BADCLASS invalid class id"),
            Some(SlabClasses::Hash) => return Err("ERROR an unknown error happened"),
            Some(_) => {}
        }
        match self.engine.store().stats().items {
            0 => Err("NOTSTARTED no items to crawl"),
            items => {
                self.engine.crawler().start(items);
                Ok(())
            }
        }
    }

    /// Answers a line that is no usual response.
    fn answer_line(&mut self, noreply: bool, line: &[u8]) {
        if !noreply {
            let text = self.out.text();
            text.extend_from_slice(line);
            text.extend_from_slice(b"\r\n");
        }
    }
}

/// Done, or the line to answer.
type Answer = Result<(), &'static str>;

impl LruSettings {
    fn turn(&mut self, command: LruCommand) -> Answer {
        match command {
            // memcached knows these only with its maintainer thread.
            LruCommand::Mode { .. } | LruCommand::TempTtl { .. } if !self.maintainer => {
                return Err("ERROR");
            }
            LruCommand::Mode { segmented } => self.segmented = segmented,
            LruCommand::TempTtl { seconds } => {
                self.temporary = seconds >= 0;
                if let Ok(seconds) = u32::try_from(seconds) {
                    self.temporary_ttl_secs = seconds;
                }
            }
            LruCommand::Tune {
                hot_percent,
                warm_percent,
                hot_factor,
                warm_factor,
            } => {
                let (hot_factor, warm_factor) = (hot_factor.value(), warm_factor.value());
                if hot_percent.saturating_add(warm_percent) > LISTS_PERCENT_MAX {
                    return Err("ERROR hot and warm pcts must not exceed 80");
                }
                if hot_factor <= 0.0 || warm_factor <= 0.0 {
                    return Err("ERROR hot/warm age factors must be greater than 0");
                }
                self.hot_percent = hot_percent;
                self.warm_percent = warm_percent;
                self.hot_factor = hot_factor;
                self.warm_factor = warm_factor;
            }
            _ => return Err("ERROR"),
        }
        Ok(())
    }
}

impl SlabSettings {
    fn turn(&mut self, command: SlabsCommand) -> Answer {
        match command {
            SlabsCommand::Reassign {
                source,
                destination,
            } => return self.reassign(source, destination),
            SlabsCommand::Automove { level } if level <= AUTOMOVE_MAX => self.automove = level,
            SlabsCommand::AutomoveRatio { ratio } => self.automove_ratio = ratio.value(),
            // It is about external storage, which we don't have.
            SlabsCommand::AutomoveFreeRatio { .. } => {}
            SlabsCommand::AutomoveWindow { seconds }
                if !(AUTOMOVE_WINDOW_MIN..=AUTOMOVE_WINDOW_MAX).contains(&seconds) =>
            {
                return Err("CLIENT_ERROR automove window too low or too high");
            }
            SlabsCommand::AutomoveWindow { seconds } => self.automove_window = seconds,
            _ => return Err("ERROR"),
        }
        Ok(())
    }

    /// There are no pages that belong to a class, so that none is ever spare.
    fn reassign(&self, source: i32, destination: i32) -> Answer {
        let is_class = |class| (0..=CLASSES as i32).contains(&class);
        if !self.reassign {
            Err("CLIENT_ERROR slab reassignment disabled")
        } else if source == destination {
            Err("SAME src and dst class are identical")
        } else if !is_class(source) || !is_class(destination) {
            Err("BADCLASS invalid src or dst class id")
        } else {
            Err("NOSPARE source class has no spare pages")
        }
    }
}

/// memcached's least memory.
const MEMORY_MEGABYTES_MIN: u64 = 8;
/// What is larger was meant as bytes.
const MEMORY_MEGABYTES_MAX: u64 = 1_000_000_000;
const CRAWLER_SLEEP_US_MAX: u32 = 1_000_000;
const LISTS_PERCENT_MAX: u32 = 80;
const AUTOMOVE_MAX: u32 = 2;
const AUTOMOVE_WINDOW_MIN: u32 = 3;
const AUTOMOVE_WINDOW_MAX: u32 = 1800;
