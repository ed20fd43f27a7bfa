//! The pool by itself.
