//! What the guide's `session.php` shows, word for word.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::check::{Failure, Outcome};

/// One view of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How often the visitor was seen before; `None` is the greeting of a first visit.
    pub seen: Option<u32>,
    /// The web server that answered.
    pub server: IpAddr,
    /// Who asked the web server: the balancer.
    pub client: IpAddr,
    /// The cookies that came with the request.
    pub cookies: BTreeMap<String, String>,
}

const GREETING: &str = "Globo.Tech welcomes you as a first time visitor on this server";

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    ///
    /// When a word differs from the guide's.
    pub fn parse(body: &str) -> Outcome<Self> {
        Self::read(body).ok_or_else(|| Failure::new(format!("not the guide's page: {body:?}")))
    }

    fn read(body: &str) -> Option<Self> {
        let mut lines = body.strip_suffix("\n)\n")?.split('\n');
        let first = lines.next()?;
        let seen = if first == GREETING {
            None
        } else {
            let count = first
                .strip_prefix("This server has seen you ")?
                .strip_suffix(" times ")?;
            Some(count.parse().ok()?)
        };
        let server = lines.next()?.strip_prefix("Server IP: ")?.parse().ok()?;
        let client = lines.next()?.strip_prefix("Client IP: ")?.parse().ok()?;
        if (lines.next()?, lines.next()?) != ("Array", "(") {
            return None;
        }
        let mut cookies = BTreeMap::new();
        for line in lines {
            let (name, value) = line.strip_prefix("    [")?.split_once("] => ")?;
            cookies.insert(name.to_owned(), value.to_owned());
        }
        Some(Self {
            seen,
            server,
            client,
            cookies,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guide_s_example_is_read() {
        let page = Page::parse(
            "This server has seen you 30 times \nServer IP: 10.0.0.95\nClient IP: 10.0.0.93\n\
             Array\n(\n    [PHPSESSID] => aeoj7s47i7ke2l0fr7b534v684\n)\n",
        )
        .unwrap();
        assert_eq!(page.seen, Some(30));
        assert_eq!(page.server.to_string(), "10.0.0.95");
        assert_eq!(page.client.to_string(), "10.0.0.93");
        assert_eq!(page.cookies["PHPSESSID"], "aeoj7s47i7ke2l0fr7b534v684");
    }

    #[test]
    fn first_visit_has_no_cookie_yet() {
        let body = format!("{GREETING}\nServer IP: 10.0.0.95\nClient IP: 10.0.0.93\nArray\n(\n)\n");
        let page = Page::parse(&body).unwrap();
        assert_eq!((page.seen, page.cookies.len()), (None, 0));
    }

    #[test]
    fn other_words_are_no_page() {
        for body in [
            "",
            "<br />\n<b>Warning</b>: session_start()\n",
            "This server has seen you many times \nServer IP: 1.1.1.1\nClient IP: 1.1.1.1\nArray\n(\n)\n",
            "This server has seen you 3 times\nServer IP: 1.1.1.1\nClient IP: 1.1.1.1\nArray\n(\n)\n",
        ] {
            assert!(Page::parse(body).is_err(), "{body:?}");
        }
    }
}
