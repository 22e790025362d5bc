//! `--all` and `--ndjson`: the items of a listing, whatever pages they come in.

use restwalk::{Call, Items, Stop as Ending};
use serde_json::value::RawValue;

use super::Ended;
use crate::{
    Stop,
    args::Options,
    exit,
    io::{Io, Stream},
    mistake::{Mistake, Result},
    output::Printer,
};

/// The most that is held of items which can only be printed together, or in their turn, in bytes.
pub(crate) const LARGEST: usize = 64 << 20;

/// Whether the options ask for items, page after page.
pub(crate) fn wanted(options: &Options) -> bool {
    let many = &options.many;
    many.all || many.ndjson || many.max_pages.is_some() || many.max_items.is_some()
}

/// The items that the options ask for, each as its bytes came.
pub(crate) fn items(call: Call, options: &Options) -> Items<Box<RawValue>> {
    let mut pages = call.pages();
    if let Some(most) = options.many.max_pages {
        pages = pages.max_pages(most);
    }
    let items = pages.items();
    match options.many.max_items {
        Some(most) => items.max_items(most),
        None => items,
    }
}

/// Prints the items of a listing: one a line, or as one array.
pub(crate) fn run(call: Call, options: &Options, io: &mut Io<'_>) -> Ended {
    let whole = io.stdout.1 == Stream::Terminal || options.print.format.is_some();
    let by_line = options.many.ndjson || options.print.filter.is_some();
    let mut items = items(call, options);
    let stop = io.stop.clone();
    let mut printer = io.printer();
    if !printer.settings().what.body {
        while let Some(item) = stop.wait(items.next())? {
            item?;
        }
    } else if by_line {
        while let Some(item) = stop.wait(items.next())? {
            printer.item(item?.get().as_bytes())?;
        }
    } else if whole {
        let array = joined(&mut items, &stop)?;
        printer.body(Some("application/json"), array.as_bytes())?;
    } else {
        array(&mut items, &stop, &mut printer)?;
    }
    if options.many.max_pages.is_none() && items.stopped() == Some(Ending::MaxPages) {
        let _ = printer.warn("there are more pages than were followed; --max-pages N follows more");
    }
    printer.finish()?;
    Ok(exit::OK)
}

/// Prints an array as its items come; one that breaks off has no end.
fn array(items: &mut Items<Box<RawValue>>, stop: &Stop, printer: &mut Printer<'_>) -> Result<()> {
    let mut before = "[";
    while let Some(item) = stop.wait(items.next())? {
        printer.text(&format!("{before}\n{}", item?.get()))?;
        before = ",";
    }
    Ok(printer.text(if before == "[" { "[]\n" } else { "\n]\n" })?)
}

/// All items as one array.
fn joined(items: &mut Items<Box<RawValue>>, stop: &Stop) -> Result<String> {
    let mut array = String::from("[");
    while let Some(item) = stop.wait(items.next())? {
        let item = item?;
        if array.len() + item.get().len() > LARGEST {
            let wrong =
                Mistake::local("body.too_large", "the items are more than 64 MiB, and cannot be shown together");
            return Err(Mistake { exit: exit::FAILED, ..wrong }.hint("--ndjson prints them one by one"));
        }
        array.push_str(if array.len() > 1 { "," } else { "" });
        array.push_str(item.get());
    }
    array.push(']');
    Ok(array)
}
