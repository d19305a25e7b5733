//! Request targets and the `Host` header (RFC 9112, section 3.2).

use bytes::Bytes;

use super::error::{HeadError, HeadErrorKind};
use super::fields::Headers;

/// Whether `byte` may be part of a target: visible ASCII but for `#`.
pub(super) const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'#'
}

/// Checks the form of the target and that `Host` is single, sound and agrees with it; equal ones are merged.
pub(super) fn check(
    method: &[u8],
    target: &[u8],
    headers: &mut Headers,
    target_offset: usize,
    end: usize,
) -> Result<(), HeadError> {
    let bad_host = HeadError::new(HeadErrorKind::Host, end);
    make_host_single(headers).ok_or(bad_host)?;
    let fault = HeadError::new(HeadErrorKind::Target, target_offset);
    let (authority, default_port) = match target {
        _ if method == b"CONNECT" => match split_port(target) {
            (name, Some(port)) if !name.is_empty() && !port.is_empty() => (target, None),
            _ => return Err(fault),
        },
        [b'/', ..] => return Ok(()),
        b"*" if method == b"OPTIONS" => return Ok(()),
        _ => absolute(target).ok_or(fault)?,
    };
    if !is_authority(authority) || authority.is_empty() {
        return Err(fault);
    }
    match headers.values("host").next() {
        Some(host) if !same_authority(authority, host, default_port) => Err(bad_host),
        _ => Ok(()),
    }
}

/// Several equal `Host` lines become one; `None` if they differ or one is unsound.
fn make_host_single(headers: &mut Headers) -> Option<()> {
    let mut values = headers.values("host");
    let Some(first) = values.next() else {
        return Some(());
    };
    let mut repeated = false;
    for value in values {
        if value != first {
            return None;
        }
        repeated = true;
    }
    if !is_authority(first) {
        return None;
    }
    if repeated {
        let first = Bytes::copy_from_slice(first);
        headers.merge("host", first);
    }
    Some(())
}

/// `SCHEME://AUTHORITY[/...]` split into the authority and the scheme's default port.
fn absolute(target: &[u8]) -> Option<(&[u8], Option<&'static [u8]>)> {
    let colon = memchr::memchr(b':', target)?;
    let (scheme, rest) = target.split_at(colon);
    let rest = rest.strip_prefix(b"://")?;
    let name_is_sound = scheme.first()?.is_ascii_alphabetic()
        && scheme
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if !name_is_sound {
        return None;
    }
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    let authority = &rest[..end.unwrap_or(rest.len())];
    let default_port: Option<&'static [u8]> = if scheme.eq_ignore_ascii_case(b"http") {
        Some(b"80")
    } else if scheme.eq_ignore_ascii_case(b"https") {
        Some(b"443")
    } else {
        None
    };
    Some((authority, default_port))
}

fn same_authority(left: &[u8], right: &[u8], default_port: Option<&[u8]>) -> bool {
    let (left_name, left_port) = split_port(left);
    let (right_name, right_port) = split_port(right);
    let port = |given: Option<&[u8]>| match given {
        None | Some([]) => default_port.map(<[u8]>::to_vec),
        Some(port) => Some(port.to_vec()),
    };
    left_name.eq_ignore_ascii_case(right_name) && port(left_port) == port(right_port)
}

/// The name and the port after the last colon outside brackets.
fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memrchr2(b':', b']', authority) {
        Some(place) if authority[place] == b':' => {
            let port = &authority[place + 1..];
            if port.iter().all(u8::is_ascii_digit) {
                (&authority[..place], Some(port))
            } else {
                (authority, None)
            }
        }
        _ => (authority, None),
    }
}

/// Whether `text` could be a host and port: no user, no path, nothing that parsers could read differently.
fn is_authority(text: &[u8]) -> bool {
    text.iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'%'
                    | b':'
                    | b'['
                    | b']'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
            )
    })
}
