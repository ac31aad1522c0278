//! The settings themselves: layers, the merged tree, reads in types, changes and who hears of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::Value;

use super::convert::FromSetting;
use super::layer::Layer;
use super::schema::{Problem, Schema, not_of_type};
use super::{Tree, each_leaf, find, merge, parts, put, take};
use crate::base::error::{Error, Result};
use crate::base::limits::CONFIG_FILLED_BYTES_MAX;

/// The layer of what is set by hand.
const BY_HAND: &str = "set";

/// Settings in layers. Cheap to clone; clones share everything.
///
/// ```
/// use engraph::config::{KeySpec, Layer, Schema, SettingType, Settings, Tree};
///
/// let level = KeySpec::new("log.level", SettingType::Text).default("info");
/// let settings = Settings::new(Schema::new().key(level));
/// settings.load([Layer::new("file", Tree::new()).with("log.level", "debug")?]);
/// assert_eq!(settings.get::<String>("log.level")?, "debug");
///
/// let listener = settings.listen("log.level", |change| {
///     assert_eq!(change.now.as_ref().and_then(|now| now.as_str()), Some("warn"));
/// });
/// settings.set("log.level", "warn")?;
/// assert_eq!(settings.sources("log.level")?.len(), 3, "default, file, and by hand");
/// # drop(listener);
/// # Ok::<(), engraph::Error>(())
/// ```
#[derive(Clone)]
pub struct Settings {
    shared: Arc<Shared>,
}

struct Shared {
    schema: Schema,
    /// What `${NAME}` in a text stands for.
    variables: BTreeMap<String, String>,
    state: Mutex<State>,
    listeners: Mutex<Listeners>,
}

#[derive(Default)]
struct State {
    /// Lowest first; without defaults and what is set by hand.
    layers: Vec<Layer>,
    by_hand: Tree,
    merged: Tree,
}

type Call = dyn Fn(&Change) + Send + Sync;

#[derive(Default)]
struct Listeners {
    next: u64,
    /// By key, then in the order in which they came.
    calls: BTreeMap<String, BTreeMap<u64, Arc<Call>>>,
    /// What has not been told yet, to whom, in the order of the changes.
    untold: VecDeque<(u64, Change)>,
    /// Whether somebody is telling it.
    is_telling: bool,
}

/// Whoever tells. What it leaves when a listener panics is told by the next.
struct Teller<'a> {
    listeners: &'a Mutex<Listeners>,
    is_done: bool,
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            lock(self.listeners).is_telling = false;
        }
    }
}

/// A value that changed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Its key.
    pub key: String,
    /// What it was; none where there was nothing.
    pub before: Option<Value>,
    /// What it is.
    pub now: Option<Value>,
}

/// Somebody who hears of changes, until dropped.
#[must_use = "a listener that is dropped hears nothing"]
pub struct Listener {
    shared: Weak<Shared>,
    key: String,
    number: u64,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut listeners = lock(&shared.listeners);
        let mut gone = None;
        if let Some(calls) = listeners.calls.get_mut(&self.key) {
            gone = calls.remove(&self.number);
            if calls.is_empty() {
                listeners.calls.remove(&self.key);
            }
        }
        drop(listeners);
        // What it owns may be a listener itself.
        drop(gone);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for Settings {
    /// The layers' names: values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.shared.state);
        let layers: Vec<&str> = state.layers.iter().map(Layer::name).collect();
        f.debug_struct("Settings").field("layers", &layers).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Settings {
    /// The defaults of a schema, and nothing else yet.
    #[must_use]
    pub fn new(schema: Schema) -> Self {
        Self::with_variables(schema, std::iter::empty::<(String, String)>())
    }

    /// As [`Settings::new`], with what `${NAME}` in a text stands for. Names that are not among
    /// these stay as they are, as do those that would make a text longer than 1 MiB.
    pub fn with_variables<N: Into<String>, V: Into<String>>(
        schema: Schema,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let state = State { merged: schema.defaults(), ..State::default() };
        Self {
            shared: Arc::new(Shared {
                schema,
                variables: variables.collect(),
                state: Mutex::new(state),
                listeners: Mutex::default(),
            }),
        }
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.shared.schema
    }

    /// Puts these layers, lowest first, in the place of those that were loaded before. What was set
    /// by hand stays above them. Tells listeners what changed.
    pub fn load(&self, layers: impl IntoIterator<Item = Layer>) {
        let layers = layers.into_iter().collect();
        self.change(|state| state.layers = layers);
    }

    /// Sets a value by hand, above every layer. Tells listeners if it changed. Null takes back what
    /// was set by hand.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a value that the schema does not allow; nothing is changed then.
    pub fn set(&self, key: &str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        let parts = parts(key)?;
        if !value.is_null() {
            self.shared.schema.check_value(key, &value)?;
        }
        self.change(|state| {
            if value.is_null() {
                take(&mut state.by_hand, &parts);
            } else {
                put(&mut state.by_hand, &parts, value);
            }
        });
        Ok(())
    }

    /// What was set by hand: to be kept, and loaded as a layer the next time.
    #[must_use]
    pub fn set_by_hand(&self) -> Tree {
        lock(&self.shared.state).by_hand.clone()
    }

    /// The value of a key in a type.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent or null; [`Error::Invalid`] when it is not of the
    /// type, with the layer that says so.
    pub fn get<T: FromSetting>(&self, key: &str) -> Result<T> {
        self.find(key)?.ok_or_else(|| Error::not_found("setting", key))
    }

    /// As [`Settings::get`], nothing where it is absent.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn find<T: FromSetting>(&self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        let is_secret = self.schema().find(key).is_some_and(super::KeySpec::is_secret);
        let typed = T::from_setting(&value);
        typed.map(Some).ok_or_else(|| self.blamed(key, not_of_type::<T>(key, &value, is_secret)))
    }

    /// As [`Settings::find`], where the schema allows the value as well: ranges, choices, patterns.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn find_checked<T: FromSetting>(&self, key: &str) -> Result<Option<T>> {
        if let Some(value) = self.value(key)? {
            let checked = self.schema().check_value(key, &value);
            checked.map_err(|error| self.blamed(key, error))?;
        }
        self.find(key)
    }

    /// The error, with the layer that has the value of a key.
    fn blamed(&self, key: &str, error: Error) -> Error {
        let sources = self.sources(key).unwrap_or_default();
        match (error, sources.last()) {
            (Error::Invalid { field, reason }, Some((layer, _))) => {
                Error::Invalid { field, reason: format!("{reason} (from {layer})") }
            }
            (error, _) => error,
        }
    }

    /// As [`Settings::get`], this where it is absent.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn get_or<T: FromSetting>(&self, key: &str, default: T) -> Result<T> {
        self.find(key).map(|found| found.unwrap_or(default))
    }

    /// The mapping below a key; empty where there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is something else.
    pub fn section(&self, key: &str) -> Result<Tree> {
        match self.value(key)? {
            None => Ok(Tree::new()),
            Some(Value::Object(tree)) => Ok(tree),
            Some(_) => Err(Error::invalid(key, "it is no section")),
        }
    }

    /// Whether a key has a value that is not null.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_ok_and(|value| value.is_some())
    }

    /// Every key that has a value, those of mappings included, in alphabetical order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut keys = BTreeSet::new();
        each_leaf(&lock(&self.shared.state).merged, "", &mut |key, value| {
            for (at, _) in key.match_indices('.') {
                keys.insert(key[..at].to_owned());
            }
            if !value.is_null() {
                keys.insert(key);
            }
        });
        keys.into_iter().collect()
    }

    /// The layers that have a key, lowest first, each with its value: the last one counts, or all
    /// of them where they are mappings.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key with an empty part.
    pub fn sources(&self, key: &str) -> Result<Vec<(String, Value)>> {
        let parts = parts(key)?;
        let state = lock(&self.shared.state);
        let defaults = self.shared.schema.defaults();
        let layers = state.layers.iter().map(|layer| (&*layer.name, &layer.tree));
        let all = std::iter::once(("defaults", &defaults)).chain(layers);
        let all = all.chain(std::iter::once((BY_HAND, &state.by_hand)));
        let found = all.filter_map(|(name, tree)| {
            find(tree, &parts).map(|value| (name.to_owned(), value.clone()))
        });
        Ok(found.collect())
    }

    /// What is wrong, layer by layer, and what is missing. Empty when all is well.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let state = lock(&self.shared.state);
        let by_hand = Layer::new(BY_HAND, state.by_hand.clone());
        for layer in state.layers.iter().chain([&by_hand]) {
            self.schema().check_tree(&layer.tree, &mut |key, error| {
                let reason = match error {
                    Error::Invalid { reason, .. } => reason,
                    other => other.to_string(),
                };
                problems.push(Problem { key, layer: Some(layer.name.clone()), reason });
            });
        }
        for key in self.schema().required() {
            let value = parts(key).ok().and_then(|parts| find(&state.merged, &parts));
            if value.is_none_or(Value::is_null) {
                let reason = "it is required and absent".to_owned();
                problems.push(Problem { key: key.to_owned(), layer: None, reason });
            }
        }
        problems
    }

    /// Calls `call` once for each change of the value of exactly this key, after the change. All
    /// listeners are called one after another, in the order of the changes: on the thread that made
    /// the change or, while that of an earlier one is still telling, on that thread. A listener may
    /// read and set settings; what it sets is told when it has ended.
    pub fn listen(&self, key: &str, call: impl Fn(&Change) + Send + Sync + 'static) -> Listener {
        let mut listeners = lock(&self.shared.listeners);
        let number = listeners.next;
        listeners.next += 1;
        listeners.calls.entry(key.to_owned()).or_default().insert(number, Arc::new(call));
        Listener { shared: Arc::downgrade(&self.shared), key: key.to_owned(), number }
    }

    /// The value of a key, its `${NAME}`s replaced.
    fn value(&self, key: &str) -> Result<Option<Value>> {
        let parts = parts(key)?;
        let value = find(&lock(&self.shared.state).merged, &parts).cloned();
        Ok(value.filter(|value| !value.is_null()).map(|value| self.expanded(value)))
    }

    fn expanded(&self, value: Value) -> Value {
        match value {
            Value::String(text) if text.contains("${") => self.expanded_text(&text).into(),
            Value::Array(values) => values.into_iter().map(|value| self.expanded(value)).collect(),
            Value::Object(tree) => {
                let tree = tree.into_iter().map(|(key, value)| (key, self.expanded(value)));
                Value::Object(tree.collect())
            }
            other => other,
        }
    }

    /// Once over the text: what a variable holds is not looked through again.
    fn expanded_text(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let end = from.find('}');
            let known = end.and_then(|end| self.shared.variables.get(&from[2..end]).zip(Some(end)));
            let fits = |value: &str| out.len() + value.len() <= CONFIG_FILLED_BYTES_MAX;
            if let Some((value, end)) = known.filter(|(value, _)| fits(value)) {
                out.push_str(value);
                rest = &from[end + 1..];
            } else {
                out.push_str("${");
                rest = &from[2..];
            }
        }
        out + rest
    }

    /// Changes the layers, merges them anew, and tells those who listen.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.shared.state);
        change(&mut state);
        let mut merged = self.shared.schema.defaults();
        for layer in &state.layers {
            merge(&mut merged, &layer.tree);
        }
        merge(&mut merged, &state.by_hand);
        let before = std::mem::replace(&mut state.merged, merged);
        // Noted before another change can come, so that the order stays.
        lock(&self.shared.listeners).note(&before, &state.merged);
        drop(state);
        self.tell();
    }

    /// Tells what has not been told, unless somebody else is telling.
    fn tell(&self) {
        if std::mem::replace(&mut lock(&self.shared.listeners).is_telling, true) {
            return;
        }
        let mut teller = Teller { listeners: &self.shared.listeners, is_done: false };
        loop {
            let mut listeners = lock(&self.shared.listeners);
            let Some((number, change)) = listeners.untold.pop_front() else {
                // Under the lock: whoever notes something from here on tells it.
                listeners.is_telling = false;
                teller.is_done = true;
                return;
            };
            // Who was dropped in the meantime hears nothing.
            let calls = listeners.calls.get(&change.key);
            let call = calls.and_then(|calls| calls.get(&number)).map(Arc::clone);
            drop(listeners);
            if let Some(call) = call {
                call(&change);
            }
        }
    }
}

impl Listeners {
    /// Notes whom to tell of what, in the order of keys and listeners.
    fn note(&mut self, before: &Tree, now: &Tree) {
        for (key, calls) in &self.calls {
            let Ok(parts) = parts(key) else { continue };
            // Null is nothing.
            let said = |tree| find(tree, &parts).filter(|value| !value.is_null());
            let (before, now) = (said(before), said(now));
            if before == now {
                continue;
            }
            let change = Change { key: key.clone(), before: before.cloned(), now: now.cloned() };
            self.untold.extend(calls.keys().map(|number| (*number, change.clone())));
        }
    }
}
