//! An analyzer that asks a language model over HTTP: servers that speak `OpenAI`'s protocol, and
//! Ollama.
//!
//! The question asks for six labelled lines; an answer without any of them is none. Where a request
//! fails in a way that may pass (429, 5xx, no answer in time, a broken connection) it is sent again
//! after a pause that doubles. A server that refuses us, or fails question after question, is given
//! up: asking it about further files would only take time. Neither the key nor what a server says
//! in an error is ever part of a message of ours: servers repeat what they are sent.

use std::io::Read as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::HeaderValue;

use super::text::cut;
use super::{Analysis, Analyzer, Import, Source};
use crate::base::error::{Error, Result};
use crate::base::limits::{MODEL_ANSWER_BYTES_MAX, MODEL_TEXT_CHARACTERS_MAX};
use crate::base::secret::Secret;

/// Version of the question: another one has every file asked about anew.
const QUESTION_VERSION: &str = "1";
const FILE_TOKENS_MAX: u32 = 500;
const SUMMARY_TOKENS_MAX: u32 = 2_000;
const COMPLEXITY_DEFAULT: f64 = 5.0;
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Longer times are as good as this one, and can be added to any clock.
const TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Questions in a row that fail, each with all its attempts, before the server is given up.
const FAILED_QUESTIONS_MAX: u32 = 5;
/// A shorter key is no secret but a word such as `none`, which answers may have for other reasons.
const SECRET_BYTES_MIN: usize = 8;
/// Whether addresses may begin with `https`.
const HAS_TLS: bool = cfg!(feature = "https");

/// The protocol that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `POST /v1/chat/completions`, as `OpenAI` and many others do.
    OpenAi,
    /// `POST /api/generate`, as Ollama does.
    Ollama,
}

/// How a model is asked.
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpOptions {
    protocol: Protocol,
    address: String,
    model: String,
    key: Option<Secret>,
    timeout: Duration,
    attempts_max: u32,
    pause: Duration,
    interval: Duration,
}

impl HttpOptions {
    /// Asks `model` of the server at `address`, for example `http://localhost:11434`. One minute a
    /// request, four attempts, pauses from half a second on, no limit of the rate.
    pub fn new(protocol: Protocol, address: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            protocol,
            address: address.into(),
            model: model.into(),
            key: None,
            timeout: Duration::from_secs(60),
            attempts_max: 4,
            pause: Duration::from_millis(500),
            interval: Duration::ZERO,
        }
    }

    /// Sets the key, which is sent as a bearer token.
    pub fn key(mut self, key: Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets how long a request may take as a whole, up to a day.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(TIME_MAX);
        self
    }

    /// Sets how often a request is sent at most, the first time included.
    pub fn attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = attempts;
        self
    }

    /// Sets the pause before the second attempt; each later one is twice as long, up to a minute.
    /// A server that names a pause gets that one.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets the least time between the beginnings of two requests, of all threads together; up to
    /// a day.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.min(TIME_MAX);
        self
    }
}

/// Asks a language model about each file. See [`HttpOptions`].
#[derive(Debug)]
pub struct HttpAnalyzer {
    options: HttpOptions,
    url: String,
    agent: ureq::Agent,
    /// When the next request may begin.
    next: Mutex<Option<Instant>>,
    /// Questions that failed since the last that did not.
    failed: AtomicU32,
    /// Why there are no more questions.
    gave_up: OnceLock<String>,
}

/// Why an attempt failed.
enum Failed {
    /// It may pass; after so long where the server said it.
    Passing(String, Option<Duration>),
    /// This question will not be answered.
    ForGood(String),
    /// No question will be.
    Refused(String),
}

impl HttpAnalyzer {
    /// An analyzer with these options. Sends nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an address that is none or holds a password, one with `https` without
    /// feature `https`, for a key that cannot be sent, and for no attempts.
    pub fn new(options: HttpOptions) -> Result<Self> {
        let address = options.address.trim_end_matches('/');
        let is_http = address.starts_with("http://") || address.starts_with("https://");
        if !is_http || address.contains(['@', '?', '#']) {
            let reason = "must be http:// or https:// with a host, without user, query or fragment";
            return Err(Error::invalid("address", reason));
        }
        if address.starts_with("https") && !HAS_TLS {
            return Err(Error::invalid("address", "https needs the feature `https`"));
        }
        let is_sendable = |key: &Secret| key.reveal().bytes().all(|byte| byte.is_ascii_graphic());
        if !options.key.as_ref().is_none_or(is_sendable) {
            return Err(Error::invalid("key", "must be visible ASCII"));
        }
        if options.attempts_max == 0 {
            return Err(Error::invalid("attempts_max", "must be 1 at least"));
        }
        let path = match options.protocol {
            Protocol::OpenAi => "/v1/chat/completions",
            Protocol::Ollama => "/api/generate",
        };
        let url = format!("{}{path}", address.trim_end_matches("/v1"));
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .http_status_as_error(false)
            // A redirect would carry the text, and perhaps the key, to somebody else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // The environment is the caller's business.
            .proxy(None)
            .build();
        Ok(Self {
            options,
            url,
            agent: config.into(),
            next: Mutex::new(None),
            failed: AtomicU32::new(0),
            gave_up: OnceLock::new(),
        })
    }

    /// Asks, again where that may help, and returns the answer's text.
    fn ask(&self, question: &str, tokens_max: u32) -> Result<String> {
        let body = self.body(question, tokens_max).to_string();
        let mut pause = self.options.pause;
        let mut attempt = 1;
        loop {
            self.wait_for_turn();
            let failed = match self.attempt(&body) {
                Ok(answer) => {
                    self.failed.store(0, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            let (reason, wait) = match failed {
                Failed::Passing(reason, wait) if attempt < self.options.attempts_max => {
                    (reason, wait.unwrap_or(pause))
                }
                failed => return Err(self.given_no_answer(failed, attempt)),
            };
            tracing::debug!(model = %self.options.model, attempt, %reason, "asking again");
            thread::sleep(wait.min(PAUSE_MAX));
            pause = pause.saturating_mul(2);
            attempt += 1;
        }
    }

    /// The error of a question, after so many attempts; notes whether others are of any use.
    fn given_no_answer(&self, failed: Failed, attempts: u32) -> Error {
        let (reason, is_the_end) = match failed {
            Failed::Passing(reason, _) => {
                let questions = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
                (format!("{reason}, {attempts} times"), questions >= FAILED_QUESTIONS_MAX)
            }
            Failed::ForGood(reason) => {
                self.failed.store(0, Ordering::Relaxed);
                (reason, false)
            }
            Failed::Refused(reason) => (reason, true),
        };
        if is_the_end {
            self.gave_up.get_or_init(|| reason.clone());
        }
        Error::engine("http", format!("answer for model {}", self.options.model), reason)
    }

    fn body(&self, question: &str, tokens_max: u32) -> Value {
        let model = &self.options.model;
        match self.options.protocol {
            Protocol::OpenAi => json!({
                "model": model,
                "messages": [{ "role": "user", "content": question }],
                "max_tokens": tokens_max,
                "temperature": 0,
                "stream": false,
            }),
            Protocol::Ollama => json!({
                "model": model,
                "prompt": question,
                "stream": false,
                "options": { "num_predict": tokens_max, "temperature": 0 },
            }),
        }
    }

    /// Waits until the rate allows another request.
    fn wait_for_turn(&self) {
        if self.options.interval.is_zero() {
            return;
        }
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + self.options.interval);
            turn
        };
        thread::sleep(turn.saturating_duration_since(Instant::now()));
    }

    fn attempt(&self, body: &str) -> Result<String, Failed> {
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(key) = &self.options.key {
            let text = format!("Bearer {}", key.reveal());
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| Failed::ForGood("a key that cannot be sent".to_owned()))?;
            // So that no layer below shows it in a log of its own.
            value.set_sensitive(true);
            request = request.header("authorization", value);
        }
        let mut response = request.send(body).map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let named = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let wait = named.and_then(|value| value.parse().ok()).map(Duration::from_secs);
        match status {
            200..=299 => {}
            408 | 429 | 500..=599 => {
                return Err(Failed::Passing(format!("status {status}"), wait));
            }
            // Key, account, path or model are wrong, and stay so.
            300..=399 | 401..=405 => return Err(Failed::Refused(format!("status {status}"))),
            _ => return Err(Failed::ForGood(format!("status {status}"))),
        }
        let mut bytes = Vec::new();
        let limit = MODEL_ANSWER_BYTES_MAX;
        let read = response.body_mut().as_reader().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|_| Failed::Passing("the answer broke off".to_owned(), None))?;
        if bytes.len() as u64 > limit {
            return Err(Failed::ForGood(format!("an answer of more than {limit} bytes")));
        }
        self.text_of(&bytes).ok_or_else(|| Failed::ForGood("an answer in no known form".to_owned()))
    }

    fn text_of(&self, bytes: &[u8]) -> Option<String> {
        let answer: Value = serde_json::from_slice(bytes).ok()?;
        let place = match self.options.protocol {
            Protocol::OpenAi => "/choices/0/message/content",
            Protocol::Ollama => "/response",
        };
        let text = answer.pointer(place)?.as_str()?;
        Some(match self.options.key.as_ref().map(Secret::reveal) {
            Some(key) if key.len() >= SECRET_BYTES_MIN => text.replace(key, "[secret]"),
            _ => text.to_owned(),
        })
    }
}

/// What to make of a failure below HTTP. Its own words may hold what was sent, so it has none here.
fn failed(error: &ureq::Error) -> Failed {
    match error {
        ureq::Error::Timeout(_) => Failed::Passing("no answer in time".to_owned(), None),
        ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => {
            Failed::Passing("no connection".to_owned(), None)
        }
        _ => Failed::ForGood("a request that cannot be sent".to_owned()),
    }
}

impl Analyzer for HttpAnalyzer {
    fn name(&self) -> &str {
        &self.options.model
    }

    fn version(&self) -> &str {
        QUESTION_VERSION
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn gave_up(&self) -> Option<String> {
        self.gave_up.get().cloned()
    }

    fn analyze(&self, source: &Source<'_>) -> Result<Option<Analysis>> {
        let text = String::from_utf8_lossy(source.bytes);
        let head: String = text.chars().take(MODEL_TEXT_CHARACTERS_MAX).collect();
        let name = source.path.rsplit('/').next().unwrap_or(source.path);
        let question = format!(
            "Look at the file {name} and answer with exactly these six lines, nothing else:\n\
             LANGUAGE: its programming language\n\
             PURPOSE: what it is for, at most 100 characters\n\
             FUNCTIONALITY: what it does, at most 150 characters\n\
             DEPENDENCIES: what it imports, separated by commas\n\
             COMPLEXITY: a number from 1 to 10\n\
             NOTES: anything else, at most 200 characters\n\n{head}"
        );
        let answer = self.ask(&question, FILE_TOKENS_MAX)?;
        Ok(parse(answer, text.lines().count() as u64))
    }

    fn summarize(&self, breakdown: &str) -> Result<Option<String>> {
        let question = format!(
            "Sum up in Markdown, without headings, what this collection of files is and does. \
             This is the breakdown of their analyses:\n\n{breakdown}"
        );
        let answer = self.ask(&question, SUMMARY_TOKENS_MAX)?;
        Ok(Some(answer).filter(|answer| !answer.trim().is_empty()))
    }
}

/// Reads the six lines; what is missing gets its default. `None` where all are.
fn parse(answer: String, lines: u64) -> Option<Analysis> {
    let find = |label: &str| {
        answer.lines().find_map(|line| {
            let line = line.trim().trim_start_matches(['*', '-', '#', ' ']);
            let (head, rest) = line.split_once(':')?;
            let is_it = head.trim_matches(['*', ' ']).eq_ignore_ascii_case(label);
            is_it.then(|| rest.trim_matches(['*', ' ']).to_owned())
        })
    };
    let labels = ["LANGUAGE", "PURPOSE", "FUNCTIONALITY", "DEPENDENCIES", "COMPLEXITY", "NOTES"];
    let [language, purpose, functionality, dependencies, complexity, notes] = labels.map(find);
    if [&language, &purpose, &functionality].into_iter().all(Option::is_none) {
        return None;
    }
    let language = language.filter(|name| !name.is_empty());
    let number = complexity.and_then(|text| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        text[..end].parse::<f64>().ok()
    });
    let names = dependencies.unwrap_or_default();
    let names = names.split(',').map(str::trim);
    let is_name = |name: &&str| !name.is_empty() && !name.eq_ignore_ascii_case("none");
    Some(Analysis {
        file_type: language.as_ref().map_or("unknown".to_owned(), |name| name.to_lowercase()),
        language: language.unwrap_or_else(|| "Unknown".to_owned()),
        purpose: cut(&purpose.unwrap_or_default(), 100),
        functionality: cut(&functionality.unwrap_or_default(), 150),
        imports: names
            .filter(is_name)
            .map(|name| Import { name: name.to_owned(), ..Import::default() })
            .collect(),
        complexity: number.unwrap_or(COMPLEXITY_DEFAULT).clamp(1.0, 10.0),
        lines,
        notes: cut(&notes.unwrap_or_default(), 200),
        answer: Some(answer),
        ..Analysis::default()
    })
}
