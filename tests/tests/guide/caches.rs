//! Failover and replication: the guide's last test, with both answers that it can give.

use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::{ensure, wait};

use crate::scene::{self, Scene, visit, visits_go_on};

/// The cache that is stopped first and comes back empty, and the one that stays up meanwhile.
const RESTARTED: usize = 1;
const STAYED: usize = 0;

pub(crate) fn check(checks: &mut Checks, scene: &mut Scene) -> Outcome {
    let mut on_restarted = scene.visitor_at_home(RESTARTED)?;
    let mut on_stayed = scene.visitor_at_home(STAYED)?;
    let (mut seen_restarted, mut seen_stayed) = (0, 0);

    checks.run("a cache ends on TERM and leaves its port", || {
        let status = scene.caches[RESTARTED].stop()?;
        ensure!(status.success(), "it ended with {status}");
        ensure!(
            !wait::accepts(scene.caches[RESTARTED].address()),
            "somebody still answers"
        );
        Ok(())
    });
    checks.run(
        "one cache stopped: the counter goes on, home was the stopped one",
        || {
            seen_restarted = visits_go_on(&mut on_restarted, seen_restarted, 3)?;
            Ok(())
        },
    );
    checks.run(
        "one cache stopped: the counter goes on, home is the other one",
        || {
            seen_stayed = visits_go_on(&mut on_stayed, seen_stayed, 3)?;
            Ok(())
        },
    );

    scene.caches[RESTARTED].start_again()?;
    checks.run(
        "cache started again, empty: a session at home on the other one goes on",
        || {
            seen_stayed = visits_go_on(&mut on_stayed, seen_stayed, 3)?;
            Ok(())
        },
    );
    checks.run(
        "cache started again, empty: a session at home there is lost (Debian's extension, with any memcached)",
        || {
            let id = scene::session_of(&on_restarted)?.to_owned();
            let page = visit(&mut on_restarted)?;
            ensure!(page.seen.is_none(), "it was not lost after {seen_restarted} visits: {page:?}");
            let new_id = scene::session_of(&on_restarted)?;
            ensure!(new_id == id, "the visitor got another id, {new_id} for {id}");
            seen_restarted = visits_go_on(&mut on_restarted, 0, 2)?;
            Ok(())
        },
    );

    scene.caches[STAYED].stop()?;
    checks.run(
        "then the other cache stopped: the session at home there goes on from its copy",
        || {
            seen_stayed = visits_go_on(&mut on_stayed, seen_stayed, 3)?;
            Ok(())
        },
    );
    checks.run(
        "then the other cache stopped: the session begun anew goes on at its home",
        || {
            seen_restarted = visits_go_on(&mut on_restarted, seen_restarted, 3)?;
            Ok(())
        },
    );
    scene.caches[STAYED].start_again()
}
