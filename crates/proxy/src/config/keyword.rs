//! Words that HAProxy knows and we do not, and the known word nearest to an unknown one.

use super::address::NOT_IMPLEMENTED;

/// The message about a word that nothing here handles.
///
/// `what` is `keyword` or `option`, `place` names the section or statement in the message; `known`
/// is what we implement there, `foreign` what HAProxy has besides. A word of `foreign` that ends
/// with `*` stands for all words that begin so.
pub(super) fn unknown<'a>(
    what: &str,
    word: &str,
    place: &str,
    known: impl Iterator<Item = &'a str>,
    foreign: &str,
) -> String {
    let is_foreign = |entry: &str| match entry.strip_suffix('*') {
        Some(prefix) => word.starts_with(prefix),
        None => word == entry,
    };
    if foreign.split(' ').any(is_foreign) {
        return format!("{what} '{word}'{place} {NOT_IMPLEMENTED}");
    }
    match nearest(word, known) {
        Some(near) => format!("unknown {what} '{word}'{place}; did you mean '{near}' maybe ?"),
        None => format!("unknown {what} '{word}'{place}"),
    }
}

/// The candidate that takes the fewest edits to make from `word`, if they are few.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > NEAREST_BYTES_MAX {
        return None;
    }
    let (edits, best) = candidates
        .map(|candidate| {
            (
                edits_between(word.as_bytes(), candidate.as_bytes()),
                candidate,
            )
        })
        .min_by_key(|(edits, _)| *edits)?;
    let edits_max = 1 + word.len() / 4;
    (edits <= edits_max && edits < best.len()).then_some(best)
}

/// Insertions, deletions, replacements and swaps of neighbours between `from` and `to`.
fn edits_between(from: &[u8], to: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, byte) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let replaced = above[column] + usize::from(byte != other);
            let mut edits = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && from[row - 1] == *other && *byte == to[column - 1];
            if swapped {
                edits = edits.min(before[column - 1] + 1);
            }
            current.push(edits);
        }
        before = core::mem::replace(&mut above, current);
    }
    above[to.len()]
}

/// Longer words are no slips of a keyword, and the distance takes time in the product of lengths.
const NEAREST_BYTES_MAX: usize = 64;

/// Our sections. Their names may stand wherever a keyword may.
pub(super) const SECTIONS: [&str; 5] = ["global", "defaults", "frontend", "backend", "listen"];

/// Sections that HAProxy has besides ours.
pub(super) const FOREIGN_SECTIONS: &str = "\
acme cache crt-store fcgi-app http-errors log-forward log-profile mailers peers program \
resolvers ring traces userlist";

/// Keywords of `global`.
pub(super) const FOREIGN_GLOBAL: &str = "\
51degrees-* anonkey busy-polling ca-base close-spread-time cluster-secret cpu-map cpu-policy \
cpu-set crt-base debug default-path description deviceatlas-* dns-accept-family expose-* \
external-check fd-hard-limit force-cfg-parser-pause gmtversion grace h1-* h2-* httpclient.* \
insecure-* issuers-chain-path key-base limited-quic load-server-state-from-file localpeer \
log-steps lua-* master-worker maxcompcpuusage maxcomprate maxconnrate maxpipes maxsessrate \
maxsslconn maxsslrate maxzlibmem mworker-* nbproc no-* node noepoll noevports nogetaddrinfo \
nokqueue nopoll noreuseport nosplice numa-cpu-mapping ocsp-update.* pp2-* prealloc-fd presetenv \
profiling.* quick-exit quiet resetenv server-state-* set-* setcap setenv shm-* spread-checks \
ssl-* stats-file strict-limits thread-* trace tune.* unix-bind unsetenv warn-* wurfl-* \
zero-warning";

/// Keywords of proxies.
pub(super) const FOREIGN_PROXY: &str = "\
acl appsession backlog bind-process block capture clitcpka-* compression cookie declare \
description dispatch email-alert errorfile errorfiles errorloc errorloc302 errorloc303 \
error-log-format external-check filter force-be-switch force-persist fullconn grace guid hash-* \
http-after-response http-check http-error http-response http-reuse http-send-name-header \
https-* ignore-persist load-server-state-from-file log-format log-format-sd log-steps log-tag \
max-keep-alive-queue max-session-srv-conns monitor monitor-net monitor-uri persist quic-initial \
rate-limit redirect reqadd reqallow reqdel reqdeny reqi* reqpass reqrep reqtarpit retry-on rsp* \
server-state-file-name server-template source srvtcpka-* stats stick stick-table tcp-check \
tcp-request tcp-response transparent unique-id-format unique-id-header use-fcgi-app use-server \
use_backend";

/// Words after `option`.
pub(super) const FOREIGN_OPTIONS: &str = "\
abortonclose accept-* allbackups assume-rfc6587-ntf checkcache clitcpka contstats \
disable-h2-upgrade external-check forwarded h1-* http-buffer-request http-drop-* \
http-ignore-probes http-no-delay http-pretend-keepalive http-restrict-req-hdr-names http-tunnel \
http-use-* http_proxy httpchk httpslog idle-close-on-response independant-streams \
independent-streams ldap-check logasap mysql-check nolinger originalto persist pgsql-check \
prefer-last-server redis-check smtpchk socket-stats splice-* spop-check srvtcpka ssl-hello-chk \
tcp-* tcpka tcplog transparent use-small-buffers";

/// Words after the address of `bind` and `stats socket`.
pub(super) const FOREIGN_BIND: &str = "\
accept-* allow-0rtt alpn backlog ca-* cc ciphers ciphersuites client-sigalgs crl-file crt crt-* \
curves default-crt defer-accept ecdhe expose-fd force-* generate-certificates gid group \
guid-prefix id idle-ping interface ktls label level maxconn mode mss name namespace nbconn nice \
no-* npn ocsp-update prefer-client-ciphers process proto quic-* severity-output shards sigalgs \
ssl ssl-* strict-sni tcp-* tfo thread tls-* transparent uid user v4v6 v6only verify";

/// Words after the address of `server`.
pub(super) const FOREIGN_SERVER: &str = "\
agent-* allow-0rtt alpn ca-file cc check-* ciphers ciphersuites client-sigalgs cookie crl-file \
crt curves error-limit force-* guid hash-key healthcheck idle-ping init-addr init-state log-* \
max-reuse minconn namespace no-agent-check no-allow-0rtt no-check-* no-force* no-non-stick \
no-observe no-proxy-* no-send-proxy* no-ssl* no-stick no-tfo no-tls* no-verifyhost non-stick \
npn observe on-* pool-* proto redir renegotiate resolve-* resolvers send-proxy* \
set-proxy-v2-tlv-fmt shard sigalgs slowstart sni sni-auto socks4 source ssl ssl-* stick \
strict-maxconn tcp-* tfo tls-* track usesrc verify verifyhost ws";

/// Words after `http-request`.
pub(super) const FOREIGN_HTTP_REQUEST: &str = "\
add-acl allow auth cache-use capture del-acl del-map deny disable-l7-retry do-log do-resolve \
early-hint lua.* normalize-uri pause redirect reject replace-* return sc-* send-spoe-group \
set-bc-* set-dst set-dst-port set-fc-* set-headers-bin set-log-level set-map set-mark \
set-method set-nice set-path set-pathq set-priority-* set-query set-retries set-src \
set-src-port set-timeout set-tos set-uri set-var* silent-drop strict-mode tarpit track-sc* \
unset-var* use-service wait-for-*";

/// Words after `balance`.
pub(super) const FOREIGN_BALANCE: &str = "\
first hash hdr* leastconn log-hash random* rdp-cookie* source static-rr sticky uri url_param";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_word_that_was_meant() {
        let known = ["retries", "balance", "maxconn", "mode", "server"];
        let near = |word| nearest(word, known.into_iter());
        assert_eq!(near("retires"), Some("retries"));
        assert_eq!(near("balanec"), Some("balance"));
        assert_eq!(near("serve"), Some("server"));
        assert_eq!(near("moed"), Some("mode"));
        assert_eq!(near("max_conn"), Some("maxconn"));
        assert_eq!(near("nosuch"), None);
        assert_eq!(near("x"), None);
        assert_eq!(near(&"m".repeat(1000)), None);
    }

    #[test]
    fn foreign_words_are_told_from_unknown_ones() {
        let message = |word| unknown("keyword", word, " here", ["mode"].into_iter(), "acl tune.*");
        assert_eq!(
            message("acl"),
            "keyword 'acl' here is not implemented by steadfast"
        );
        assert_eq!(
            message("tune.x"),
            "keyword 'tune.x' here is not implemented by steadfast"
        );
        assert_eq!(
            message("moed"),
            "unknown keyword 'moed' here; did you mean 'mode' maybe ?"
        );
        assert_eq!(message("quux"), "unknown keyword 'quux' here");
    }
}
