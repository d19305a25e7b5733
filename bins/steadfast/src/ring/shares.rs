//! `steadfast ring shares`: which part of the keys each node has.

use std::io::{self, Write as _};

use steadfast_ring::{Basis, Ring, Weights};

use super::Failure;
use super::explain::rules;
use super::options::SharesOptions;
use super::picture;
use super::table::{Table, percent};
use super::target::Target;

/// Prints the shares, and draws them if asked to.
pub(crate) fn run(options: &SharesOptions) -> Result<(), Failure> {
    let target = Target::of_source(&options.source)?;
    if let Some(file) = &options.svg {
        picture::write(file, &picture::of_shares(&target))?;
    }
    io::stdout().lock().write_all(told(&target).as_bytes())?;
    Ok(())
}

fn told(target: &Target) -> String {
    let ring = &target.ring;
    let shares = ring.shares();
    let mut table = Table::new(&[
        "node",
        "   share",
        "    fair",
        "weight",
        "address",
        "hashed as",
    ]);
    for member in ring.members() {
        let index = member.index();
        let alias = member
            .alias()
            .map_or_else(String::new, |alias| format!(" ({alias})"));
        table.row([
            index.to_string(),
            percent(shares.of(index)),
            percent(fair_share(ring, index)),
            member.weight().to_string(),
            format!("{}{alias}", member.address()),
            member.name().into(),
        ]);
    }
    format!(
        "Rules: {}\n{table}{}",
        rules(target),
        basis(&shares.basis())
    )
}

/// What a node would have if keys followed the weights exactly.
pub(crate) fn fair_share(ring: &Ring<()>, index: usize) -> f64 {
    let members = ring.members();
    if ring.dialect().weights() == Weights::Ignored {
        return 1.0 / members.len() as f64;
    }
    let total: f64 = members.iter().map(|member| member.weight().value()).sum();
    if total == 0.0 {
        return 1.0 / members.len() as f64;
    }
    members[index].weight().value() / total
}

/// How the shares are known.
pub(crate) fn basis(basis: &Basis) -> String {
    match basis {
        Basis::Sampled { keys } => format!("Counted with {keys} made-up session ids.\n"),
        Basis::Exact => "Exact: parts of the circle, or of the list.\n".into(),
    }
}
