//! The last lines, in memory: for those who look at a program from inside.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::layer::LineSink;
use super::line::Line;

/// A sink that keeps the last so many lines.
#[derive(Debug)]
pub struct Recent {
    lines: Mutex<VecDeque<Line>>,
    max: usize,
}

impl Recent {
    /// Keeps up to `max` lines.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { lines: Mutex::default(), max }
    }

    /// The lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl LineSink for Recent {
    fn take(&self, line: &Line) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= self.max {
            lines.pop_front();
        }
        if self.max > 0 {
            lines.push_back(line.clone());
        }
    }
}
