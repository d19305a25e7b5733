//! The whole session cluster in one command.
