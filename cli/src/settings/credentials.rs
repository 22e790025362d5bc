//! The credentials that `-a` and `-A` give, in place of the environment's.

use restwalk::{Auth, Secret};

use crate::{
    args::Options,
    input,
    io::Io,
    mistake::{Mistake, Result},
};

/// How a name and a password sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Basic,
    Digest,
}

/// What `-a` says.
pub(crate) enum Given {
    /// A user, whose password may still be to be asked for.
    User(Kind, String, Option<Secret>),
    /// A token, under its scheme.
    Token(String, Secret),
}

impl Kind {
    /// The credentials of `user`.
    pub(crate) fn auth(self, user: &str, password: Secret) -> Auth {
        match self {
            Self::Basic => Auth::basic(user, password),
            Self::Digest => Auth::digest(user, password),
        }
    }
}

/// What stands behind `-a`, read from where it is; `None` where there is no `-a`. `warnings` hear of a secret that
/// others can see.
pub(crate) fn given(options: &Options, io: &mut Io<'_>, warnings: &mut Vec<String>) -> Result<Option<Given>> {
    let Some(given) = &options.send.auth else { return Ok(None) };
    let kind = options.send.auth_type.to_ascii_lowercase();
    let named = match &*kind {
        "basic" => Some(Kind::Basic),
        "digest" => Some(Kind::Digest),
        "ntlm" | "negotiate" | "kerberos" | "oauth2" | "oauth" => {
            let wrong = Mistake::usage(format!("-A {kind} is a sign-in that restwalk does not know"));
            let hint = if kind.starts_with("oauth") {
                "OAuth 2.0 is described in restwalk.yaml, and restwalk login signs in to it"
            } else {
                "it knows basic, digest, bearer, jwt, and schemes that send one token"
            };
            return Err(wrong.hint(hint));
        }
        _ => None,
    };
    let text = if let Some(file) = given.strip_prefix('@').or((given == "-").then_some("-")) {
        Secret::from(input::text(input::bytes(io, file)?, file)?.trim_end_matches(['\r', '\n']))
    } else {
        if named.is_none() || given.contains(':') {
            let why = "others on this machine can read a secret among the arguments; -a @FILE and -a - keep it";
            warnings.push(why.to_owned());
        }
        Secret::from(given.as_str())
    };
    Ok(Some(match (named, text.expose().split_once(':')) {
        (Some(kind), Some((user, password))) => Given::User(kind, user.to_owned(), Some(Secret::from(password))),
        (Some(kind), None) => Given::User(kind, text.expose().to_owned(), None),
        (None, _) => Given::Token(scheme(&options.send.auth_type), text),
    }))
}

/// The scheme as its servers write it.
fn scheme(kind: &str) -> String {
    let known = ["Bearer", "JWT"].into_iter().find(|known| known.eq_ignore_ascii_case(kind));
    known.unwrap_or(kind).to_owned()
}
