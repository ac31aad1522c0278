//! How terms and categories are spelled. Pure.

/// Labels of the ontology for things.
const LABELS: [&str; 34] = [
    "Person",
    "Witness",
    "Party",
    "Judge",
    "Prosecutor",
    "Defendant",
    "DefenseCounsel",
    "ExpertWitness",
    "Victim",
    "LegalDocument",
    "Motion",
    "Order",
    "Statement",
    "Case",
    "Hearing",
    "LegalIssue",
    "Event",
    "CaseEvent",
    "EvidenceItem",
    "IndictmentCount",
    "Offense",
    "LegalViolation",
    "Court",
    "LawEnforcementAgency",
    "PleaDeal",
    "Sanction",
    "Task",
    "Statute",
    "Regulation",
    "Jurisdiction",
    "MonetaryAmount",
    "DateEntity",
    "LocationEntity",
    "Concept",
];

/// Categories beside the labels.
const OTHERS: [&str; 3] = ["framework", "system_issue", "entity"];

/// A category or label as it is kept: the spelling of the ontology, case and punctuation aside; an
/// unknown one without blanks around it; nothing for blanks.
pub(super) fn category(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let lower = text.to_lowercase();
    if OTHERS.contains(&&*lower) {
        return Some(lower);
    }
    let wanted = letters(text);
    let label = LABELS.iter().find(|label| letters(label) == wanted);
    Some(label.map_or(text, |label| label).to_owned())
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_gets_the_spelling_of_the_ontology() {
        for (text, expected) in [
            ("case", Some("Case")),
            (" Expert_Witness ", Some("ExpertWitness")),
            ("EXPERTWITNESS", Some("ExpertWitness")),
            ("expert-witness", Some("ExpertWitness")),
            ("Framework", Some("framework")),
            ("SYSTEM_ISSUE", Some("system_issue")),
            ("system issue", Some("system issue")),
            ("LegalConcept", Some("LegalConcept")),
            (" own words ", Some("own words")),
            ("  ", None),
        ] {
            assert_eq!(category(text).as_deref(), expected, "{text:?}");
        }
    }
}
