//! From files that extend each other to one design.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use platform::design::{Composition, Design};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    BUILT_IN, DesignError,
    file::{DesignFile, name_fault, variant_name_fault},
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
    assemble(&chain(Place::new(name_or_path, None).load()?)?)
}

/// Reads a design that stands inside another file, of which `text` is the whole.
///
/// # Errors
/// As for [`resolve`].
pub(crate) fn resolve_variant(
    label: &str,
    text: &str,
    folder: Option<&Path>,
    file: DesignFile,
) -> Result<ResolvedDesign, DesignError> {
    let identity = format!("{label}#{}", file.name.get_ref());
    let (label, text, folder) = (label.to_owned(), text.to_owned(), folder.map(Path::to_owned));
    let own = Loaded { label, identity, folder, text, file };
    if let Some(reason) = variant_name_fault(own.file.name.get_ref()) {
        return Err(own.refuse(Some(own.file.name.span()), reason).into());
    }
    if own.file.extends.is_none() {
        return Err(own.refuse(Some(own.file.name.span()), "a variant `extends` another design").into());
    }
    assemble(&chain(own)?)
}

/// The design of a chain of files.
fn assemble(chain: &[Loaded]) -> Result<ResolvedDesign, DesignError> {
    removals_fit(chain)?;
    let own = chain.first().expect("a chain begins with the design itself");
    let mut origins = BTreeMap::new();
    let topology = nearest(chain, "topology", |file| file.topology, &mut origins);
    let replicas = nearest(chain, "replicas", |file| file.replicas.clone(), &mut origins);
    let scale = nearest(chain, "scale", |file| file.scale, &mut origins);
    let payment = nearest(chain, "payment", |file| file.payment.clone(), &mut origins);
    let admission = nearest(chain, "admission", |file| file.admission.clone(), &mut origins);
    let backpressure = nearest(chain, "backpressure", |file| file.backpressure.clone(), &mut origins);
    let timeouts = nearest(chain, "timeouts", |file| file.timeouts.clone(), &mut origins);
    let idempotency = nearest(chain, "idempotency", |file| file.idempotency.clone(), &mut origins);
    let retries = nearest(chain, "retries", |file| file.retries.clone(), &mut origins);
    let breaker = nearest(chain, "breaker", |file| file.breaker.clone(), &mut origins);
    let observability = nearest(chain, "observability", |file| file.observability.clone(), &mut origins);
    let composition = nearest(chain, "composition", |file| file.composition.clone(), &mut origins);
    let outbox = nearest(chain, "outbox", |file| file.outbox.clone(), &mut origins);
    let acknowledgement =
        nearest(chain, "acknowledgement", |file| file.acknowledgement.clone(), &mut origins);
    let inbox = nearest(chain, "inbox", |file| file.inbox.clone(), &mut origins);
    let delayed_retries =
        nearest(chain, "delayed_retries", |file| file.delayed_retries.clone(), &mut origins);
    let dead_letters = nearest(chain, "dead_letters", |file| file.dead_letters.clone(), &mut origins);
    let consumers = nearest(chain, "consumers", |file| file.consumers.clone(), &mut origins);
    let composition = composition.map(|composition| overriding(chain, composition, &mut origins));
    let payment = payment.ok_or_else(|| {
        own.refuse(None, "the design has no [payment] section, neither its own nor from what it extends")
    })?;
    let design = Design {
        name: own.file.name.get_ref().clone(),
        topology: topology.unwrap_or_default(),
        replicas: replicas.map(Spanned::into_inner).unwrap_or_default(),
        scale: scale.unwrap_or_default(),
        payment,
        admission,
        backpressure,
        timeouts,
        idempotency,
        retries,
        breaker,
        observability,
        composition,
        outbox,
        acknowledgement,
        inbox,
        delayed_retries,
        dead_letters,
        consumers,
    }
    .in_force();
    let replicas_span = own.file.replicas.as_ref().map(Spanned::span);
    design.check_replicas().map_err(|reason| own.refuse(replicas_span, &reason))?;
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
    let nearest = chain.iter().find_map(|loaded| match pick(&loaded.file) {
        Some(value) => Some(Some((value, loaded))),
        None => loaded.removes(section).then_some(None),
    });
    let (value, loaded) = nearest??;
    let comment = comment_above(&loaded.text, section);
    origins.insert(section, Origin { file: loaded.label.clone(), comment });
    Some(value)
}

/// What the composition still overrides: a section that a nearer file states or does without is that file's. What
/// it does override comes from there.
fn overriding(
    chain: &[Loaded],
    mut composition: Composition,
    origins: &mut BTreeMap<&'static str, Origin>,
) -> Composition {
    let at = chain.iter().position(|loaded| loaded.file.composition.is_some());
    let at = at.expect("some file states the composition");
    let is_nearer =
        |section| chain[..at].iter().any(|loaded| loaded.file.states(section) || loaded.removes(section));
    fn keep<T>(section: &mut Option<T>, is_nearer: bool) {
        section.take_if(|_| is_nearer);
    }
    keep(&mut composition.admission, is_nearer("admission"));
    keep(&mut composition.backpressure, is_nearer("backpressure"));
    keep(&mut composition.timeouts, is_nearer("timeouts"));
    keep(&mut composition.idempotency, is_nearer("idempotency"));
    keep(&mut composition.retries, is_nearer("retries"));
    keep(&mut composition.breaker, is_nearer("breaker"));
    for section in composition.overridden() {
        let comment = comment_above(&chain[at].text, &format!("composition.{section}"));
        origins.insert(section, Origin { file: chain[at].label.clone(), comment });
    }
    composition
}

/// Every section that a file does without must be there to be removed: a misspelt one would change nothing.
fn removals_fit(chain: &[Loaded]) -> Result<(), FileError> {
    for (index, loaded) in chain.iter().enumerate() {
        for section in &loaded.file.without {
            let (name, span) = (section.get_ref().as_str(), Some(section.span()));
            let known = loaded.file.constraints().map(|(known, _)| known);
            if !known.contains(&name) {
                let known = known.join(", ");
                return Err(loaded
                    .refuse(span, &format!("no section {name:?} to do without, expected one of {known}")));
            }
            if loaded.file.states(name) {
                return Err(
                    loaded.refuse(span, &format!("the design has a [{name}] section and is without it"))
                );
            }
            let mut above = chain[index + 1..].iter();
            let nearest = above.find(|loaded| loaded.file.states(name) || loaded.removes(name));
            if nearest.is_none_or(|loaded| loaded.removes(name)) {
                let reason = format!("nothing that the design extends has a [{name}] section to do without");
                return Err(loaded.refuse(span, &reason));
            }
        }
    }
    Ok(())
}

/// The design's own file, then what it extends, up to the first that extends nothing.
fn chain(own: Loaded) -> Result<Vec<Loaded>, DesignError> {
    let mut chain = vec![own];
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
    /// A variant of an experiment: `experiments/ablation.toml#v1.0.0 without breaker`.
    Variant(PathBuf, String),
}

impl Place {
    fn new(name_or_path: &str, folder: Option<&Path>) -> Self {
        if let Some((file, name)) = name_or_path.split_once(".toml#") {
            let file = format!("{file}.toml");
            let path = folder.map_or_else(|| PathBuf::from(&file), |folder| folder.join(&file));
            return Self::Variant(path, name.to_owned());
        }
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
            Self::File(path) | Self::Variant(path, _) => path.display().to_string(),
        }
    }

    /// The same for two ways of writing the same place.
    fn identity(&self) -> String {
        match self {
            Self::BuiltIn(name) => name.clone(),
            Self::File(path) => fs::canonicalize(path).as_deref().unwrap_or(path).display().to_string(),
            Self::Variant(path, name) => {
                format!("{}#{name}", fs::canonicalize(path).as_deref().unwrap_or(path).display())
            }
        }
    }

    fn load(&self) -> Result<Loaded, DesignError> {
        let label = self.label();
        let text = match self {
            Self::BuiltIn(name) => {
                let built_in = BUILT_IN.iter().find(|(known, _)| known == name);
                built_in.ok_or_else(|| DesignError::Unknown { name: name.clone() })?.1.to_owned()
            }
            Self::File(path) | Self::Variant(path, _) => fs::read_to_string(path)
                .map_err(|source| DesignError::Read { file: label.clone(), source })?,
        };
        let wrong = |error: toml::de::Error| FileError::from_toml(&label, &text, &error);
        let file: DesignFile = match self {
            Self::Variant(_, name) => {
                let Variants { variant } = toml::from_str(&text).map_err(wrong)?;
                let known: Vec<_> = variant.iter().map(|file| file.name.get_ref().clone()).collect();
                let found = variant.into_iter().find(|file| file.name.get_ref() == name);
                found.ok_or_else(|| {
                    let reason = format!("no variant {name:?}, expected one of {}", known.join(", "));
                    FileError::at(&label, &text, None, &reason)
                })?
            }
            Self::BuiltIn(_) | Self::File(_) => toml::from_str(&text).map_err(wrong)?,
        };
        let fault = match self {
            Self::Variant(..) => variant_name_fault(file.name.get_ref()),
            Self::BuiltIn(_) | Self::File(_) => name_fault(file.name.get_ref()),
        };
        if let Some(reason) = fault {
            return Err(FileError::at(&label, &text, Some(file.name.span()), reason).into());
        }
        let folder = match self {
            Self::BuiltIn(_) => None,
            Self::File(path) | Self::Variant(path, _) => path.parent().map(Path::to_owned),
        };
        Ok(Loaded { label, identity: self.identity(), folder, text, file })
    }
}

/// The variants of an experiment file; what else stands in it is its own business.
#[derive(Deserialize)]
struct Variants {
    #[serde(default)]
    variant: Vec<DesignFile>,
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
    fn removes(&self, section: &str) -> bool {
        self.file.without.iter().any(|name| name.get_ref() == section)
    }

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
