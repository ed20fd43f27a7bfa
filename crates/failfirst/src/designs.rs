//! `failfirst designs`: what there is to compare.

use std::fmt::Write as _;

use lab::designs::{self, DesignError};
use lab::serve::{Design, ServiceKind, StoreUrl};
use serde::Serialize;

use crate::cli::{DesignsArgs, DesignsCommand, ReplicasOf, Shared};
use crate::failure::Failure;
use crate::output;

/// Lists, shows or compares designs.
///
/// # Errors
///
/// When a design does not exist or its file is wrong.
pub(crate) fn designs(args: &DesignsArgs) -> Result<(), Failure> {
    let text = match (args.command.as_ref().unwrap_or(&DesignsCommand::List), args.json) {
        (DesignsCommand::List, false) => list(),
        (DesignsCommand::List, true) => json(&designs::list()),
        (DesignsCommand::Show { design }, false) => designs::show(design).map_err(wrong)?,
        (DesignsCommand::Show { design }, true) => json(&designs::resolve(design).map_err(wrong)?),
        (DesignsCommand::Diff { a, b }, false) => designs::diff(a, b).map_err(wrong)?.to_string(),
        (DesignsCommand::Pages(pages), _) => return crate::pages::pages(pages),
        (DesignsCommand::Diff { a, b }, true) => json(&designs::diff(a, b).map_err(wrong)?),
    };
    output::print(&text)
}

fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("designs have text keys only");
    text.push('\n');
    text
}

/// A design by name or file.
///
/// # Errors
///
/// When it does not exist, or its file is wrong.
pub(crate) fn resolve(name_or_file: &str) -> Result<Design, Failure> {
    Ok(designs::resolve(name_or_file).map_err(wrong)?.design)
}

/// The same, with as many processes of its services as were asked for.
///
/// # Errors
///
/// As [`resolve`], and when the design cannot have so many.
pub(crate) fn resolve_scaled(name_or_file: &str, asked: &[ReplicasOf]) -> Result<Design, Failure> {
    let mut design = resolve(name_or_file)?;
    for asked in asked {
        match asked.service {
            Shared::OrderProcessor => design.scale.order_processor = asked.replicas,
            Shared::NotificationService => design.scale.notification_service = asked.replicas,
        }
    }
    design.check_replicas().map_err(|reason| Failure::input(anyhow::anyhow!(reason)))?;
    Ok(design)
}

/// Whether the stores do what the design promises: that a customer is told once is known to those only who see the same
/// notices.
///
/// # Errors
///
/// When several notification-services would each have a store of their own.
pub(crate) fn check_stores(design: &Design, store: &StoreUrl) -> Result<(), Failure> {
    let replicas = design.replicas_of(ServiceKind::NotificationService);
    let is_shared = matches!(store, StoreUrl::Postgres(_));
    if replicas <= 1 || design.inbox.is_none() || is_shared {
        return Ok(());
    }
    let reason = anyhow::anyhow!(
        "{replicas} notification-services that each have a store of their own can tell a customer twice, and [inbox] of {} \
         promises that they do not",
        design.name
    );
    Err(Failure::input(reason).help("give them one store: --store postgres://USER:PASSWORD@HOST/DATABASE"))
}

/// What a wrong design is told as.
pub(crate) fn wrong(error: DesignError) -> Failure {
    let unknown = matches!(error, DesignError::Unknown { .. });
    let failure = Failure::input(error);
    if unknown { failure.help("`failfirst designs` lists them") } else { failure }
}

fn list() -> String {
    let mut text = String::new();
    for design in designs::list() {
        let _infallible = writeln!(text, "{}  {}\n        {}", design.name, design.title, design.lesson);
    }
    text
}
