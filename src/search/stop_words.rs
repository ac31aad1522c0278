//! Words that nearly every text has: in a query among other words they say nothing.
//!
//! They are indexed like any other, so that phrases are found word for word and a query of nothing
//! else still finds something. Written folded, as the analyzer writes surfaces.

use super::analyzer::{Analyzer, Language, Unit};
use super::parse::{Clause, Demand, End, Node, Scope, TextQuery, Weight};

/// Longer words are not looked at, in bytes as they are written.
const BYTES_MAX: usize = 8;

const ENGLISH: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "did", "do", "does", "for",
    "from", "had", "has", "have", "he", "her", "his", "how", "i", "if", "in", "into", "is", "it",
    "its", "me", "my", "no", "of", "on", "or", "our", "she", "so", "such", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "to", "was", "we", "were", "what",
    "when", "where", "which", "who", "will", "with", "you", "your",
];

const GERMAN: &[&str] = &[
    "aber", "als", "am", "an", "auch", "auf", "aus", "bei", "bis", "das", "dass", "dem", "den",
    "der", "des", "die", "dies", "diese", "dieser", "du", "durch", "ein", "eine", "einem", "einen",
    "einer", "eines", "er", "es", "fur", "hat", "ich", "ihr", "im", "in", "ist", "ja", "mit",
    "nach", "nicht", "noch", "nur", "oder", "sich", "sie", "sind", "so", "um", "und", "uns", "vom",
    "von", "vor", "war", "was", "wenn", "wer", "wie", "wir", "wird", "zu", "zum", "zur",
];

const FRENCH: &[&str] = &[
    "a", "au", "aux", "avec", "ce", "ces", "cette", "d", "dans", "de", "des", "du", "elle", "en",
    "est", "et", "eu", "il", "ils", "je", "l", "la", "le", "les", "leur", "lui", "mais", "ne",
    "nous", "on", "ou", "par", "pas", "pour", "qu", "que", "qui", "sa", "se", "ses", "son", "sont",
    "sur", "tu", "un", "une", "vous", "y",
];

const SPANISH: &[&str] = &[
    "a", "al", "como", "con", "de", "del", "el", "ella", "en", "es", "esta", "este", "fue", "ha",
    "la", "las", "le", "lo", "los", "mas", "me", "mi", "no", "o", "para", "pero", "por", "que",
    "se", "si", "sin", "son", "su", "sus", "te", "tu", "un", "una", "y", "ya", "yo",
];

const ITALIAN: &[&str] = &[
    "a", "ai", "al", "alla", "anche", "che", "chi", "con", "da", "dal", "dei", "del", "della",
    "di", "e", "gli", "ha", "i", "il", "in", "io", "l", "la", "le", "lo", "ma", "mi", "ne", "nel",
    "nella", "non", "o", "per", "piu", "se", "si", "sono", "su", "sul", "tra", "un", "una", "uno",
];

const DUTCH: &[&str] = &[
    "aan", "als", "bij", "dat", "de", "den", "der", "deze", "die", "dit", "een", "en", "er", "had",
    "heeft", "het", "hij", "ik", "in", "is", "je", "maar", "met", "naar", "niet", "of", "om",
    "ook", "op", "te", "tot", "uit", "van", "voor", "was", "wat", "we", "wij", "wordt", "ze",
    "zich", "zij", "zijn",
];

const PORTUGUESE: &[&str] = &[
    "a", "ao", "aos", "as", "com", "como", "da", "das", "de", "do", "dos", "e", "ela", "ele", "em",
    "eu", "foi", "ha", "mais", "mas", "na", "nao", "nas", "no", "nos", "o", "os", "ou", "para",
    "pela", "pelo", "por", "que", "se", "sem", "ser", "seu", "sua", "um", "uma",
];

const SWEDISH: &[&str] = &[
    "att", "av", "de", "dem", "den", "det", "du", "efter", "en", "ett", "for", "fran", "han",
    "har", "hon", "i", "inte", "jag", "kan", "med", "men", "nar", "och", "om", "pa", "sa", "sig",
    "som", "till", "var", "vi",
];

/// Whether a word, folded, is one of the language's that say nothing. Languages without a list have
/// none.
pub(super) fn is_stop_word(language: Language, surface: &str) -> bool {
    let words = match language {
        Language::English => ENGLISH,
        Language::German => GERMAN,
        Language::French => FRENCH,
        Language::Spanish => SPANISH,
        Language::Italian => ITALIAN,
        Language::Dutch => DUTCH,
        Language::Portuguese => PORTUGUESE,
        Language::Swedish => SWEDISH,
        _ => &[],
    };
    words.binary_search(&surface).is_ok()
}

impl TextQuery {
    /// Takes out of every row of words those that say nothing, where others remain. What is marked,
    /// quoted or joined by operators was meant.
    pub(super) fn drop_stop_words(&mut self, analyzer: &Analyzer, language: Language) {
        drop_from(&mut self.clauses, &|text| {
            if text.len() > BYTES_MAX {
                return false;
            }
            let units = analyzer.units(text);
            matches!(&units[..], [Unit::Word(form)] if is_stop_word(language, &form.surface))
        });
    }
}

fn drop_from(clauses: &mut Vec<Clause>, is_stop: &impl Fn(&str) -> bool) {
    let says_nothing = |clause: &Clause| match &clause.node {
        Node::Word { text, scope: Scope::Everywhere, end: End::Whole, typos: None } => {
            clause.demand == Demand::Plain && clause.weight == Weight::ONE && is_stop(text)
        }
        _ => false,
    };
    let remains = |clause: &Clause| clause.demand != Demand::Not && !says_nothing(clause);
    if clauses.iter().any(remains) {
        clauses.retain(|clause| !says_nothing(clause));
    }
    for clause in clauses {
        if let Node::Group(inner) = &mut clause.node {
            drop_from(inner, is_stop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::SearchOptions;

    #[track_caller]
    fn check(text: &str, same_as: &str) {
        let options = SearchOptions::default();
        let mut query = TextQuery::parse(text, &options).unwrap();
        query.drop_stop_words(&Analyzer::default(), Language::English);
        assert_eq!(query, TextQuery::parse(same_as, &options).unwrap(), "{text}");
    }

    #[test]
    fn words_that_say_nothing_go_where_others_remain() {
        check("What is the reply", "reply");
        check("the reply -late", "reply -late");
        check("(is the reply now) due", "(reply now) due");
        for whole in ["to be or", "the", "+the reply", "\"the reply\" x", "the OR reply", "the*"] {
            check(whole, whole);
        }
        check("the -late", "the -late");
    }

    #[test]
    fn every_list_is_sorted_and_folded() {
        for words in [ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, DUTCH, PORTUGUESE, SWEDISH] {
            assert!(words.is_sorted_by(|a, b| a < b), "{words:?}");
            assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
        }
    }
}
