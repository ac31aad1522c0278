//! Everyday words of one subject, and words of questions that say nothing.
//!
//! People ask "where does she live" about "she has moved to Graz". A vector knows that; without
//! one, this short list of what people talk about every day has to do. English only.

use std::collections::HashMap;

use crate::search::Pieces;

/// One subject a line.
const GROUPS: &[&str] = &[
    "live lives living reside home house flat apartment address move moved relocate relocated \
     settle settled",
    "job work works role title position profession career occupation employed promoted hired",
    "tool tools use uses using software stack switched migrated",
    "lead leads leader head runs charge owner manages boss",
    "buy bought purchase purchased got shop",
    "child children kid kids son daughter",
    "parent parents mom mother dad father",
    "spouse husband wife partner married",
    "pet pets dog cat puppy kitten",
    "begin began start started",
    "finish finished end ended complete completed",
    "like likes love loves enjoy enjoys fan favorite prefer",
    "hobby hobbies activity activities pastime",
    "food dish meal cook cooking recipe",
    "movie movies film films",
    "music song songs band concert",
    "book books novel read reading",
    "trip travel travelled visit visited vacation holiday journey",
    "city town place places country",
    "sick ill illness health doctor hospital",
    "car vehicle drive",
    "school college university class course study studies degree",
    "money pay paid cost price salary",
    "friend friends buddy",
    "picture photo photos image",
    "make made create created build built",
    "sport sports game games match tournament",
    "date birthday anniversary",
    "plan plans planning going intend",
    "win won award prize",
    "help helped support supported volunteer",
    "teach taught teacher learn learned",
    "problem issue bug error failure",
    "fix fixed solve solved repair",
    "meeting met meet",
    "happy glad excited",
    "sad upset",
    "afraid scared fear",
];

/// Words of an English question that say nothing about its answer.
const QUESTION_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "been", "before", "being", "between", "both", "but", "by", "can", "could", "d", "did", "didn",
    "do", "does", "doesn", "doing", "don", "done", "during", "each", "ever", "every", "for",
    "from", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i",
    "if", "in", "into", "is", "isn", "it", "its", "just", "kind", "likely", "ll", "m", "many",
    "may", "me", "might", "mine", "more", "most", "much", "must", "my", "no", "not", "of", "off",
    "on", "onto", "or", "other", "our", "ours", "out", "over", "own", "re", "s", "same", "shall",
    "she", "should", "since", "so", "some", "sort", "such", "t", "than", "that", "the", "their",
    "theirs", "them", "then", "there", "these", "they", "this", "those", "to", "type", "until",
    "up", "us", "ve", "was", "wasn", "we", "were", "what", "when", "where", "which", "while",
    "who", "whom", "whose", "why", "will", "with", "without", "would", "you", "your", "yours",
];

/// Whether a surface is a word of an English question that says nothing.
pub(super) fn is_question_word(surface: &str) -> bool {
    QUESTION_WORDS.binary_search(&surface).is_ok()
}

/// Terms by the subject that they belong to.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    members: Vec<Vec<String>>,
    of: HashMap<String, Vec<usize>>,
}

impl Groups {
    /// The groups as terms.
    pub(super) fn new(pieces: &mut Pieces) -> Self {
        let mut groups = Self::default();
        for (place, words) in GROUPS.iter().enumerate() {
            let mut terms: Vec<String> =
                words.split_whitespace().map(|word| pieces.word(word).1).collect();
            terms.sort_unstable();
            terms.dedup();
            for term in &terms {
                groups.of.entry(term.clone()).or_default().push(place);
            }
            groups.members.push(terms);
        }
        groups
    }

    /// The other terms of the subjects of a term, in their order.
    pub(super) fn beside(&self, term: &str) -> Vec<&str> {
        let places = self.of.get(term).map_or(&[][..], Vec::as_slice);
        let members = places.iter().flat_map(|place| &self.members[*place]);
        let mut others: Vec<&str> =
            members.map(String::as_str).filter(|other| *other != term).collect();
        others.sort_unstable();
        others.dedup();
        others
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::AnalyzerOptions;

    #[test]
    fn words_of_questions_are_sorted() {
        assert!(QUESTION_WORDS.is_sorted_by(|a, b| a < b));
        assert!(is_question_word("what") && !is_question_word("reply"));
    }

    #[test]
    fn a_word_has_others_of_its_subject() {
        let groups = Groups::new(&mut Pieces::new(AnalyzerOptions::default()));
        let beside = groups.beside("live");
        assert!(beside.contains(&"reloc") && !beside.contains(&"live"), "{beside:?}");
        assert!(groups.beside("xylophon").is_empty());
    }
}
