//! The table of what `restwalk.yaml` may hold.

use crate::catalog::strict::{
    BASE_URL, COOKIE_NAME, HEADER_NAME, HEADER_VALUE, Key, LINE, NAME, OFF, POINTER, RATE, Shape, VARIABLE_NAME, key,
    required,
};

/// The whole of the file.
pub(super) const FILE: Shape = Shape::Record(&[
    key("default", &Shape::Text(&NAME), "The environment that is used when none is named."),
    key("environments", &Shape::Named(&NAME, &Shape::Record(ENVIRONMENT)), "The environments, each by a name."),
]);

const LINE_TEXT: Shape = Shape::Text(&LINE);

const ENVIRONMENT: &[Key] = &[
    key(
        "base_url",
        &Shape::Either(&[Shape::Text(&BASE_URL), Shape::Record(DOCUMENT)]),
        "Where the API is, or in which document that stands. Default: where the catalog says.",
    ),
    key(
        "catalog",
        &LINE_TEXT,
        "Its resources.yaml, relative to this file; or max, the embedded one. Default: any path is allowed.",
    ),
    key("defaults", &LINE_TEXT, "Its defaults.yaml, relative to this file."),
    key("actor", &LINE_TEXT, "Who acts."),
    key(
        "headers",
        &Shape::Named(&HEADER_NAME, &Shape::Text(&HEADER_VALUE)),
        "Headers of every request. One that holds a credential takes a reference, as auth does.",
    ),
    key("variables", &Shape::Named(&VARIABLE_NAME, &LINE_TEXT), "What {names} in the base URL's host stand for."),
    key("auth", &Shape::Some(AUTH), "How it signs in: one of these."),
    key(
        "auth_as",
        &Shape::Named(&NAME, &Shape::Some(AUTH)),
        "Other credentials, by the names that the catalog's routes have for them.",
    ),
    key("timeout", &Shape::Seconds, "The longest that a call may take, in seconds. Default: 60."),
    key(
        "retry",
        &Shape::Either(&[Shape::Whole(1, 5), OFF]),
        "How often a request is sent at most, the first time included, or off. Default: 3.",
    ),
    key(
        "limit",
        &Shape::Either(&[Shape::Text(&RATE), Shape::List(&Shape::Text(&RATE))]),
        "How often the API may be called: 10/s, 60/min, 1000/h, or a list of them, all of which hold.",
    ),
    key(
        "cache",
        &Shape::Either(&[Shape::Flag, Shape::Seconds, OFF, Shape::Some(CACHE)]),
        "Whether answers are kept, and given again while they are fresh; or how long they are, in seconds. Default: off.",
    ),
    key("proxy", &LINE_TEXT, "The URL of a proxy, or none. Default: as the environment's variables say."),
    key("ca_certificate", &LINE_TEXT, "A file of CA certificates in PEM that are trusted as well as the system's."),
    key(
        "client_certificate",
        &LINE_TEXT,
        "The certificate that is shown to the server, and its key: a reference to PEM, such as file:me.pem.",
    ),
];

const CACHE: &[Key] = &[
    key("ttl", &Shape::Seconds, "How long an answer is fresh, in seconds. Default: as long as it says."),
    key(
        "disk",
        &Shape::Either(&[Shape::Flag, LINE_TEXT]),
        "true: answers are kept in the person's cache folder; or in this one, relative to this file. Default: in memory.",
    ),
    key(
        "capacity",
        &Shape::Whole(1, 1 << 40),
        "How many bytes are kept at most. Default: 64 MiB in memory, 256 MiB on disk.",
    ),
];

const DOCUMENT: &[Key] = &[
    required("document", &LINE_TEXT, "A URL, or a path behind the base URL, that gives JSON; {names} are variables."),
    key("pointer", &Shape::Text(&POINTER), "Where the URL stands in it. Default: the document is the URL."),
    key("suffix", &LINE_TEXT, "What is added to that URL, such as /token."),
    key(
        "fallback",
        &LINE_TEXT,
        "The URL where the document names none; {/pointer} stands for another text of the document.",
    ),
    key(
        "trust",
        &Shape::List(&LINE_TEXT),
        "Origins, besides the document's own, that the URL may be of; https://*.example.com are all below it.",
    ),
];

const AUTH: &[Key] = &[
    key("bearer", &LINE_TEXT, "A bearer token."),
    key("basic", &Shape::Record(BASIC), "HTTP Basic."),
    key("digest", &Shape::Record(BASIC), "HTTP Digest."),
    key("api_key", &Shape::Record(API_KEY), "A key in a header, in the query or in a cookie."),
    key("scheme", &Shape::Record(SCHEME), "A token under another scheme."),
    key("template", &Shape::Record(TEMPLATE), "Headers with names in braces; {actor} is who acts."),
    key("oauth2", &Shape::Record(OAUTH), "OAuth 2.0: tokens that are asked for, kept and renewed."),
];

const OAUTH: &[Key] = &[
    key("preset", &Shape::Word(&["max", "edx", "wipac"]), "What the servers of that kind want; other keys go first."),
    key("issuer", &LINE_TEXT, "The server, whose metadata name its endpoints."),
    key(
        "token_url",
        &Shape::Either(&[LINE_TEXT, Shape::Record(DOCUMENT)]),
        "Its token endpoint, or in which document that stands, in place of an issuer.",
    ),
    key("device_url", &LINE_TEXT, "Its device authorization endpoint."),
    key("authorization_url", &LINE_TEXT, "Its authorization endpoint, where a person signs in."),
    key("revocation_url", &LINE_TEXT, "Where tokens are given up."),
    key("introspection_url", &LINE_TEXT, "Where it tells about a token."),
    key("userinfo_url", &LINE_TEXT, "Where it tells whose a token is."),
    key(
        "redirect_uri",
        &LINE_TEXT,
        "Where a browser is sent back to, on this machine. Default: http://127.0.0.1/callback, at a free port.",
    ),
    key("client_id", &LINE_TEXT, "The client's id."),
    key("client_secret", &LINE_TEXT, "The client's secret, if it has one."),
    key("in_body", &Shape::Flag, "Whether the client's secret stands in the form, not in a header. Default: false."),
    key(
        "grant",
        &Shape::Word(&["client_credentials", "password", "device", "authorization_code", "refresh_token"]),
        "How a first token is got. Default: by restwalk login, in a browser or on another device.",
    ),
    key("username", &LINE_TEXT, "Who signs in."),
    key("password", &LINE_TEXT, "The password, where no person is to be asked for it."),
    key("refresh_token", &LINE_TEXT, "The first refresh token."),
    key("account", &LINE_TEXT, "Whose tokens these are, where several share a store. Default: username."),
    key(
        "scopes",
        &Shape::Either(&[LINE_TEXT, Shape::List(&LINE_TEXT)]),
        "What is asked for. Default: the server decides.",
    ),
    key("extra", &Shape::Named(&LINE, &LINE_TEXT), "More fields of the form that asks for a token."),
    key("scheme", &Shape::Text(&HEADER_NAME), "What stands before the token. Default: Bearer."),
    key(
        "headers",
        &Shape::Named(&HEADER_NAME, &Shape::Text(&HEADER_VALUE)),
        "Headers in place of Authorization, with {token}, {scope} and {actor}.",
    ),
    key("untyped", &Shape::Flag, "Whether a token without a token_type is taken. Default: false."),
    key("trust", &Shape::List(&LINE_TEXT), "Origins, besides the issuer's own, that its endpoints may be of."),
    key(
        "store",
        &Shape::Either(&[Shape::Word(&["file", "keyring", "memory"]), Shape::Record(STORE)]),
        "Where tokens are kept. Default: file, the person's own file of tokens.",
    ),
];

const STORE: &[Key] = &[
    key("file", &LINE_TEXT, "A file, relative to this one."),
    key("keyring", &LINE_TEXT, "The system's keyring, under this name of a service."),
    key("redis", &LINE_TEXT, "A Redis server, by its URL."),
    key("key", &LINE_TEXT, "The key that seals what is kept in Redis."),
];

const BASIC: &[Key] =
    &[required("user", &LINE_TEXT, "The user's name."), required("password", &LINE_TEXT, "The password.")];

const API_KEY: &[Key] = &[
    key("header", &Shape::Text(&HEADER_NAME), "The header that carries it."),
    key("query", &LINE_TEXT, "The query parameter that carries it."),
    key("cookie", &Shape::Text(&COOKIE_NAME), "The cookie that carries it."),
    required("value", &LINE_TEXT, "The key."),
];

const SCHEME: &[Key] = &[
    required("name", &Shape::Text(&HEADER_NAME), "The scheme, such as JWT."),
    required("value", &LINE_TEXT, "The token."),
];

const TEMPLATE: &[Key] = &[
    required("headers", &Shape::Named(&HEADER_NAME, &Shape::Text(&HEADER_VALUE)), "The headers."),
    key("values", &Shape::Named(&VARIABLE_NAME, &LINE_TEXT), "What the names in braces stand for."),
];
