//! What the balancer does to a request on its way.

use std::collections::BTreeMap;

use steadfast_tests::browser::{Browser, Connection, Journal, Response};
use steadfast_tests::check::{Checks, Failure, Outcome};
use steadfast_tests::ensure;

use crate::scene::Scene;

const PAGE: &str = "/headers.php";

pub(crate) fn check(checks: &mut Checks, scene: &mut Scene) {
    checks.run(
        "X-Forwarded-For names the visitor: a bare `option forwardfor` cancels `except`",
        || {
            let mut browser = scene.visitor();
            let arrived = arrived(&browser.get(PAGE)?)?;
            let expected = browser.address().to_string();
            ensure!(
                arrived.get("x-forwarded-for") == Some(&expected),
                "{arrived:?}"
            );
            Ok(())
        },
    );
    checks.run("X-Forwarded-For comes after the visitor's own", || {
        let mut browser = scene.visitor();
        let arrived = arrived(&browser.get_with(PAGE, &[("X-Forwarded-For", "192.0.2.7")])?)?;
        // PHP joins the two lines.
        let expected = format!("192.0.2.7, {}", browser.address());
        ensure!(
            arrived.get("x-forwarded-for") == Some(&expected),
            "{arrived:?}"
        );
        Ok(())
    });
    checks.run("request header Proxy is removed, others stay", || {
        let sent = [
            ("Proxy", "http://192.0.2.7/"),
            ("pROXY", "x"),
            ("Proxy-Other", "stays"),
        ];
        let arrived_through = arrived(&scene.visitor().get_with(PAGE, &sent)?)?;
        ensure!(
            !arrived_through.contains_key("proxy"),
            "{arrived_through:?}"
        );
        let other = arrived_through.get("proxy-other").map(String::as_str);
        ensure!(other == Some("stays"), "{arrived_through:?}");
        // Without the balancer it does arrive: the page would show it.
        let web = scene.web[0].address();
        let mut direct = Browser::new(web.ip(), web, &Journal::default());
        let arrived_directly = arrived(&direct.get_with(PAGE, &sent)?)?;
        ensure!(
            arrived_directly.contains_key("proxy"),
            "{arrived_directly:?}"
        );
        Ok(())
    });
    checks.run(
        "client connection is kept, server connection closed (http-server-close wins)",
        || {
            let mut browser = scene.visitor();
            let mut connection = Connection::open(browser.address(), scene.addresses.balancer)?;
            for _ in 0..2 {
                let response = browser.get_over(&mut connection, PAGE, &[])?;
                let arrived = arrived(&response)?;
                let told = arrived.get("connection").map(String::as_str);
                ensure!(told == Some("close"), "the server was told {arrived:?}");
            }
            // Long before `timeout client`, and without the 408 of `timeout http-request`.
            ensure!(
                connection.closes()?,
                "an idle connection got more than its end"
            );
            Ok(())
        },
    );
}

/// For the configuration without the bare `option forwardfor`.
pub(crate) fn check_except(checks: &mut Checks, scene: &mut Scene) {
    checks.run(
        "without the bare `option forwardfor`, `except 127.0.0.0/8` holds",
        || {
            let mut browser = scene.visitor();
            let arrived = arrived(&browser.get(PAGE)?)?;
            ensure!(!arrived.contains_key("x-forwarded-for"), "{arrived:?}");
            Ok(())
        },
    );
}

/// The headers that the web server got, by name in lower case.
fn arrived(response: &Response) -> Outcome<BTreeMap<String, String>> {
    ensure!(
        response.status == 200,
        "the page answers {}",
        response.status
    );
    response
        .body
        .lines()
        .map(|line| {
            let pair = line.split_once(": ");
            let (name, value) = pair.ok_or_else(|| Failure::new(format!("no header: {line:?}")))?;
            Ok((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect()
}
