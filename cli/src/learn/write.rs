//! What was guessed as the text of `resources.yaml`, with comments.

use std::fmt::Write;

use restwalk::http::Method;

use super::{Guess, Learned};

/// The count header of a catalog that names none.
const USUAL_COUNT_HEADER: &str = "X-Total-Count";

/// The whole file.
pub(super) fn text(learned: &Learned, api: &str, base_url: Option<&str>) -> String {
    let mut out = String::from(
        "# A first catalog, guessed from calls that were tried. Correct what is wrong: titles, names, variables and\n\
         # methods are yours to choose. `restwalk catalog lint` checks the file, `restwalk help PATH` shows what it says.\n",
    );
    let _ = writeln!(out, "api: {}", scalar(api));
    if let Some(url) = base_url {
        let _ = writeln!(out, "base_url: {}", quoted(url));
    }
    if let Some(header) = learned.count_header.as_deref().filter(|name| !name.eq_ignore_ascii_case(USUAL_COUNT_HEADER))
    {
        let _ = writeln!(out, "count_header: {}", quoted(header));
    }
    if learned.routes.is_empty() {
        out.push_str("resources: {}\n");
        return out;
    }
    out.push_str("\nresources:\n");
    for (index, route) in learned.routes.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        write(route, &mut out);
    }
    out
}

fn write(route: &Guess, out: &mut String) {
    let _ = writeln!(out, "  {}:", scalar(&route.name));
    if let Some((name, why)) = &route.variable {
        let _ = writeln!(out, "    # {{{name}}} is a guess: {}", why.words());
    }
    let _ = writeln!(out, "    route: {}", scalar(&route.template));
    if route.methods.is_empty() {
        out.push_str("    # No answer said which methods it has; without a list it has all.\n");
    } else if let Some(pages) = route.pages {
        out.push_str("    methods:\n");
        for method in &route.methods {
            let policy = format!(" {{ paginate: {} }}", pages.text());
            let _ = writeln!(out, "      {method}:{}", if *method == Method::GET { &policy } else { "" });
        }
    } else {
        let methods: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
        let _ = writeln!(out, "    methods: [{}]", methods.join(", "));
    }
}

/// A text as it stands where every reader takes it for one, else in quotes.
fn scalar(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.{}-".contains(&byte);
    let word = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let first = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let other = word.iter().any(|word| text.eq_ignore_ascii_case(word));
    if first && !other && text.bytes().all(plain) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
