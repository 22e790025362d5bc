//! The integration tests: one binary, one module a theme. Nothing here leaves this machine or sleeps.
//!
//! A test's name begins with the id of its case where it has one.

/// Servers and services to talk to; no tests.
mod support;

/// B: bodies as they are decoded, bounded, uploaded and answered early.
mod bodies;
/// O40 to O45: a person signs in by a browser of this machine.
#[cfg(feature = "browser")]
mod browsers;
/// C: the cache under attack.
mod cached;
/// C, R27: what is kept, given again, validated and made untrue.
mod caching;
/// Y48 to Y50: circuit breakers, over the whole loop.
mod circuits;
/// What a failure of the network, of HTTP or of TLS is called, and whether the server may have acted.
#[cfg(feature = "http")]
mod classification;
/// K: threads, runtimes, and what is `Send` and `Sync`.
#[cfg(feature = "compiled")]
mod compiled;
mod concurrency;
/// What every transport does on the wire, and proof that each check can fail.
mod conformance;
/// V-E8, V-E9, Y42: what tells a server of the work around, and who calls.
mod correlation;
/// Which credentials a call goes out with.
mod credentials;
/// O03, O08: crowds at a real provider.
#[cfg(all(feature = "http", feature = "oauth"))]
mod crowds;
/// X41: the `curl` line sends what the call sends.
#[cfg(feature = "http")]
mod curl;
/// Deadlines: connect, headers, idle, stall, total, and those around.
mod deadlines;
/// O50 to O58, V-W8: a person signs a device in.
#[cfg(feature = "oauth")]
mod devices;
/// HTTP Digest, with curl for a second opinion.
mod digest;
/// O31, O32, W60: an OAuth server that is found by its own metadata.
#[cfg(feature = "oauth")]
mod discovery;
/// B21 to B30, X33 to X38: downloads that break off and are gone on with.
#[cfg(feature = "http")]
mod downloads;
/// X13, X14: environments out of files, and which of those are trusted.
#[cfg(feature = "environment")]
mod environments;
/// The examples, what they print, and the server that they talk to.
mod examples;
/// N: faults of the network, row by row.
#[cfg(feature = "http")]
mod faults;
/// That the server with the habits of other providers has them.
mod habits;
/// C06: whose the answers are that a cache keeps.
#[cfg(feature = "oauth")]
mod identities;
/// E27, V-W9: tokens signed for each attempt, and the keys that check others'.
#[cfg(feature = "jwt")]
mod jwt;
/// C: answers that processes share in a folder.
mod kept_folders;
/// D17: tokens in a real keyring.
#[cfg(all(target_os = "linux", feature = "http", feature = "keyring"))]
mod keyrings;
/// The order of the modules, held against every import.
mod layers;
/// L: limits, over the whole loop.
mod limits;
/// R30 to R36: every way in which a next page is found.
mod listings;
/// M: the behaviour of the MAX clients, each named operation included.
mod max;
/// O: what happens between the steps of a sign-in, and must lose, leak or repeat nothing.
#[cfg(feature = "oauth")]
mod mishaps;
/// O, E, V-W7, V-W8: OAuth 2.0 over the whole loop.
#[cfg(feature = "oauth")]
mod oauth;
/// Ordinary HTTP against an ordinary mock server.
#[cfg(feature = "http")]
mod ordinary;
/// R30 to R36: listings page by page.
mod pages;
/// P: what may be a path, by every way in which one is given.
mod paths;
/// People who sign in at a real, certified provider.
#[cfg(all(feature = "browser", feature = "http"))]
mod people;
/// T7, W35 to W39, V-W3, V-W4: the retries of the older clients.
mod presets;
/// That the OpenID provider of the sign-in tests does what they rely on.
mod provider;
/// R: what is read of the environment, by tests that run themselves in a process with another one.
#[cfg(feature = "http")]
mod proxies;
/// R: redirects, over the whole loop.
mod redirects;
/// L14, L15, Z: a limit that processes hold together, in Redis.
#[cfg(feature = "redis")]
mod redis;
/// W20 to W43 and V-W1, V-W2, V-W6: what the WIPAC client does, request by request.
mod requests;
/// Y: retries, over the whole loop.
mod retries;
/// S: no secret in a message, a log, or at another origin.
mod secrets;
/// O34, D24, W76: signing in anew, signing out, asking about a token, registering a client.
#[cfg(feature = "oauth")]
mod sessions;
/// Z, C: answers that processes keep together, in Redis.
#[cfg(feature = "redis")]
mod shared_cache;
/// Z: tokens that processes keep together, in Redis.
#[cfg(all(feature = "http", feature = "oauth", feature = "redis"))]
mod shared_tokens;
/// Y42, O07, O09, O33: credentials that are made anew for each attempt.
mod signing;
/// What a trace shows.
mod spans;
/// Every public name.
mod surface;
/// TLS: whose certificates are trusted, and HTTP/2.
#[cfg(feature = "http")]
mod tls;
/// D, O: files of tokens, as processes share them.
#[cfg(all(unix, feature = "oauth"))]
mod tokens;
