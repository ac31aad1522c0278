//! The settings themselves: layers, the merged tree, reads in types, changes and who hears of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::Value;

use super::convert::FromSetting;
use super::layer::Layer;
use super::schema::{Problem, Schema, not_of_type};
use super::{Tree, each_leaf, find, merge, parts, put, take};
use crate::base::error::{Error, Result};

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
        if let Some(calls) = listeners.calls.get_mut(&self.key) {
            calls.remove(&self.number);
            if calls.is_empty() {
                listeners.calls.remove(&self.key);
            }
        }
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
    /// these stay as they are.
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
    /// type.
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
        typed.map(Some).ok_or_else(|| not_of_type::<T>(key, &value, is_secret))
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

    /// Every key, those of mappings included, in alphabetical order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut keys = BTreeSet::new();
        each_leaf(&lock(&self.shared.state).merged, "", &mut |key, _| {
            for (at, _) in key.match_indices('.') {
                keys.insert(key[..at].to_owned());
            }
            keys.insert(key);
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

    /// Calls `call` whenever the value of exactly this key changes, after the change, on the thread
    /// that makes it. It may read and set settings.
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
            if let Some((value, end)) = known {
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
        let calls = self.calls(&before, &state.merged);
        drop(state);
        for (call, change) in calls {
            call(&change);
        }
    }

    /// Whom to call with what, in the order of keys and listeners.
    fn calls(&self, before: &Tree, now: &Tree) -> Vec<(Arc<Call>, Change)> {
        let mut found = Vec::new();
        for (key, calls) in &lock(&self.shared.listeners).calls {
            let Ok(parts) = parts(key) else { continue };
            let (before, now) = (find(before, &parts), find(now, &parts));
            if before == now {
                continue;
            }
            let change = Change { key: key.clone(), before: before.cloned(), now: now.cloned() };
            found.extend(calls.values().map(|call| (Arc::clone(call), change.clone())));
        }
        found
    }
}
