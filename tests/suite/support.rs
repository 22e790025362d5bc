//! Servers and services to talk to, each on a thread of its own and on 127.0.0.1.

#[cfg(feature = "http")]
pub mod authority;
pub mod canary;
pub mod digest;
pub mod echo;
#[cfg(feature = "http")]
pub mod fault;
#[cfg(feature = "http")]
pub mod h2_fault;
pub mod habits;
#[cfg(all(target_os = "linux", feature = "http", feature = "keyring"))]
pub mod keyring;
pub mod provider;
pub mod recorder;
#[cfg(feature = "redis")]
pub mod redis;
pub mod script;
#[cfg(feature = "http")]
pub mod serve;
#[cfg(feature = "http")]
pub mod tls_fault;
pub mod traces;

/// A client of the service in this process, which knows no catalog.
pub fn local() -> restwalk::Client {
    restwalk::Client::local(echo::router()).build().unwrap()
}

/// A client of `url` that no proxy of the environment comes between.
#[cfg(feature = "http")]
pub fn network(url: &str) -> restwalk::Client {
    builder(url).build().unwrap()
}

/// The settings of [`network`], for tests that add some.
#[cfg(feature = "http")]
pub fn builder(url: &str) -> restwalk::ClientBuilder {
    traces::keep();
    restwalk::Client::builder(url).proxy(None)
}

/// Runs the test `name` again in a process of its own, whose environment is `variables` alone; gives what it said.
#[cfg(feature = "http")]
pub fn again(name: &str, variables: &[(&str, &str)]) -> String {
    let test = std::env::current_exe().unwrap();
    let variables = variables.iter().copied();
    let mut child = std::process::Command::new(test);
    let run = child.args(["--exact", name, "--nocapture"]).env_clear().envs(variables).output().unwrap();
    let said = [run.stdout, run.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
    said
}
