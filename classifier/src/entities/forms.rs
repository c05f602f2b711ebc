//! The words that a register puts around the name of a company: `Inc.`, `The`, `股份有限公司`.

/// Legal forms: with and without them a name is that of one company.
pub(super) const LEGAL_FORMS: [&str; 24] = [
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "companies",
    "ltd",
    "limited",
    "plc",
    "llc",
    "lp",
    "nv",
    "sa",
    "ag",
    "se",
    "asa",
    "ab",
    "spa",
    "kgaa",
    "oyj",
    "the",
    "bhd",
    "adr",
];
/// Others of registers, what stands beside them, and letters of `S.A.`, `N.V.` and of shares, `-W`.
const BESIDE: [&str; 16] = [
    "pte", "pty", "gmbh", "holding", "holdings", "group", "and", "a", "b", "l", "n", "p", "s", "v", "w", "sw",
];
const CHINESE: [&str; 7] = ["股份", "有限", "责任", "公司", "集团", "控股", "企业"];

/// Whether `text` has no other words.
pub(super) fn are_all(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).all(is_form)
}

fn is_form(word: &str) -> bool {
    let mut rest = word;
    while let Some(shorter) = CHINESE.iter().find_map(|form| rest.strip_prefix(*form)) {
        rest = shorter;
    }
    rest.is_empty() || LEGAL_FORMS.contains(&word) || BESIDE.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_any_other_kind_is_no_form() {
        for forms in ["", ", Inc.", "The  Company", " & Co., Ltd.", " S.A.", "(集团)股份有限公司", "-SW"]
        {
            assert!(are_all(forms), "{forms}");
        }
        for other in [" Motors", " Hospitality REIT, Inc.", "酒股份有限公司", " Model 3", "物业服务"]
        {
            assert!(!are_all(other), "{other}");
        }
    }
}
