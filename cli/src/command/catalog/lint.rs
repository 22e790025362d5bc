//! `catalog lint`: whether a catalog loads, and what is better written otherwise.

use restwalk::Catalog;

use crate::{args::Options, command::Ended, exit, io::Io, mistake::Mistake, settings::Settings};

/// Loads the files, else the catalog that options and environment name, and prints what there is to say of it.
pub(super) fn run(files: &[String], options: &Options, io: &mut Io<'_>) -> Ended {
    let catalog = match files {
        [resources, defaults] => Catalog::from_files(io.path(resources), io.path(defaults))?,
        [resources] => Catalog::from_file(io.path(resources))?,
        _ => Settings::read(options, io)?.catalog,
    };
    if catalog.is_open() {
        let wrong = Mistake::usage("there is no catalog to check");
        return Err(wrong.hint("name one: catalog lint resources.yaml defaults.yaml"));
    }
    let remarks = catalog.lint();
    let mut printer = io.printer();
    for remark in &remarks {
        printer.text(&format!("{remark}\n"))?;
    }
    if !printer.settings().quiet {
        printer.tell(&format!("{} routes, {} remarks", catalog.routes().count(), remarks.len()))?;
    }
    printer.finish()?;
    Ok(exit::OK)
}
