//! Whether an ambiguous name is meant: points for what stands around it. The scale:
//! `ENOUGH` points make a mention. Knows nothing of dictionaries.

use super::fold::{is_han, is_word};

/// Points that make an ambiguous name a mention.
const ENOUGH: i32 = 2;
/// Points that a little-known company needs.
const STRONG: i32 = 4;
/// Characters on either side in which words of business count.
const NEAR: usize = 40;
/// Characters between two names of a list.
const LISTED: usize = 5;

/// After a name: what companies do and have.
const DEEDS: &str = " says said say sees saw will has had is was are to plans plan announces announced announcing \
    reports reported unveils unveiled launches launched cuts cut raises raised beats beat misses missed sues sued \
    acquires acquired buys bought sells sold wins won adds posts posted expects hires hired fires faces \
    agrees agreed recalls recalled warns warned tops jumps falls fell rises rose drops slides surges gains \
    slips climbs tumbles plunges soars rallies gets makes offers introduces explores considers suspends halts \
    delays opens closes pays slashes boosts lifts trims hikes may could would can might wants tells told denies \
    confirms joins partners taps names axes backs thinks hit rebuffs accused pauses \
    scraps abandons ";
const GOODS: &str = " inc inc. corp corp. co ltd plc group holdings shares share stock stocks ceo cfo coo chief \
    executive chairman president boss founder co-founder earnings profit profits revenue sales results quarter quarterly \
    employees workers staff investors shareholders customers users executives stores bonds debt ipo merger deal lawsuit layoffs ";
/// Before a name: what it is, and what may stand before any name.
const KINDS: &str = " maker giant owner parent company retailer automaker carmaker chipmaker insurer manufacturer \
    rival rivals startup lender airline producer operator ";
const LINKS: &str = " than like sues against buy sell short long at by with from via unit acquire acquires acquired \
    invest backs ceo firm bank of and for ";
/// Before a word that is no name.
const ARTICLES: &str = " a an the this that these those your my his her their our its no any every each some new \
    first last big next more most per one two three ";
/// Anywhere near.
const BUSINESS: [&str; 34] = [
    "share",
    "stock",
    "earnings",
    "profit",
    "revenue",
    "sales",
    "quarter",
    "ceo",
    "cfo",
    "inc",
    "corp",
    "plc",
    "ltd",
    "company",
    "bank",
    "analyst",
    "investor",
    "market cap",
    "dividend",
    "acqui",
    "merger",
    "layoff",
    "lawsuit",
    "antitrust",
    "ipo",
    "upgrade",
    "downgrade",
    "price target",
    "shareholder",
    "chip",
    "ev maker",
    "retailer",
    "automaker",
    "tech giant",
];
/// Directly after a Chinese name, for and against.
const FOLLOWS: [&str; 71] = [
    "股份",
    "集团",
    "公司",
    "公告",
    "股价",
    "控股",
    "董事",
    "总裁",
    "高管",
    "大股东",
    "股东",
    "实控人",
    "官方",
    "官网",
    "财报",
    "年报",
    "业绩",
    "营收",
    "净利",
    "市值",
    "员工",
    "手机",
    "汽车",
    "旗下",
    "发布",
    "宣布",
    "回应",
    "表示",
    "透露",
    "推出",
    "收购",
    "起诉",
    "被罚",
    "被诉",
    "裁员",
    "涨",
    "大涨",
    "收涨",
    "跌",
    "大跌",
    "收跌",
    "逆势",
    "盘中",
    "盘前",
    "盘后",
    "午后",
    "一季",
    "上半年",
    "三季",
    "拟",
    "将",
    "已",
    "预计",
    "中标",
    "减持",
    "增持",
    "回购",
    "停牌",
    "复牌",
    "今日",
    "称",
    "首席",
    "CEO",
    "(",
    "等",
    "目标价",
    "副行长",
    "行长",
    "公布",
    "开展",
    "货币政策",
];
const UNLIKE: [&str; 26] = [
    "概念", "板块", "行业", "产业", "产品", "系统", "技术", "发电", "电池", "市场", "价格", "种植", "领域",
    "赛道", "出没", "主题", "指数", "制造", "学会", "协会", "大赛", "地区", "市民", "路", "镇", "区",
];
const CHINESE: [&str; 24] = [
    "股",
    "公司",
    "集团",
    "财报",
    "业绩",
    "营收",
    "净利",
    "市值",
    "发布",
    "董事",
    "总裁",
    "旗下",
    "收购",
    "上市",
    "投资者",
    "首席",
    "裁员",
    "起诉",
    "监管",
    "投诉",
    "用户",
    "涨",
    "跌",
    "年报",
];

/// What surrounds one ambiguous name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) before: &'a str,
    pub(super) name: &'a str,
    pub(super) after: &'a str,
    /// A word of the entity's own context stands in the text.
    pub(super) own: bool,
    /// Bytes to the next certain mention of any entity on the left and on the right.
    pub(super) left: Option<usize>,
    pub(super) right: Option<usize>,
    /// Most words of the text have a capital: it is a headline, capitals prove nothing.
    pub(super) titled: bool,
    /// The company is little known: what people and places do too is no sign of it.
    pub(super) doubtful: bool,
}

/// Whether the surroundings say that the company is meant.
pub(super) fn speaks_for(place: &Place<'_>) -> bool {
    points(place) >= if place.doubtful { STRONG } else { ENOUGH }
}

fn points(place: &Place<'_>) -> i32 {
    let listed = listed(place);
    let own = if place.own { 3 } else { 0 };
    own + listed + if place.name.chars().any(is_han) { chinese(place) } else { english(place) }
}

/// Beside another company, with nothing but a comma or an "and" between.
fn listed(place: &Place<'_>) -> i32 {
    let gap = |text: Option<&str>| {
        text.is_some_and(|t| {
            let t = t.trim();
            t.chars().count() <= LISTED
                && matches!(
                    t,
                    "," | "、"
                        | "and"
                        | "&"
                        | ", and"
                        | "or"
                        | "/"
                        | "和"
                        | "与"
                        | "及"
                        | "vs"
                        | "vs."
                        | "以及"
                )
        })
    };
    let left = place.left.and_then(|d| place.before.get(place.before.len().saturating_sub(d)..));
    let right = place.right.and_then(|d| place.after.get(..d));
    if gap(left) || gap(right) { 3 } else { i32::from(place.left.is_some() || place.right.is_some()) }
}

fn english(place: &Place<'_>) -> i32 {
    let after = place.after.trim_start_matches("'s").trim_start_matches('\'');
    let possessive = after.len() < place.after.len();
    let next = first_word(after);
    let previous = last_word(place.before);
    let listed_in =
        |list: &str, word: &str| !word.is_empty() && list.contains(&format!(" {} ", word.to_lowercase()));
    let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let starts = previous.is_empty()
        || place.before.trim_end().ends_with(['.', ':', '!', '?', '-', '"', '“', '|', ';']);
    let mut points = if possessive && !place.doubtful { 2 } else { 0 };
    points += if listed_in(GOODS, next) { 3 } else { 0 };
    points += if listed_in(DEEDS, next) && !place.doubtful { 2 } else { 0 };
    points += if listed_in(KINDS, previous) && !starts { 3 } else { 0 };
    points -= if listed_in(ARTICLES, previous) && !starts { 2 } else { 0 };
    points += i32::from(near(place, &BUSINESS));
    if !place.titled {
        // A capital between small letters is a name, and not one of a person in full.
        let plain = !starts && !capital(previous) && !listed_in(ARTICLES, previous) && !capital(next);
        points += if plain && !place.doubtful { 2 } else { i32::from(!starts) };
        let known = listed_in(DEEDS, next) || listed_in(GOODS, next);
        points -= if capital(next) && !possessive && !known { 2 } else { 0 };
        let known = listed_in(KINDS, previous) || listed_in(LINKS, previous);
        points -= if capital(previous) && !starts && !known { 2 } else { 0 };
    }
    points
}

fn chinese(place: &Place<'_>) -> i32 {
    let begins = |list: &[&str]| list.iter().any(|word| place.after.starts_with(word));
    let starts = place.before.is_empty() || place.before.ends_with(['【', '\n', '。']);
    let mut points = if starts && place.after.starts_with([':', '：']) { 3 } else { 0 };
    points += if begins(&FOLLOWS) { 2 } else { 0 };
    points -= if begins(&UNLIKE) { 3 } else { 0 };
    points + i32::from(near(place, &CHINESE))
}

/// Whether a word of business stands within [`NEAR`] characters.
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

fn first_word(text: &str) -> &str {
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_matches(|c: char| !c.is_alphanumeric() && c != '.')
}

fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric())
}
