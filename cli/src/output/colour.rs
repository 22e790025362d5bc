//! Whether there is colour, and which.

use anstyle::{AnsiColor, Style};

use super::json::Kind;

/// What the environment and the sinks say of colour and width.
///
/// ```
/// use restwalk_cli::output::colour::Facts;
///
/// let facts = Facts { stdout_terminal: true, no_color: Some("1".into()), ..Facts::default() };
/// assert!(!facts.colour(facts.stdout_terminal));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether standard output is a terminal.
    pub stdout_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_terminal: bool,
    /// The columns of the terminal; 80 where nobody knows.
    pub columns: Option<usize>,
    /// `NO_COLOR`: anything but an empty value means no colour.
    pub no_color: Option<String>,
    /// `CLICOLOR`: `0` means no colour.
    pub clicolor: Option<String>,
    /// `CLICOLOR_FORCE`: anything but `0` and an empty value means colour in pipes too.
    pub clicolor_force: Option<String>,
    /// `TERM`: `dumb` means no colour.
    pub term: Option<String>,
}

impl Facts {
    /// Whether a sink is coloured; `NO_COLOR` is above `CLICOLOR_FORCE`, and that above the rest.
    pub fn colour(&self, terminal: bool) -> bool {
        let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
        let set = |value: &Option<String>| value.as_deref().is_some_and(|value| !value.is_empty());
        if set(&self.no_color) {
            return false;
        }
        if set(&self.clicolor_force) && !is(&self.clicolor_force, "0") {
            return true;
        }
        terminal && !is(&self.clicolor, "0") && !is(&self.term, "dumb")
    }

    /// The columns that a table may take; `None` where standard output is no terminal.
    pub(crate) fn table_width(&self) -> Option<usize> {
        self.stdout_terminal.then(|| self.columns.unwrap_or(80).max(1))
    }
}

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
pub(crate) const HEADING: Style = Style::new().bold();

/// The colour of a piece of JSON.
pub(crate) fn of(kind: Kind) -> Style {
    match kind {
        Kind::Open | Kind::Close | Kind::Comma | Kind::Colon => Style::new(),
        Kind::Key => AnsiColor::Blue.on_default(),
        Kind::String => AnsiColor::Green.on_default(),
        Kind::Number => AnsiColor::Cyan.on_default(),
        Kind::Literal => AnsiColor::Magenta.on_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x04_the_environment_decides_on_colour() {
        // terminal, NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM
        for (terminal, no_color, clicolor, force, term, expected) in [
            (true, "", "", "", "xterm", true),
            (false, "", "", "", "xterm", false),
            (true, "1", "", "", "xterm", false),
            (true, "1", "1", "1", "xterm", false),
            (true, "", "0", "", "xterm", false),
            (true, "", "1", "", "xterm", true),
            (true, "", "", "", "dumb", false),
            (false, "", "", "1", "dumb", true),
            (false, "", "", "0", "xterm", false),
            (false, "", "1", "", "xterm", false),
        ] {
            let value = |text: &str| Some(text.to_owned());
            let facts = Facts {
                no_color: value(no_color),
                clicolor: value(clicolor),
                clicolor_force: value(force),
                term: value(term),
                ..Facts::default()
            };
            assert_eq!(facts.colour(terminal), expected, "{facts:?}");
        }
    }
}
