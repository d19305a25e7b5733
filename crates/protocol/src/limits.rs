//! What a peer may make us buffer.

/// Bounds on what has to be buffered before a line is understood.
///
/// Values are not among them: they are announced by a header and never buffered by a parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest line in bytes without its line feed, but for `get` and `gets`.
    ///
    /// 2048 by default: beyond it memcached closes a connection that has sent no line feed. We
    /// close at the same length however the input was split, so that the result never depends
    /// on timing.
    pub line_bytes_max: usize,
    /// The longest `get` or `gets` line in bytes without its line feed.
    ///
    /// 4 MiB by default, over 16,000 keys of full length. memcached has no bound here; a buffer
    /// that a peer can grow needs one.
    pub multiget_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes_max: 2048,
            multiget_bytes_max: 4 << 20,
        }
    }
}
