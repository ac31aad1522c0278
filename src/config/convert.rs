//! Values of settings in the types that are asked for. Texts are read as people write them.

use std::time::Duration;

use serde_json::Value;

/// A type that a setting can be read as.
pub trait FromSetting: Sized {
    /// What the type is called in an error.
    const EXPECTED: &'static str;

    /// The value in this type, if it is one.
    fn from_setting(value: &Value) -> Option<Self>;
}

impl FromSetting for bool {
    const EXPECTED: &'static str = "true or false, yes or no, on or off, 1 or 0";

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(*value),
            Value::Number(number) => match number.as_i64()? {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            },
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromSetting for i64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

impl FromSetting for u64 {
    const EXPECTED: &'static str = "a whole number that is not negative";

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

impl FromSetting for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_setting(value: &Value) -> Option<Self> {
        let number = match value {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }
}

impl FromSetting for String {
    const EXPECTED: &'static str = "a text";

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        }
    }
}

impl FromSetting for Vec<String> {
    const EXPECTED: &'static str = "a list, or texts with commas between them";

    fn from_setting(value: &Value) -> Option<Self> {
        match value {
            Value::Array(values) => values.iter().map(String::from_setting).collect(),
            Value::String(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(ToOwned::to_owned).collect())
            }
            _ => None,
        }
    }
}

/// Seconds as a number, or a number with `ms`, `s`, `m`, `h` or `d` behind it.
impl FromSetting for Duration {
    const EXPECTED: &'static str = "a duration such as 90, 500ms, 5m or 2h";

    fn from_setting(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return None,
        };
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "ms" => 0.001,
            "" | "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let number: f64 = digits.trim_end().parse().ok()?;
        Self::try_from_secs_f64(number * unit).ok()
    }
}

/// As it stands.
impl FromSetting for Value {
    const EXPECTED: &'static str = "a value";

    fn from_setting(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "cases are written in place")]
    fn check<T: FromSetting + PartialEq + std::fmt::Debug>(value: Value, expected: Option<T>) {
        assert_eq!(T::from_setting(&value), expected, "{value}");
    }

    #[test]
    fn truth_is_read_as_people_write_it() {
        for yes in [json!(true), json!("true"), json!(" YES "), json!("on"), json!("1"), json!(1)] {
            check(yes, Some(true));
        }
        for no in [json!(false), json!("No"), json!("off"), json!("0"), json!(0)] {
            check(no, Some(false));
        }
        for neither in [json!("maybe"), json!(2), json!(null), json!([true]), json!(0.5)] {
            check::<bool>(neither, None);
        }
    }

    #[test]
    fn lists_are_read_from_commas() {
        let list = |parts: &[&str]| Some(parts.iter().map(ToString::to_string).collect());
        check::<Vec<String>>(json!("a, b ,,c"), list(&["a", "b", "c"]));
        check::<Vec<String>>(json!(""), list(&[]));
        check::<Vec<String>>(json!(["a", 1, true]), list(&["a", "1", "true"]));
        check::<Vec<String>>(json!([["a"]]), None);
        check::<Vec<String>>(json!(1), None);
    }

    #[test]
    fn durations_have_units() {
        check(json!(90), Some(Duration::from_secs(90)));
        check(json!("1.5"), Some(Duration::from_millis(1_500)));
        check(json!("250ms"), Some(Duration::from_millis(250)));
        check(json!("2 h"), Some(Duration::from_secs(7_200)));
        for bad in [json!("-1s"), json!("1y"), json!("s"), json!("1e300d"), json!("NaN")] {
            check::<Duration>(bad, None);
        }
    }

    proptest! {
        #[test]
        fn numbers_come_through_as_themselves_and_as_text(number: i64, float in -1e15..1e15_f64) {
            check(json!(number), Some(number));
            check(json!(number.to_string()), Some(number));
            check(json!(number), Some(number.to_string()));
            check(json!(float.to_string()), Some(float));
            check(json!(number), u64::try_from(number).ok());
            prop_assert!(i64::from_setting(&json!(1.5)).is_none());
        }
    }
}
