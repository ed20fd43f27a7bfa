//! A resolved design as text: everything it has, and which file each part comes from.

use std::fmt::Write as _;

use platform::design::Design;

use super::{DesignError, ResolvedDesign, resolve};

/// The resolved design as TOML that can be read back. Values are as the platform runs them, with defaults
/// and profiles filled in; each section says where it was stated and keeps the comment that explains it.
///
/// # Errors
/// When the design cannot be resolved.
pub fn show(name_or_path: &str) -> Result<String, DesignError> {
    Ok(render(&resolve(name_or_path)?))
}

fn render(resolved: &ResolvedDesign) -> String {
    let mut text = String::new();
    let quoted = |value: &str| toml::Value::from(value).to_string();
    let _ = writeln!(text, "name = {}", quoted(&resolved.design.name));
    if !resolved.title.is_empty() {
        let _ = writeln!(text, "title = {}", quoted(&resolved.title));
    }
    if !resolved.lesson.is_empty() {
        let _ = writeln!(text, "lesson = {}", quoted(&resolved.lesson));
    }
    for (section, body) in sections(&resolved.design) {
        text.push('\n');
        match resolved.origins.get(section.as_str()) {
            Some(origin) => {
                let _ = writeln!(text, "# from {}", origin.file);
                for line in &origin.comment {
                    let _ = writeln!(text, "{}", format!("# {line}").trim_end());
                }
            }
            None => text.push_str("# the default: no file states it\n"),
        }
        text.push_str(&body);
    }
    text
}

/// The design's keys and sections, each with its TOML text, plain keys first.
fn sections(design: &Design) -> Vec<(String, String)> {
    let text = toml::to_string(design).expect("a design is plain TOML");
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let table = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match table {
            Some(name) if !name.contains('.') => sections.push((name.to_owned(), String::new())),
            Some(_) => {}
            // A line before the first table is a plain key, a section of its own.
            None if sections.last().is_none_or(|(_, body)| !body.starts_with('[')) => {
                let (key, _) = line.split_once('=').expect("a line that is no table header is a key");
                sections.push((key.trim().to_owned(), String::new()));
            }
            None => {}
        }
        let (_, body) = sections.last_mut().expect("every line above began or continued a section");
        body.push_str(line);
        body.push('\n');
    }
    sections.retain(|(name, _)| name != "name");
    sections
}
