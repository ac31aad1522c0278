//! What settings there are: types, defaults, ranges, choices, patterns; and checks by them.

use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::convert::FromSetting;
use super::{Tree, each_leaf, find, parts, put};
use crate::base::error::{Error, Result};

/// The type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingType {
    /// A text; numbers and truth values are texts too.
    Text,
    /// A truth value.
    Bool,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// Texts, as a list or with commas between them.
    List,
    /// A duration.
    Duration,
    /// A mapping with keys of its own.
    Section,
}

/// What is known of one setting.
#[derive(Clone, Debug)]
#[must_use]
pub struct KeySpec {
    pub(super) key: String,
    pub(super) setting_type: SettingType,
    help: String,
    default: Option<Value>,
    range: Option<(f64, f64)>,
    choices: Vec<String>,
    pattern: Option<Regex>,
    is_required: bool,
    is_secret: bool,
}

impl KeySpec {
    /// A setting that may be absent.
    pub fn new(key: impl Into<String>, setting_type: SettingType) -> Self {
        Self {
            key: key.into(),
            setting_type,
            help: String::new(),
            default: None,
            range: None,
            choices: Vec::new(),
            pattern: None,
            is_required: false,
            is_secret: false,
        }
    }

    /// Says what it is for.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Sets what it is where nobody says.
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Some layer has to have it.
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// A number, or the seconds of a duration, in these bounds, which belong to it.
    pub fn range(mut self, min: f64, max: f64) -> Self {
        self.range = Some((min, max));
        self
    }

    /// One of these texts.
    pub fn choices<T: Into<String>>(mut self, choices: impl IntoIterator<Item = T>) -> Self {
        self.choices = choices.into_iter().map(Into::into).collect();
        self
    }

    /// A text that begins so; end the pattern with `$` to mean all of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no regular expression.
    pub fn pattern(mut self, pattern: &str) -> Result<Self> {
        let anchored = format!("^(?:{pattern})");
        let bad = |error: regex::Error| Error::invalid("pattern", error.to_string());
        self.pattern = Some(Regex::new(&anchored).map_err(bad)?);
        Ok(self)
    }

    /// It is nobody's business: to be shown masked.
    pub fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// Its dotted key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What it is for.
    #[must_use]
    pub fn help_text(&self) -> &str {
        &self.help
    }

    /// Whether it is to be shown masked.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.is_secret
    }

    /// What is wrong with a value, if anything.
    ///
    /// # Errors
    /// [`Error::Invalid`] with found and allowed value.
    pub fn check(&self, value: &Value) -> Result<()> {
        let number = self.checked_type(value)?;
        if let (Some((min, max)), Some(number)) = (self.range, number)
            && !(min..=max).contains(&number)
        {
            return Err(self.invalid(format!("{number} is not in {min} to {max}")));
        }
        let texts =
            Vec::<String>::from_setting(value).filter(|_| self.setting_type == SettingType::List);
        let texts = texts.or_else(|| String::from_setting(value).map(|text| vec![text]));
        for text in texts.unwrap_or_default() {
            if !self.choices.is_empty() && !self.choices.contains(&text) {
                let choices = self.choices.join(", ");
                return Err(self.invalid(format!("{text:?} is none of {choices}")));
            }
            if let Some(pattern) = self.pattern.as_ref().filter(|it| !it.is_match(&text)) {
                return Err(self.invalid(format!("{text:?} does not match {pattern}")));
            }
        }
        Ok(())
    }

    /// The value as a number, where it is of a type that has one.
    fn checked_type(&self, value: &Value) -> Result<Option<f64>> {
        match self.setting_type {
            SettingType::Text => self.typed::<String>(value).map(|_| None),
            SettingType::Bool => self.typed::<bool>(value).map(|_| None),
            SettingType::List => self.typed::<Vec<String>>(value).map(|_| None),
            SettingType::Float => self.typed::<f64>(value).map(Some),
            SettingType::Duration => {
                self.typed::<Duration>(value).map(|duration| Some(duration.as_secs_f64()))
            }
            SettingType::Integer => match u64::from_setting(value) {
                Some(number) => Ok(Some(number as f64)),
                None => self.typed::<i64>(value).map(|number| Some(number as f64)),
            },
            SettingType::Section if value.is_object() => Ok(None),
            SettingType::Section => Err(self.invalid("it is no section".to_owned())),
        }
    }

    fn typed<T: FromSetting>(&self, value: &Value) -> Result<T> {
        T::from_setting(value).ok_or_else(|| not_of_type::<T>(&self.key, value, self.is_secret))
    }

    fn invalid(&self, reason: String) -> Error {
        // A secret is not told by what is wrong with it.
        let reason = if self.is_secret { "the value is not allowed".to_owned() } else { reason };
        Error::invalid(&*self.key, reason)
    }
}

/// Why a value cannot be read as a type.
pub(super) fn not_of_type<T: FromSetting>(key: &str, value: &Value, is_secret: bool) -> Error {
    let found = if is_secret { "the value".to_owned() } else { value.to_string() };
    Error::invalid(key, format!("{found} is not {}", T::EXPECTED))
}

/// Whether keys that the schema does not know are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownKeys {
    /// They are.
    #[default]
    Allowed,
    /// They are problems: most likely somebody mistyped one.
    Refused,
}

/// Something that is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The key.
    pub key: String,
    /// The layer whose value it is; none where a value is missing.
    pub layer: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// The settings that there are. Made once; a key that is added again replaces the earlier one.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Schema {
    keys: Vec<KeySpec>,
    unknown: UnknownKeys,
}

impl Schema {
    /// Knows no key, and allows all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a setting.
    pub fn key(mut self, spec: KeySpec) -> Self {
        self.keys.retain(|known| known.key != spec.key);
        self.keys.push(spec);
        self
    }

    /// Says whether keys that it does not know are allowed.
    pub fn unknown(mut self, unknown: UnknownKeys) -> Self {
        self.unknown = unknown;
        self
    }

    /// The settings, in the order in which they were added.
    pub fn keys(&self) -> &[KeySpec] {
        &self.keys
    }

    /// What is known of a key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&KeySpec> {
        self.keys.iter().find(|spec| spec.key == key)
    }

    /// The tree of all defaults.
    #[must_use]
    pub fn defaults(&self) -> Tree {
        let mut tree = Tree::new();
        for spec in &self.keys {
            if let (Some(default), Ok(parts)) = (&spec.default, parts(&spec.key)) {
                put(&mut tree, &parts, default.clone());
            }
        }
        tree
    }

    /// Checks one value.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a value that the key may not have, or a key that is not allowed.
    pub fn check_value(&self, key: &str, value: &Value) -> Result<()> {
        let parts = parts(key)?;
        if value.is_null() {
            return Ok(());
        }
        // Checked where it would stand: a mapping has the values of other keys in it.
        let mut tree = Tree::new();
        put(&mut tree, &parts, value.clone());
        let mut first = Ok(());
        self.check_tree(&tree, &mut |_, error| {
            if first.is_ok() {
                first = Err(error);
            }
        });
        first
    }

    /// Whether a key may be there: a known one, one around or within a known one, or any.
    fn allows(&self, key: &str) -> bool {
        let is_within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
        };
        self.unknown == UnknownKeys::Allowed
            || self.keys.iter().any(|spec| {
                let is_section = spec.setting_type == SettingType::Section;
                spec.key == key
                    || is_within(&spec.key, key)
                    || (is_section && is_within(key, &spec.key))
            })
    }

    /// Whether a key has known ones below it, and is none itself.
    fn is_around(&self, key: &str) -> bool {
        let is_below =
            |spec: &KeySpec| spec.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        self.find(key).is_none() && self.keys.iter().any(is_below)
    }

    /// What is wrong with the values of a tree; absent ones are not.
    pub(super) fn check_tree(&self, tree: &Tree, problem: &mut dyn FnMut(String, Error)) {
        for spec in &self.keys {
            let value = parts(&spec.key).ok().and_then(|parts| find(tree, &parts));
            if let Some(value) = value.filter(|value| !value.is_null())
                && let Err(error) = spec.check(value)
            {
                problem(spec.key.clone(), error);
            }
        }
        each_leaf(tree, "", &mut |key, value| {
            if !self.allows(&key) {
                let error = Error::invalid("key", format!("{key} is not known"));
                problem(key, error);
            } else if self.is_around(&key) && !value.is_object() && !value.is_null() {
                // It would hide what other layers say below it.
                let error = Error::invalid(&*key, "it is no section, and keys below it are known");
                problem(key, error);
            }
        });
    }

    /// Keys that have to be there.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(|spec| spec.is_required).map(|spec| &*spec.key)
    }
}
