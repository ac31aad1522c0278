//! A made-up tree of source files.

use std::path::Path;
use std::{fs, io};

/// Writes a tree of so many sources, in several languages, that use one another. The same number
/// always gives the same bytes.
pub(crate) fn grow(tree: &Path, files: usize) -> io::Result<()> {
    for number in 0..files {
        let (folder, next) = (tree.join(format!("d{:02}", number % 40)), number + 40);
        fs::create_dir_all(&folder)?;
        let branches = "if x { y(); }\n".repeat(number % 13);
        let (ending, text) = match number % 5 {
            0 => (
                "rs",
                format!(
                    "//! Part {number}.\nuse std::fs;\nmod f{next};\nfn f() {{\n{branches}}}\n"
                ),
            ),
            1 => (
                "py",
                format!(
                    "'''Part {number}.'''\nimport os\nimport f{next}\n{}",
                    "if x:\n  y()\n".repeat(number % 13)
                ),
            ),
            2 => ("ts", format!("// Part {number}.\nimport {{ a }} from './f{next}';\n{branches}")),
            3 => ("md", format!("# Part {number}\n\nSee [next](f{next}.md).\n")),
            _ => (
                "c",
                format!(
                    "/* Part {number}. */\n#include <stdio.h>\n#include \"f{next}.c\"\n{branches}"
                ),
            ),
        };
        fs::write(folder.join(format!("f{number}.{ending}")), text)?;
    }
    Ok(())
}
