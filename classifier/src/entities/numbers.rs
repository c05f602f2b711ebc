//! Whether five or six digits alone are meant as the code of a share: by a word of the market, by another code beside
//! them, or because the text is nothing else. Never where they count or measure something.

use super::codes::{Code, Form};
use super::words::moves;

/// Characters behind digits in which a word of the market counts.
const NEAR: usize = 10;
/// Directly before digits that are no code.
const MEASURED: &str = "$£€¥+-/#*=_~第约达至超共额计号";
/// Directly behind digits that count or measure, or go on.
const COUNTED: &str = "元万亿千百号点%％股手份人例辆台次家吨倍只个名度户张套米年月日条款-/*";
/// Before numbers of another kind.
const LABELS: [&str; 14] = [
    "电话",
    "热线",
    "QQ",
    "微信",
    "邮编",
    "编号",
    "序号",
    "验证码",
    "手机",
    "尾号",
    "密码",
    "订单",
    "单号",
    "群",
];
/// Before the code of a share.
const BEFORE: [&str; 21] = [
    "股票", "港股", "A股", "个股", "买入", "买", "加仓", "建仓", "重仓", "满仓", "卖出", "卖", "减仓",
    "清仓", "持有", "抄底", "看好", "看空", "推荐", "关注", "stock",
];
/// Behind it, not far.
const BEHIND: [&str; 9] = ["涨", "跌", "停牌", "复牌", "股价", "目标价", "走高", "走低", "反弹"];

/// Whether the digits `codes[at]` of a folded text are meant.
pub(super) fn meant(text: &str, codes: &[Code], at: usize) -> bool {
    let Some(code) = codes.get(at) else { return false };
    let (before, found, after) = parts(text, code);
    let labelled = before.trim_end_matches([':', ' ']).ends_with("代码");
    let told = || told(before, after) || beside(text, codes, at);
    labelled || text.trim() == found || stands_alone(text, code) && told()
}

/// Digits alone: before them, they themselves, behind them.
fn parts<'a>(text: &'a str, code: &Code) -> (&'a str, &'a str, &'a str) {
    let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    (piece(0, code.from), piece(code.from, code.to), piece(code.to, text.len()))
}

/// Whether digits neither count nor measure, nor belong to a longer number.
fn stands_alone(text: &str, code: &Code) -> bool {
    let (before, found, after) = parts(text, code);
    // A code of five digits has a zero in front; a round number is rather a number.
    let number = !found.starts_with('0') && (found.len() == 5 || found.ends_with("000"));
    let label = before.trim_end_matches([':', ' ']);
    let measured = before.ends_with(|c: char| MEASURED.contains(c)) || is_label(label);
    let counted = after.trim_start().starts_with(|c: char| COUNTED.contains(c));
    !(number || measured || counted || goes_on(after))
}

/// Whether numbers of another kind follow, as behind `编号`.
pub(super) fn is_label(before: &str) -> bool {
    LABELS.iter().any(|label| before.ends_with(label))
}

/// Whether a fraction or another group of thousands follows.
fn goes_on(after: &str) -> bool {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
    after.strip_prefix('.').is_some_and(|rest| digits(rest) > 0)
        || after.strip_prefix(',').is_some_and(|rest| digits(rest) == 3)
}

/// Whether a word of the market stands before digits, or behind them in the same clause.
fn told(before: &str, after: &str) -> bool {
    let before = before.trim_end_matches([':', ' ']);
    let clause: String = after.chars().take(NEAR).take_while(|c| !",。;、!?(\n".contains(*c)).collect();
    BEFORE.iter().any(|word| before.ends_with(word))
        || BEHIND.iter().any(|word| clause.contains(word))
        || moves(after)
}

/// Whether another listed code stands beside digits: `00700、09988`.
fn beside(text: &str, codes: &[Code], at: usize) -> bool {
    let fits = |one: usize, next: usize| {
        let (Some(one), Some(next)) = (codes.get(one), codes.get(next)) else { return false };
        let between = text.get(one.to..next.from).unwrap_or_default();
        let parted = matches!(between.trim(), "" | "、" | "," | "和" | "与" | "及" | "以及");
        parted && one.entity != next.entity && [one, next].iter().all(|code| stands(text, code))
    };
    at > 0 && fits(at - 1, at) || fits(at, at + 1)
}

fn stands(text: &str, code: &Code) -> bool {
    let digits = parts(text, code).1.starts_with(|c: char| c.is_ascii_digit());
    code.form == Form::Bare && digits && stands_alone(text, code)
}
