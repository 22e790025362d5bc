//! The nearest of some names to a misspelt one.

use crate::error::quoted;

/// The candidate with the fewest edits from `name`, if they are few for its length.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if wanted.len() > LONGEST {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let given: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        let most = (wanted.len().max(given.len()) / 3).max(1);
        let bound = best.map_or(most, |(edits, _)| most.min(edits.saturating_sub(1)));
        if given.len().abs_diff(wanted.len()) > bound || best.is_some_and(|(edits, _)| edits == 0) {
            continue;
        }
        let edits = distance(&wanted, &given);
        if edits <= bound {
            best = Some((edits, candidate));
        }
    }
    best.filter(|(edits, _)| *edits < wanted.len()).map(|(_, candidate)| candidate)
}

/// Names longer than this are not compared.
const LONGEST: usize = 128;

/// `; did you mean "…"?`, or nothing.
pub(crate) fn suggestion<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |near| format!("; did you mean {}?", quoted(near)))
}

/// How many insertions, removals, replacements and swaps of neighbours lie between two words.
fn distance(left: &[char], right: &[char]) -> usize {
    let width = right.len() + 1;
    let mut rows: [Vec<usize>; 3] = [vec![0; width], (0..width).collect(), vec![0; width]];
    for (i, &a) in left.iter().enumerate() {
        let [before, last, row] = &mut rows;
        row[0] = i + 1;
        for (j, &b) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            row[j + 1] = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == right[j - 1] && left[i - 1] == b {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["people", "activities", "contexts", "conversations", "info", "methods"];
        for (given, expected) in [
            ("peopel", Some("people")),
            ("People", Some("people")),
            ("metod", Some("methods")),
            ("activites", Some("activities")),
            ("zebra", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
        assert_eq!(nearest("ab", ["ba", "abc", "ab"]), Some("ab"));
        let long = "x".repeat(LONGEST + 1);
        for (given, candidate) in [(5_000, "x"), (LONGEST + 1, &*long), (LONGEST + 2, &*long)] {
            assert_eq!(nearest(&"x".repeat(given), [candidate]), None);
        }
        assert_eq!(nearest(&"x".repeat(LONGEST), [&*long]), Some(&*long));
    }

    #[test]
    fn distance_counts_swaps_once() {
        for (left, right, expected) in [("", "abc", 3), ("abc", "acb", 1), ("kitten", "sitting", 3), ("a", "a", 0)] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(distance(&chars(left), &chars(right)), expected, "{left} {right}");
        }
    }
}
