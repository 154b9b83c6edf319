//! Log lines: JSON or text on standard error, each within a request or operation carrying its trace id.

use std::fmt::{self, Write as _};

use reference_points::common::TraceContext;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::metadata::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogConfig, LogFormat};

/// Libraries that tell every request they send as information, or as errors what they hand back as such anyway; they are heard
/// from these levels on unless a level is named for them.
const TALKATIVE: [(&str, LevelFilter); 2] =
    [("openstack_sdk", LevelFilter::WARN), ("openstack_sdk_core", LevelFilter::OFF)];

/// Reads a level such as `info` or `info,sqlx=warn`.
///
/// # Errors
/// Says which part is not understood.
pub fn filter(level: &str) -> Result<Targets, String> {
    // A word that is no level would be taken as a module whose every line is wanted.
    let word = level.split(',').find(|part| !part.contains('=') && part.trim().parse::<LevelFilter>().is_err());
    if let Some(word) = word {
        return Err(format!("{word:?} is not a log level"));
    }
    let named = level.parse::<Targets>().map_err(|e| format!("{level:?} is not a log level: {e}"))?;
    let quiet = TALKATIVE.into_iter().filter(|(library, _)| !level.contains(library));
    Ok(quiet.fold(named, |filter, (library, from)| filter.with_target(library, from)))
}

/// Starts logging for the whole process; a second call changes nothing. Panics are logged as errors with their place.
///
/// # Errors
/// The level is not understood.
pub fn init(service: &'static str, config: &LogConfig) -> Result<(), String> {
    let filter = filter(&config.level)?;
    let line = Line { service, format: config.format };
    let layer = tracing_subscriber::fmt::layer().event_format(line).with_writer(std::io::stderr).with_ansi(false);
    if tracing_subscriber::registry().with(layer).with(filter).try_init().is_ok() {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let payload = info.payload();
            let words = payload
                .downcast_ref::<&str>()
                .map(|s| (*s).to_owned())
                .or_else(|| payload.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".to_owned());
            tracing::error!(place, "panic: {words}");
        }));
    }
    Ok(())
}

struct Line {
    service: &'static str,
    format: LogFormat,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let meta = event.metadata();
        let time = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let trace_id = TraceContext::current().map(|c| c.trace_id());
        let mut spans = String::new();
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let shown = extensions.get::<FormattedFields<N>>().map_or("", |f| f.fields.as_str());
            let gap = if spans.is_empty() { "" } else { ":" };
            if shown.is_empty() {
                write!(spans, "{gap}{}", span.name())?;
            } else {
                write!(spans, "{gap}{}{{{shown}}}", span.name())?;
            }
        }
        match self.format {
            LogFormat::Json => {
                let mut line = Map::new();
                line.insert("time".into(), time.into());
                line.insert("level".into(), meta.level().as_str().into());
                line.insert("service".into(), self.service.into());
                if let Some(id) = trace_id {
                    line.insert("trace_id".into(), id.into());
                }
                line.insert("message".into(), fields.message.into());
                line.insert("target".into(), meta.target().into());
                if !spans.is_empty() {
                    line.insert("span".into(), spans.into());
                }
                for (name, value) in fields.others {
                    line.entry(name).or_insert(value);
                }
                writeln!(out, "{}", Value::Object(line))
            }
            LogFormat::Text => {
                write!(out, "{time} {:5} {}", meta.level(), self.service)?;
                if let Some(id) = trace_id {
                    write!(out, " [{id}]")?;
                }
                if !spans.is_empty() {
                    write!(out, " {spans}")?;
                }
                write!(out, " {}", fields.message)?;
                for (name, value) in fields.others {
                    write!(out, " {name}={value}")?;
                }
                writeln!(out)
            }
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        } else {
            self.others.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.set(field, value.to_string().into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Sink {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(buf);
            Ok(buf.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    async fn logged(format: LogFormat) -> (String, String) {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Line { service: "example", format })
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let context = TraceContext::random();
        context
            .scope(async {
                let span = tracing::info_span!("step", name = "boot");
                span.in_scope(|| tracing::warn!(vm = 7, "slow \"boot\""));
            })
            .await;
        drop(guard);
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        (text, context.trace_id())
    }

    #[tokio::test]
    async fn a_json_line_carries_the_trace_id_and_the_span() {
        let (line, id) = logged(LogFormat::Json).await;
        let line: Value = serde_json::from_str(line.trim()).unwrap();
        assert_eq!(line["trace_id"], id);
        assert_eq!(line["message"], "slow \"boot\"");
        assert_eq!((line["vm"].as_i64(), line["level"].as_str()), (Some(7), Some("WARN")));
        assert!(line["span"].as_str().unwrap().contains("step{name=\"boot\"}"));
    }

    #[tokio::test]
    async fn a_text_line_carries_the_trace_id() {
        let (line, id) = logged(LogFormat::Text).await;
        assert!(line.contains(&id) && line.contains("vm=7"), "{line}");
    }

    #[test]
    fn a_wrong_level_is_refused() {
        assert!(filter("loud").is_err());
        assert!(filter("info,sqlx=warn").is_ok());
    }
}
