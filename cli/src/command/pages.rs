//! `--all` and `--ndjson`: the items of a listing, whatever pages they come in.

use restwalk::{Call, Items, Stop as Ending, http::StatusCode};
use serde_json::value::RawValue;

use super::Ended;
use crate::{
    Stop,
    args::Options,
    exit,
    io::{Io, Stream},
    mistake::{Mistake, Result},
    output::{Printer, what::What},
};

/// The most that is held of items which can only be printed together, or in their turn, in bytes.
pub(crate) const LARGEST: usize = 64 << 20;

/// Whether the options ask for items, page after page.
pub(crate) fn wanted(options: &Options) -> bool {
    let many = &options.many;
    many.all || many.ndjson || many.max_pages.is_some() || many.max_items.is_some()
}

/// Refuses to print more of a listing than its items.
pub(super) fn check(options: &Options, what: What) -> Result<()> {
    if wanted(options) && (what.head || what.meta || what.request_head || what.request_body) {
        return Err(Mistake::usage("of a listing only its items are printed").hint("leave out -h, -m, -v and -p"));
    }
    Ok(())
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

/// The status of a page that is a redirect which is not followed, and so no page.
pub(crate) fn redirect(items: &Items<Box<RawValue>>) -> Option<StatusCode> {
    items.page().map(restwalk::Response::status).filter(StatusCode::is_redirection)
}

/// A listing, and what messages call it.
struct Listing<'a> {
    items: Items<Box<RawValue>>,
    label: &'a str,
    stop: Stop,
}

impl Listing<'_> {
    /// The next item, once it is there.
    fn next(&mut self) -> Result<Option<Box<RawValue>>> {
        let item = self.stop.wait(self.items.next())?;
        match redirect(&self.items) {
            None => Ok(item.transpose()?),
            Some(status) => {
                let told = Mistake::answered(&format!("GET {}", self.label), status);
                Err(told.hint("--follow goes where it leads"))
            }
        }
    }
}

/// Prints the items of a listing, which messages call `label`: one a line, or as one array.
pub(crate) fn run(call: Call, label: &str, options: &Options, io: &mut Io<'_>) -> Ended {
    let whole = io.stdout.1 == Stream::Terminal || options.print.format.is_some();
    let by_line = options.many.ndjson || options.print.filter.is_some();
    let mut listing = Listing { items: items(call, options), label, stop: io.stop.clone() };
    let mut printer = io.printer();
    if !printer.settings().what.body {
        while listing.next()?.is_some() {}
    } else if by_line {
        while let Some(item) = listing.next()? {
            printer.item(item.get().as_bytes())?;
        }
    } else if whole {
        let array = joined(&mut listing)?;
        printer.body(Some("application/json"), array.as_bytes())?;
    } else {
        array(&mut listing, &mut printer)?;
    }
    if options.many.max_pages.is_none() && listing.items.stopped() == Some(Ending::MaxPages) {
        let _ = printer.warn("there are more pages than were followed; --max-pages N follows more");
    }
    printer.finish()?;
    Ok(exit::OK)
}

/// Prints an array as its items come; one that breaks off has no end.
fn array(listing: &mut Listing<'_>, printer: &mut Printer<'_>) -> Result<()> {
    let mut before = "[";
    while let Some(item) = listing.next()? {
        printer.text(&format!("{before}\n{}", item.get()))?;
        before = ",";
    }
    Ok(printer.text(if before == "[" { "[]\n" } else { "\n]\n" })?)
}

/// All items as one array.
fn joined(listing: &mut Listing<'_>) -> Result<String> {
    let mut array = String::from("[");
    while let Some(item) = listing.next()? {
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
