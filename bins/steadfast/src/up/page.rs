//! The page of the guide's `session.php`, in the guide's words.

use core::fmt::Write as _;
use core::net::IpAddr;

/// The name of the cookie that carries the session id, PHP's default.
pub(crate) const COOKIE_NAME: &str = "PHPSESSID";

/// What a visitor has done so far, stored as PHP's session serialiser writes it (`visit|i:30;`), so
/// that a PHP web server could go on with the same session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visits(pub(crate) u64);

impl Visits {
    /// Reads stored session data; `None` if it holds no counter.
    pub(crate) fn decode(data: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(data).ok()?;
        let digits = text.strip_prefix("visit|i:")?.strip_suffix(';')?;
        digits.parse().ok().map(Self)
    }

    /// Writes the session data.
    pub(crate) fn encode(self) -> Vec<u8> {
        format!("visit|i:{};", self.0).into_bytes()
    }
}

/// Renders the page: `seen` is the counter found in the session, `None` on a first visit.
///
/// `cookies` are the request's, in order, as PHP's `print_r($_COOKIE)` would show them.
pub(crate) fn render(
    seen: Option<Visits>,
    server: IpAddr,
    client: IpAddr,
    cookies: &[(String, String)],
) -> String {
    let mut page = String::with_capacity(256);
    match seen {
        None => {
            page.push_str("Globo.Tech welcomes you as a first time visitor on this server\n");
        }
        // The guide's script prints a blank before the end of this line.
        Some(Visits(count)) => {
            let _ = writeln!(page, "This server has seen you {count} times ");
        }
    }
    let _ = writeln!(page, "Server IP: {server}");
    let _ = writeln!(page, "Client IP: {client}");
    page.push_str("Array\n(\n");
    for (name, value) in cookies {
        let _ = writeln!(page, "    [{name}] => {value}");
    }
    page.push_str(")\n");
    page
}

/// Splits the value of a `Cookie` header into names and values (RFC 6265, section 4.2.1).
pub(crate) fn parse_cookies(header: &str) -> Vec<(String, String)> {
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Whether `id` looks like a session id that this page gave out: 26 letters and digits.
///
/// Anything else is answered with a new session, so that a visitor cannot choose keys.
pub(crate) fn is_session_id(id: &str) -> bool {
    id.len() == SESSION_ID_LEN
        && id
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// Turns random bytes into a session id: five bits a character, as PHP's
/// `session.sid_bits_per_character = 5` does.
pub(crate) fn session_id(random: [u8; SESSION_ID_LEN]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    random
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
}

/// Characters of a session id: PHP's default of 128 bits at five bits each.
pub(crate) const SESSION_ID_LEN: usize = 26;

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(127, 0, 0, 95));
    const CLIENT: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(127, 0, 0, 93));

    #[test]
    fn a_returning_visitor_sees_the_guides_page() {
        let cookies = parse_cookies("PHPSESSID=aeoj7s47i7ke2l0fr7b534v684");
        assert_eq!(
            render(Some(Visits(30)), SERVER, CLIENT, &cookies),
            "This server has seen you 30 times \nServer IP: 127.0.0.95\nClient IP: 127.0.0.93\n\
             Array\n(\n    [PHPSESSID] => aeoj7s47i7ke2l0fr7b534v684\n)\n"
        );
    }

    #[test]
    fn a_first_visitor_is_welcomed_and_has_no_cookie() {
        assert_eq!(
            render(None, SERVER, CLIENT, &[]),
            "Globo.Tech welcomes you as a first time visitor on this server\n\
             Server IP: 127.0.0.95\nClient IP: 127.0.0.93\nArray\n(\n)\n"
        );
    }

    #[test]
    fn session_data_is_what_php_writes() {
        assert_eq!(Visits(7).encode(), b"visit|i:7;");
        assert_eq!(Visits::decode(b"visit|i:7;"), Some(Visits(7)));
        assert_eq!(Visits::decode(b"visit|s:1:\"x\";"), None);
        assert_eq!(Visits::decode(b""), None);
    }

    #[test]
    fn cookies_are_split_at_semicolons() {
        assert_eq!(
            parse_cookies("a=1; b=x=y;c;  =z"),
            [
                ("a".to_owned(), "1".to_owned()),
                ("b".to_owned(), "x=y".to_owned())
            ]
        );
    }

    #[test]
    fn session_ids_have_a_fixed_shape() {
        let id = session_id([255; SESSION_ID_LEN]);
        assert!(is_session_id(&id));
        assert!(!is_session_id("short"));
        assert!(!is_session_id("aeoj7s47i7ke2l0fr7b534v68 "));
    }
}
