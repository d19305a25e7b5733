//! A load balancer that takes the place of HAProxy.
