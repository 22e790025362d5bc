//! Keys of a body: `a.b`, `a[b][0]`, `a[]`.

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
    /// Reads a key.
    pub(crate) fn parse(marks: &[Mark]) -> Result<Self> {
        let mut steps = Vec::new();
        let mut at = 0;
        while let Some(mark) = marks.get(at) {
            if mark.is('[') {
                let length = marks[at + 1..].iter().position(|mark| mark.is(']'));
                let end = at + 1 + length.ok_or_else(|| Mistake::usage("a bracket is not closed"))?;
                steps.push(bracketed(&marks[at + 1..end])?);
                at = end + 1;
                let next = marks.get(at);
                if next.is_some_and(|next| !next.is('[') && !next.is('.')) {
                    return Err(Mistake::usage("behind a bracket comes another one, or a dot"));
                }
            } else {
                at += usize::from(mark.is('.') && !steps.is_empty());
                let rest = &marks[at..];
                let length = rest.iter().position(|mark| mark.is('.') || mark.is('[')).unwrap_or(rest.len());
                steps.push(name(&rest[..length])?);
                at += length;
                if marks.get(at).is_some_and(|mark| mark.is('.')) && at + 1 == marks.len() {
                    return Err(nameless());
                }
            }
        }
        if steps.len() > 64 {
            return Err(Mistake::usage("a key nests at most 64 deep"));
        }
        Ok(Self(steps))
    }
}

fn nameless() -> Mistake {
    Mistake::usage(r"a name between dots is empty").hint(r"a dot that is part of a name is written \.")
}

fn name(marks: &[Mark]) -> Result<Step> {
    if let Some(stray) = marks.iter().find(|mark| mark.is(']')) {
        return Err(
            Mistake::usage(format!("a bracket closes at byte {} that none opens", stray.at)).hint(r"write it as \]")
        );
    }
    if marks.is_empty() {
        return Err(nameless());
    }
    Ok(Step::Name { text: super::plain(marks), literal: marks.iter().any(|mark| mark.escaped) })
}

fn bracketed(marks: &[Mark]) -> Result<Step> {
    let text = super::plain(marks);
    if text.is_empty() {
        return Ok(Step::Append);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let index = text.parse().map_err(|_| Mistake::usage(format!("the index {text} is too large")))?;
        return Ok(Step::Index(index));
    }
    Ok(Step::Name { text, literal: true })
}
