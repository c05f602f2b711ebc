//! Personal details are blacked out before the first write.

mod numbers;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};

/// A kind of personal detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    Email,
    /// Mobile and fixed, Chinese and international.
    Phone,
    /// Payment cards, by their check digit.
    Card,
    /// Chinese identity numbers, by their check digit.
    Id,
}

impl Detail {
    pub const ALL: [Self; 4] = [Self::Email, Self::Phone, Self::Card, Self::Id];

    /// What stands in its place.
    const fn mark(self) -> &'static str {
        match self {
            Self::Email => "[email]",
            Self::Phone => "[phone]",
            Self::Card => "[card]",
            Self::Id => "[id]",
        }
    }
}

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)[a-z0-9._%+-]+\s?(?:@|＠|\[at\]|\(at\))\s?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}").ok()
});

/// The text with every e-mail address, phone number, payment card and Chinese identity
/// number replaced by its mark, and how many there were. Amounts, dates and stock codes stay.
pub fn redact(text: &str) -> (String, u32) {
    redact_only(text, &BTreeSet::from(Detail::ALL))
}

/// The same for some kinds of details only.
pub(crate) fn redact_only(text: &str, details: &BTreeSet<Detail>) -> (String, u32) {
    let mut count = 0;
    let mut marked = |detail: Detail| {
        count += 1;
        detail.mark()
    };
    let mut text = text.to_owned();
    if let Some(email) = EMAIL.as_ref().filter(|_| details.contains(&Detail::Email)) {
        let replaced = email.replace_all(&text, |_: &Captures<'_>| marked(Detail::Email));
        text = replaced.into_owned();
    }
    let text = numbers::replace(&text, |found| {
        let detail = numbers::detail_of(found).filter(|detail| details.contains(detail))?;
        Some(marked(detail))
    });
    (text, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_details_are_blacked_out_and_counted() {
        let cases = [
            ("write to jane.doe+x@mail.example.com now", "write to [email] now", 1),
            ("jane (at) example.com, jo＠example.cn", "[email], [email]", 2),
            ("电话13812345678，或 138-1234-5678。", "电话[phone]，或 [phone]。", 2),
            ("call +44 20 7946 0958", "call [phone]", 1),
            ("call +1 (415) 555-0132 or (415) 555-0132", "call [phone] or [phone]", 2),
            ("call 415-555-0132", "call [phone]", 1),
            ("客服 010-12345678、400-820-8820", "客服 [phone]、[phone]", 2),
            ("热线 0755-8765 4321", "热线 [phone]", 1),
            ("+86 138 1234 5678", "[phone]", 1),
            ("card 4111 1111 1111 1111.", "card [card].", 1),
            ("银行卡6222021234567890128", "银行卡[card]", 1),
            ("身份证11010519491231002X", "身份证[id]", 1),
            ("2023 13812345678 7", "2023 [phone] 7", 1),
        ];
        for (text, expected, count) in cases {
            assert_eq!(redact(text), (expected.to_owned(), count), "{text}");
        }
    }

    #[test]
    fn what_markets_write_is_left_alone() {
        for text in [
            "revenue of 1,234,567,890.50 dollars in 2023-2024",
            "600000.SH rose 10.02% on 2023-03-10 16:00:00",
            "order 12345678901 and 4111 1111 1111 1112",
            "成交额 13812.345678 亿元, 股本 12345678900 股",
            "from 2023-03-10 to 2023-03-12, 100 200 300 400",
            "ISIN US0378331005, CUSIP 037833100, 0700.HK",
            "id 1631234567890123456 of a post",
            "rates 4.25-4.50 percent, 2.5 - 3.5",
        ] {
            assert_eq!(redact(text), (text.to_owned(), 0));
        }
    }

    #[test]
    fn what_is_blacked_out_can_be_chosen() {
        let text = "jane@example.com 13812345678";
        assert_eq!(
            redact_only(text, &BTreeSet::from([Detail::Phone])),
            ("jane@example.com [phone]".to_owned(), 1)
        );
        assert_eq!(redact_only(text, &BTreeSet::new()), (text.to_owned(), 0));
    }

    #[test]
    fn blacking_out_twice_changes_nothing() {
        let (once, _) = redact("a@b.co +1 (415) 555-0132 4111111111111111 11010519491231002X");
        assert_eq!(once, "[email] [phone] [card] [id]");
        assert_eq!(redact(&once), (once.clone(), 0));
    }
}
