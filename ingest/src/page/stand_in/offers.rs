//! What pages say that hold an article back, in lower case.

use super::super::blocks::Count;

/// What asks for an account or for money before it shows the rest.
pub(super) const TEASERS: [&str; 37] = [
    "subscribe to continue",
    "subscribe to read",
    "to continue reading",
    "already a subscriber",
    "subscribers only",
    "subscriber-only",
    "subscription required",
    "unlock this article",
    "付费阅读",
    "付费后可查看",
    "付费后可阅读",
    "订阅后阅读",
    "开通会员",
    "登录后阅读全文",
    "继续阅读全文",
    "订阅后继续",
    "本文为付费内容",
    "以下为付费内容",
    "exclusively for subscribers",
    "exclusive to subscribers",
    "article is for subscribers",
    "story is for subscribers",
    "content is for subscribers",
    "post is for paid subscribers",
    "post is for paying subscribers",
    "reserved for subscribers",
    "reserved for our subscribers",
    "to medium members only",
    "member-only story",
    "reached your article limit",
    "reached your free article limit",
    "reached your limit of free",
    "your last free article",
    "subscribe for full access",
    "subscribe now for full access",
    "subscribe now and get unlimited",
    "this is a premium article",
];

/// What a text is marked with that is not free, in a block of its own.
pub(super) const BADGES: [&str; 1] = ["付费内容"];

/// Offers that are of the text where one of [`READING`] follows; other accounts are for comments and letters.
pub(super) const JOINING: [&str; 2] = ["create a free account to", "become a member to"];
const READING: [&str; 7] = ["read", "continue", "keep reading", "unlock", "access", "view", "see"];
/// Before the name of an account that opens the text, or a subscription does.
pub(super) const ACCOUNTS: [&str; 2] = ["log into your ", "log in to your "];

/// What is offered of a text: of it all, in a sentence that names one of [`TERMS`] too.
pub(super) const REST: [&str; 24] = [
    "available exclusively to",
    "read the full",
    "read the rest",
    "read the whole",
    "read this article",
    "read this story",
    "continue reading",
    "keep reading",
    "finish reading",
    "unlock this",
    "unlock the full",
    "full story",
    "full article",
    "rest of this article",
    "rest of this story",
    "rest of the article",
    "rest of the story",
    "看全文",
    "读全文",
    "览全文",
    "解锁全文",
    "剩余内容",
    "完整内容",
    "完整文章",
];

/// What has to be done for it; a `blog in Chinese` is no `log in`.
const TERMS: [&str; 22] = [
    "subscri",
    " sign in",
    " sign up",
    " log in",
    " login",
    "register to",
    "register now",
    "register for",
    "become a member",
    "for members",
    "create an account",
    "have an account",
    "free account",
    "free trial",
    "day trial",
    "登录",
    "登陆",
    "订阅",
    "付费",
    "会员",
    "购买",
    "开通",
];

/// Most weight of a sentence that is an offer; a longer one reports.
const OFFER: f32 = 150.0;

/// Whether a text asks for an account or for money in a sentence that is there for that.
pub(super) fn holds_back(text: &str) -> bool {
    sentences(text).any(|sentence| names(&sentence, &TEASERS))
}

/// Whether a text offers the rest to whoever joins.
pub(super) fn asks_to_join(text: &str) -> bool {
    let is_of_text = |rest: &str| READING.iter().any(|verb| rest.trim_start().starts_with(verb));
    let is_offered = JOINING.iter().any(|offer| text.split(offer).skip(1).any(is_of_text));
    is_offered
        || asks_for_account(text)
        || sentences(text).any(|sentence| names(&sentence, &REST) && names(&sentence, &TERMS))
}

/// `Log into your Harbour Times account, or subscribe, to read on`.
fn asks_for_account(text: &str) -> bool {
    let follows = |rest: &str| {
        let then = rest.split_once("account").map(|(name, then)| (name, then.trim_start_matches([',', ' '])));
        then.is_some_and(|(name, then)| name.len() < 40 && then.starts_with("or subscribe"))
    };
    ACCOUNTS.iter().any(|lead| text.split(lead).skip(1).any(follows))
}

/// The short ones, on one line each, with a space before every word.
fn sentences(text: &str) -> impl Iterator<Item = String> {
    let sentences = text.split(['.', '!', '?', '。', '！', '？']);
    let sentences = sentences.map(|sentence| format!(" {}", sentence.replace('\n', " ")));
    sentences.filter(|sentence| Count::of(sentence).weight() <= OFFER)
}

fn names(sentence: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| sentence.contains(phrase))
}
