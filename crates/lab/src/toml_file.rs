//! What is wrong in a TOML file that people wrote, and where.

use std::ops::Range;

/// An error with its place: `designs/x.toml:7:3: unknown field …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {reason}")]
pub struct FileError {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one line.
    pub reason: String,
}

impl FileError {
    /// An error at a place in the text.
    pub(crate) fn at(file: &str, text: &str, span: Option<Range<usize>>, reason: &str) -> Self {
        let offset = span.map_or(0, |span| span.start).min(text.len());
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            reason: reason.trim().replace('\n', ", "),
        }
    }

    /// What the TOML reader or a type's own check said.
    pub(crate) fn from_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        Self::at(file, text, error.span(), error.message())
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_columns_in_characters_from_one() {
        let text = "a = 1\nü = 'é' x";
        let place = |offset: usize| {
            let error = FileError::at("f.toml", text, Some(offset..offset), "no");
            (error.line, error.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(text.find('=').unwrap()), (1, 3));
        assert_eq!(place(text.len() - 1), (2, 9));
        assert_eq!(FileError::at("f.toml", text, None, "no").to_string(), "f.toml:1:1: no");
    }
}
