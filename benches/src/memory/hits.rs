//! Hit ratios at equal resident memory.

use std::io;

use super::{Program, play, resident_mb, start};
use crate::client::Client;
use crate::report::{Better, Finding};
use crate::trace::Trace;

/// Plays each trace to each program. Peers have `-m 64`. Ours has the largest `-m` with which it is
/// resident with no more than the smallest of the peers: found by trying, whole megabytes.
pub(super) fn measure(programs: &[Program], findings: &mut Vec<Finding>) -> io::Result<()> {
    let Some((ours, peers)) = programs.split_first() else {
        return Ok(());
    };
    let mut megabytes = MEGABYTES;
    for trace in Trace::ALL {
        let peers: Vec<Outcome> = peers
            .iter()
            .map(|peer| run(peer, MEGABYTES, trace))
            .collect::<io::Result<_>>()?;
        let room = peers
            .iter()
            .map(|peer| peer.resident_mb)
            .reduce(f64::min)
            .unwrap_or(MEGABYTES as f64);
        let mut own = run(ours, megabytes, trace)?;
        for _ in 0..TRIES_MAX {
            let step = (room - own.resident_mb).floor();
            if (0.0..SLACK_MB).contains(&step) {
                break;
            }
            megabytes = megabytes.saturating_add_signed(step as i64);
            own = run(ours, megabytes, trace)?;
        }
        let all: Vec<Outcome> = [own].into_iter().chain(peers).collect();
        let name = trace.name();
        findings.push(Finding::new(
            format!("hits, {name}: hit ratio at equal resident memory"),
            Better::More,
            4,
            all.iter().map(|outcome| outcome.ratio).collect(),
        ));
        findings.push(Finding::new(
            format!("hits, {name}: resident (ours -m {megabytes}, others -m {MEGABYTES}), MiB"),
            Better::Less,
            1,
            all.iter().map(|outcome| outcome.resident_mb).collect(),
        ));
    }
    Ok(())
}

struct Outcome {
    ratio: f64,
    resident_mb: f64,
}

fn run(program: &Program, megabytes: u64, trace: Trace) -> io::Result<Outcome> {
    let server = start(program, megabytes)?;
    let mut client = Client::connect(server.address())?;
    // Made for the peers' memory: all get the same requests.
    let mut requests = trace.requests(MEGABYTES as usize * (1 << 20));
    play(&mut client, &mut requests, REQUESTS_TO_WARM)?;
    let ratio = play(&mut client, &mut requests, REQUESTS)?;
    let resident_mb = resident_mb(&server)?;
    eprintln!(
        "  {} of {} at -m {megabytes}: {ratio:.4}, {resident_mb:.1} MiB resident",
        trace.name(),
        program.label
    );
    Ok(Outcome { ratio, resident_mb })
}

const MEGABYTES: u64 = 64;
const REQUESTS_TO_WARM: usize = 1_500_000;
const REQUESTS: usize = 1_500_000;
const TRIES_MAX: usize = 3;
// Less room than this is not worth another run.
const SLACK_MB: f64 = 2.0;
