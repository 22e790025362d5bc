//! What a server says is wrong, in the shapes that servers use.

use serde_json::{Map, Value};

use super::text::printable;
use crate::template;

/// What the server says is wrong.
///
/// Read from RFC 9457 (`application/problem+json`) and from the usual JSON shapes:
/// `{error, error_description}`, `{code, error}`, `{message}`, `{detail}`, and each of
/// them under an `error` member. A member of another type than expected is left out;
/// text is escaped for printing and cut at 256 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// A URI that names the kind of problem; never fetched.
    pub kind: Option<String>,
    /// The short name: `title`, `error`, or `code`.
    pub title: Option<String>,
    /// The explanation: `detail`, `error_description`, or `message`.
    pub detail: Option<String>,
    message: Option<String>,
}

impl Problem {
    /// Reads `body`, each text passed through `clean` while it is whole.
    ///
    /// `template` (`"{error}: {error_description}"`) words the message where all its names are present.
    pub(crate) fn from_json(body: &[u8], template: Option<&str>, clean: &dyn Fn(&str) -> String) -> Option<Self> {
        let Ok(Value::Object(top)) = serde_json::from_slice(body) else { return None };
        let inner = match top.get("error") {
            Some(Value::Object(inner)) => inner,
            _ => &top,
        };
        let problem = Self {
            kind: text(inner, &["type"], clean),
            title: text(inner, &["title", "error", "code"], clean),
            detail: text(inner, &["detail", "error_description", "message"], clean),
            message: template::fill(template.unwrap_or("{}"), |name| plain(top.get(name)?, clean)).ok(),
        };
        (problem != Self::default()).then_some(problem)
    }

    /// The sentence for a person: the catalog's `error_message`, else title and detail.
    pub fn message(&self) -> Option<String> {
        self.message.clone().or_else(|| match (&self.title, &self.detail) {
            (Some(title), Some(detail)) => Some(format!("{title}: {detail}")),
            (one, other) => one.clone().or_else(|| other.clone()),
        })
    }
}

fn text(members: &Map<String, Value>, names: &[&str], clean: &dyn Fn(&str) -> String) -> Option<String> {
    names.iter().find_map(|name| plain(members.get(*name)?, clean))
}

fn plain(value: &Value, clean: &dyn Fn(&str) -> String) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(printable(&clean(text))),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8], template: Option<&str>) -> Option<Problem> {
        Problem::from_json(body, template, &str::to_owned)
    }

    #[test]
    fn s09_a_secret_is_masked_before_the_text_is_cut() {
        let body = format!(r#"{{"error":"{}CNRY-secret"}}"#, "x".repeat(250));
        let clean = |text: &str| text.replace("CNRY-secret", "***");
        let problem = Problem::from_json(body.as_bytes(), None, &clean).unwrap();
        assert!(problem.title.unwrap().ends_with("x***"));
    }

    #[test]
    fn m26_the_usual_shapes_become_one_sentence() {
        for (body, expected) in [
            (r#"{"error":"UnknownUser","error_description":"no such"}"#, Some("UnknownUser: no such")),
            (r#"{"code":403,"error":"authorization failed"}"#, Some("authorization failed")),
            (r#"{"message":"Not Found"}"#, Some("Not Found")),
            (r#"{"detail":"no"}"#, Some("no")),
            (r#"{"error":{"code":"bad","message":"worse"}}"#, Some("bad: worse")),
            (r#"{"type":"https://x/y","title":"Gone","detail":"away"}"#, Some("Gone: away")),
            (r#"{"title":7,"detail":["x"]}"#, Some("7")),
            (r#"{"ok":true}"#, None),
            (r"[1]", None),
            ("<html>", None),
        ] {
            let said = read(body.as_bytes(), None).and_then(|problem| problem.message());
            assert_eq!(said.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn the_catalogs_template_words_the_message() {
        let body = br#"{"error":"E","error_description":"D"}"#;
        let word = |template| read(body, Some(template)).unwrap().message().unwrap();
        assert_eq!(word("{error} - {error_description}!"), "E - D!");
        assert_eq!(word("{missing}"), "E: D");
    }

    #[test]
    fn b19_wrong_types_are_tolerated_and_text_is_capped() {
        let body = format!(r#"{{"type":1,"title":"t","detail":"{}"}}"#, "x".repeat(5 << 20));
        let problem = read(body.as_bytes(), None).unwrap();
        assert!(problem.detail.unwrap().chars().count() <= 257);
        assert_eq!(problem.kind.as_deref(), Some("1"));
    }
}
