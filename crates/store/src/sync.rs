//! The one door to locks, atomics and raw allocation, so that loom can stand behind it.

#[cfg(not(steadfast_loom))]
mod door {
    pub(crate) use std::alloc::{alloc_zeroed, dealloc};
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

    pub(crate) type Guard<'a, T> = parking_lot::MutexGuard<'a, T>;

    /// A mutex without poisoning: a panic in a caller's closure leaves a stripe as it was.
    #[derive(Debug)]
    pub(crate) struct Lock<T>(parking_lot::Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(parking_lot::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> Guard<'_, T> {
            self.0.lock()
        }

        /// The lock, if nobody has it.
        #[inline]
        pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
            self.0.try_lock()
        }
    }

    /// Nothing; under loom, tells the model of plain accesses to a block's bytes.
    #[derive(Debug)]
    pub(crate) struct Witness;

    impl Witness {
        pub(crate) fn new() -> Self {
            Self
        }

        #[inline(always)]
        pub(crate) fn read(&self) {}

        #[inline(always)]
        pub(crate) fn write(&self) {}
    }
}

#[cfg(steadfast_loom)]
mod door {
    pub(crate) use loom::alloc::{alloc_zeroed, dealloc};
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

    pub(crate) type Guard<'a, T> = loom::sync::MutexGuard<'a, T>;

    #[derive(Debug)]
    pub(crate) struct Lock<T>(loom::sync::Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> Guard<'_, T> {
            self.0.lock().expect("no model panics under a lock")
        }

        pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
            self.0.try_lock().ok()
        }
    }

    /// Stands for a block's bytes: loom fails the model if a write races with anything.
    #[derive(Debug)]
    pub(crate) struct Witness(loom::cell::UnsafeCell<()>);

    impl Witness {
        pub(crate) fn new() -> Self {
            Self(loom::cell::UnsafeCell::new(()))
        }

        pub(crate) fn read(&self) {
            self.0.with(|_| ());
        }

        pub(crate) fn write(&self) {
            self.0.with_mut(|_| ());
        }
    }
}

pub(crate) use door::*;
