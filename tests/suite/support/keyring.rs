//! A real Secret Service of the test's own: GNOME Keyring on a message bus that nobody else is on.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A running keyring, unlocked at first; it ends when this is dropped.
pub struct Keyring {
    folder: tempfile::TempDir,
    address: String,
    bus: Child,
    daemon: Child,
}

const BUS: &str = r#"<busconfig><type>session</type><auth>EXTERNAL</auth><listen>unix:dir=FOLDER</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"#;

const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

impl Keyring {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let file = folder.path().join("bus.conf");
        fs::write(&file, BUS.replace("FOLDER", path)).unwrap();
        let mut bus = Command::new("dbus-daemon");
        let bus =
            bus.args(["--nofork", "--nopidfile", "--print-address"]).arg(format!("--config-file={path}/bus.conf"));
        let bus = bus.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut bus = bus.expect("a message bus is needed for this test: apt-get install dbus");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        let mut daemon = Command::new("gnome-keyring-daemon");
        let daemon = daemon.args(["--foreground", "--unlock", "--components=secrets"]).stdin(Stdio::piped());
        let daemon = daemon.env("HOME", path).env("XDG_RUNTIME_DIR", path).env("DBUS_SESSION_BUS_ADDRESS", &address);
        let daemon = daemon.env_remove("XDG_DATA_HOME").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut daemon = daemon.expect("a keyring is needed for this test: apt-get install gnome-keyring");
        daemon.stdin.take().unwrap().write_all(b"CNRY-keyring-7f3a9c2e41").unwrap();
        let keyring = Self { folder, address, bus, daemon };
        while !keyring.call("ReadAlias", "string:default").contains(COLLECTION) {
            std::thread::yield_now();
        }
        keyring
    }

    /// The environment in which programs find it.
    pub fn variables(&self) -> [(&str, &str); 2] {
        let folder = self.folder().to_str().unwrap();
        [("DBUS_SESSION_BUS_ADDRESS", &self.address), ("XDG_RUNTIME_DIR", folder)]
    }

    /// Where it keeps its files, and programs their locks.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Locks it; nobody is there to unlock it again.
    pub fn lock(&self) {
        assert!(self.call("Lock", &format!("array:objpath:{COLLECTION}")).contains(COLLECTION));
    }

    /// What the service answers.
    fn call(&self, method: &str, argument: &str) -> String {
        let mut call = Command::new("dbus-send");
        call.args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"]);
        call.args([&format!("org.freedesktop.Secret.Service.{method}"), argument]);
        let said = call.env("DBUS_SESSION_BUS_ADDRESS", &self.address).output().unwrap();
        String::from_utf8_lossy(&said.stdout).into_owned()
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
