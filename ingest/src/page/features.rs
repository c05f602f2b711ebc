//! What is known of each block, as numbers: of itself, its neighbours, the elements
//! around it, the blocks that look like it, and the page.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasickKind;

use super::blocks::Block;
use super::context::Page;
use super::finder::Finder;
use super::shape::Shape;
use super::tag::Tag;

/// Numbers a block. Training and use must agree on their order: see `bench/extract/train.py`.
pub(super) type Row = Vec<f32>;

/// One row for each block.
pub(super) fn of(page: &Page<'_>, blocks: &[Block]) -> Vec<Row> {
    let mut repeats = repeats(blocks);
    let total = blocks.iter().map(|block| block.count.tokens).sum::<f32>().max(1.0);
    let shared = page.numbers(blocks);
    let runs = page.runs(blocks);
    let mut before = 0.0;
    let mut heading = 99.0;
    let mut rows = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.iter().enumerate() {
        let mut row = Vec::with_capacity(280);
        let shape = page.shape(block.parent);
        heading = if shape.tag.heading() > 0 { 0.0 } else { heading + 1.0 };
        own(&mut row, block, shape);
        row.push(before / total);
        row.push(at as f32 / blocks.len() as f32);
        row.push((blocks.len() - at) as f32);
        row.push(heading);
        let (times, seen) = repeats.entry(block.text.as_str()).or_default();
        *seen += 1.0;
        row.extend_from_slice(&[*times, *seen]);
        page.relations(&mut row, at, blocks);
        around(&mut row, shape);
        neighbours(&mut row, page, blocks, at);
        page.containers(&mut row, block.parent);
        page.alike(&mut row, block.parent);
        page.items(&mut row, block.parent);
        row.extend_from_slice(&runs.get(at).copied().unwrap_or_default());
        page.standing(&mut row, at, block);
        row.extend_from_slice(&shared);
        before += block.count.tokens;
        rows.push(row);
    }
    rows
}

fn own(row: &mut Row, block: &Block, shape: &Shape) {
    let count = &block.count;
    let tokens = count.tokens.max(1.0);
    row.extend_from_slice(&[
        count.tokens,
        count.characters / tokens,
        count.link_density(),
        count.stops / tokens,
        count.digits / count.characters.max(1.0),
        count.capitals / count.characters.max(1.0),
        count.cjk / count.characters.max(1.0),
        count.common / tokens,
        count.personal / tokens,
        f32::from(u8::from(ends_a_sentence(&block.text))),
        f32::from(u8::from(block.text.contains('\n'))),
        tag_code(shape.tag),
        f32::from(shape.tag.heading()),
        shape.depth,
    ]);
    row.extend_from_slice(&says(&block.text));
}

fn ends_a_sentence(text: &str) -> bool {
    text.ends_with(['.', '!', '?', '"', '”', '。', '！', '？', '」', ':', '：', '…'])
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most elements are like any other here")]
fn tag_code(tag: Tag) -> f32 {
    match tag {
        Tag::P => 0.0,
        Tag::H1 | Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6 => 1.0,
        Tag::Li => 2.0,
        Tag::Blockquote => 3.0,
        Tag::Pre => 4.0,
        Tag::Td | Tag::Th => 5.0,
        Tag::Dd | Tag::Dt => 6.0,
        Tag::Figcaption | Tag::Figure | Tag::Caption => 7.0,
        Tag::Section | Tag::Article | Tag::Main => 8.0,
        Tag::Div => 9.0,
        Tag::Button | Tag::Form | Tag::Legend | Tag::Fieldset => 10.0,
        Tag::Header | Tag::Footer | Tag::Nav | Tag::Aside => 11.0,
        _ => 12.0,
    }
}

/// Phrases of page furniture; each group is one number: whether the block says one.
const PHRASES: [&[&str]; 11] = [
    &["share", "tweet", "facebook", "whatsapp", "分享", "微信", "微博", "扫一扫", "扫码"],
    &["comment", "评论", "跟帖", "留言", "回复", "reply", "replies", "quote"],
    &["subscribe", "newsletter", "sign up", "log in", "login", "register", "登录", "注册", "订阅", "关注"],
    &[
        "read more",
        "related",
        "see also",
        "also read",
        "more from",
        "recommended",
        "相关",
        "推荐",
        "更多",
        "延伸阅读",
        "上一篇",
        "下一篇",
    ],
    &["copyright", "©", "all rights reserved", "版权", "备案", "ICP", "许可证", "转载", "声明", "免责"],
    &["by ", "posted", "published", "updated", "written by", "作者", "编辑", "来源", "发布", "时间", "记者"],
    &["advertisement", "sponsored", "广告", "promoted"],
    &["photo", "image", "getty", "credit", "pictured", "图片", "图为", "摄"],
    &["click", "download", "app", "email", "contact", "点击", "下载", "客户端", "打开"],
    &[
        "ago",
        "am",
        "pm",
        "views",
        "likes",
        "points",
        "votes",
        "joined",
        "posts:",
        "member",
        "阅读",
        "点赞",
        "楼",
        "发表于",
        "浏览",
    ],
    &[
        "cookie",
        "consent",
        "personal data",
        "privacy",
        "our partners",
        "vendors",
        "gdpr",
        "legitimate interest",
        "隐私",
    ],
];

/// How much of a block is searched for phrases, in bytes.
const SAID: usize = 400;

fn says(text: &str) -> [f32; PHRASES.len()] {
    static FOUND: LazyLock<Option<Finder<usize>>> = LazyLock::new(|| {
        let groups = PHRASES.iter().enumerate();
        let phrases = groups.flat_map(|(group, phrases)| phrases.iter().map(move |phrase| (*phrase, group)));
        // As for the names of elements, the speed of a table is worth its size.
        Finder::new(phrases, Some(AhoCorasickKind::DFA))
    });
    let mut numbers = [0.0; PHRASES.len()];
    // A long text may say anything: how it begins.
    let text = text.split_at(text.floor_char_boundary(SAID)).0;
    for group in FOUND.iter().flat_map(|found| found.kinds(text)) {
        if let Some(number) = numbers.get_mut(group) {
            *number = 1.0;
        }
    }
    numbers
}

/// How near the elements are whose names or tags say something; 40: nowhere above.
fn around(row: &mut Row, shape: &Shape) {
    row.extend(shape.groups.iter().chain(&shape.marks).map(|distance| f32::from(*distance)));
}

fn neighbours(row: &mut Row, page: &Page<'_>, blocks: &[Block], at: usize) {
    for step in [-3_isize, -2, -1, 1, 2, 3] {
        let near = at.checked_add_signed(step).and_then(|at| blocks.get(at));
        let Some(near) = near else {
            row.extend_from_slice(&[-1.0, -1.0, -1.0, -1.0]);
            continue;
        };
        let tag = page.shape(near.parent).tag;
        let stops = near.count.stops / near.count.tokens.max(1.0);
        row.extend_from_slice(&[near.count.tokens, near.count.link_density(), tag_code(tag), stops]);
    }
    let from = at.saturating_sub(6);
    let window = blocks.get(from..(at + 7).min(blocks.len())).unwrap_or_default();
    row.push(window.iter().map(|block| block.count.tokens - block.count.linked).sum());
    row.push(window.iter().map(|block| block.count.linked).sum());
    row.push(window.iter().map(|block| block.count.common).sum());
    row.push(window.iter().map(|block| block.count.personal).sum());
}

/// How often each text stands on the page; and, to be counted, how often so far.
fn repeats(blocks: &[Block]) -> HashMap<&str, (f32, f32)> {
    let mut repeats: HashMap<&str, (f32, f32)> = HashMap::new();
    for block in blocks {
        repeats.entry(block.text.as_str()).or_default().0 += 1.0;
    }
    repeats
}
