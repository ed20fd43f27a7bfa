//! The policies by themselves.
