//! E-mail addresses: as machines read them, and spelled so that none should.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{HIDDEN, Pattern};

/// `jane@example.com`, also as addresses of the web have it. A space before the sign makes a price or a mention of it.
static PLAIN: Pattern = LazyLock::new(|| address("(?:[@＠]|%(?:25)*40)"));
/// `jane [at] example [dot] com`.
static SPELLED: Pattern = LazyLock::new(|| address(r"\s*[\[({]\s?at\s?[\])}]\s*"));

/// `用户@例子.公司`: told by the endings that domains in Chinese have. Where its name begins in a sentence without
/// spaces nobody can tell, so some characters before it may go with it.
static CHINESE: Pattern = LazyLock::new(|| {
    let endings =
        "公司|中国|中國|网络|網絡|网址|网站|在线|中文网|商城|集团|香港|台湾|台灣|移动|公益|政务|我爱你";
    let any = format!(r"\p{{Han}}\p{{Latin}}0-9{HIDDEN}");
    Regex::new(&format!("[{any}_.+-]{{1,16}}[@＠](?:[{any}-]+[.。．])+(?:{endings})")).ok()
});

pub(super) fn replace(text: &str, mut mark: impl FnMut() -> &'static str) -> String {
    let mut text = text.to_owned();
    for address in [PLAIN.as_ref(), SPELLED.as_ref(), CHINESE.as_ref()].into_iter().flatten() {
        text = address.replace_all(&text, |_: &Captures<'_>| mark()).into_owned();
    }
    text
}

/// What is around `at`. Letters are those of alphabets: Chinese goes on without a space. After a name of figures
/// alone only those endings follow that such names have; else the next sentence of `AAPL@150.Sold` would.
fn address(at: &str) -> Option<Regex> {
    let letters = format!(r"\p{{Latin}}\p{{Greek}}\p{{Cyrillic}}\u{{300}}-\u{{36f}}{HIDDEN}");
    let any = format!("{letters}0-9０-９");
    let dot = r"(?:\.|\s*[\[({]\s?dot\s?[\])}]\s*)";
    let name = format!("[{any}-]*[{letters}][{any}-]*{dot}[{letters}]{{2,}}");
    let figures = format!(r"[0-9０-９]+{dot}(?:com|net|cn|org)(?-u:\b)");
    let domain = format!("(?:[{any}-]+{dot})*(?:{name}|{figures})");
    Regex::new(&format!("(?i)[{any}_][{any}._%+-]*{at}{domain}")).ok()
}
