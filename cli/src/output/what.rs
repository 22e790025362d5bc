//! `-p HBhbm`: which parts of an exchange are printed.

/// The parts of an exchange that are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct What {
    /// `H`: the request's line and headers.
    pub request_head: bool,
    /// `B`: the request's body.
    pub request_body: bool,
    /// `h`: the status and the answer's headers.
    pub head: bool,
    /// `b`: the answer's body.
    pub body: bool,
    /// `m`: how long it took, and how often it was tried.
    pub meta: bool,
}

/// What the command line says of it: `-p`, `-h`, `-b`, `-m`, `-v`, `-q`.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The letters of `-p`.
    pub print: Option<String>,
    /// `-h`.
    pub headers: bool,
    /// `-b`.
    pub body: bool,
    /// `-m`.
    pub meta: bool,
    /// `-v`.
    pub verbose: bool,
    /// `-q`.
    pub quiet: bool,
}

impl What {
    /// Nothing.
    pub const NONE: Self = Self { request_head: false, request_body: false, head: false, body: false, meta: false };

    /// All of it.
    pub const ALL: Self = Self { request_head: true, request_body: true, head: true, body: true, meta: true };

    /// The answer's body, as when nothing else is asked for.
    pub const BODY: Self = Self { body: true, ..Self::NONE };

    /// What was asked for: `-q` is above `-p`, that above `-h`, `-b` and `-m` together, and those above `-v`.
    ///
    /// ```
    /// use restwalk_cli::output::what::{Asked, What};
    ///
    /// let asked = Asked { print: Some("hb".into()), ..Asked::default() };
    /// assert_eq!(What::of(&asked)?, What { head: true, ..What::BODY });
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A letter of `-p` that stands for nothing.
    pub fn of(asked: &Asked) -> Result<Self, String> {
        let letters = asked.print.as_deref().map(Self::letters).transpose()?;
        if asked.quiet {
            return Ok(Self::NONE);
        }
        if let Some(letters) = letters {
            return Ok(letters);
        }
        if asked.headers || asked.body || asked.meta {
            return Ok(Self { head: asked.headers, body: asked.body, meta: asked.meta, ..Self::NONE });
        }
        Ok(if asked.verbose { Self::ALL } else { Self::BODY })
    }

    fn letters(letters: &str) -> Result<Self, String> {
        let mut what = Self::NONE;
        for letter in letters.chars() {
            match letter {
                'H' => what.request_head = true,
                'B' => what.request_body = true,
                'h' => what.head = true,
                'b' => what.body = true,
                'm' => what.meta = true,
                _ => {
                    let letter = letter.escape_default();
                    return Err(format!(
                        "-p has no letter '{letter}'; H and B are the request's head and body, h and b the answer's, m is its time"
                    ));
                }
            }
        }
        Ok(what)
    }
}

impl Default for What {
    fn default() -> Self {
        Self::BODY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_has_its_parts() {
        let none = Asked::default();
        for (asked, expected) in [
            (none.clone(), What::BODY),
            (Asked { headers: true, ..none.clone() }, What { head: true, ..What::NONE }),
            (Asked { headers: true, body: true, ..none.clone() }, What { head: true, ..What::BODY }),
            (Asked { meta: true, verbose: true, ..none.clone() }, What { meta: true, ..What::NONE }),
            (Asked { verbose: true, ..none.clone() }, What::ALL),
            (Asked { print: Some("HBhbm".into()), ..none.clone() }, What::ALL),
            (Asked { print: Some(String::new()), verbose: true, ..none.clone() }, What::NONE),
            (Asked { print: Some("b".into()), headers: true, ..none.clone() }, What::BODY),
            (Asked { verbose: true, quiet: true, ..none.clone() }, What::NONE),
        ] {
            assert_eq!(What::of(&asked).unwrap(), expected, "{asked:?}");
        }
        let error = What::of(&Asked { print: Some("x".into()), quiet: true, ..none }).unwrap_err();
        assert!(error.contains("'x'"), "{error}");
    }
}
