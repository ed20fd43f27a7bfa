//! The order platform's services, assembled from a design.

pub mod design;
pub mod hardship;
