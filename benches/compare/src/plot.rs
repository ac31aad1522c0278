//! Result files as a picture: for each measure a bar a system, as a share of the longest. Written
//! by hand, since it is rectangles and text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use crate::Outcome;
use crate::report::read_lines;

const COLOURS: [&str; 8] =
    ["#2b6cb0", "#a0aec0", "#dd6b20", "#38a169", "#805ad5", "#d53f8c", "#718096", "#b7791f"];
const BAR: usize = 14;
const LEFT: usize = 230;
const LENGTH: f64 = 420.0;

/// Suite, measure and what they are told in.
type Row = (String, String, String);

/// Prints the picture.
pub fn plot(files: &[PathBuf]) -> Outcome {
    let mut rows: BTreeMap<Row, Vec<(String, f64)>> = BTreeMap::new();
    let mut systems: Vec<String> = Vec::new();
    for file in files {
        for value in read_lines(file)? {
            let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            let Some(number) = value["value"].as_f64() else { continue };
            let unit = format!("{}, {} is better", text("unit"), text("better"));
            if !systems.contains(&text("system")) {
                systems.push(text("system"));
            }
            let row = rows.entry((text("suite"), text("measure"), unit)).or_default();
            row.push((text("system"), number));
        }
    }
    Ok(std::io::stdout().lock().write_all(picture(&rows, &systems)?.as_bytes())?)
}

fn picture(rows: &BTreeMap<Row, Vec<(String, f64)>>, systems: &[String]) -> Outcome<String> {
    let (mut body, mut y) = (String::new(), 20);
    for ((suite, measure, unit), values) in rows {
        let longest = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let (title, hint) = (escaped(&format!("{suite} {measure}")), escaped(unit));
        writeln!(body, "<text x=\"4\" y=\"{}\">{title}</text>", y + 11)?;
        writeln!(body, "<text x=\"4\" y=\"{}\" fill=\"#718096\">{hint}</text>", y + 24)?;
        for (system, value) in values {
            let place = systems.iter().position(|name| name == system).unwrap_or(0);
            let colour = COLOURS[place % COLOURS.len()];
            let width = if longest > 0.0 { value / longest * LENGTH } else { 0.0 };
            writeln!(
                body,
                "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" \
                 fill=\"{colour}\"/>",
                BAR - 2
            )?;
            let (x, label) = (LEFT as f64 + width + 4.0, escaped(&format!("{system} {value}")));
            writeln!(body, "<text x=\"{x:.1}\" y=\"{}\">{label}</text>", y + 10)?;
            y += BAR;
        }
        y += if values.len() < 2 { 24 } else { 12 };
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"840\" height=\"{}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n",
        y + 10
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
