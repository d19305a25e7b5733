//! What a visitor sees.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::ensure;
use steadfast_tests::network;
use steadfast_tests::page::Page;

use crate::scene::{self, Scene, visit, visits_go_on};

/// Visits of the one visitor whose pages are looked at one by one.
const VISITS: u32 = 12;

/// PHP code that prints the settings that the guide is about.
const SETTINGS: &str = "foreach (['memcache.session_redundancy', 'memcache.hash_strategy', \
                        'session.save_handler'] as $name) echo ini_get($name), ' ';";

pub(crate) fn check(checks: &mut Checks, scene: &mut Scene) -> Outcome {
    checks.run("php -m lists memcache, the guide's settings hold", || {
        let modules = scene.web[0].php(&["-m"])?;
        ensure!(
            modules.lines().any(|line| line == "memcache"),
            "php -m has no memcache: {modules}"
        );
        let found = scene.web[0].php(&["-r", SETTINGS])?;
        ensure!(
            found == "3 consistent memcache ",
            "the settings are {found}"
        );
        Ok(())
    });
    let mut browser = scene.visitor();
    let pages: Vec<Page> = (0..VISITS)
        .map(|_| visit(&mut browser))
        .collect::<Outcome<_>>()?;
    check_pages(checks, &pages, scene::session_of(&browser)?);
    checks.run("several visitors have counters of their own", || {
        several_visitors(scene)
    });
    Ok(())
}

fn check_pages(checks: &mut Checks, pages: &[Page], id: &str) {
    checks.run("page greets a first visit in the guide's words", || {
        ensure!(pages[0].seen.is_none(), "{:?}", pages[0]);
        ensure!(
            pages[0].cookies.is_empty(),
            "a first visit brought {:?}",
            pages[0].cookies
        );
        Ok(())
    });
    checks.run(
        "page shows counter, web server, balancer and cookie in the guide's words",
        || {
            let cookies = BTreeMap::from([("PHPSESSID".to_owned(), id.to_owned())]);
            for page in &pages[1..] {
                ensure!(page.seen.is_some(), "{page:?}");
                ensure!(network::WEB.contains(&page.server), "{page:?}");
                // Whoever connects within loopback comes from 127.0.0.1: here that is the balancer.
                ensure!(page.client == IpAddr::V4(Ipv4Addr::LOCALHOST), "{page:?}");
                ensure!(page.cookies == cookies, "{page:?}");
            }
            Ok(())
        },
    );
    checks.run("same PHPSESSID over refreshes", || {
        let same = |page: &Page| {
            page.cookies
                .get("PHPSESSID")
                .is_some_and(|shown| shown == id)
        };
        ensure!(pages[1..].iter().all(same), "{pages:?}");
        Ok(())
    });
    checks.run("counter goes up by one on every refresh", || {
        let seen: Vec<_> = pages.iter().map(|page| page.seen).collect();
        let expected: Vec<_> = (0..VISITS).map(|n| (n > 0).then_some(n)).collect();
        ensure!(seen == expected, "{seen:?}");
        Ok(())
    });
    checks.run("web servers alternate", || {
        let servers: Vec<_> = pages.iter().map(|page| page.server).collect();
        ensure!(
            servers.windows(2).all(|pair| pair[0] != pair[1]),
            "{servers:?}"
        );
        Ok(())
    });
}

/// Visitors come in turns, each as often as its number says.
fn several_visitors(scene: &mut Scene) -> Outcome {
    const VISITORS: usize = 5;
    let mut visitors = Vec::new();
    for _ in 0..VISITORS {
        let mut browser = scene.visitor();
        ensure!(
            visit(&mut browser)?.seen.is_none(),
            "a second browser is known already"
        );
        visitors.push((browser, 0));
    }
    for round in 0..VISITORS {
        for (browser, seen) in visitors.iter_mut().skip(round) {
            *seen = visits_go_on(browser, *seen, 1)?;
        }
    }
    let counters: Vec<_> = visitors.iter().map(|(_, seen)| *seen).collect();
    ensure!(counters == [1, 2, 3, 4, 5], "{counters:?}");
    let ids = visitors
        .iter()
        .map(|(browser, _)| scene::session_of(browser));
    let mut ids: Vec<_> = ids.collect::<Outcome<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == VISITORS, "some share a session: {ids:?}");
    Ok(())
}
