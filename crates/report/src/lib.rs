//! Evidence as people and programs read it: terminal tables, one HTML page, and two records compared.
//!
//! Everything is computed from the record and nothing else, so that a report can be made again from
//! `ladder.json` at any time, and two reports of one record are the same.

mod background;
mod beside;
pub mod compare;
mod format;
mod grid;
mod html;
mod page;
pub mod plot;
#[cfg(test)]
mod sample;
mod sections;
pub mod terminal;
mod words;

pub use compare::{Comparison, compare};
pub use html::{html, html_beside};
pub use page::observed;
