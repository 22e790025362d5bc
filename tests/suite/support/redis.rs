//! A real Redis server of the test's own: on a port of its own, keeping nothing.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

/// A running server; it ends when this is dropped.
pub struct Server {
    port: u16,
    arguments: Vec<String>,
    child: Child,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts it with further settings, such as `--requirepass secret`.
    pub fn with(settings: &[&str]) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut arguments: Vec<String> =
            ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port"].map(str::to_owned).to_vec();
        arguments.push(port.to_string());
        arguments.extend(settings.iter().map(|setting| (*setting).to_owned()));
        let child = launch(&arguments, port);
        Self { port, arguments, child }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port, empty.
    pub fn restart(&mut self) {
        self.kill();
        self.child = launch(&self.arguments, self.port);
    }

    /// Stops and continues the process, which then is there and says nothing.
    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// One command, and what the server says to it.
    pub fn ask(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(command.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Every key that is kept.
    pub fn keys(&self) -> Vec<String> {
        let answer = self.ask(&["KEYS", "*"]);
        answer.lines().filter(|line| !line.starts_with(['*', '$'])).map(str::to_owned).collect()
    }
}

fn launch(arguments: &[String], port: u16) -> Child {
    let child = Command::new("redis-server").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.expect("redis-server is needed for this test: apt-get install redis-server");
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        std::thread::yield_now();
    }
    child
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
