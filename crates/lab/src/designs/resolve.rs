//! From files that extend each other to one design.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use platform::design::Design;
use serde::Serialize;

use super::{
    BUILT_IN, DesignError,
    file::{DesignFile, name_fault},
};
use crate::toml_file::FileError;

/// A design with everything it inherited, and where it got it.
#[derive(Clone, Debug, Serialize)]
pub struct ResolvedDesign {
    /// What the platform runs.
    pub design: Design,
    /// What its own file adds, in a few words.
    pub title: String,
    /// What it must show in the evidence.
    pub lesson: String,
    /// What it builds upon, as it is written.
    pub extends: Option<String>,
    /// Where each of its keys and sections was stated. What no file states is at its default and not listed.
    pub origins: BTreeMap<&'static str, Origin>,
}

/// Where a section was stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The file.
    pub file: String,
    /// The comment directly above it, line by line, without the `#`.
    pub comment: Vec<String>,
}

/// Reads a design by its built-in name or its path, with everything it extends.
///
/// # Errors
/// When a design on the way is unknown, unreadable or says something that cannot be, when designs extend
/// each other in a circle, or when none of them has a `[payment]` section.
pub fn resolve(name_or_path: &str) -> Result<ResolvedDesign, DesignError> {
    let chain = chain(name_or_path)?;
    let own = chain.first().expect("a chain begins with the design itself");
    let mut origins = BTreeMap::new();
    let topology = nearest(&chain, "topology", |file| file.topology, &mut origins);
    let payment = nearest(&chain, "payment", |file| file.payment.clone(), &mut origins);
    let admission = nearest(&chain, "admission", |file| file.admission.clone(), &mut origins);
    let backpressure = nearest(&chain, "backpressure", |file| file.backpressure.clone(), &mut origins);
    let timeouts = nearest(&chain, "timeouts", |file| file.timeouts.clone(), &mut origins);
    let idempotency = nearest(&chain, "idempotency", |file| file.idempotency.clone(), &mut origins);
    let retries = nearest(&chain, "retries", |file| file.retries.clone(), &mut origins);
    let breaker = nearest(&chain, "breaker", |file| file.breaker.clone(), &mut origins);
    let observability = nearest(&chain, "observability", |file| file.observability.clone(), &mut origins);
    let composition = nearest(&chain, "composition", |file| file.composition.clone(), &mut origins);
    note_overrides(&chain, &mut origins);
    let payment = payment.ok_or_else(|| {
        own.refuse(None, "the design has no [payment] section, neither its own nor from what it extends")
    })?;
    let design = Design {
        name: own.file.name.get_ref().clone(),
        topology: topology.unwrap_or_default(),
        payment,
        admission,
        backpressure,
        timeouts,
        idempotency,
        retries,
        breaker,
        observability,
        composition,
    }
    .in_force();
    design.check().map_err(|reason| own.refuse(None, &reason))?;
    Ok(ResolvedDesign {
        design,
        title: own.file.title.clone(),
        lesson: own.file.lesson.clone(),
        extends: own.file.extends.as_ref().map(|extends| extends.get_ref().clone()),
        origins,
    })
}

/// The value of the nearest file that states it, and a note of which file that is.
fn nearest<T>(
    chain: &[Loaded],
    section: &'static str,
    pick: impl Fn(&DesignFile) -> Option<T>,
    origins: &mut BTreeMap<&'static str, Origin>,
) -> Option<T> {
    let (value, loaded) = chain.iter().find_map(|loaded| Some((pick(&loaded.file)?, loaded)))?;
    let comment = comment_above(&loaded.text, section);
    origins.insert(section, Origin { file: loaded.label.clone(), comment });
    Some(value)
}

/// A section that a composition states anew comes from there.
fn note_overrides(chain: &[Loaded], origins: &mut BTreeMap<&'static str, Origin>) {
    let composed = chain.iter().find_map(|loaded| Some((loaded, loaded.file.composition.as_ref()?)));
    let Some((loaded, composition)) = composed else { return };
    for section in composition.overridden() {
        let comment = comment_above(&loaded.text, &format!("composition.{section}"));
        origins.insert(section, Origin { file: loaded.label.clone(), comment });
    }
}

/// The design's own file, then what it extends, up to the first that extends nothing.
fn chain(name_or_path: &str) -> Result<Vec<Loaded>, DesignError> {
    let mut chain = vec![Place::new(name_or_path, None).load()?];
    loop {
        let last = chain.last().expect("it began with one");
        let Some(extends) = &last.file.extends else { return Ok(chain) };
        let place = Place::new(extends.get_ref(), last.folder.as_deref());
        let identity = place.identity();
        if chain.iter().any(|loaded| loaded.identity == identity) {
            let circle: Vec<_> = chain.iter().map(|loaded| loaded.label.as_str()).collect();
            let reason = format!(
                "the designs extend each other in a circle: {} → {}",
                circle.join(" → "),
                place.label()
            );
            return Err(last.refuse(Some(extends.span()), &reason).into());
        }
        let parent = place.load().map_err(|error| match error {
            // A wrong `extends` is the fault of the file that says so; what is wrong inside the parent is not.
            DesignError::Unknown { .. } => last.refuse(Some(extends.span()), &error.to_string()),
            DesignError::Read { source, .. } => {
                let reason = format!("the design {} cannot be read: {source}", place.label());
                last.refuse(Some(extends.span()), &reason)
            }
            DesignError::File(error) => error,
        })?;
        chain.push(parent);
    }
}

/// Where a design is to be found.
enum Place {
    BuiltIn(String),
    File(PathBuf),
}

impl Place {
    fn new(name_or_path: &str, folder: Option<&Path>) -> Self {
        let is_path = name_or_path.contains('/')
            || Path::new(name_or_path).extension().is_some_and(|extension| extension == "toml");
        match (is_path, folder) {
            (false, _) => Self::BuiltIn(name_or_path.to_owned()),
            (true, None) => Self::File(PathBuf::from(name_or_path)),
            (true, Some(folder)) => Self::File(folder.join(name_or_path)),
        }
    }

    fn label(&self) -> String {
        match self {
            Self::BuiltIn(name) => format!("designs/{name}.toml"),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The same for two ways of writing the same place.
    fn identity(&self) -> String {
        match self {
            Self::BuiltIn(name) => name.clone(),
            Self::File(path) => fs::canonicalize(path).as_deref().unwrap_or(path).display().to_string(),
        }
    }

    fn load(&self) -> Result<Loaded, DesignError> {
        let label = self.label();
        let text = match self {
            Self::BuiltIn(name) => {
                let built_in = BUILT_IN.iter().find(|(known, _)| known == name);
                built_in.ok_or_else(|| DesignError::Unknown { name: name.clone() })?.1.to_owned()
            }
            Self::File(path) => fs::read_to_string(path)
                .map_err(|source| DesignError::Read { file: label.clone(), source })?,
        };
        let file: DesignFile =
            toml::from_str(&text).map_err(|error| FileError::from_toml(&label, &text, &error))?;
        if let Some(reason) = name_fault(file.name.get_ref()) {
            return Err(FileError::at(&label, &text, Some(file.name.span()), reason).into());
        }
        let folder = match self {
            Self::BuiltIn(_) => None,
            Self::File(path) => path.parent().map(Path::to_owned),
        };
        Ok(Loaded { label, identity: self.identity(), folder, text, file })
    }
}

/// A design file that was read.
struct Loaded {
    label: String,
    identity: String,
    folder: Option<PathBuf>,
    text: String,
    file: DesignFile,
}

impl Loaded {
    fn refuse(&self, span: Option<std::ops::Range<usize>>, reason: &str) -> FileError {
        FileError::at(&self.label, &self.text, span, reason)
    }
}

/// The comment that stands directly above a section or key, for whoever reads the resolved design.
fn comment_above(text: &str, section: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let table = format!("[{section}]");
    let is_header =
        |line: &&str| **line == table || line.split_once('=').is_some_and(|(key, _)| key.trim() == section);
    let Some(header) = lines.iter().position(is_header) else { return Vec::new() };
    let above = lines[..header].iter().rev().map_while(|line| line.strip_prefix('#'));
    let mut comment: Vec<_> = above.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()).collect();
    comment.reverse();
    comment
}
