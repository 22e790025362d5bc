//! The wish that a run ends early: a signal's, or a test's.

use std::{
    fmt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use restwalk::{Outcome, block_on};
use tokio::sync::Notify;

use crate::{
    exit,
    mistake::{Mistake, Result},
};

/// A wish to end, which another thread may have at any time.
///
/// What waits for a server is dropped at once, so that temporary files go; what prints or filters ends soon after.
///
/// ```
/// use restwalk_cli::{Io, run};
///
/// let (mut out, mut err) = (Vec::new(), Vec::new());
/// let mut io = Io::buffers(&mut out, &mut err);
/// io.stop.end(143);
/// assert_eq!(run(["http://localhost:9/"], &mut io), 143);
/// ```
#[derive(Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    wished: Arc<AtomicBool>,
    exit: AtomicU8,
    told: Notify,
    /// In milliseconds.
    grace: AtomicU32,
}

impl Stop {
    /// Asks the run to end with `exit`: 130 after SIGINT, 143 after SIGTERM. The first wish stands.
    pub fn end(&self, exit: u8) {
        let _ = self.0.exit.compare_exchange(0, exit, Ordering::Relaxed, Ordering::Relaxed);
        self.0.wished.store(true, Ordering::Release);
        self.0.told.notify_waiters();
    }

    /// The exit code that was wished for, once there is one.
    pub fn exit(&self) -> Option<u8> {
        self.0.wished.load(Ordering::Acquire).then(|| self.0.exit.load(Ordering::Relaxed))
    }

    /// How long the run may take to end once it is asked to; zero unless a command has calls that it lets end.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.0.grace.load(Ordering::Relaxed).into())
    }

    /// Asks for so much time to end in, when somebody wants that.
    pub(crate) fn wants(&self, grace: Duration) {
        self.0.grace.store(u32::try_from(grace.as_millis()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// What printers and filters look at.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        self.0.wished.clone()
    }

    /// Runs `future` to its end on this thread, unless the run is to end before.
    ///
    /// The one way that a command waits: a `block_on` of its own would not hear of Ctrl-C.
    pub(crate) fn wait<F: Future>(&self, future: F) -> Result<F::Output> {
        let done = block_on(async {
            let (mut stopped, mut future) = (pin!(self.stopped()), pin!(future));
            std::future::poll_fn(|context| match stopped.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => future.as_mut().poll(context).map(Some),
            })
            .await
        })?;
        done.ok_or_else(Self::mistake)
    }

    /// Ends once the wish is there.
    pub(crate) async fn stopped(&self) {
        let mut told = pin!(self.0.told.notified());
        // In this order no wish falls between the look and the wait.
        told.as_mut().enable();
        if self.exit().is_none() {
            told.await;
        }
    }

    /// What a run that was ended says: nobody knows how far the server has got.
    pub(crate) fn mistake() -> Mistake {
        let outcome = Outcome::MaybeProcessed;
        Mistake { exit: exit::INTERRUPTED, outcome, ..Mistake::local(Mistake::CANCELLED, "interrupted") }
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.exit()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        future::pending,
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    #[test]
    fn x08_a_wait_ends_when_another_thread_wishes_it() {
        let stop = Stop::default();
        assert_eq!(stop.wait(async { 7 }).unwrap(), 7);
        let other = stop.clone();
        let ended = thread::spawn(move || other.wait(pending::<()>()).unwrap_err());
        stop.end(143);
        stop.end(130);
        assert_eq!(ended.join().unwrap().code, Mistake::CANCELLED);
        assert_eq!(stop.exit(), Some(143), "the first wish stands");
        assert!(stop.wait(pending::<()>()).is_err(), "and for all that comes after");
    }

    #[test]
    fn x08_a_download_that_is_ended_leaves_no_file() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let folder = tempfile::tempdir().unwrap();
        let files = |path: &std::path::Path| fs::read_dir(path).unwrap().count();
        let (stop, path) = (Stop::default(), folder.path().to_owned());
        let (ends, seen) = (stop.clone(), path.clone());
        let ender = thread::spawn(move || {
            while files(&seen) == 0 {
                thread::yield_now();
            }
            ends.end(130);
        });
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = crate::Io::buffers(&mut out, &mut err);
        (io.directory, io.stop) = (path, stop);
        assert_eq!(crate::run(["-o", "file", &*url], &mut io), 130);
        ender.join().unwrap();
        assert_eq!(files(folder.path()), 0);
    }
}
