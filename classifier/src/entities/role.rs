//! Role and relevance of each entity, from where, how often and after which words
//! it is named. The weights of subject against mention were fitted on the annotated
//! training texts (logistic regression, tenths) and rounded.

use tocsin_contract::{EntityKind, Mention, Role};

use super::fold::is_han;
use super::words::{among, first_words};

/// Entities from which on a text can be a list.
const LIST: usize = 4;
/// Neighbours in a list stand at most so many characters apart.
const GAP: u32 = 20;
/// English words after which an entity is rarely what a text is about.
const ASIDE: [&str; 10] = ["after", "former", "ex-", "by", "and", "like", "including", "from", "with", "of"];
/// What follows a Chinese name whose owner only speaks or rates.
const SPEAKS: [&str; 7] = ["下调", "上调", "：将", ":将", "维持", "首予", "给予"];
/// Behind the name of one who rates another: what it does, and what it says then.
const RATES: &str = " downgrades upgrades initiates reiterates ";
const RATED: &str = " downgraded upgraded initiated reiterated ";
const CHANGES: &str =
    " cuts cut raises raised lowers lowered lifts trims hikes slashes boosts maintains keeps rates affirms ";
const RATINGS: [&str; 11] = [
    " to sell",
    " to buy",
    " to hold",
    " to neutral",
    " to junk",
    "underweight",
    "overweight",
    "underperform",
    "outperform",
    "rating",
    "price target",
];
const CHINESE_RATES: [&str; 8] = ["下调", "上调", "维持", "首予", "给予", "重申", "调高", "调降"];
const CHINESE_RATINGS: [&str; 7] = ["评级", "目标价", "买入", "增持", "中性", "跑赢", "减持"];
/// Characters behind such a name in which the other stands, and in which the rating does.
const REACH: u32 = 40;
const CLAUSE: usize = 120;

/// An entity of a text: what it is and where it stands.
pub(super) type Named<'a> = (EntityKind, &'a [Mention]);

/// Role and relevance (0–100) of each entity; `title` characters are the title.
pub(super) fn assess(text: Vec<char>, title: usize, entities: &[Named<'_>]) -> Vec<(Role, u8)> {
    let reader = Reader::new(text, title);
    let firsts: Vec<u32> = entities.iter().map(|(_, mentions)| start(mentions)).collect();
    let listed = |index: usize| entities.len() >= LIST && in_list(entities, index);
    let one = |(index, entity): (usize, &Named<'_>)| {
        let earlier = firsts.iter().filter(|first| **first < start(entity.1)).count();
        let role = match () {
            () if listed(index) => Role::List,
            () if reader.rates(entity.1, next_other(entities, index)) => Role::Mention,
            () if reader.subject(entity, earlier) > 0 => Role::Subject,
            () => Role::Mention,
        };
        (role, relevance(role, entity.1, reader.head, entities.len()))
    };
    entities.iter().enumerate().map(one).collect()
}

fn start(mentions: &[Mention]) -> u32 {
    mentions.first().map_or(u32::MAX, |m| m.start)
}

/// Characters from the end of the first mention of an entity to where the next other entity is named.
fn next_other(entities: &[Named<'_>], index: usize) -> Option<u32> {
    let end = entities.get(index)?.1.first()?.end;
    let others = entities.iter().enumerate().filter(|(other, _)| *other != index);
    others.flat_map(|(_, (_, mentions))| *mentions).filter_map(|m| m.start.checked_sub(end)).min()
}

/// A text, and how its language says what it is about.
struct Reader {
    text: Vec<char>,
    chinese: bool,
    titled: bool,
    /// Characters at the start that say what the text is about.
    head: u32,
}

impl Reader {
    fn new(text: Vec<char>, title: usize) -> Self {
        let beginning = || text.iter().take(60);
        let han = beginning().filter(|c| is_han(**c)).count();
        // A short text is Chinese where most of its letters are.
        let chinese = han > 15 || 2 * han > beginning().filter(|c| c.is_alphabetic()).count();
        let usual = if chinese { 40 } else { 100 };
        let head = if title > 0 { title } else { usual.min(text.len()) };
        Self { text, chinese, titled: title > 0, head: u32::try_from(head).unwrap_or(u32::MAX) }
    }

    /// Above 0 for a subject; `earlier` entities are named before it.
    fn subject(&self, (kind, mentions): &Named<'_>, earlier: usize) -> i32 {
        let first = start(mentions);
        let when = |holds: bool, weight: i32| if holds { weight } else { 0 };
        let title = match (self.titled, first < self.head) {
            (false, _) => 0,
            (true, true) => 10,
            (true, false) => -10,
        };
        let place =
            title + if self.chinese { self.chinese(*kind, mentions) } else { self.english(*kind, first) };
        let often = mentions.len();
        if self.chinese {
            place + when(first < 3, 12) + when(first < self.head, 9) + when(earlier > 1, 5) - 3
        } else {
            let place = place + when(first < 3, 9) + when(earlier == 0, 6) - when(first > 60, 7);
            place + when(often > 1, 11) + when(often > 2, 4) + 7
        }
    }

    /// Whether an entity with these mentions only tells what it thinks of the other, which is named `other` characters
    /// behind it: `高盛下调特斯拉评级`, `Moody's cuts Boeing to junk`, `according to Citi`.
    fn rates(&self, mentions: &[Mention], other: Option<u32>) -> bool {
        let Some(first) = mentions.first() else { return false };
        let (start, end) = (first.start as usize, first.end as usize);
        let before: String = self.text.iter().take(start).skip(start.saturating_sub(13)).collect();
        if before.eq_ignore_ascii_case("according to ") {
            return true;
        }
        let Some(other) = other.filter(|characters| *characters <= REACH) else { return false };
        let after: Vec<char> = self.text.iter().skip(end).take(CLAUSE).copied().collect();
        let clause: String = after.iter().take_while(|c| !".;。；\n".contains(**c)).collect();
        if self.chinese {
            let deed = clause.trim_start_matches(['：', ':', '将', ' ']);
            return CHINESE_RATES.iter().any(|word| deed.starts_with(word))
                && CHINESE_RATINGS.iter().any(|word| deed.contains(word));
        }
        let mut words = first_words(&clause).filter(|word| !among(" analyst analysts ", word));
        let verb = words.next().unwrap_or_default();
        let between: String = after.iter().take(other as usize).collect();
        among(RATES, verb)
            || among(RATED, verb) && between.trim_end().ends_with(verb)
            || among(CHANGES, verb) && RATINGS.iter().any(|word| clause.to_lowercase().contains(word))
    }

    fn english(&self, kind: EntityKind, first: u32) -> i32 {
        let before: String = self.text.iter().take(first as usize).collect();
        let word = before.split_whitespace().next_back().unwrap_or_default().to_lowercase();
        let aside = ASIDE.contains(&word.as_str());
        let sentences = before.contains(". ") || before.contains(" - ") || before.contains('\n');
        let kind = match kind {
            EntityKind::Regulator => -25,
            EntityKind::CentralBank => -5,
            EntityKind::Index | EntityKind::Crypto => 4,
            EntityKind::Company | EntityKind::Fund | EntityKind::Exchange => 0,
        };
        kind - if aside { 7 } else { 0 } - if sentences { 5 } else { 0 }
    }

    fn chinese(&self, kind: EntityKind, mentions: &[Mention]) -> i32 {
        let end = mentions.first().map_or(0, |m| m.end as usize);
        let after: String = self.text.iter().skip(end).take(3).collect();
        let first = start(mentions) as usize;
        let hash = first > 0 && self.text.get(first - 1) == Some(&'#');
        let kind = match kind {
            EntityKind::Regulator => -11,
            EntityKind::CentralBank => -6,
            EntityKind::Exchange => -16,
            EntityKind::Index | EntityKind::Crypto => 20,
            EntityKind::Company | EntityKind::Fund => 0,
        };
        let code = after.starts_with(['(', '（']);
        let speaks = SPEAKS.iter().any(|word| after.starts_with(word));
        kind + if code { 22 } else { 0 } - if speaks { 20 } else { 0 } - if hash { 14 } else { 0 }
    }
}

fn relevance(role: Role, mentions: &[Mention], head: u32, entities: usize) -> u8 {
    let often = 10 * mentions.len().min(4).saturating_sub(1);
    let first = start(mentions);
    let place = if first < head { 40 } else { 0 } + if first < 3 { 10 } else { 0 };
    let points = 20 + often + place + if entities == 1 { 10 } else { 0 };
    let points = match role {
        Role::Subject => points.clamp(50, 100),
        Role::Mention => points.min(60),
        Role::List => points / 2,
    };
    u8::try_from(points).unwrap_or(100)
}

/// Whether the first mention stands close to those of at least two other entities.
fn in_list(entities: &[Named<'_>], index: usize) -> bool {
    let Some(own) = entities.get(index).and_then(|(_, mentions)| mentions.first()) else { return false };
    let others = entities.iter().enumerate().filter(|(other, _)| *other != index);
    let close = others.filter(|(_, (_, mentions))| {
        mentions
            .iter()
            .any(|m| m.start.saturating_sub(own.end).max(own.start.saturating_sub(m.end)) <= 2 * GAP)
    });
    close.count() >= 2
}
