//! Everything that the library and what it stands on trace, kept for `scripts/canaries` to search.

use std::{env, fs::File, path::PathBuf, sync::Once};

/// Keeps all traces of this process in the folder that `SUITE_OUTPUT` names; does nothing where it names none.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(folder) = env::var_os("SUITE_OUTPUT") else { return };
        let file = File::create(PathBuf::from(folder).join(format!("traces-{}", std::process::id()))).unwrap();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        subscriber.with_writer(std::sync::Mutex::new(file)).init();
    });
}
