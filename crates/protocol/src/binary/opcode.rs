//! What a message is about.

use core::fmt;

/// What a request asks for, and what a response answers (protocol-binary.txt, "Command opcodes").
///
/// Any byte is one, since a server has to name in its answer what it does not know. A quiet form
/// (`Q`) is answered only if there is something to tell: retrievals on a hit, all others on an
/// error.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opcode(u8);

/// The opcodes, their names and what they do.
macro_rules! opcodes {
    ($($name:ident $byte:literal $doc:literal)*) => {
        impl Opcode {
            $(
                #[doc = $doc]
                pub const $name: Self = Self($byte);
            )*

            /// The name of the opcode, if it is known.
            const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

opcodes! {
    GET 0x00 "The value under a key."
    SET 0x01 "Store a value, whatever is there."
    ADD 0x02 "Store a value if there is none."
    REPLACE 0x03 "Store a value if there is one."
    DELETE 0x04 "Remove an item."
    INCREMENT 0x05 "Add to a number."
    DECREMENT 0x06 "Subtract from a number, not below 0."
    QUIT 0x07 "Answer and close."
    FLUSH 0x08 "Forget all items, now or later."
    GETQ 0x09 "Quiet [`Opcode::GET`]."
    NOOP 0x0a "Answer: what came before is done."
    VERSION 0x0b "The server's version."
    GETK 0x0c "Key and value under a key."
    GETKQ 0x0d "Quiet [`Opcode::GETK`]."
    APPEND 0x0e "Add behind a value."
    PREPEND 0x0f "Add in front of a value."
    STAT 0x10 "A report, one response for each line."
    SETQ 0x11 "Quiet [`Opcode::SET`]."
    ADDQ 0x12 "Quiet [`Opcode::ADD`]."
    REPLACEQ 0x13 "Quiet [`Opcode::REPLACE`]."
    DELETEQ 0x14 "Quiet [`Opcode::DELETE`]."
    INCREMENTQ 0x15 "Quiet [`Opcode::INCREMENT`]."
    DECREMENTQ 0x16 "Quiet [`Opcode::DECREMENT`]."
    QUITQ 0x17 "Quiet [`Opcode::QUIT`]."
    FLUSHQ 0x18 "Quiet [`Opcode::FLUSH`]."
    APPENDQ 0x19 "Quiet [`Opcode::APPEND`]."
    PREPENDQ 0x1a "Quiet [`Opcode::PREPEND`]."
    VERBOSITY 0x1b "How much the server logs; specified, but unknown to memcached 1.6."
    TOUCH 0x1c "A new expiry time."
    GAT 0x1d "The value under a key, and a new expiry time."
    GATQ 0x1e "Quiet [`Opcode::GAT`]."
    SASL_LIST_MECHS 0x20 "How one can authenticate."
    SASL_AUTH 0x21 "Authenticate: the first step."
    SASL_STEP 0x22 "Authenticate: a further step."
    GATK 0x23 "Key and value under a key, and a new expiry time."
    GATKQ 0x24 "Quiet [`Opcode::GATK`]."
}

impl Opcode {
    /// The opcode of this number.
    #[must_use]
    pub const fn new(byte: u8) -> Self {
        Self(byte)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether it is answered only if there is something to tell.
    #[must_use]
    pub const fn is_quiet(self) -> bool {
        self.loud().0 != self.0
    }

    /// The form that is always answered; itself if it is that.
    #[must_use]
    pub const fn loud(self) -> Self {
        match self {
            Self::GETQ => Self::GET,
            Self::GETKQ => Self::GETK,
            Self::GATQ => Self::GAT,
            Self::GATKQ => Self::GATK,
            // The two rows of quiet forms keep the order of the loud ones.
            Self(byte @ 0x11..=0x18) => Self(byte - 0x10),
            Self::APPENDQ => Self::APPEND,
            Self::PREPENDQ => Self::PREPEND,
            loud => loud,
        }
    }

    /// The form that is answered only if there is something to tell; itself if there is none.
    #[must_use]
    pub const fn quiet(self) -> Self {
        match self {
            Self::GET => Self::GETQ,
            Self::GETK => Self::GETKQ,
            Self::GAT => Self::GATQ,
            Self::GATK => Self::GATKQ,
            Self(byte @ 0x01..=0x08) => Self(byte + 0x10),
            Self::APPEND => Self::APPENDQ,
            Self::PREPEND => Self::PREPENDQ,
            quiet => quiet,
        }
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Opcode({:#04x})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn loud_and_quiet_forms_are_pairs_by_name() {
        let mut pairs = 0;
        for opcode in (0..=u8::MAX).map(Opcode::new) {
            let (loud, quiet) = (opcode.loud(), opcode.quiet());
            assert_eq!(opcode.is_quiet(), opcode != loud);
            if loud != quiet {
                assert_eq!(format!("{loud:?}Q"), format!("{quiet:?}"));
                assert_eq!((loud.quiet(), quiet.loud()), (quiet, loud));
                pairs += 1;
            }
        }
        // Fourteen pairs, each met from both sides.
        assert_eq!(pairs, 28);
    }
}
