//! Names of folders and files that are safe to make, and how paths are compared. Pure.

use std::collections::BTreeMap;

const FOLDER_DEFAULT: &str = "Inbox/Review";
const FILENAME_DEFAULT: &str = "document";

/// A folder below a root: parts separated by slashes, none of them empty, `.` or `..`.
pub(super) fn safe_folder(folder: &str) -> String {
    let is_kept = |part: &&str| !matches!(*part, "" | "." | "..");
    let folder = folder.replace('\\', "/");
    let parts: Vec<&str> = folder.split('/').map(str::trim).filter(is_kept).collect();
    if parts.is_empty() { FOLDER_DEFAULT.to_owned() } else { parts.join("/") }
}

/// A name of a file without separators: letters, digits, blanks and `._()-`.
pub(super) fn safe_filename(name: &str) -> String {
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '_' | '(' | ')' | '-' | ' ');
    let name = name.replace(['/', '\\'], "_");
    let words: Vec<&str> = name.split_whitespace().collect();
    let name: String = words.join(" ").chars().filter(is_kept).collect();
    let name = name.trim_matches([' ', '.']);
    if name.is_empty() { FILENAME_DEFAULT.to_owned() } else { name.to_owned() }
}

/// What paths of copies have in common: the name of the file without its ending, its letters and
/// digits in lower case.
pub(super) fn signature(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = match name.rfind('.') {
        Some(dot) if dot > 0 => &name[..dot],
        _ => name,
    };
    stem.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A path as it is compared with a root: slashes only, drive letters as `/mnt/x`, lower case.
pub(super) fn comparable(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = match path.as_bytes() {
        [drive, b':', ..] if drive.is_ascii_alphabetic() => {
            format!("/mnt/{}{}", char::from(*drive), &path[2..])
        }
        _ => path,
    };
    path.trim_end_matches('/').to_lowercase()
}

/// Whether a comparable path is a comparable root or lies below it.
pub(super) fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The folder of a path, in its own spelling; empty where it has none.
pub(super) fn folder_of(path: &str) -> &str {
    // The root's own separator is its name.
    path.rfind(['/', '\\']).map_or("", |end| &path[..end.max(1)])
}

/// A path below a folder.
pub(super) fn joined(folder: &str, rest: &str) -> String {
    match folder.trim_end_matches('/') {
        "" if folder.is_empty() => rest.to_owned(),
        folder => format!("{folder}/{rest}"),
    }
}

/// The commonest of some words; of equally common ones the first by letter.
pub(super) fn commonest(words: BTreeMap<String, usize>) -> Option<String> {
    let mut best: Option<(String, usize)> = None;
    for (word, count) in words {
        if best.as_ref().is_none_or(|(_, most)| count > *most) {
            best = Some((word, count));
        }
    }
    best.map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_never_leads_out_of_its_root() {
        for (folder, expected) in [
            ("../../etc", "etc"),
            ("/cases//7/./..", "cases/7"),
            (r"cases\7", "cases/7"),
            ("..", "Inbox/Review"),
            ("", "Inbox/Review"),
            (" a / b ", "a/b"),
        ] {
            assert_eq!(safe_folder(folder), expected, "{folder:?}");
        }
    }

    #[test]
    fn a_filename_is_one_part_of_plain_characters() {
        for (name, expected) in [
            ("../secret.txt", "_secret.txt"),
            ("  a   b\t(1).txt ", "a b (1).txt"),
            ("a:b*c?.pdf", "abc.pdf"),
            (r"x\y", "x_y"),
            ("...", "document"),
            ("\u{e9}t\u{e9}.txt", "\u{e9}t\u{e9}.txt"),
            ("", "document"),
        ] {
            assert_eq!(safe_filename(name), expected, "{name:?}");
        }
    }

    #[test]
    fn paths_are_compared_without_regard_to_their_spelling() {
        assert_eq!(signature("/a/Smith v. Jones (2).PDF"), "smithvjones2");
        assert_eq!(signature(r"C:\x\.profile"), "profile");
        assert_eq!(comparable(r"E:\Cases\7\"), "/mnt/e/cases/7");
        assert!(is_below(&comparable("/mnt/e/Cases/7/a.txt"), &comparable(r"e:\cases")));
        assert!(!is_below("/mnt/e/cases2/a.txt", "/mnt/e/cases"));
        assert_eq!(folder_of(r"E:\a\b.txt"), r"E:\a");
        assert_eq!(folder_of("b.txt"), "");
        assert_eq!(folder_of("/b.txt"), "/");
        assert_eq!(joined("", "a/b"), "a/b");
        assert_eq!(joined("/", "a"), "/a");
        assert_eq!(joined("/r/", "a"), "/r/a");
    }

    #[test]
    fn the_commonest_word_is_the_first_of_equals() {
        let words = [("b", 2), ("a", 2), ("c", 1)].map(|(word, count)| (word.to_owned(), count));
        assert_eq!(commonest(BTreeMap::from(words)).as_deref(), Some("a"));
        assert_eq!(commonest(BTreeMap::new()), None);
    }
}
