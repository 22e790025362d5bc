//! A request as a `curl` line, made from the finished request so that both cannot drift apart.

use http::{HeaderMap, HeaderName, Method, header};

use super::{Context, Request};
use crate::{
    body::Body,
    error::{Fault, Result},
    header::is_secret,
    multipart::{Content, Part},
};

/// The line for `described`, made of `request`, with its credentials shown as shell variables.
pub(crate) fn to_curl(
    request: &Request,
    context: &Context<'_>,
    described: &http::Request<Body>,
    secret_query: Option<&str>,
) -> Result<String> {
    let mut words = vec!["curl".to_owned(), "--path-as-is".into(), "--globoff".into()];
    match *described.method() {
        Method::HEAD => words.push("--head".into()),
        ref method => words.extend(["--request".into(), quote(method.as_str())]),
    }
    let multipart = !request.parts.is_empty();
    headers(described.headers(), multipart, &mut words);
    let prefix = if multipart {
        form(request, context, &mut words)?;
        String::new()
    } else {
        data(described.body(), described.method(), &mut words)?
    };
    words.push(url(described.uri(), secret_query));
    Ok(prefix + &words.join(" "))
}

fn headers(headers: &HeaderMap, multipart: bool, words: &mut Vec<String>) {
    for (name, value) in headers {
        if multipart && name == header::CONTENT_TYPE {
            continue;
        }
        let shown = match value.to_str() {
            _ if value.is_sensitive() => format!("{}\"${}\"", quote(&format!("{name}: ")), variable(name.as_str())),
            Ok("") => quote(&format!("{name};")),
            Ok(text) => quote(&format!("{name}: {text}")),
            Err(_) => quote(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))),
        };
        words.extend(["--header".into(), shown]);
    }
    if headers.get(header::ACCEPT_ENCODING).is_some_and(|codings| codings != "identity") {
        words.push("--compressed".into());
    }
    // curl adds these of its own accord, and a call does not.
    for name in [header::ACCEPT, header::USER_AGENT, HeaderName::from_static("expect")] {
        if !headers.contains_key(&name) {
            words.extend(["--header".into(), quote(&format!("{name}:"))]);
        }
    }
}

/// A body in memory; what is no text goes through standard input, for which the line gets a beginning.
fn data(body: &Body, method: &Method, words: &mut Vec<String>) -> Result<String> {
    let Some(bytes) = body.as_bytes() else {
        if body.is_empty() {
            let wants_length = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
            if wants_length {
                words.extend(["--header".into(), quote("content-length: 0")]);
            }
            return Ok(String::new());
        }
        return Err(Fault::request("a body that is streamed cannot stand in a curl line").into());
    };
    words.push("--data-binary".into());
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') && !text.starts_with('@') => {
            words.push(quote(text));
            Ok(String::new())
        }
        _ => {
            words.push("@-".into());
            let octal = bytes.iter().fold(String::new(), |octal, byte| octal + &format!("\\{byte:03o}"));
            Ok(format!("printf '{octal}' | "))
        }
    }
}

fn form(request: &Request, context: &Context<'_>, words: &mut Vec<String>) -> Result<()> {
    if let Some(json) = request.json_part(context)? {
        words.push("--form-string".into());
        words.push(quote(&format!("{}={json}", context.catalog.settings().json_part())));
    }
    for part in &request.parts {
        let (option, word) = field(part)?;
        words.extend([option.to_owned(), quote(&word)]);
    }
    Ok(())
}

fn field(part: &Part) -> Result<(&'static str, String)> {
    let (name, file) = part.labels()?;
    if name.contains('=') {
        return Err(Fault::request("a field name with an equals sign cannot stand in a curl line").into());
    }
    let in_memory = match part.content() {
        Content::Body(body) => body.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()),
        _ => None,
    };
    let Some((file_name, content_type)) = file else {
        return Ok(("--form-string", format!("{name}={}", in_memory.unwrap_or_default())));
    };
    let content = match part.content() {
        Content::Path(path) => format!("@{}", double(&path.display().to_string())),
        Content::Body(_) => match in_memory {
            Some(text) => double(text),
            None => return Err(Fault::request("a part that is no text and no file cannot stand in a curl line").into()),
        },
        Content::Open(..) => return Err(Fault::request("an open file cannot stand in a curl line").into()),
    };
    Ok(("--form", format!("{name}={content};filename={};type={content_type}", double(&file_name))))
}

/// The URL, with the values of secret query parameters as shell variables.
fn url(uri: &http::Uri, secret_query: Option<&str>) -> String {
    let text = uri.to_string();
    let Some((path, query)) = text.split_once('?') else { return quote(&text) };
    let mut out = String::new();
    let mut plain = format!("{path}?");
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            plain.push('&');
        }
        let name =
            url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned());
        match pair.split_once('=') {
            Some((encoded, _)) if is_secret(&name) || Some(name.as_str()) == secret_query => {
                plain.push_str(encoded);
                plain.push('=');
                out.extend([&quote(&plain), "\"$", &variable(&name), "\""]);
                plain.clear();
            }
            _ => plain.push_str(pair),
        }
    }
    if plain.is_empty() { out } else { out + &quote(&plain) }
}

/// A shell variable's name for a credential.
fn variable(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// One word for a POSIX shell.
fn quote(text: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '@' | '%' | '+');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A value of curl's own form syntax.
fn double(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x41_words_are_quoted_for_the_shell() {
        for (given, expected) in [
            ("plain", "plain"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(id)", "'$(id)'"),
            ("it's", r"'it'\''s'"),
            ("a\nb", "'a\nb'"),
            ("`x`;&|<>*?~#!", "'`x`;&|<>*?~#!'"),
        ] {
            assert_eq!(quote(given), expected);
        }
        assert_eq!(variable("x-oauth-token"), "X_OAUTH_TOKEN");
        assert_eq!(variable("1st"), "_1ST");
        assert_eq!(double(r#"a"b\"#), r#""a\"b\\""#);
    }
}
