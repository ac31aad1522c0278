//! The layer between `tracing` and sinks: makes a line of every event, with what its spans say.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::line::{Fields, Line};
use super::{CORRELATION_ID, category};
use crate::base::time::{Clock, SystemClock};

/// Takes log lines. Must not log itself, and should not wait.
pub trait LineSink: Send + Sync + 'static {
    /// Takes one line.
    fn take(&self, line: &Line);
}

impl<S: LineSink + ?Sized> LineSink for Arc<S> {
    fn take(&self, line: &Line) {
        (**self).take(line);
    }
}

/// Hands every event on as a [`Line`], redacted, with the fields of the spans around it.
///
/// ```
/// use std::sync::Arc;
///
/// use engraph::log::{Lines, Recent};
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let recent = Arc::new(Recent::new(10));
/// let subscriber = tracing_subscriber::registry().with(Lines::new(Arc::clone(&recent)));
/// tracing::subscriber::with_default(subscriber, || {
///     tracing::info!(api_key = "abc", "sent");
/// });
/// assert_eq!(recent.lines()[0].fields["api_key"], "[redacted]");
/// ```
pub struct Lines<S> {
    sink: S,
    clock: Arc<dyn Clock>,
}

impl<S: LineSink> Lines<S> {
    /// Hands lines to a sink, with the times of the operating system.
    pub fn new(sink: S) -> Self {
        Self { sink, clock: Arc::new(SystemClock) }
    }

    /// Takes the times of lines from another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl<S> fmt::Debug for Lines<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

/// What a span says, kept beside it.
#[derive(Default)]
struct SpanFields(Map<String, Value>);

impl<S: LineSink, R> Layer<R> for Lines<S>
where
    R: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, R>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = SpanFields::default();
        attributes.record(&mut Fields(&mut fields.0));
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, R>) {
        let Some(span) = context.span(id) else { return };
        // Shown before the span is locked: a value may log while it is shown.
        let mut said = Map::new();
        values.record(&mut Fields(&mut said));
        if let Some(SpanFields(fields)) = span.extensions_mut().get_mut::<SpanFields>() {
            fields.extend(said);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, R>) {
        let mut line = Line::new(self.clock.now(), event.metadata());
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if span.metadata().target() != category::CALL {
                line.spans.push(span.name());
            }
            if let Some(SpanFields(fields)) = span.extensions().get::<SpanFields>() {
                for (name, value) in fields {
                    match value {
                        Value::String(id) if *name == *CORRELATION_ID => {
                            line.correlation_id = Some(id.clone());
                        }
                        value => drop(line.fields.insert(name.clone(), value.clone())),
                    }
                }
            }
        }
        line.add(event);
        self.sink.take(&line);
    }
}
