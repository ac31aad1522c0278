//! A bar for long work: on standard error, and only where that is a terminal.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Form;
use super::text;

/// Shows how far long work is.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Work whose end is not known yet. Shows nothing away from a terminal, and for programs.
    pub(crate) fn new(form: Form, what: &str) -> Self {
        let target = if form == Form::People && io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{spinner} {msg} {human_pos}"));
        bar.set_message(text::shortened(what, 60));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Says what is worked on, how much is done, and of how much where that is known.
    pub(crate) fn set(&self, what: &str, done: u64, total: Option<u64>) {
        if self.0.is_hidden() {
            return;
        }
        if self.0.length() != total {
            self.0.set_style(style(if total.is_some() {
                "{spinner} {msg} [{bar:24}] {human_pos}/{human_len} {per_sec}"
            } else {
                "{spinner} {msg} {human_pos} {per_sec}"
            }));
            match total {
                Some(total) => self.0.set_length(total),
                None => self.0.unset_length(),
            }
        }
        self.0.set_message(text::shortened(what, 60));
        self.0.set_position(done);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ").tick_chars("-\\|/ ")
}
