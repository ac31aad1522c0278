//! Spellings of paths: the normal form, the key made from it, and types by extension.

use crate::base::sha1;

/// The normal form of a path: drive paths (`C:\x`, `c:/x`) and `\mnt\c\x` become `/mnt/c/x`.
/// All else stays as it is, since other systems allow backslashes in names.
pub(crate) fn normalized(path: &str) -> String {
    let bytes = path.as_bytes();
    let is_drive = bytes.len() >= 2
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && bytes.get(2).is_none_or(|byte| matches!(byte, b'/' | b'\\'));
    if is_drive {
        let rest = path[2..].replace('\\', "/");
        let drive = char::from(bytes[0].to_ascii_lowercase());
        return format!("/mnt/{drive}{rest}").trim_end_matches('/').to_owned();
    }
    if path.starts_with(r"\mnt\") {
        return path.replace('\\', "/");
    }
    path.to_owned()
}

/// The other spelling under which the old application may have the same file: with backslashes.
pub(crate) fn twin(normalized: &str) -> Option<String> {
    normalized.starts_with("/mnt/").then(|| normalized.replace('/', "\\"))
}

/// The natural key of a path in normal form.
pub(crate) fn hash(normalized: &str) -> String {
    sha1::hex_of(normalized.as_bytes())
}

/// The last part of a path; the whole of it where there is none.
pub(crate) fn name(path: &str) -> &str {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if name.is_empty() { path } else { name }
}

/// Extension in lower case with its dot; empty where there is none.
pub(crate) fn extension(name: &str) -> String {
    match name.rfind('.') {
        Some(at) if at > 0 && at + 1 < name.len() => name[at..].to_lowercase(),
        _ => String::new(),
    }
}

/// The MIME type that an extension stands for.
pub(crate) fn mime_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        ".txt" | ".log" => "text/plain",
        ".md" | ".markdown" => "text/markdown",
        ".csv" => "text/csv",
        ".tsv" => "text/tab-separated-values",
        ".html" | ".htm" => "text/html",
        ".css" => "text/css",
        ".py" => "text/x-python",
        ".rs" => "text/x-rust",
        ".js" => "text/javascript",
        ".json" => "application/json",
        ".xml" => "application/xml",
        ".yaml" | ".yml" => "application/yaml",
        ".pdf" => "application/pdf",
        ".rtf" => "application/rtf",
        ".doc" => "application/msword",
        ".docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ".xls" => "application/vnd.ms-excel",
        ".xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ".odt" => "application/vnd.oasis.opendocument.text",
        ".zip" => "application/zip",
        ".png" => "image/png",
        ".jpg" | ".jpeg" => "image/jpeg",
        ".gif" => "image/gif",
        ".tif" | ".tiff" => "image/tiff",
        ".mp3" => "audio/mpeg",
        ".wav" => "audio/wav",
        ".mp4" => "video/mp4",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_drive_path_has_one_normal_form() {
        for path in [r"C:\Cases\a.txt", "c:/Cases/a.txt", r"\mnt\c\Cases\a.txt"] {
            assert_eq!(normalized(path), "/mnt/c/Cases/a.txt", "{path}");
        }
        for (path, expected) in [
            ("C:", "/mnt/c"),
            (r"C:\", "/mnt/c"),
            ("c:relative", "c:relative"),
            (r"a\b", r"a\b"),
            ("/home/x", "/home/x"),
            ("", ""),
        ] {
            assert_eq!(normalized(path), expected, "{path}");
        }
        assert_eq!(twin("/mnt/c/a").as_deref(), Some(r"\mnt\c\a"));
        assert_eq!(twin("/home/a"), None);
    }

    #[test]
    fn names_and_extensions_are_taken_from_the_end() {
        assert_eq!((name("/a/b.TXT"), name("/"), name("/a/")), ("b.TXT", "/", "a"));
        for (name, expected) in
            [("b.TXT", ".txt"), (".bashrc", ""), ("a.", ""), ("a", ""), ("a.tar.gz", ".gz")]
        {
            assert_eq!(extension(name), expected, "{name}");
        }
    }
}
