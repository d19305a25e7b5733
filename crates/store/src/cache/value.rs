//! Types that are kept as bytes.

use std::borrow::Cow;

/// A type that a [`Cache`](super::Cache) keeps: it becomes bytes, and bytes become it again.
///
/// Implemented for byte strings, text and the usual integers (eight bytes or fewer, little-endian).
/// For a type of your own, use the serialisation that you use elsewhere.
///
/// ```
/// use std::borrow::Cow;
/// use steadfast_store::Value;
///
/// struct Point {
///     x: u32,
///     y: u32,
/// }
///
/// impl Value for Point {
///     fn to_bytes(&self) -> Cow<'_, [u8]> {
///         Cow::Owned([self.x.to_le_bytes(), self.y.to_le_bytes()].concat())
///     }
///
///     fn from_bytes(bytes: &[u8]) -> Option<Self> {
///         let (x, y) = bytes.split_at_checked(4)?;
///         Some(Self { x: u32::from_bytes(x)?, y: u32::from_bytes(y)? })
///     }
/// }
/// ```
pub trait Value: Sized {
    /// Returns the bytes to keep; borrowed where the value is bytes already.
    fn to_bytes(&self) -> Cow<'_, [u8]>;

    /// Makes a value of bytes that [`Value::to_bytes`] gave; `None` if they are of something else.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Value for Vec<u8> {
    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

impl Value for Box<[u8]> {
    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(bytes.into())
    }
}

impl Value for String {
    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(core::str::from_utf8(bytes).ok()?.to_owned())
    }
}

macro_rules! value_of_integer {
    ($($integer:ty)*) => {$(
        impl Value for $integer {
            fn to_bytes(&self) -> Cow<'_, [u8]> {
                Cow::Owned(self.to_le_bytes().to_vec())
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_le_bytes(bytes.try_into().ok()?))
            }
        }
    )*};
}

value_of_integer!(u8 u16 u32 u64 i8 i16 i32 i64);

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use super::*;

    fn comes_back<V: Value + PartialEq + Debug>(value: V) {
        assert_eq!(V::from_bytes(&value.to_bytes()), Some(value));
    }

    #[test]
    fn values_come_back() {
        comes_back(b"bytes".to_vec());
        comes_back(Vec::<u8>::new());
        comes_back(b"box".to_vec().into_boxed_slice());
        comes_back("text \u{e9}".to_owned());
        comes_back(u64::MAX);
        comes_back(i16::MIN);
    }

    #[test]
    fn what_is_no_value_is_none() {
        assert_eq!(String::from_bytes(b"\xff"), None);
        assert_eq!(u32::from_bytes(b"123"), None);
        assert_eq!(u32::from_bytes(b"12345"), None);
    }
}
