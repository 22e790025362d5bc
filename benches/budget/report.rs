//! The table.

use crate::measure::Figure;

/// How far over its budget a ratio of times may be: it is not repeatable to the last percent.
const SLACK: f64 = 1.15;

/// What a figure counts.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    /// A ratio of counts, repeatable.
    Ratio,
    /// A ratio of CPU times, with slack.
    Cpu,
    /// A ratio of times by the clock on the wall, with slack.
    Clock,
    /// A count or a size; the text stands behind it.
    Of(&'static str),
}

/// Prints one line: id, what is measured, its budget, what it is, and how that stands.
pub fn row(id: &str, what: &str, unit: Unit, budget: f64, measured: Figure) {
    let budget_shown = format!("<= {}", shown(unit, budget));
    let (figure, verdict) = match measured {
        Err(missing) => (format!("not measured: {missing}"), ""),
        Ok(figure) if figure <= budget => (shown(unit, figure), "met"),
        Ok(figure) if matches!(unit, Unit::Cpu | Unit::Clock) && figure <= budget * SLACK => {
            (shown(unit, figure), "met, in slack")
        }
        Ok(figure) => (shown(unit, figure), "MISSED"),
    };
    println!("{id:<4} {what:<66} {budget_shown:>16} {figure:>16}  {verdict}");
}

/// Prints a figure that has no budget and explains another.
pub fn note(id: &str, what: &str, unit: Unit, measured: Figure) {
    let figure = measured.map_or_else(|missing| format!("not measured: {missing}"), |figure| shown(unit, figure));
    println!("{id:<4} {what:<66} {:>16} {figure:>16}", "");
}

fn shown(unit: Unit, figure: f64) -> String {
    match unit {
        Unit::Ratio | Unit::Cpu | Unit::Clock => format!("{figure:.3}"),
        Unit::Of(name) if figure.abs() < 100.0 => format!("{figure:.1} {name}"),
        Unit::Of(name) => format!("{figure:.0} {name}"),
    }
}
