//! An experiment file as people write it, and what makes it one that can be run.

use std::{collections::BTreeSet, path::Path};

use chaos::{FaultFile, FaultPlan};
use evidence::record::Section;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Candidate, Experiment, Source, WorldName,
    expect::ExpectFile,
    hosts::missing_host,
    load::{LoadSchema, LoadsFile},
    prototype::prototype,
    search::SearchFile,
};
use crate::{
    designs::{self, DesignError, DesignFile},
    toml_file::{FileError, chain},
};

/// An experiment: designs × loads × faults, with expectations.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Experiment")]
pub struct ExperimentFile {
    /// Its name, which the record carries.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// What it is about.
    #[serde(default)]
    title: String,
    /// Where it happens unless `--world` says otherwise: `sim` unless said.
    world: Option<WorldName>,
    /// What is tried: built-in designs by name, others by a path relative to this file.
    #[schemars(with = "Vec<String>")]
    designs: Spanned<Vec<Spanned<String>>>,
    /// Designs of its own: each extends another, without some of its sections or with others.
    #[serde(default)]
    #[schemars(with = "Vec<DesignFile>")]
    variant: Vec<Spanned<DesignFile>>,
    /// Under what faults: `none`, `brownout`, `blackout`, or one that this file defines. Unless said: `none`, and those it defines.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    faults: Option<Spanned<Vec<Spanned<String>>>>,
    /// Faults of its own.
    #[serde(default)]
    #[schemars(with = "Vec<FaultFile>")]
    fault: Vec<Spanned<FaultFile>>,
    /// Under what load; several with a name each are `[[load]]`.
    #[schemars(with = "LoadSchema")]
    load: LoadsFile,
    /// Within what time after its intended send a success counts as goodput; 2 s unless said.
    slo: Option<load::Span>,
    /// What its report shows beside what every report shows.
    #[serde(default)]
    #[schemars(with = "Vec<Section>")]
    section: Vec<Spanned<Section>>,
    /// What is searched for.
    #[serde(default)]
    #[schemars(with = "Vec<SearchFile>")]
    search: Vec<Spanned<SearchFile>>,
    /// What must come out.
    #[serde(default)]
    #[schemars(with = "Vec<ExpectFile>")]
    expect: Vec<Spanned<ExpectFile>>,
}

/// Reads and checks a whole file.
pub(super) fn read(label: &str, text: &str, source: Source) -> Result<Experiment, FileError> {
    let file: ExperimentFile =
        toml::from_str(text).map_err(|error| FileError::from_toml(label, text, &error))?;
    let refuse = |span, reason: &str| FileError::at(label, text, Some(span), reason);
    let name = file.name.get_ref();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        let reason = "an experiment's name is made of letters, digits, `.`, `-` and `_`";
        return Err(refuse(file.name.span(), reason));
    }
    let folder = match &source {
        Source::Ladder => None,
        Source::File(path) => path.parent(),
    };
    let variants = variants(label, text, folder, file.variant, &refuse)?;
    let designs = candidates(&file.designs, variants, folder, &refuse)?;
    let faults = plans(file.faults.as_ref(), &file.fault, &designs, &refuse)?;
    let mut experiment = Experiment {
        name: name.clone(),
        title: file.title,
        world: file.world.unwrap_or(WorldName::Sim),
        source,
        designs,
        faults,
        load: file.load.into(),
        slo: file.slo.map_or(evidence::SLO, load::Span::get),
        responses: file.section.iter().any(|section| section.get_ref().kind.needs_responses()),
        sections: Vec::new(),
        searches: Vec::new(),
        expectations: Vec::new(),
    };
    let prototype = prototype(&experiment);
    for section in file.section {
        super::sections::check(section.get_ref(), &experiment, &prototype)
            .map_err(|reason| refuse(section.span(), &reason))?;
        experiment.sections.push(section.into_inner());
    }
    for search in file.search {
        let span = search.span();
        let search = search.into_inner().bind(&experiment, &prototype);
        experiment.searches.push(search.map_err(|reason| refuse(span, &reason))?);
    }
    for expect in file.expect {
        let span = expect.span();
        let expectation = expect.into_inner().bind(&experiment, &prototype);
        let expectation = expectation.map_err(|reason| refuse(span, &reason))?;
        experiment.expectations.push(expectation);
    }
    Ok(experiment)
}

type Span = std::ops::Range<usize>;

/// The designs that the file defines itself.
fn variants(
    label: &str,
    text: &str,
    folder: Option<&Path>,
    written: Vec<Spanned<DesignFile>>,
    refuse: &impl Fn(Span, &str) -> FileError,
) -> Result<Vec<(Span, Candidate)>, FileError> {
    let mut variants: Vec<(Span, Candidate)> = Vec::new();
    for variant in written {
        let span = variant.span();
        let resolved = designs::resolve_variant(label, text, folder, variant.into_inner());
        let resolved = resolved.map_err(|error| match error {
            DesignError::File(error) if error.file == label => error,
            error => refuse(span.clone(), &chain(&error)),
        })?;
        let name = resolved.design.name.clone();
        if variants.iter().any(|(_, other)| other.name() == name) {
            return Err(refuse(span, &format!("the variant {name} is there twice")));
        }
        variants.push((span, Candidate { argument: name, resolved }));
    }
    Ok(variants)
}

fn candidates(
    written: &Spanned<Vec<Spanned<String>>>,
    variants: Vec<(Span, Candidate)>,
    folder: Option<&Path>,
    refuse: &impl Fn(Span, &str) -> FileError,
) -> Result<Vec<Candidate>, FileError> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for design in written.get_ref() {
        let own = variants.iter().find(|(_, variant)| variant.name() == design.get_ref());
        let candidate = match own {
            Some((_, variant)) => variant.clone(),
            None => built_in_or_file(design, folder, refuse)?,
        };
        if candidates.iter().any(|other| other.name() == candidate.name()) {
            return Err(refuse(design.span(), &format!("the design {} is there twice", candidate.name())));
        }
        candidates.push(candidate);
    }
    let is_unused = |variant: &Candidate| candidates.iter().all(|other| other.name() != variant.name());
    if let Some((span, variant)) = variants.iter().find(|(_, variant)| is_unused(variant)) {
        let reason = format!("the variant {} is defined, but `designs` does not name it", variant.name());
        return Err(refuse(span.clone(), &reason));
    }
    if candidates.is_empty() {
        return Err(refuse(written.span(), "an experiment needs a design"));
    }
    Ok(candidates)
}

fn built_in_or_file(
    design: &Spanned<String>,
    folder: Option<&Path>,
    refuse: &impl Fn(Span, &str) -> FileError,
) -> Result<Candidate, FileError> {
    let is_path = design.get_ref().contains('/') || design.get_ref().ends_with(".toml");
    let argument = match folder.filter(|_| is_path) {
        Some(folder) => folder.join(design.get_ref()).display().to_string(),
        None => design.get_ref().clone(),
    };
    let resolved = designs::resolve(&argument).map_err(|error| refuse(design.span(), &chain(&error)))?;
    Ok(Candidate { argument, resolved })
}

fn plans(
    written: Option<&Spanned<Vec<Spanned<String>>>>,
    own: &[Spanned<FaultFile>],
    designs: &[Candidate],
    refuse: &impl Fn(Span, &str) -> FileError,
) -> Result<Vec<FaultPlan>, FileError> {
    let mut defined: Vec<FaultPlan> = Vec::new();
    for fault in own {
        let plan = fault.get_ref().plan().map_err(|error| refuse(fault.span(), &error.to_string()))?;
        if chaos::NAMES.contains(&plan.name()) || defined.iter().any(|other| other.name() == plan.name()) {
            return Err(refuse(fault.span(), &format!("there is another fault called {}", plan.name())));
        }
        if let Some(missing) = missing_host(&plan, designs) {
            return Err(refuse(fault.span(), &missing.to_string()));
        }
        defined.push(plan);
    }
    let Some(written) = written else {
        defined.insert(0, FaultPlan::undisturbed(chaos::NONE));
        return Ok(defined);
    };
    let mut plans: Vec<FaultPlan> = Vec::new();
    let mut seen = BTreeSet::new();
    for name in written.get_ref() {
        let plan = defined.iter().find(|plan| plan.name() == name.get_ref()).cloned();
        let plan = plan.or_else(|| chaos::named(name.get_ref())).ok_or_else(|| {
            let known = chaos::NAMES.iter().copied().chain(defined.iter().map(FaultPlan::name));
            let known = known.collect::<Vec<_>>().join(", ");
            refuse(name.span(), &format!("no fault {:?}, expected one of {known}", name.get_ref()))
        })?;
        if let Some(missing) = missing_host(&plan, designs) {
            return Err(refuse(name.span(), &missing.to_string()));
        }
        if !seen.insert(name.get_ref().as_str()) {
            return Err(refuse(name.span(), &format!("the fault {} is there twice", name.get_ref())));
        }
        plans.push(plan);
    }
    let unused = |fault: &&Spanned<FaultFile>| !seen.contains(fault.get_ref().name.as_str());
    if let Some(fault) = own.iter().find(unused) {
        let reason = format!("the fault {} is defined, but `faults` does not name it", fault.get_ref().name);
        return Err(refuse(fault.span(), &reason));
    }
    if plans.is_empty() {
        return Err(refuse(
            written.span(),
            "an experiment needs a fault; the one that does nothing is \"none\"",
        ));
    }
    Ok(plans)
}
