//! Commands for operators.

use super::*;
use crate::{CrawlerCommand, DumpForm, Factor, LruCommand, ShutdownMode, SlabsCommand};

/// Many of them are kept while looking ahead, nearly all of them classic.
#[test]
fn a_request_is_no_larger_than_a_storage_header() {
    assert_eq!(size_of::<Request<'_>>(), size_of::<Storage<'_>>());
}

#[test]
fn memory_limits_are_numbers() {
    check(
        b"cache_memlimit 64\r\ncache_memlimit 4294967295 x noreply\r\n",
        &["cache_memlimit 64", "cache_memlimit 4294967295 noreply"],
    );
    check(b"cache_memlimit\r\ncache_memlimit 64m\r\n", &[ERROR, ERROR]);
    check(
        b"cache_memlimit -1\r\ncache_memlimit 4294967296\r\n",
        &[ERROR, ERROR],
    );
    check(b"cache_memlimit x noreply\r\n", &[SILENT]);
}

/// What is not allowed is the first thing to be said, so that other words are handed on.
#[test]
fn shutdown_hands_on_what_it_does_not_know() {
    check(
        b"shutdown\r\nshutdown graceful\r\n",
        &["shutdown", "shutdown graceful"],
    );
    check(b"shutdown  now please \r\n", &["shutdown now please"]);
    check(b"shutdown grace\r\n", &["shutdown grace"]);
    check(
        b"shutdown noreply\r\nshutdown graceful noreply\r\n",
        &[SILENT, SILENT],
    );
}

#[test]
fn lru_has_three_commands() {
    check(
        b"lru mode flat\r\nlru mode segmented x noreply\r\n",
        &["lru mode flat", "lru mode segmented noreply"],
    );
    check(
        b"lru tune 10 25 0.1 2\r\nlru tune 10 25 1e-1 2.0 noreply\r\n",
        &["lru tune 10 25 1e-1 2e0", "lru tune 10 25 1e-1 2e0 noreply"],
    );
    check(
        b"lru temp_ttl 61\r\nlru temp_ttl -1 noreply\r\n",
        &["lru temp_ttl 61", "lru temp_ttl -1 noreply"],
    );
    for line in [
        "lru",
        "lru mode",
        "lru mode x",
        "lru tune 1 2 3",
        "lru tune 1 2 x 4",
        "lru x",
    ] {
        check(format!("{line}\r\n").as_bytes(), &[ERROR]);
    }
    check(
        b"lru mode noreply\r\nlru temp_ttl noreply\r\n",
        &[SILENT, SILENT],
    );
}

/// 1.6.45 takes any beginning of a word for the word.
#[test]
fn words_are_not_guessed_from_their_beginning() {
    check(b"lru m flat\r\nslabs a 1\r\nlru_crawler e\r\n", &[ERROR; 3]);
    check(
        b"lru mode seg\r\nslabs automove r 0.5\r\n",
        &[ERROR, BAD_LINE],
    );
}

#[test]
fn slabs_are_reassigned_by_hand_or_by_themselves() {
    check(b"slabs reassign -1 5\r\n", &["slabs reassign -1 5"]);
    check(
        b"slabs reassign x 5\r\nslabs reassign 1 x\r\n",
        &[BAD_LINE, BAD_LINE],
    );
    check(
        b"slabs reassign 1\r\nslabs reassign 1 2 3\r\n",
        &[ERROR, ERROR],
    );
    check(b"slabs reassign 1 2 noreply\r\n", &[SILENT]);
    check(
        b"slabs automove 0\r\nslabs automove 2 noreply\r\n",
        &["slabs automove 0", "slabs automove 2 noreply"],
    );
    check(
        b"slabs automove 3\r\nslabs automove x\r\nslabs automove\r\n",
        &[ERROR, BAD_LINE, ERROR],
    );
    check(
        b"slabs automove ratio 0.8\r\nslabs automove freeratio 0.01\r\n",
        &["slabs automove ratio 8e-1", "slabs automove freeratio 1e-2"],
    );
    check(
        b"slabs automove ratio\r\nslabs automove ratio x\r\n",
        &[ERROR, ERROR],
    );
    check(
        b"slabs automove window 10\r\n",
        &["slabs automove window 10"],
    );
    check(
        b"slabs automove window\r\nslabs automove window x\r\n",
        &[BAD_LINE, BAD_LINE],
    );
    check(b"slabs\r\nslabs x\r\n", &[ERROR, ERROR]);
}

#[test]
fn the_crawler_takes_exactly_its_words() {
    for line in [
        "lru_crawler enable",
        "lru_crawler disable",
        "lru_crawler sleep 1000000",
        "lru_crawler tocrawl 0",
        "lru_crawler crawl 1,2,3",
        "lru_crawler metadump all",
        "lru_crawler mgdump hash",
    ] {
        check(format!("{line}\r\n").as_bytes(), &[line]);
        check(format!("{line} x\r\n").as_bytes(), &[ERROR]);
        check(format!("{line} noreply\r\n").as_bytes(), &[SILENT]);
    }
    for line in [
        "lru_crawler",
        "lru_crawler x",
        "lru_crawler sleep",
        "lru_crawler metadump",
    ] {
        check(format!("{line}\r\n").as_bytes(), &[ERROR]);
    }
    check(
        b"lru_crawler sleep x\r\nlru_crawler tocrawl -1\r\n",
        &[BAD_LINE, BAD_LINE],
    );
}

#[test]
fn watch_and_refresh_certs_take_any_words() {
    check(b"watch\r\n", &["watch"]);
    check(
        b"watch fetchers  mutations \r\n",
        &["watch fetchers mutations"],
    );
    check(b"watch noreply\r\n", &["watch noreply"]);
    check(
        b"refresh_certs\r\nrefresh_certs now noreply\r\n",
        &["refresh_certs", "refresh_certs noreply"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encoded_is_parsed(
        (megabytes, number, signed, other) in any::<(u32, u32, i32, i32)>(),
        (left, right) in (0.0..100.0, 0.0..100.0),
        (noreply, segmented, level) in (any::<bool>(), any::<bool>(), 0u32..=2),
    ) {
        let (hot_factor, warm_factor) = (Factor::new(left).unwrap(), Factor::new(right).unwrap());
        assert_round_trip(&Request::CacheMemlimit { megabytes, noreply });
        assert_round_trip(&Request::RefreshCertificates { noreply });
        for mode in [ShutdownMode::Now, ShutdownMode::Graceful, ShutdownMode::Other(b"a b")] {
            assert_round_trip(&Request::Shutdown { mode });
        }
        for command in [
            LruCommand::Mode { segmented },
            LruCommand::Tune {
                hot_percent: number, warm_percent: megabytes, hot_factor, warm_factor,
            },
            LruCommand::TempTtl { seconds: signed },
        ] {
            assert_round_trip(&Request::Lru { command, noreply });
        }
        assert_round_trip(&Request::Slabs {
            command: SlabsCommand::Reassign { source: signed, destination: other },
            noreply: false,
        });
        let ratio = hot_factor;
        for command in [
            SlabsCommand::Automove { level },
            SlabsCommand::AutomoveRatio { ratio },
            SlabsCommand::AutomoveFreeRatio { ratio },
            SlabsCommand::AutomoveWindow { seconds: number },
        ] {
            assert_round_trip(&Request::Slabs { command, noreply });
        }
        for command in [
            CrawlerCommand::Enable,
            CrawlerCommand::Disable,
            CrawlerCommand::Sleep { microseconds: number },
            CrawlerCommand::ToCrawl { items: number },
            CrawlerCommand::Crawl { classes: b"1,2" },
        ] {
            assert_round_trip(&Request::Crawler(command));
        }
        for form in [DumpForm::Metadata, DumpForm::Keys] {
            assert_round_trip(&Request::Dump { form, classes: b"all" });
        }
        for words in [&b""[..], b"evictions", b"rawcmds deletions"] {
            assert_round_trip(&Request::Watch { words });
        }
    }
}
