//! Takes secrets out of what is logged: values of fields with telling names, and in texts what
//! follows such a name, tokens of known forms, and passwords in addresses.
//!
//! A text cannot say for certain what is secret in it: a password in the middle of a sentence is
//! not found. Never log one. This is the second line of defence.

use std::borrow::Cow;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Words that make a name a secret's, without separators.
const NAMES: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "authorization",
    "credential",
    "cookie",
    "bearer",
];

/// What tokens of known services begin with.
const PREFIXES: [&str; 9] =
    ["sk-", "ghp_", "gho_", "ghs_", "github_pat_", "xoxb-", "xoxp-", "AKIA", "eyJ"];
/// Characters that follow at least: shorter words are words.
const PREFIXED_MIN: usize = 12;

/// Schemes of an authorization, before its token.
const SCHEMES: [&str; 6] = ["bearer", "basic", "digest", "negotiate", "token", "apikey"];

/// Longest scheme of an address.
const SCHEME_CHARS_MAX: usize = 32;

/// Whether a field of that name is kept out of logs.
///
/// ```
/// use engraph::log::is_secret_name;
///
/// assert!(is_secret_name("OPENAI_API_KEY") && is_secret_name("userPassword"));
/// assert!(!is_secret_name("path"));
/// ```
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let mut plain = name.to_ascii_lowercase();
    plain.retain(|character| !is_separator(character));
    NAMES.iter().any(|word| plain.contains(word))
}

fn is_separator(character: char) -> bool {
    matches!(character, '_' | '-' | '.' | ' ')
}

/// The text without the secrets that can be told in it. Linear in its length.
///
/// ```
/// use engraph::log::redacted;
///
/// assert_eq!(redacted("api_key=abc, host=local"), "api_key=[redacted], host=local");
/// assert_eq!(redacted("{\"token\": \"abc\"}"), "{\"token\": \"[redacted]\"}");
/// assert_eq!(redacted("Authorization: Bearer abc.def"), "Authorization: [redacted]");
/// ```
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let starts_word = text[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let found = if starts_word { secret_at(rest) } else { None };
        if let Some((from, to)) = found {
            out.push_str(&text[kept..at + from]);
            out.push_str(REDACTED);
            at += to;
            kept = at;
        } else if starts_word && rest.chars().next().is_some_and(is_word) {
            // On to the end of the word.
            at += rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-')
}

/// A secret that the text begins to tell of with its first word, as a range of bytes.
fn secret_at(text: &str) -> Option<(usize, usize)> {
    named_value(text)
        .or_else(|| after_scheme(text))
        .or_else(|| known_form(text))
        .or_else(|| in_address(text))
        .or_else(|| private_key(text))
        .filter(|(from, to)| from < to && text[*from..*to] != *REDACTED)
}

/// The value after a telling name: `name=value`, `"name": "value"`, `--name value`.
fn named_value(text: &str) -> Option<(usize, usize)> {
    let name_end = name_end(text);
    if name_end == 0 || !is_secret_name(&text[..name_end]) {
        return None;
    }
    // A quote after the name may be escaped, where JSON lies within JSON.
    let rest = text[name_end..].trim_start_matches(['\\', '"', '\'', '`', ']', ' ']);
    let is_flag = text.starts_with("--") && text[name_end..].starts_with(' ');
    let after = ["=>", "==", ":=", "=", ":"].iter().find_map(|sign| rest.strip_prefix(sign));
    let value = match after {
        Some(value) => value.trim_start_matches([' ', '\t']),
        None if is_flag => rest,
        None => return None,
    };
    let from = text.len() - value.len();
    let (skip, end) = value_range(value);
    Some((from + skip, from + end))
}

/// Where a name ends that may be of two words, as in `api.key` or `API key`. No more than two: each
/// word is the beginning of what may be a name, and all are to be read once.
fn name_end(text: &str) -> usize {
    let word_end = |text: &str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let first = word_end(text);
    let end = text[first..].strip_prefix('.').map_or(first, |rest| first + 1 + word_end(rest));
    let second = text[end..].strip_prefix(' ').unwrap_or_default();
    let second_end = second.find(|c| !is_word(c)).unwrap_or(second.len());
    if second_end > 0 && second[..second_end].eq_ignore_ascii_case("key") {
        return end + 1 + second_end;
    }
    end
}

/// The part of a value to be taken out: what is in the quotes, or all up to where it ends.
fn value_range(value: &str) -> (usize, usize) {
    let slashes = value.len() - value.trim_start_matches('\\').len();
    let quoted = value[slashes..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
    if let Some(quote) = quoted {
        let open = slashes + quote.len_utf8();
        return (open, open + quoted_end(&value[open..], quote, slashes));
    }
    let end = bare_end(value);
    // The word after a scheme is the secret, not the scheme.
    if SCHEMES.iter().any(|scheme| value[..end].eq_ignore_ascii_case(scheme)) {
        let next = value[end..].trim_start_matches(' ');
        return (0, value.len() - next.len() + bare_end(next));
    }
    (0, end)
}

/// Where a quoted text ends whose quotes have so many backslashes before them.
fn quoted_end(text: &str, quote: char, slashes: usize) -> usize {
    let mut before = 0;
    for (at, character) in text.char_indices() {
        if character == quote && before <= slashes && (before == slashes || before % 2 == 0) {
            return at - before;
        }
        before = if character == '\\' { before + 1 } else { 0 };
    }
    text.len()
}

/// Where a value without quotes around it ends; brackets and quotes within it belong to it.
fn bare_end(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if let Some(open) = quote {
            if !escaped && character == open {
                quote = None;
            }
            escaped = character == '\\' && !escaped;
            continue;
        }
        match character {
            '"' | '\'' => quote = Some(character),
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' if depth > 0 => depth -= 1,
            ')' | ']' | '}' | '>' | ',' | ';' | '&' if depth == 0 => return at,
            character if depth == 0 && character.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// `Bearer` and its token, wherever they stand.
fn after_scheme(text: &str) -> Option<(usize, usize)> {
    let scheme = text.get(.."bearer".len())?;
    let rest = &text[scheme.len()..];
    if !scheme.eq_ignore_ascii_case("bearer") || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let token = rest.trim_start();
    let from = text.len() - token.len();
    Some((from, from + token.find(|c: char| !is_token(c)).unwrap_or(token.len())))
}

fn is_token(character: char) -> bool {
    is_word(character) || matches!(character, '.' | '~' | '+' | '/' | '=')
}

/// A token of a known service.
fn known_form(text: &str) -> Option<(usize, usize)> {
    let prefix = PREFIXES.iter().find(|prefix| text.starts_with(**prefix))?;
    let end = text.find(|c: char| !is_token(c)).unwrap_or(text.len());
    (end >= prefix.len() + PREFIXED_MIN).then_some((0, end))
}

/// The password of `scheme://user:password@host`.
fn in_address(text: &str) -> Option<(usize, usize)> {
    let is_other = |c: char| !is_word(c) && c != '+' && c != '.';
    let mut scheme = text.char_indices().take(SCHEME_CHARS_MAX + 1);
    let (scheme_end, _) = scheme.find(|(_, character)| is_other(*character))?;
    let rest = text[scheme_end..].strip_prefix("://")?;
    let end = rest.find(|c: char| c.is_whitespace() || c == '/' || c == '"').unwrap_or(rest.len());
    let user_end = rest[..end].rfind('@')?;
    let colon = rest[..user_end].find(':')?;
    let start = scheme_end + "://".len();
    Some((start + colon + 1, start + user_end))
}

/// A private key in its armour, to its end.
fn private_key(text: &str) -> Option<(usize, usize)> {
    let rest = text.strip_prefix("-----BEGIN ")?;
    let label = &rest[..rest.find("-----")?];
    if !label.ends_with("PRIVATE KEY") {
        return None;
    }
    let end = text.find("-----END ").map_or(text.len(), |at| {
        let tail = &text[at + "-----END ".len()..];
        tail.find("-----").map_or(text.len(), |close| text.len() - tail.len() + close + 5)
    });
    Some((0, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(redacted(text), expected);
    }

    #[test]
    fn what_follows_a_telling_name_is_taken_out() {
        check("password=hunter2", "password=[redacted]");
        check("PASSWORD: hunter2; next", "PASSWORD: [redacted]; next");
        check("user=a&access_token=abc&x=1", "user=a&access_token=[redacted]&x=1");
        check("clientSecret = 'a b c' end", "clientSecret = '[redacted]' end");
        check("{\"api_key\":\"a\\\"b\",\"n\":1}", "{\"api_key\":\"[redacted]\",\"n\":1}");
        check("{\\\"token\\\": \\\"abc\\\"}", "{\\\"token\\\": \\\"[redacted]\\\"}");
        check("Config { api_key: Some(\"a b\"), n: 1 }", "Config { api_key: [redacted], n: 1 }");
        check("tokens: [\"a\", \"b\"], n", "tokens: [redacted], n");
        check("run --password hunter2 --fast", "run --password [redacted] --fast");
        check("--api-key=abc", "--api-key=[redacted]");
        check("the API key: abc", "the API key: [redacted]");
        check("db.password=abc", "db.password=[redacted]");
        check("unfinished \"secret\": \"abc", "unfinished \"secret\": \"[redacted]");
    }

    #[test]
    fn tokens_are_known_by_scheme_form_and_address() {
        check("Authorization: Basic dXNlcjpwYXNz\nnext", "Authorization: [redacted]\nnext");
        check("sent bearer abc.def-1 to host", "sent bearer [redacted] to host");
        check("key sk-abcdefghijklmnop1 used", "key [redacted] used");
        check("eyJhbGciOiJIUzI1NiJ9.e30.abc", "[redacted]");
        check("open postgres://me:pa:ss@host/db", "open postgres://me:[redacted]@host/db");
        check(
            "a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b",
            "a [redacted] b",
        );
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "",
            "store opened",
            "the password was wrong",
            "sk-short",
            "https://host:80/path",
            "no token here",
            "monkey=1 keyboard=2",
            "caf\u{e9} = \u{1f511}",
        ] {
            check(text, text);
            assert!(matches!(redacted(text), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn a_text_without_an_end_of_its_first_name_is_read_once() {
        // Were every part of it the beginning of all that follows, this would take minutes.
        for part in ["a.", "a+", "key.", "a-b.c+"] {
            let text = part.repeat((1 << 17) / part.len());
            check(&text, &text);
            check(&format!("{text}api.key=abc"), &format!("{text}api.key=[redacted]"));
        }
    }

    #[test]
    fn what_is_redacted_stays_so() {
        for text in ["password=hunter2, a", "Bearer abc", "{\"token\":\"x\"}"] {
            let once = redacted(text).into_owned();
            check(&once, &once);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_a_planted_secret_never_comes_through(
            before in "\\PC{0,20}", name in "(api_key|password|Token|client-secret)",
            form in 0..5_usize, after in "[ ,;]\\PC{0,20}",
        ) {
            let secret = "Zq7planted9";
            let planted = match form {
                0 => format!("{name}={secret}"),
                1 => format!("\"{name}\": \"{secret}\""),
                2 => format!("{name}: {secret}"),
                3 => format!("{{\\\"{name}\\\":\\\"{secret}\\\"}}"),
                _ => format!("Bearer {secret}"),
            };
            let text = format!("{before} {planted}{after}");
            prop_assert!(!redacted(&text).contains(secret), "{}", redacted(&text));
        }

        #[test]
        fn any_text_is_read(text in "[-a-z_\"'\\\\:=(){}@/ .\u{e9}passwordtoken]{0,60}") {
            let once = redacted(&text).into_owned();
            prop_assert!(once.len() <= text.len() * 12 + REDACTED.len());
        }
    }
}
