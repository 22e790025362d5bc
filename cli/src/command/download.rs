//! A call whose answer goes into a file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use restwalk::{Call, Download, Downloaded, Outcome, Response, http::header::CONTENT_DISPOSITION};

use super::{Ended, pages};
use crate::{
    Stop,
    args::Options,
    exit,
    io::Io,
    mistake::{Mistake, Result},
    name,
    output::clean,
    progress::{self, Bar},
};

/// Where an answer goes that is not printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A file of this name.
    File(PathBuf),
    /// A pipe or a device, which is written as it is.
    Stream(PathBuf),
    /// A file whose name the answer says, else the URL.
    Named,
}

/// Where the options want the answer; `None` is standard output.
pub(super) fn target(options: &Options, io: &Io<'_>) -> Result<Option<Target>> {
    let files = &options.files;
    let shaped = options.print.filter.is_some() || options.print.format.is_some();
    let to_file = files.download || files.output.as_ref().is_some_and(|named| named != "-");
    if to_file && (shaped || pages::wanted(options)) {
        let wrong = Mistake::usage("a file gets the body of one answer, as it came");
        return Err(wrong.hint("without -d and -o it is printed; > FILE keeps what is printed"));
    }
    let Some(named) = &files.output else {
        if files.proceed {
            let wrong = Mistake::usage("-c goes on with a file, and none is named");
            return Err(wrong.hint("-o FILE names it; what came of it so far is in FILE.part"));
        }
        return Ok(files.download.then_some(Target::Named));
    };
    let target = match &**named {
        "-" | "/dev/stdout" => None,
        named => Some(io.path(named)),
    };
    let stream = |path: &Path| fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    let target = target.map(|path| if stream(&path) { Target::Stream(path) } else { Target::File(path) });
    if files.proceed && !matches!(target, Some(Target::File(_))) {
        let wrong = Mistake::usage("-c goes on with a file");
        return Err(wrong.hint(format!("{named:?} is none")));
    }
    Ok(target)
}

/// Sends the call and writes its answer to `target`.
pub(super) fn run(call: Call, target: Target, options: &Options, io: &mut Io<'_>) -> Ended {
    let bar = Bar::new(options.print.quiet, io);
    let chosen = target == Target::Named;
    let saved = match target {
        Target::Stream(path) => return stream(call, &path, &io.stop),
        Target::File(path) => {
            let download = described(path.clone(), options, bar.as_ref());
            progress::watch(bar.as_ref(), call.download(download), io).inspect_err(|_| settle(&path))??
        }
        Target::Named => {
            let asked = call.build()?.uri().path().to_owned();
            let response = io.stop.wait(call.header("accept-encoding", "identity").send())??;
            let path = io.directory.join(named(&response, &asked));
            let download = described(path.clone(), options, bar.as_ref());
            progress::watch(bar.as_ref(), response.download(download), io).inspect_err(|_| settle(&path))??
        }
    };
    if !options.print.quiet {
        tell(&saved, chosen || bar.is_some(), io);
    }
    Ok(exit::OK)
}

/// Waits until the task that writes to `path` has heard that nobody wants it any more, and has tidied up.
fn settle(path: &Path) {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    if let Ok(part) = File::open(part) {
        // The task holds the lock as long as it is at work.
        let _ = part.lock().and_then(|()| part.unlock());
    }
}

fn described(path: PathBuf, options: &Options, bar: Option<&Bar>) -> Download {
    let mut download = Download::to(path);
    if options.files.proceed {
        download = download.resume();
    }
    if options.files.force {
        download = download.replace();
    }
    match bar.cloned() {
        Some(bar) => download.on_progress(move |done, total| bar.set(done, total)),
        None => download,
    }
}

/// The name that an answer has, to a request for the path `asked`; where redirects led does not matter.
fn named(response: &Response, asked: &str) -> String {
    name::of(response.headers().get(CONTENT_DISPOSITION).map(|value| value.as_bytes()), asked)
}

/// Says where the file is, to whoever cannot know, and what is not sure of it.
fn tell(saved: &Downloaded, whole: bool, io: &mut Io<'_>) {
    let path = clean::line(&saved.path().display().to_string());
    let before = match saved.resumed_from() {
        0 => String::new(),
        before => format!(", {} of it from before", progress::size(before)),
    };
    let mut printer = io.printer();
    // Who cannot hear it has the file all the same.
    if whole {
        let _ = printer.tell(&format!("saved {path} ({}{before})", progress::size(saved.length())));
    }
    if saved.unverified_length() {
        let _ = printer.warn(&format!("nothing told how long {path} is; it may be cut short"));
    }
}

/// Writes the body to what is no regular file.
fn stream(call: Call, path: &Path, stop: &Stop) -> Ended {
    let told = |error: &io::Error, outcome| {
        let code = if error.kind() == io::ErrorKind::StorageFull { "store.full" } else { "store.write" };
        let exit = if outcome == Outcome::NotSent { exit::LOCAL } else { exit::FAILED };
        let message = format!("{} cannot be written: {error}", path.display());
        Mistake { exit, outcome, ..Mistake::local(code, message) }
    };
    let mut file = OpenOptions::new().write(true).open(path).map_err(|error| told(&error, Outcome::NotSent))?;
    let response = stop.wait(call.send())??;
    let status = response.status();
    if status.is_redirection() {
        return Err(Mistake::answered("", status).hint("-F follows redirects"));
    }
    let mut stream = response.stream();
    while let Some(chunk) = stop.wait(stream.next())? {
        if let Err(error) = file.write_all(&chunk?) {
            // Whoever reads has seen enough.
            let gone = error.kind() == io::ErrorKind::BrokenPipe;
            return if gone { Ok(exit::OK) } else { Err(told(&error, Outcome::Processed)) };
        }
    }
    Ok(exit::OK)
}
