//! A page's text as blocks: what stands between two breaks of the flow, as a reader sees
//! paragraphs, headings, list items and table cells.

mod word;

use word::Word;

use super::dom::{Data, Dom};
use super::markup::{decode, fold_into};
use super::tag::{Kind, Tag};

/// Blocks after which the rest of a page is dropped.
const MAX_BLOCKS: usize = 20_000;

/// One block of text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Block {
    /// White space folded; `\n` where the page breaks a line.
    pub(super) text: String,
    /// The innermost block-level element around it.
    pub(super) parent: usize,
    pub(super) count: Count,
}

/// What a text is made of. A word is one token, and so is each CJK character.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Count {
    pub(super) tokens: f32,
    pub(super) linked: f32,
    /// Marks that end or part sentences.
    pub(super) stops: f32,
    pub(super) digits: f32,
    pub(super) capitals: f32,
    pub(super) characters: f32,
    pub(super) cjk: f32,
    /// Words that sentences of any matter hold, and names of menus do not.
    pub(super) common: f32,
    /// Of them those by which people speak of themselves and to each other.
    pub(super) personal: f32,
}

impl Count {
    pub(super) fn of(text: &str) -> Self {
        let mut count = Self::default();
        let mut before = Sign::Other;
        let mut word = Word::default();
        for c in text.chars() {
            let sign = Sign::of(c);
            count.characters += 1.0;
            if sign.begins_token(before) {
                count.tokens += 1.0;
            }
            match c {
                '.' | ',' | '!' | '?' | ';' | '。' | '，' | '、' | '！' | '？' | '；' => {
                    count.stops += 1.0;
                }
                '0'..='9' => count.digits += 1.0,
                'A'..='Z' => count.capitals += 1.0,
                _ => {}
            }
            if sign == Sign::Cjk {
                count.cjk += 1.0;
                count.common += f32::from(u8::from(COMMON_CJK.contains(&c)));
                count.personal += f32::from(u8::from(PERSONAL_CJK.contains(&c)));
            }
            if sign == Sign::OfWord {
                word.push(c);
            } else if before == Sign::OfWord {
                word.end(&mut count);
            }
            before = sign;
        }
        word.end(&mut count);
        count
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.linked += other.linked;
        self.stops += other.stops;
        self.digits += other.digits;
        self.capitals += other.capitals;
        self.characters += other.characters;
        self.cjk += other.cjk;
        self.common += other.common;
        self.personal += other.personal;
    }

    /// Characters, of which one of Chinese says as much as three of others.
    pub(super) fn weight(&self) -> f32 {
        self.characters + 2.0 * self.cjk
    }

    /// Share of the tokens that stand in links.
    pub(super) fn link_density(&self) -> f32 {
        self.linked / self.tokens.max(1.0)
    }
}

const COMMON_CJK: [char; 12] = ['的', '了', '是', '在', '不', '有', '也', '这', '就', 'の', 'は', 'に'];
const PERSONAL_CJK: [char; 3] = ['我', '你', '您'];

/// What a character is to the tokens of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Cjk,
    /// A letter or a digit.
    OfWord,
    Other,
}

impl Sign {
    fn of(c: char) -> Self {
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() { Self::OfWord } else { Self::Other }
        } else if is_cjk(c) {
            Self::Cjk
        } else if c.is_alphanumeric() {
            Self::OfWord
        } else {
            Self::Other
        }
    }

    fn begins_token(self, before: Self) -> bool {
        self == Self::Cjk || (self == Self::OfWord && before != Self::OfWord)
    }
}

/// Tokens of a text, as [`Count::of`] has them; for texts of which nothing else is asked.
pub(super) fn tokens(text: &str) -> f32 {
    let (mut tokens, mut before) = (0.0, Sign::Other);
    for sign in text.chars().map(Sign::of) {
        if sign.begins_token(before) {
            tokens += 1.0;
        }
        before = sign;
    }
    tokens
}

pub(super) fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3134f}')
}

/// The blocks of a page, in order. Nothing that a reader cannot see as text is among them.
pub(super) fn of(dom: &Dom<'_>) -> Vec<Block> {
    let mut flow = Flow { open: vec![(0, Tag::Root, dom.nodes.len())], ..Flow::default() };
    let mut at = 1;
    while let Some(node) = dom.nodes.get(at) {
        flow.leave(at);
        match node.data {
            Data::Element(tag, _) if is_left_out(tag) => {
                at = node.end;
                continue;
            }
            Data::Element(Tag::Br, _) => flow.line(),
            Data::Element(Tag::Pre, _) => flow.enter(at, Tag::Pre, node.end),
            Data::Element(tag, _) if tag.kind() == Kind::Void => {
                if tag == Tag::Hr {
                    flow.end_block();
                }
            }
            Data::Element(tag, _) => flow.enter(at, tag, node.end),
            Data::Text(text) => flow.text(text),
            Data::Raw(_) => {}
        }
        if flow.blocks.len() >= MAX_BLOCKS {
            break;
        }
        at += 1;
    }
    flow.end_block();
    flow.blocks
}

fn is_left_out(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Head
            | Tag::Script
            | Tag::Style
            | Tag::Title
            | Tag::Template
            | Tag::Svg
            | Tag::Math
            | Tag::Select
            | Tag::Option
            | Tag::Textarea
            | Tag::Iframe
            | Tag::Object
            | Tag::Noembed
            | Tag::Noframes
    )
}

#[derive(Default)]
struct Flow {
    blocks: Vec<Block>,
    /// Elements around the place that is read: node, tag, end.
    open: Vec<(usize, Tag, usize)>,
    links: usize,
    preformatted: usize,
    text: String,
    linked: f32,
    breaks: usize,
}

impl Flow {
    fn enter(&mut self, node: usize, tag: Tag, end: usize) {
        if tag.kind() == Kind::Block {
            self.end_block();
        }
        self.links += usize::from(tag == Tag::A);
        self.preformatted += usize::from(tag == Tag::Pre);
        self.open.push((node, tag, end));
    }

    fn leave(&mut self, at: usize) {
        while let Some((_, tag, _)) = self.open.last().copied().filter(|(_, _, end)| *end <= at) {
            if tag.kind() == Kind::Block {
                self.end_block();
            }
            self.links -= usize::from(tag == Tag::A);
            self.preformatted -= usize::from(tag == Tag::Pre);
            self.open.pop();
        }
    }

    /// One break is a line, two are a paragraph.
    fn line(&mut self) {
        self.breaks += 1;
        if self.breaks > 1 {
            self.end_block();
        } else if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn text(&mut self, text: &str) {
        let is_blank = text.bytes().all(|byte| byte.is_ascii_whitespace());
        if !is_blank {
            self.breaks = 0;
        }
        if self.preformatted > 0 {
            self.text.push_str(&decode(text));
        } else {
            fold_into(&mut self.text, text);
        }
        if self.links > 0 && !is_blank {
            self.linked += tokens(text);
        }
    }

    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        let linked = std::mem::take(&mut self.linked);
        let trimmed = text.trim();
        if !trimmed.is_empty() {
            let count = Count::of(trimmed);
            let count = Count { linked: linked.min(count.tokens), ..count };
            let text = if trimmed.len() == text.len() { text } else { trimmed.to_owned() };
            self.blocks.push(Block { text, parent: self.parent(), count });
        }
    }

    fn parent(&self) -> usize {
        let block = self.open.iter().rev().find(|(_, tag, _)| tag.kind() == Kind::Block);
        block.map_or(0, |(node, _, _)| *node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(html: &str) -> Vec<String> {
        of(&Dom::parse(html)).into_iter().map(|block| block.text).collect()
    }

    #[test]
    fn blocks_are_what_a_reader_sees_apart() {
        assert_eq!(texts("<p>a <b>b</b>\n c</p>d<ul><li>e<li>f</ul>"), ["a b c", "d", "e", "f"]);
        assert_eq!(texts("a<br>b<br><br>c<script>x</script><hr>d"), ["a\nb", "c", "d"]);
        assert_eq!(texts("<pre>a\n  b</pre>"), ["a\n  b"]);
    }

    #[test]
    fn words_of_sentences_and_of_people_are_counted_in_any_case() {
        let count = Count::of("The bank AND I, we think; the theme und you, nicht thé \u{142}the");
        assert_eq!((count.common, count.personal), (8.0, 3.0));
    }

    #[test]
    fn words_and_characters_of_chinese_are_tokens() {
        let count = Count::of("Bank 银行股，fell 3.5%");
        assert_eq!((count.tokens, count.cjk, count.stops), (7.0, 3.0, 2.0));
        for text in ["", "a b-c 3.5%", "银行stock股，é", "  x"] {
            assert_eq!(tokens(text), Count::of(text).tokens, "{text}");
        }
        let block = &of(&Dom::parse("<p>see <a href=x>the report</a> now</p>"))[0];
        assert_eq!(block.count.link_density(), 0.5);
    }
}
