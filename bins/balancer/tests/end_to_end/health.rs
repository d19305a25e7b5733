//! Servers that are probed.

use crate::client::get;
use crate::origin::{Manner, Origin};
use crate::{DEFAULTS, start};

#[tokio::test]
async fn server_goes_down_and_comes_back() {
    let (one, two) = (Origin::start("one").await, Origin::start("two").await);
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {} check inter 20 rise 2 fall 1\n \
         server b {} check inter 20 rise 2 fall 1\n",
        one.address, two.address
    ));
    assert_eq!(get(stand.address, "/").await.status(), "200");
    let address = one.stop().await;
    let line = stand.notices.find("is DOWN").await;
    assert!(line.starts_with("[WARNING]  ("), "{line}");
    let expected = "Server web/a is DOWN, reason: Layer4 connection problem, info: \"";
    assert!(line.contains(expected), "{line}");
    assert!(
        line.contains("1 active and 0 backup servers left."),
        "{line}"
    );
    for _ in 0..4 {
        assert_eq!(get(stand.address, "/").await.body, "two");
    }
    let one = Origin::at(address, Manner::Say(String::from("one"))).await;
    let line = stand.notices.find("is UP").await;
    assert!(
        line.contains("Server web/a is UP, reason: Layer4 check passed"),
        "{line}"
    );
    let mut bodies = [
        get(stand.address, "/").await.body,
        get(stand.address, "/").await.body,
    ];
    bodies.sort();
    assert_eq!(bodies, ["one", "two"]);
    // Both are log lines, too.
    stand.logs.find("Server web/a is DOWN").await;
    stand.logs.find("Server web/a is UP").await;
    drop(one);
}

#[tokio::test]
async fn last_server_down_is_an_emergency_and_then_503_at_once() {
    let one = Origin::start("one").await;
    let mut stand = start(&format!(
        "{DEFAULTS}\nlisten web\n bind 127.0.0.1:1\n server a {} check inter 20 fall 1\n",
        one.address
    ));
    one.stop().await;
    let line = stand.notices.find("no server available").await;
    assert!(line.starts_with("[ALERT]    ("), "{line}");
    assert!(
        line.contains("proxy web has no server available!"),
        "{line}"
    );
    assert_eq!(get(stand.address, "/").await.status(), "503");
    let line = stand.logs.find("\"GET / HTTP/1.1\"").await;
    assert!(
        line.contains(" web web/<NOSRV> 0/-1/-1/-1/0 503 "),
        "{line}"
    );
}
