//! The words of a command line as a form that each record fills.

use restwalk::http::Method;

use super::{
    fill::{Template, text},
    record::{Record, wrong},
};
use crate::{
    item::{Item, Value, What},
    mistake::{Mistake, Result},
    place::{self, Variable},
    words::Words,
};

/// Words with names in them.
pub(crate) struct Form {
    method: Option<Method>,
    path: String,
    /// The names that the path takes from a record.
    names: Vec<String>,
    items: Vec<Item>,
    /// `--data`.
    data: Option<Template>,
    /// The item `Idempotency-Key:…`.
    key: Option<Template>,
}

/// A form that a record has filled.
pub(crate) struct Filled {
    pub(crate) words: Words,
    pub(crate) variables: Vec<Variable>,
    pub(crate) data: Option<String>,
    pub(crate) key: Option<String>,
}

impl Form {
    /// Reads `words` and `--data` as a form; `given` says which names of the path have a value already.
    pub(crate) fn new(words: Words, data: Option<&str>, given: impl Fn(&str) -> bool) -> Result<Self> {
        let Words { method, path, mut items } = words;
        let names = names(&path)?.into_iter().filter(|name| !given(name)).collect();
        let mut key = None;
        for item in &items {
            if let What::Header { name, value: Value::Text(text) } = &item.what
                && name.eq_ignore_ascii_case("idempotency-key")
            {
                let template = Template::text(text);
                if template.names().next().is_none() {
                    let hint = "let it hold a name that tells records apart, such as {id}";
                    return Err(item.value_mistake("every record would be sent with the same key").hint(hint));
                }
                key = Some(template);
            }
        }
        if key.is_some() {
            items.retain(
                |item| !matches!(&item.what, What::Header { name, .. } if name.eq_ignore_ascii_case("idempotency-key")),
            );
        }
        Ok(Self { method, path, names, items, data: data.map(Template::json), key })
    }

    /// The words of one record; the error names its line.
    pub(crate) fn fill(&self, record: &Record) -> Result<Filled> {
        let told = |why: String| wrong(record.line, why).hint(r"a name that is meant as it stands is written \{name}");
        let value = |name: &String| Ok(Variable { name: name.clone(), value: text(&record.json, name)? });
        let filled = || -> Result<Filled, String> {
            let fill = |template: &Template| template.fill(&record.json);
            let items = self.items.iter().map(|item| {
                let what = filled(&item.what, record)?;
                Ok::<_, String>(Item { what, ..item.clone() })
            });
            Ok(Filled {
                words: Words {
                    method: self.method.clone(),
                    path: self.path.clone(),
                    items: items.collect::<Result<_, _>>()?,
                },
                variables: self.names.iter().map(value).collect::<Result<_, String>>()?,
                data: self.data.as_ref().map(fill).transpose()?,
                key: self.key.as_ref().map(fill).transpose()?,
            })
        };
        filled().map_err(told)
    }
}

/// The names of a path, each of which is a whole segment.
fn names(path: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for segment in path.split('/') {
        let template = Template::text(segment);
        let Some(name) = template.names().next() else { continue };
        let at = path.find(segment).unwrap_or_default();
        let wrong = |why: &str| Mistake::local("invalid_input.path", why).at(path, at..at + segment.len());
        if segment.len() != name.len() + 2 {
            return Err(wrong("a name fills a whole segment of a path").hint("let the records hold the whole segment"));
        }
        if place::is_absolute(path) {
            return Err(wrong("a whole URL has no names that records fill").hint("give its beginning by --base-url"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// What an item means with the values of a record: keys stay, values are filled and never taken apart again.
fn filled(what: &What, record: &Record) -> Result<What, String> {
    let text = |text: &String| Template::text(text).fill(&record.json);
    let some = |one: &Option<String>| one.as_ref().map(text).transpose();
    let value = |value: &Value| {
        Ok::<_, String>(match value {
            Value::Text(one) => Value::Text(text(one)?),
            Value::TextFile(one) => Value::TextFile(text(one)?),
            Value::JsonFile(one) => Value::JsonFile(text(one)?),
            Value::Json(one) => Value::Json(Template::json(one).fill(&record.json)?),
        })
    };
    Ok(match what {
        What::Body { keys, name, value: one } => {
            What::Body { keys: keys.clone(), name: name.clone(), value: value(one)? }
        }
        What::Query { name, value: one } => What::Query { name: name.clone(), value: value(one)? },
        What::Header { name, value: one } => What::Header { name: name.clone(), value: value(one)? },
        What::File { field, path, content_type, file_name } => What::File {
            field: field.clone(),
            path: text(path)?,
            content_type: some(content_type)?,
            file_name: some(file_name)?,
        },
        What::Base { path } => What::Base { path: text(path)? },
        What::Unset { .. } | What::UnsetQuery { .. } | What::UnsetHeader { .. } => what.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(words: &str) -> Result<Form> {
        let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
        Form::new(Words::parse(&words)?, Some(r#"{"r":{.}}"#), |name| name == "given")
    }

    fn record(json: &str) -> Record {
        Record { line: 7, json: serde_json::from_str(json).unwrap() }
    }

    #[test]
    fn a_record_fills_path_and_values_and_separates_nothing() {
        let form = form("post {given}/{a.b} x={c} y:={n} z=={c} Idempotency-Key:{n}-1 w!").unwrap();
        let filled = form.fill(&record(r#"{"a":{"b":"../x"},"c":"k:=v@=","n":10000000000000000000000}"#)).unwrap();
        assert_eq!(filled.variables.len(), 1);
        assert_eq!((&*filled.variables[0].name, &*filled.variables[0].value), ("a.b", "../x"));
        let text = |text: &str| Value::Text(text.into());
        let values = filled.words.items.iter().map(|item| match &item.what {
            What::Body { value, .. } | What::Query { value, .. } => Some(value.clone()),
            _ => None,
        });
        let json = Value::Json("10000000000000000000000".into());
        assert_eq!(values.collect::<Vec<_>>(), [Some(text("k:=v@=")), Some(json), Some(text("k:=v@=")), None]);
        assert_eq!(filled.key.as_deref(), Some("10000000000000000000000-1"));
        assert!(filled.data.unwrap().starts_with(r#"{"r":{"a":"#));
    }

    #[test]
    fn a_missing_name_is_told_with_its_line() {
        let mistake = form("post x a={nme}").unwrap().fill(&record(r#"{"name":1}"#)).err().unwrap();
        assert_eq!(mistake.message, r#"line 7 of the records has no "nme"; it has name"#);
        assert_eq!(mistake.exit, 2);
    }

    #[test]
    fn a_form_that_cannot_be_meant_is_refused() {
        for (words, expected) in [
            ("people/user-{id}", "a name fills a whole segment of a path"),
            ("https://h/{id}", "a whole URL has no names that records fill"),
            ("post x Idempotency-Key:one", "every record would be sent with the same key"),
        ] {
            assert_eq!(form(words).err().unwrap().message, expected, "{words}");
        }
    }
}
