//! The process around a run: what its standard input is, the terminal's echo, and signals.

use std::{
    io::{self, IsTerminal},
    pin::pin,
    process::exit,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use restwalk_cli::{Stop, Stream};
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};

#[cfg(unix)]
pub(crate) use unix::{echo, input};

/// How long a run may take to end by itself: to drop what it waits for, and the files that it has begun.
const GRACE: Duration = Duration::from_millis(100);

/// Whether this process has switched the echo of the terminal off.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Ends the run, and then the process, at the first signal that asks for it.
///
/// What waits for a server, filters or prints hears of it. What cannot, such as a read of standard input or a write
/// that nobody takes, ends with the process, after the terminal is as it was.
pub(crate) fn end_on_signals(stop: Stop) {
    // Without a runtime signals do what they do by default.
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    // They are listened for from here on, not from when the thread begins.
    let Ok(signal) = signal(&runtime) else { return };
    let restore = terminal();
    let watch = move || {
        runtime.block_on(async {
            let mut signal = pin!(signal);
            let code = signal.as_mut().await;
            stop.end(code);
            sleep(GRACE).await;
            // Who asks a second time does not want to wait.
            let _ = timeout(stop.grace(), signal).await;
            restore();
            exit(i32::from(code));
        });
    };
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(watch);
}

/// The exit code of the first signal: 128 and its number.
#[cfg(unix)]
fn signal(runtime: &Runtime) -> io::Result<impl Future<Output = u8> + Send + use<>> {
    use std::{future::poll_fn, task::Poll};

    use tokio::signal::unix::{SignalKind, signal};

    let _inside = runtime.enter();
    // A hang-up ends the process as it always did, so that `nohup` works.
    let kinds = [(SignalKind::interrupt(), 130), (SignalKind::quit(), 131), (SignalKind::terminate(), 143)];
    let mut signals = Vec::new();
    for (kind, code) in kinds {
        signals.push((signal(kind)?, code));
    }
    Ok(poll_fn(move |context| {
        let came = signals.iter_mut().find_map(|(signal, code)| signal.poll_recv(context).is_ready().then_some(*code));
        came.map_or(Poll::Pending, Poll::Ready)
    }))
}

#[cfg(not(unix))]
fn signal(_: &Runtime) -> io::Result<impl Future<Output = u8> + Send + use<>> {
    Ok(async {
        match tokio::signal::ctrl_c().await {
            Ok(()) => 130,
            Err(_) => std::future::pending().await,
        }
    })
}

/// Puts the terminal of standard input back to what it is now.
#[cfg(unix)]
fn terminal() -> impl FnOnce() + Send {
    use std::io::Write;

    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

    let state = io::stdin().is_terminal().then(|| tcgetattr(io::stdin()).ok()).flatten();
    move || {
        // Another program may have set the terminal up meanwhile, such as a pager that reads from this one.
        let Some(state) = state.filter(|_| QUIET.load(Ordering::Acquire)) else { return };
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &state);
        if io::stderr().is_terminal() {
            // What was asked, or the `^C`, stands on the line that is left here.
            let _ = io::stderr().write_all(b"\n");
        }
    }
}

#[cfg(not(unix))]
fn terminal() -> impl FnOnce() + Send {
    || ()
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        os::{fd::AsFd, unix::fs::FileTypeExt},
    };

    use restwalk_cli::Echo;
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

    use super::{IsTerminal, Ordering, Stream, io};

    /// What standard input is; a closed one was replaced by `/dev/null` before `main`.
    pub(crate) fn input() -> Stream {
        if io::stdin().is_terminal() {
            return Stream::Terminal;
        }
        let kind = io::stdin().as_fd().try_clone_to_owned().and_then(|owned| File::from(owned).metadata());
        match kind.map(|metadata| metadata.file_type()) {
            Ok(kind) if kind.is_file() => Stream::File,
            Ok(kind) if kind.is_fifo() => Stream::Pipe,
            _ => Stream::Other,
        }
    }

    /// What switches the echo of standard input, if it is a terminal; what was typed before is dropped.
    pub(crate) fn echo() -> Option<Echo<'static>> {
        let switch = |on: bool| {
            let mut state = tcgetattr(io::stdin())?;
            super::QUIET.store(!on, Ordering::Release);
            state.local_modes.set(LocalModes::ECHO, on);
            Ok(tcsetattr(io::stdin(), OptionalActions::Flush, &state)?)
        };
        io::stdin().is_terminal().then(|| Box::new(switch) as Echo<'static>)
    }
}

#[cfg(not(unix))]
pub(crate) fn input() -> Stream {
    if io::stdin().is_terminal() { Stream::Terminal } else { Stream::Pipe }
}

#[cfg(not(unix))]
pub(crate) fn echo() -> Option<restwalk_cli::Echo<'static>> {
    None
}
