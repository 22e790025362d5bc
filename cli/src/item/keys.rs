//! Keys of a body: `a.b`, `a[b][0]`, `a[]`.

use std::ops::Range;

use super::Mark;
use crate::mistake::{Mistake, Result};

/// The steps that lead from the top of a body to one place in it; the first is never missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys(pub(crate) Vec<Step>);

/// One step into a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A name; one that stands in brackets, or has an escape, is never split at underscores.
    Name { text: String, literal: bool },
    /// A place in a list, counted from 0.
    Index(usize),
    /// Behind the last of a list.
    Append,
}

impl Keys {
    /// Reads the key of the item `item`.
    pub(super) fn parse(item: &str, marks: &[Mark]) -> Result<Self> {
        let end = marks.last().map_or(0, Mark::end);
        let spot = |index: usize| marks.get(index).map_or(end..end, |mark| mark.at..mark.end());
        let mut steps = Vec::new();
        let mut at = 0;
        while let Some(mark) = marks.get(at) {
            if mark.is('[') {
                let length = marks[at + 1..].iter().position(|mark| mark.is(']'));
                let length = length.ok_or_else(|| Mistake::usage("this bracket is not closed").at(item, spot(at)))?;
                steps.push(bracketed(&marks[at + 1..][..length]).map_err(|wrong| wrong.at(item, spot(at + 1)))?);
                at += length + 2;
                if marks.get(at).is_some_and(|next| !next.is('[') && !next.is('.')) {
                    return Err(Mistake::usage("behind a bracket comes another one, or a dot").at(item, spot(at)));
                }
            } else {
                at += usize::from(mark.is('.') && !steps.is_empty());
                let rest = &marks[at..];
                let length = rest.iter().position(|mark| mark.is('.') || mark.is('[')).unwrap_or(rest.len());
                let last = at + length + 1 == marks.len() && marks[at + length].is('.');
                if length == 0 || last {
                    return Err(nameless(item, spot(if last { at + length } else { at })));
                }
                steps.push(name(item, &rest[..length])?);
                at += length;
            }
        }
        if steps.len() > 64 {
            return Err(Mistake::usage("a key nests at most 64 deep").at(item, 0..end));
        }
        Ok(Self(steps))
    }
}

fn nameless(item: &str, spot: Range<usize>) -> Mistake {
    Mistake::usage("a name is missing here").at(item, spot).hint(r"a dot that is part of a name is written \.")
}

fn name(item: &str, marks: &[Mark]) -> Result<Step> {
    if let Some(stray) = marks.iter().find(|mark| mark.is(']')) {
        let wrong = Mistake::usage("no bracket is open here").at(item, stray.at..stray.end());
        return Err(wrong.hint(r"a bracket that is part of a name is written \]"));
    }
    Ok(Step::Name { text: super::plain(marks), literal: marks.iter().any(|mark| mark.escaped) })
}

fn bracketed(marks: &[Mark]) -> Result<Step> {
    let text = super::plain(marks);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() {
        return Ok(Step::Append);
    }
    if digits(&text) {
        let index = text.parse().map_err(|_| Mistake::usage("this index is too large"))?;
        return Ok(Step::Index(index));
    }
    // A backslash before digits makes them a name.
    let number = text.strip_prefix('\\').filter(|rest| marks[0].is('\\') && digits(rest));
    Ok(Step::Name { text: number.unwrap_or(&text).to_owned(), literal: true })
}
