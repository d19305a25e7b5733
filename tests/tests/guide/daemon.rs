//! The balancer as a daemon: its configuration, process, stats socket and end.

use std::fs;

use nix::unistd::Group;
use steadfast_tests::balancer;
use steadfast_tests::check::{Checks, Outcome};
use steadfast_tests::guide::{ForwardFor, ListenForm};
use steadfast_tests::wait::{self, PATIENCE};
use steadfast_tests::{ensure, process};

use crate::scene::Scene;

/// The two forms of the `listen` section, before anything runs.
pub(crate) fn check_configuration(checks: &mut Checks, scene: &Scene) {
    let load = |form| {
        let file = scene.write_configuration(form, ForwardFor::Bare)?;
        balancer::check_configuration(&scene.balancer_program, &file)
    };
    checks.run(
        "the guide's configuration loads with today's `bind` line, without a warning",
        || {
            let finished = load(ListenForm::BindLine)?;
            ensure!(finished.status.success(), "{finished:?}");
            ensure!(
                !finished.stderr.to_lowercase().contains("warning"),
                "{finished:?}"
            );
            Ok(())
        },
    );
    if scene.is_haproxy {
        checks.run("HAProxy refuses the guide's `listen http ADDRESS`", || {
            let finished = load(ListenForm::SectionLine)?;
            ensure!(finished.status.code() == Some(1), "{finished:?}");
            Ok(())
        });
    } else {
        checks.run(
            "the guide's `listen http ADDRESS` loads, with a warning that gives today's form",
            || {
                let finished = load(ListenForm::SectionLine)?;
                ensure!(finished.status.success(), "{finished:?}");
                let todays_form = format!("bind {}", scene.addresses.balancer);
                let told = |line: &str| finished.stderr.contains(line);
                ensure!(told(&todays_form) && told("haproxy.cfg:"), "{finished:?}");
                Ok(())
            },
        );
    }
}

/// `daemon`, `pidfile`, `user`, `group`, `chroot`.
pub(crate) fn check_process(checks: &mut Checks, scene: &Scene) {
    checks.run(
        "daemon: in the background, standard streams closed off",
        || {
            let pid = scene.balancer()?.pid();
            for stream in 0..3 {
                let target = fs::read_link(format!("/proc/{pid}/fd/{stream}"))?;
                ensure!(
                    target.as_os_str() == "/dev/null",
                    "stream {stream} is {}",
                    target.display()
                );
            }
            Ok(())
        },
    );
    checks.run("pidfile: names the process that listens", || {
        let balancer = scene.balancer()?;
        let text = fs::read_to_string(&balancer.paths().pid_file)?;
        ensure!(text == format!("{}\n", balancer.pid()), "it says {text:?}");
        let info = balancer.info()?;
        ensure!(
            info.get("Pid") == Some(&balancer.pid().to_string()),
            "show info says {info:?}"
        );
        Ok(())
    });
    checks.run("user and group: the balancer is not root any more", || {
        let pid = scene.balancer()?.pid();
        let (user, group) = scene.balancer_user()?;
        let found = process::user_of(pid)?;
        ensure!(found == user, "it runs as {found}, not {user}");
        let gid = Group::from_name(group)
            .map_err(std::io::Error::from)?
            .map(|group| group.gid);
        let gid = gid.map(|gid| gid.to_string()).unwrap_or_default();
        let gids = process::status_field(pid, "Gid")?;
        ensure!(
            gids.split_whitespace().all(|each| each == gid),
            "its groups are {gids}, not {gid}"
        );
        Ok(())
    });
    checks.run("chroot: the balancer's root is its jail", || {
        let balancer = scene.balancer()?;
        let root = fs::read_link(format!("/proc/{}/root", balancer.pid()))?;
        ensure!(
            root == balancer.paths().jail,
            "its root is {}",
            root.display()
        );
        Ok(())
    });
}

/// `stats socket`.
pub(crate) fn check_stats_socket(checks: &mut Checks, scene: &Scene) {
    checks.run("show info answers on the stats socket", || show_info(scene));
    checks.run("show stat answers on the stats socket", || show_stat(scene));
    checks.run(
        "help answers on the stats socket, an unknown command gets the known ones near it",
        || {
            let balancer = scene.balancer()?;
            let help = balancer.command("help")?;
            ensure!(
                help.contains("show stat") && help.contains("show info"),
                "{help}"
            );
            let answer = balancer.command("show inf0")?;
            ensure!(answer.starts_with("Unknown command"), "{answer}");
            ensure!(answer.contains("show info"), "{answer}");
            Ok(())
        },
    );
}

fn show_info(scene: &Scene) -> Outcome {
    let info = scene.balancer()?.info()?;
    let field = |name: &str| info.get(name).map(String::as_str).unwrap_or_default();
    ensure!(field("Name") == "HAProxy", "{info:?}");
    ensure!(field("Maxconn") == "4096", "{info:?}");
    let requests: usize = field("CumReq").parse()?;
    ensure!(
        requests >= scene.journal.exchanges().len(),
        "CumReq {requests}"
    );
    for name in [
        "Version",
        "Uptime",
        "Uptime_sec",
        "CurrConns",
        "CumConns",
        "Nbthread",
        "node",
    ] {
        ensure!(!field(name).is_empty(), "show info has no {name}");
    }
    Ok(())
}

fn show_stat(scene: &Scene) -> Outcome {
    let rows = scene.balancer()?.stat()?;
    let names: Vec<_> = rows
        .iter()
        .map(|row| row.text("svname"))
        .collect::<Outcome<_>>()?;
    ensure!(
        names == ["FRONTEND", "web1", "web2", "BACKEND"],
        "{names:?}"
    );
    let visits = scene.journal.exchanges().len() as u64;
    let mut served = 0;
    for (row, name) in rows.iter().zip(names) {
        ensure!(row.text("pxname")? == "http", "{row:?}");
        let status = row.text("status")?;
        ensure!(
            status == if name == "FRONTEND" { "OPEN" } else { "UP" },
            "{name} is {status}"
        );
        let good = row.number("hrsp_2xx")?;
        if name.starts_with("web") {
            served += good;
            ensure!(row.number("weight")? == 1, "{row:?}");
            ensure!(row.text("check_status")? == "L4OK", "{row:?}");
        } else {
            ensure!(
                good == visits,
                "{name} counts {good} good answers of {visits}"
            );
        }
    }
    ensure!(
        served == visits,
        "{visits} visits, web1 and web2 served {served}"
    );
    Ok(())
}

/// TERM.
pub(crate) fn check_end(checks: &mut Checks, scene: &mut Scene) -> Outcome {
    let balancer = scene.take_balancer()?;
    checks.run("TERM ends the balancer and frees its address", || {
        balancer.terminate()?;
        // The process is gone when its first thread is; the others take the socket along.
        wait::until("its address to be free", PATIENCE, || {
            Ok((!wait::accepts(scene.addresses.balancer)).then_some(()))
        })
    });
    Ok(())
}
