//! Names of writers, told from what else stands where a name should. Where a page shows its own is in `shown`.

mod shown;

use super::blocks::is_cjk;
use crate::month::month;

pub(super) use shown::shown;

/// Longest name that is believed, in characters.
const LONG: usize = 100;
/// Most words of the names of a line.
const WORDS: usize = 6;

/// What stands before a name, longest first.
const LEADS: [&str; 12] = [
    "written by",
    "posted by",
    "published by",
    "words by",
    "author",
    "by",
    "新华社记者",
    "本报记者",
    "记者",
    "撰文",
    "作者",
    "文",
];
/// What parts it from the name; a space does so too behind a word of several letters.
const MARKS: [char; 6] = [':', '：', '/', '／', '|', '｜'];
/// What programs write where nobody is named.
const NOBODY: [&str; 12] = [
    "admin",
    "administrator",
    "author",
    "by",
    "editor",
    "none",
    "null",
    "staff",
    "undefined",
    "webmaster",
    "佚名",
    "匿名",
];
/// The writers of a program, whom it names as those of every page.
const PROGRAMMERS: &str = "Discuz!";
/// Small words within names, and others that stand behind them: what the person is, and what is said next.
const PARTICLES: [&str; 11] = ["al", "and", "bin", "da", "de", "del", "der", "la", "van", "von", "with"];
const BEHIND: [&str; 18] = [
    "analyst",
    "author",
    "authors",
    "chief",
    "columnist",
    "contributor",
    "correspondent",
    "editor",
    "journalist",
    "last",
    "on",
    "posted",
    "published",
    "reporter",
    "reviewed",
    "senior",
    "updated",
    "writer",
];
/// Parts of Chinese words that are as short as names: of what a person is or did, and of what pages offer beside one.
const NO_NAMES: [&str; 20] = [
    "作者",
    "来源",
    "编辑",
    "记者",
    "摄",
    "校对",
    "责编",
    "实习",
    "通讯员",
    "报道",
    "获悉",
    "简介",
    "关注",
    "关于",
    "查看",
    "更多",
    "文章",
    "阅读",
    "评论",
    "发布",
];
/// Characters of a Chinese name.
const CHINESE: std::ops::RangeInclusive<usize> = 2..=4;

/// The name that a text is: without `By` and the like before it, and nothing where it is no name.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let text = after_lead(text).unwrap_or(text);
    let text = text.trim_end_matches([' ', ',', '|', '·', '•', '-', '–', ':']);
    let is_nobody = || NOBODY.iter().any(|nobody| text.eq_ignore_ascii_case(nobody));
    let is_name = text.chars().count() < LONG && text.chars().any(char::is_alphabetic);
    let is_other = || text.contains("://") || text.starts_with(['@', ',']) || text.starts_with(PROGRAMMERS);
    (is_name && !is_other() && !is_nobody()).then(|| text.to_owned())
}

/// What follows one of [`LEADS`].
fn after_lead(text: &str) -> Option<&str> {
    LEADS.iter().find_map(|lead| {
        let (head, rest) = text.split_at_checked(lead.len())?;
        let bare = rest.trim_start();
        let is_word = lead.is_ascii() || lead.chars().count() > 1;
        let is_apart = bare.starts_with(MARKS) || (is_word && bare.len() < rest.len());
        let is_lead = head.eq_ignore_ascii_case(lead) && is_apart;
        is_lead.then(|| bare.trim_start_matches(MARKS).trim_start())
    })
}

/// The names that a text begins with, of so many words at least: words that begin with a capital and small ones
/// between them; or Chinese names.
fn people(text: &str, least: usize) -> Option<String> {
    let is_end = |c: char| c.is_ascii_digit() || matches!(c, ',' | '|' | '·' | '•' | '–' | '—' | '(');
    let names = text.split(is_end).next()?.split(" - ").next()?;
    let is_behind = |word: &&str| BEHIND.iter().any(|other| word.eq_ignore_ascii_case(other));
    let mut words: Vec<&str> = names.split_whitespace().take_while(|word| !is_behind(word)).collect();
    if words.last().is_some_and(|last| words.len() > 2 && month(last).is_some()) {
        words.pop();
    }
    let is_of_name = |word: &&str| word.starts_with(char::is_uppercase) || PARTICLES.contains(word);
    let is_name = (least..=WORDS).contains(&words.len()) && words.iter().all(is_of_name);
    name(&words.join(" ")).filter(|_| is_name).or_else(|| chinese(text))
}

/// The Chinese names that a text begins with.
fn chinese(text: &str) -> Option<String> {
    let end = text.find(|c: char| !is_cjk(c) && !c.is_whitespace() && c != '、').unwrap_or(text.len());
    let parts = text.split_at(end).0.split(|c: char| c.is_whitespace() || c == '、');
    let is_name = |part: &&str| {
        let is_other = || NOBODY.contains(part) || NO_NAMES.iter().any(|other| part.contains(other));
        CHINESE.contains(&part.chars().count()) && !is_other()
    };
    let names: Vec<&str> = parts.filter(|part| !part.is_empty()).take_while(is_name).take(WORDS).collect();
    (!names.is_empty()).then(|| names.join("、"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_without_what_leads_to_it_and_junk_is_none() {
        for (text, named) in [
            ("Jane Doe", "Jane Doe"),
            (" By Jane Doe ", "Jane Doe"),
            ("BY: Jane Doe,", "Jane Doe"),
            ("Written by Jane Doe", "Jane Doe"),
            ("Author: Jane Doe", "Jane Doe"),
            ("Byron Author", "Byron Author"),
            ("作者：张三", "张三"),
            ("文｜张三", "张三"),
            ("文静", "文静"),
            ("作者 张三", "张三"),
        ] {
            assert_eq!(name(text).as_deref(), Some(named), "{text}");
        }
        for text in [
            "",
            ", USA TODAY",
            "262588213843476",
            "-",
            "@jane",
            "https://e.com/jane",
            "admin",
            "By",
            "Discuz! Team",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn names_of_a_line_end_where_something_else_begins() {
        for (text, named) in [
            ("Jane Doe and Bo von Berg, our reporters", "Jane Doe and Bo von Berg"),
            ("Jane Doe May 2, 2024", "Jane Doe"),
            ("Jane Doe Last Updated: May", "Jane Doe"),
            ("Jane Doe Senior Reporter", "Jane Doe"),
            ("张三 关注", "张三"),
            ("张三 李四 责任编辑：王五", "张三、李四"),
            ("张三、李四）", "张三、李四"),
        ] {
            assert_eq!(people(text, 2).as_deref(), Some(named), "{text}");
        }
        for text in ["Jane", "the end of the year", "从中国贸促会获悉", "责任编辑：王五", ""] {
            assert_eq!(people(text, 2), None, "{text}");
        }
        for text in ["Senior Reporter", "Staff Writer", "The Author", "关于作者", "查看更多", "佚名"]
        {
            assert_eq!(people(text, 2), None, "{text}");
        }
    }
}
