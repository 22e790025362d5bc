//! Whether a failed request is sent again, and when. Decides; never sleeps, sends, or reads a clock.
