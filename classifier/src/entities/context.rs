//! Whether an ambiguous name is meant: points for what stands around it. The scale:
//! `ENOUGH` points make a mention. Knows nothing of dictionaries.

use super::fold::{is_han, is_word};
use super::words::{
    AFTER_MOVE, ARTICLES, BUSINESS, CHINESE, DEALS, DEEDS, DONE, EVENTS, FIGURES, FOLLOWS, FUTURES, GOODS,
    KINDS, LINKS, MUST, NEWS, PLURAL, TRENDS, UNLIKE, VOTES, among, first_words, last_word, moves, starts,
};

/// Points that make an ambiguous name a mention.
const ENOUGH: i32 = 2;
/// Points that a little-known company needs, and a Chinese name that is mostly a word.
const STRONG: i32 = 4;
/// Characters on either side in which words of business count.
const NEAR: usize = 40;
/// Between two names of a list.
const LISTS: [&str; 13] = [",", "、", "and", "&", ", and", "or", "/", "和", "与", "及", "vs", "vs.", "以及"];
/// Bytes of the longest of them.
const LISTED: usize = 6;
/// Chinese names that are goods of the futures exchanges too.
const GROWN: [&str; 2] = ["苹果", "农产品"];

/// What surrounds one ambiguous name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) before: &'a str,
    pub(super) name: &'a str,
    pub(super) after: &'a str,
    /// A word of the entity's own context stands in the text.
    pub(super) own: bool,
    /// A certain mention of another entity stands in the text.
    pub(super) company: bool,
    /// An entity that is meant stands in a list with it.
    pub(super) beside: bool,
    /// It is a long name and stands in a list with another, of which neither is sure.
    pub(super) among_names: bool,
    /// Another name, sure or not, stands before it in a list: verbs are in the plural.
    pub(super) joined: bool,
    /// Most words of the text have a capital: it is a headline, capitals prove nothing.
    pub(super) titled: bool,
    /// The company is little known: what people and places do too is no sign of it.
    pub(super) doubtful: bool,
    /// The entity has no other name for people, 机器人: a whole trade rises and is bought likewise.
    pub(super) only: bool,
}

/// Whether the surroundings say that the company is meant.
pub(super) fn speaks_for(place: &Place<'_>) -> bool {
    points(place) >= if place.doubtful { STRONG } else { ENOUGH }
}

/// Whether nothing stands between two names but what parts the names of a list, or a hyphen.
pub(super) fn listed(between: &str) -> bool {
    let inner = between.trim();
    between == "-" || inner.len() <= LISTED && LISTS.contains(&inner.to_lowercase().as_str())
}

fn points(place: &Place<'_>) -> i32 {
    let company = if place.beside { 3 } else { i32::from(place.company) };
    let own = if place.own { 3 } else { 0 };
    own + company + if place.name.chars().any(is_han) { chinese(place) } else { english(place) }
}

/// The words around an English name.
struct Around<'a> {
    possessive: bool,
    /// What follows, behind an 's.
    after: &'a str,
    next: &'a str,
    previous: &'a str,
    starts: bool,
    /// What follows is what companies do.
    deed: bool,
    /// What follows tells nothing by its capital.
    known: bool,
}

impl<'a> Around<'a> {
    fn new(place: &Place<'a>) -> Self {
        let after = place.after.trim_start_matches("'s").trim_start_matches('\'');
        let mut words = first_words(after);
        let (next, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let deed = among(DEEDS, next)
            || moves(after)
            || place.joined && among(PLURAL, next)
            || next.eq_ignore_ascii_case("must") && among(MUST, second);
        Self {
            possessive: after.len() < place.after.len(),
            after,
            next,
            previous: last_word(place.before),
            starts: starts(place.before),
            deed,
            known: deed || among(GOODS, next) || among(EVENTS, next),
        }
    }
}

fn english(place: &Place<'_>) -> i32 {
    let around = Around::new(place);
    let possessive = if around.possessive && !place.doubtful { 2 } else { 0 };
    let capitals = if place.titled { 0 } else { capitals(place, &around) };
    let listed = if leads_on(place.after) { 3 } else { 0 };
    let near = i32::from(near(place, &BUSINESS));
    possessive + behind(place, &around) + ahead(place, &around) + capitals + listed + near
}

/// Whether a list of names ends: `Block and more`.
fn leads_on(after: &str) -> bool {
    let after = after.trim_start_matches(',').trim_start();
    let rest = after.strip_prefix("and more").or_else(|| after.strip_prefix("& more"));
    // Not `and more than`, nor `and moreover`.
    let ends = |rest: &str| {
        !rest.starts_with([' ', 'o']) || [" in ", " featured "].iter().any(|w| rest.starts_with(w))
    };
    rest.is_some_and(ends)
}

/// For what a company does and has, behind its name.
fn behind(place: &Place<'_>, around: &Around<'_>) -> i32 {
    let goods = if among(GOODS, around.next) || in_talks(around) { 3 } else { 0 };
    if place.doubtful {
        return goods + market(place, around);
    }
    goods + if around.deed { 2 } else { 0 } + if among(EVENTS, around.next) { 2 } else { 0 }
}

/// Whether a company talks of a deal: `in talks`, `in advanced merger talks`.
fn in_talks(around: &Around<'_>) -> bool {
    around.next.eq_ignore_ascii_case("in")
        && first_words(around.after).skip(1).take(3).any(|word| word.eq_ignore_ascii_case("talks"))
}

/// For what only a company does: its price moves by percents, or it changes what it told investors.
fn market(place: &Place<'_>, around: &Around<'_>) -> i32 {
    let amount = around.after.split_whitespace().nth(1).unwrap_or_default().trim_start_matches(['+', '-']);
    let percents = amount.starts_with(|c: char| c.is_ascii_digit()) && amount.contains('%');
    if percents && moves(around.after) && !near(place, &VOTES) {
        return 4;
    }
    let figures = first_words(around.after).skip(1).take(3).any(|word| among(FIGURES, word));
    if figures && among(DEEDS, around.next) { 3 } else { 0 }
}

/// For what stands before a name: its kind, or what is done to companies; against one behind an article.
fn ahead(place: &Place<'_>, around: &Around<'_>) -> i32 {
    if around.starts {
        return 0;
    }
    let alone = !is_capital(around.next) || around.known || among(AFTER_MOVE, around.next);
    let done = among(DONE, around.previous) && alone && !place.doubtful;
    let kind = if among(KINDS, around.previous) { 3 } else { 0 };
    // `New Apple Leak` with a word of Apple's own is not `new apples`.
    let news = place.own && among(NEWS, around.previous);
    let article = if among(ARTICLES, around.previous) && !news { 2 } else { 0 };
    kind - article + if done { 2 } else { 0 }
}

/// A capital between small letters is a name, and not one of a person in full.
fn capitals(place: &Place<'_>, around: &Around<'_>) -> i32 {
    let (next, previous) = (is_capital(around.next), is_capital(around.previous));
    let plain = !around.starts && !previous && !among(ARTICLES, around.previous) && !next;
    let plain = if plain && !place.doubtful { 2 } else { i32::from(!around.starts) };
    let longer = next && !around.possessive && !around.known;
    let known = among(KINDS, around.previous) || among(LINKS, around.previous);
    let person = previous && !around.starts && !known;
    plain - if longer { 2 } else { 0 } - if person { 2 } else { 0 }
}

fn is_capital(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// A name that is mostly a word, 平安, needs its sign directly beside it.
fn chinese(place: &Place<'_>) -> i32 {
    let begins = |list: &[&str]| list.iter().any(|word| place.after.starts_with(word));
    let starts = place.before.is_empty() || place.before.ends_with(['【', '\n', '。']);
    let mut points = if starts && place.after.starts_with([':', '：']) { 3 } else { 0 };
    let dealt = DEALS.iter().any(|word| place.before.ends_with(word));
    let told = begins(&FOLLOWS) || !place.only && (dealt || begins(&TRENDS));
    points += if told { 2 + i32::from(place.doubtful) } else { 0 };
    points -= if begins(&UNLIKE) { 3 } else { 0 };
    points -= if GROWN.contains(&place.name) && near(place, &FUTURES) { 3 } else { 0 };
    points += i32::from(place.doubtful && place.beside);
    points += if place.among_names { 2 } else { 0 };
    points + i32::from(near(place, &CHINESE))
}

/// Whether one of `words` stands within [`NEAR`] characters.
fn near(place: &Place<'_>, words: &[&str]) -> bool {
    let before: Vec<char> = place.before.chars().rev().take(NEAR).collect();
    let before: String = before.into_iter().rev().collect();
    let after: String = place.after.chars().take(NEAR).collect();
    let text = format!("{before} | {after}").to_lowercase();
    words.iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            before.is_none_or(|c| !is_word(c))
        })
    })
}

/// Whether most longer words of a text have a capital.
pub(super) fn titled(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 3);
    let (mut capital, mut all) = (0, 0);
    for word in words {
        all += 1;
        capital += usize::from(word.chars().next().is_some_and(char::is_uppercase));
    }
    capital * 10 > all * 6
}
