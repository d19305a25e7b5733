//! What every steadfast daemon needs from the operating system.
