//! A file held against the table of keys.

use std::collections::HashMap;

use crate::{
    catalog::{
        keys::{CLIENT_ONLY, Key, LONGEST_WAIT, SHORTEST_WAIT, Shape},
        nearest::suggestion,
        rule::Rule,
        scalar::Scalar,
        yaml::{Kind, View},
    },
    error::{Error, Result, quoted},
};

/// Accepts what stands at `view`, or says where it departs from `shape`.
pub(crate) fn check(view: View<'_>, shape: &Shape) -> Result<()> {
    match shape {
        Shape::Text(rule) => check_text(view, rule),
        Shape::Word(words) => check_word(view, words),
        Shape::List(shape) => check_list(view, shape),
        Shape::Named(rule, shape) => check_named(view, rule, shape),
        Shape::Record(keys) => check_record(view, keys),
        Shape::Some(keys) => check_record(view, keys).and_then(|()| refuse_empty(view, keys)),
        Shape::Either(shapes) => check_either(view, shapes),
        Shape::Query => check_query(view),
        Shape::Nothing | Shape::Flag | Shape::Seconds | Shape::Whole(..) | Shape::Body => {
            if scalar_fits(view, shape) {
                Ok(())
            } else {
                Err(expected(view, shape))
            }
        }
    }
}

fn scalar_fits(view: View<'_>, shape: &Shape) -> bool {
    match (shape, view.kind(), view.scalar()) {
        (Shape::Body, kind, _) => kind == Kind::Map,
        (Shape::Nothing, Kind::Plain, scalar) => scalar == Scalar::Null,
        (Shape::Flag, _, scalar) => matches!(scalar, Scalar::Bool(_)),
        (Shape::Seconds, _, Scalar::Number(number)) => {
            number.parse().is_ok_and(|seconds: f64| (SHORTEST_WAIT..=f64::from(LONGEST_WAIT)).contains(&seconds))
        }
        (Shape::Whole(least, most), _, Scalar::Number(number)) => {
            number.parse().is_ok_and(|number: u64| (*least..=*most).contains(&number))
        }
        _ => false,
    }
}

fn check_text(view: View<'_>, rule: &Rule) -> Result<()> {
    let text = view.written().ok_or_else(|| wrong(view, rule.said))?;
    (rule.check)(text).map_err(|why| misfit(view, rule, &why))
}

fn misfit(view: View<'_>, rule: &Rule, why: &str) -> Error {
    let said = rule.said;
    if view.is_discreet() {
        view.error(format_args!("expected {said}"))
    } else {
        view.error(format_args!("expected {said}: {why}"))
    }
}

fn check_word(view: View<'_>, words: &[&str]) -> Result<()> {
    let Some(text) = view.written() else { return Err(wrong(view, &one_of(words))) };
    if words.contains(&text) {
        return Ok(());
    }
    let near = suggestion(text, words.iter().copied());
    let found = if view.is_discreet() { view.found() } else { quoted(text) };
    Err(view.error(format_args!("expected {}, found {found}{near}", one_of(words))))
}

fn check_list(view: View<'_>, shape: &Shape) -> Result<()> {
    if view.kind() != Kind::List || view.items().next().is_none() {
        let empty = view.kind() == Kind::List;
        return Err(if empty {
            view.error("expected at least one, found an empty list")
        } else {
            wrong(view, "a list")
        });
    }
    let mut seen: HashMap<&str, View<'_>> = HashMap::new();
    for item in view.items() {
        check(item, shape)?;
        if let Some(first) = seen.insert(item.text(), item) {
            let place = first.place();
            let named = if item.is_discreet() { "it".to_owned() } else { quoted(item.text()) };
            return Err(item.error(format_args!("{named} stands twice; the first is at {place}")));
        }
    }
    Ok(())
}

fn check_named(view: View<'_>, rule: &Rule, shape: &Shape) -> Result<()> {
    if view.kind() != Kind::Map {
        return Err(wrong(view, "a map"));
    }
    for (key, value) in view.pairs() {
        (rule.check)(key.text()).map_err(|why| misfit(key, rule, &why))?;
        check(value, shape)?;
    }
    Ok(())
}

fn check_record(view: View<'_>, keys: &[Key]) -> Result<()> {
    if view.kind() != Kind::Map {
        return Err(wrong(view, "a map"));
    }
    for (key, value) in view.pairs() {
        let known = keys.iter().find(|known| known.name == key.text()).ok_or_else(|| unknown(key, keys))?;
        check(value, known.shape)?;
    }
    match keys.iter().find(|key| key.required && view.get(key.name).is_none()) {
        Some(missing) => Err(view.error(format_args!("the key {} is missing", quoted(missing.name)))),
        None => Ok(()),
    }
}

fn refuse_empty(view: View<'_>, keys: &[Key]) -> Result<()> {
    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
    match view.pairs().next() {
        Some(_) => Ok(()),
        None => Err(view.error(format_args!("expected at least one of {}, found an empty map", names.join(", ")))),
    }
}

fn unknown(key: View<'_>, keys: &[Key]) -> Error {
    let name = key.named();
    if !key.is_discreet() && CLIENT_ONLY.contains(&key.text().to_ascii_lowercase().as_str()) {
        return key.error(format_args!(
            "unknown key {}: such a setting belongs to the client, never to a catalog, which may come from a stranger",
            quoted(key.text())
        ));
    }
    let names = || keys.iter().map(|key| key.name);
    let listed: Vec<&str> = names().collect();
    let near = suggestion(key.text(), names());
    key.error(format_args!("unknown key{name}; expected one of {}{near}", listed.join(", ")))
}

fn check_either(view: View<'_>, shapes: &[Shape]) -> Result<()> {
    let kind_fits = |shape: &&Shape| match shape {
        Shape::List(_) => view.kind() == Kind::List,
        Shape::Record(_) | Shape::Some(_) | Shape::Named(..) | Shape::Body => view.kind() == Kind::Map,
        _ => false,
    };
    match shapes.iter().find(kind_fits) {
        Some(shape) => check(view, shape),
        None if shapes.iter().any(|shape| check(view, shape).is_ok()) => Ok(()),
        None => match shapes {
            // One text among lists, or a word that may be a map: its own words say more.
            [text @ Shape::Text(_), ..] | [text @ Shape::Word(_), Shape::Record(_)] if view.written().is_some() => {
                check(view, text)
            }
            _ => Err(wrong(view, &shapes.iter().map(said).collect::<Vec<_>>().join(" or "))),
        },
    }
}

fn check_query(view: View<'_>) -> Result<()> {
    match view.kind() {
        Kind::List => view.items().try_for_each(check_query),
        Kind::Map => view.pairs().try_for_each(|(_, value)| check_query(value)),
        Kind::Plain | Kind::Quoted => view.written().map(|_| ()).ok_or_else(|| wrong(view, &said(&Shape::Query))),
    }
}

fn expected(view: View<'_>, shape: &Shape) -> Error {
    wrong(view, &said(shape))
}

fn wrong(view: View<'_>, expected: &str) -> Error {
    view.error(format_args!("expected {expected}, found {}", view.found()))
}

fn one_of(words: &[&str]) -> String {
    if let [word] = words { (*word).to_owned() } else { format!("one of {}", words.join(", ")) }
}

/// What is expected, in words.
fn said(shape: &Shape) -> String {
    match shape {
        Shape::Nothing => "nothing".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::Text(rule) => rule.said.to_owned(),
        Shape::Word(words) => one_of(words),
        Shape::Seconds => "a number of seconds from a millisecond to a year".to_owned(),
        Shape::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Shape::List(_) => "a list".to_owned(),
        Shape::Named(..) | Shape::Record(_) | Shape::Some(_) => "a map".to_owned(),
        Shape::Either(shapes) => shapes.iter().map(said).collect::<Vec<_>>().join(" or "),
        Shape::Body => "a map, as a default body is merged with the caller's keys".to_owned(),
        Shape::Query => "a text, or a list or map of texts".to_owned(),
    }
}
