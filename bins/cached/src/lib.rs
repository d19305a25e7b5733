//! A cache daemon that takes the place of memcached.
