//! Whether a page is a thread: posts, or a question with answers. An article with comments
//! below it is none, for its text is not in them.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use url::Url;

use super::super::blocks::Block;
use super::super::classes::{AUTHOR, COMMENT, DATE, POST};
use super::super::dom::{Data, Dom};
use super::super::objects::Object;
use super::super::tag::{Kind, Tag};
use super::Seen;

/// Types of schema.org in the markup of a page.
const TYPES: [&str; 2] = ["DiscussionForumPosting", "QAPage"];
/// Classes and ids that the usual programs and sites give to a thread or its posts, and nobody else.
const MARKS: [&str; 28] = [
    "AnswerItem",
    "DiscussionBoard-item",
    "ItemDiscussion",
    "QuestionHeader-title",
    "bbp-reply-content",
    "bbp-topic-content",
    "comtr",
    "crawler-post",
    "ctdb-comments-area",
    "d_post_content",
    "fatitem",
    "firstPostBox",
    "flarum-content",
    "fmwp-topic-content",
    "forumposts",
    "js-post__content-text",
    "l_post",
    "message--post",
    "plhin",
    "postcell",
    "posts_container",
    "puppeteer_test_answer_content",
    "spTopicPostSection",
    "topic-doc",
    "topic-post",
    "wpforo-post",
    "zwconbody",
    "zwconttbt",
];
/// How ids of Reddit's posts and comments end.
const REDDIT: &str = "-post-rtjson-content";
/// The attribute in which NodeBB says of each post that it is one.
const NODEBB: &str = "component";
/// How programs of forums name themselves that the head of a page does not tell.
const PROGRAMS: [&str; 2] = ["forum", "ubb.threads"];
/// Parts of addresses under which threads stand.
const PLACES: [&str; 14] = [
    "bbs",
    "discuss",
    "discussion",
    "discussions",
    "forum",
    "forums",
    "guba",
    "question",
    "questions",
    "showthread",
    "thread",
    "threads",
    "tieba",
    "viewtopic",
];
/// Share of the text that posts hold together.
const MOST: f32 = 0.5;

pub(super) fn is_thread(seen: Seen<'_>) -> bool {
    let generator = seen.meta.content("generator").unwrap_or_default().to_lowercase();
    seen.meta.is_forum
        || PROGRAMS.iter().any(|name| generator.contains(name))
        || (0..seen.dom.nodes.len()).any(|node| is_marked(seen.dom, node))
        || has_numbered_posts(seen)
        || is_built_of_posts(seen)
}

/// Whether an element bears one of the marks.
fn is_marked(dom: &Dom<'_>, node: usize) -> bool {
    static ANY: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::new(MARKS.iter().chain(&TYPES).chain(&[REDDIT, NODEBB])).ok());
    let Some(Data::Element(tag, attributes)) = dom.nodes.get(node).map(|node| node.data) else {
        return false;
    };
    // Links and images have the longest attributes, and no marks.
    let is_likely = tag.kind() == Kind::Block && ANY.as_ref().is_some_and(|any| any.is_match(attributes));
    is_likely && (TYPES.iter().any(|name| attributes.contains(name)) || is_named(dom, node))
}

fn is_named(dom: &Dom<'_>, node: usize) -> bool {
    let value = |key: &str| dom.attribute(node, key).unwrap_or_default();
    let (class, id) = (value("class"), value("id"));
    class.split_ascii_whitespace().chain([&*id]).any(|name| MARKS.contains(&name))
        || id.ends_with(REDDIT)
        || value(NODEBB) == "post"
}

/// Elements that are numbered and named as posts are, of which one holds some of the text: themes of weblogs give
/// such ids to the pages that they link to.
fn has_numbered_posts(seen: Seen<'_>) -> bool {
    let named = seen.groups.iter().enumerate().filter(|(_, groups)| *groups & POST != 0);
    let posts: Vec<usize> = named.map(|(node, _)| node).filter(|node| is_post(seen.dom, *node)).collect();
    let holds_text = |post: &usize| seen.texts().any(|block| seen.dom.holds(*post, block.parent));
    posts.len() >= 2 && posts.iter().any(holds_text)
}

fn is_post(dom: &Dom<'_>, node: usize) -> bool {
    let id = dom.attribute(node, "id").unwrap_or_default();
    let class = dom.attribute(node, "class").unwrap_or_default();
    let has = |name: &str| class.split_ascii_whitespace().any(|class| class == name);
    let is_numbered = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = ["post_", "post-", "post", "pid", "postmessage_"];
    let by_id = numbered.iter().any(|start| id.strip_prefix(start).is_some_and(is_numbered));
    let is_container = matches!(dom.tag(node), Some(Tag::Div | Tag::Li | Tag::Table | Tag::Td));
    // WordPress numbers the entries of a weblog so.
    (by_id && is_container && !has("type-post"))
        || ["postbit", "post_message", "postbody"].into_iter().any(has)
}

/// Elements beside each other that look alike hold most of the text, each with an author and a date; at an address of
/// a forum it is enough that they are named as posts or comments are.
fn is_built_of_posts(seen: Seen<'_>) -> bool {
    // Reports of what goes on are built so too, and say that they are articles.
    if seen.meta.objects.iter().any(Object::is_article) {
        return false;
    }
    let whole: f32 = seen.texts().map(|block| block.count.tokens).sum();
    let (is_forum, headlines) = (is_place_of_forums(seen.url), linked_headings(seen));
    let is_post = |node: usize| {
        let named = seen.groups.get(node).is_some_and(|groups| groups & (COMMENT | POST) != 0);
        (is_forum && named) || tells(seen, node)
    };
    let share = |run: &[(usize, f32)]| run.iter().map(|(_, tokens)| tokens).sum::<f32>() / whole.max(1.0);
    runs(seen).iter().any(|run| {
        if run.len() < 2 || share(run) < MOST {
            return false;
        }
        let posts: Vec<(usize, f32)> = run.iter().copied().filter(|(node, _)| is_post(*node)).collect();
        let is_teaser = |(node, _): &&(usize, f32)| headlines.iter().any(|at| seen.dom.holds(*node, *at));
        posts.len() >= 2 && share(&posts) >= MOST && posts.iter().filter(is_teaser).count() * 2 <= posts.len()
    })
}

/// Elements of one tag and class in one element, each with the tokens of text that it holds.
fn runs(seen: Seen<'_>) -> Vec<Vec<(usize, f32)>> {
    let mut tokens: HashMap<usize, f32> = HashMap::new();
    for block in seen.texts() {
        for node in seen.dom.upwards(block.parent) {
            *tokens.entry(node).or_default() += block.count.tokens;
        }
    }
    /// Parent, tag and first class.
    type Like = (usize, Option<Tag>, String);
    let mut runs: HashMap<Like, Vec<(usize, f32)>> = HashMap::new();
    for (node, tokens) in tokens {
        let Some(parent) = seen.dom.nodes.get(node).map(|node| node.parent) else { continue };
        if node != parent {
            let class = seen.dom.attribute(node, "class").unwrap_or_default();
            let name = class.split_ascii_whitespace().next().unwrap_or_default().to_owned();
            runs.entry((parent, seen.dom.tag(node), name)).or_default().push((node, tokens));
        }
    }
    runs.into_values().collect()
}

/// Whether names of elements in it speak of an author and of a date.
fn tells(seen: Seen<'_>, node: usize) -> bool {
    let end = seen.dom.nodes.get(node).map_or(0, |node| node.end);
    let names = seen.groups.get(node..end).unwrap_or_default();
    let has = |group: u32| names.iter().any(|groups| groups & group != 0);
    has(AUTHOR) && (has(DATE) || seen.dom.below(node, Tag::Time).next().is_some())
}

/// Headings that are links, as teasers of other pages have and posts do not.
fn linked_headings(seen: Seen<'_>) -> Vec<usize> {
    let is_linked = |block: &&Block| block.count.tokens >= 3.0 && block.count.link_density() >= 0.8;
    let is_heading = |node: &usize| seen.dom.tag(*node).is_some_and(|tag| tag.heading() > 0);
    seen.blocks.iter().filter(is_linked).map(|block| block.parent).filter(is_heading).collect()
}

fn is_place_of_forums(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let labels = url.host_str().unwrap_or_default().split('.');
    let parts = labels.chain(url.path().split(['/', '.']));
    parts.map(str::to_ascii_lowercase).any(|part| PLACES.contains(&part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::tests::kind_of;

    const POST: &str = "I sold half of my shares on Monday, after the bank had said that deposits fell by a third. What would you do with the rest of them?";

    /// The kind of a page of three parts, all of whose paragraphs are its text.
    fn of_parts(url: &str, part: &str) -> Kind {
        let part = part.replace("TEXT", &format!("<p>{POST}</p>"));
        let html =
            format!("<html><title>Which bank?</title><body><main>{}</main></body></html>", part.repeat(3));
        kind_of(&html, url, |text| text == POST)
    }

    #[test]
    fn parts_that_each_have_an_author_and_a_date_are_posts() {
        let post = "<div class=item><b class=user>jane</b><time>9:00</time>TEXT</div>";
        assert_eq!(of_parts("https://e.com/1", post), Kind::Forum);
        for part in [
            "<div class=item><b class=user>jane</b>TEXT</div>",
            "<div class=item><time>9:00</time>TEXT</div>",
            "<section>TEXT</section>",
        ] {
            assert_eq!(of_parts("https://e.com/1", part), Kind::Article, "{part}");
        }
        let teaser = post.replace("TEXT", "<h3><a href=/1>Bank falls by a third</a></h3>TEXT");
        assert_eq!(of_parts("https://e.com/1", &teaser), Kind::Article);
    }

    #[test]
    fn at_an_address_of_a_forum_names_are_enough() {
        let reply = "<li class=reply>TEXT</li>";
        for url in [
            "https://forum.e.com/1",
            "https://e.com/questions/1",
            "https://e.com/viewtopic.php?t=1",
            "https://guba.e.com/news,600036,1.html",
        ] {
            assert_eq!(of_parts(url, reply), Kind::Forum, "{url}");
        }
        assert_eq!(of_parts("https://e.com/world-economic-forum-opens", reply), Kind::Article);
        assert_eq!(of_parts("https://forum.e.com/1", "<li>TEXT</li>"), Kind::Article);
    }

    #[test]
    fn an_article_with_comments_stays_one() {
        let comment =
            format!("<div class=comment><b class=author>jane</b><time>9:00</time><p>{POST}</p></div>");
        let story = "The lender said that deposits had fallen by a third in the quarter. ".repeat(12);
        let html =
            format!("<html><body><article><p>{story}</p></article>{}</body></html>", comment.repeat(9));
        assert_eq!(kind_of(&html, "https://e.com/1", |text| text == story.trim()), Kind::Article);
        let half = |text: &str| text == story.trim() || text == POST;
        let few = format!("<html><body><article><p>{story}</p></article>{}</body></html>", comment.repeat(2));
        assert_eq!(kind_of(&few, "https://e.com/1", half), Kind::Article);
    }

    #[test]
    fn a_report_of_what_goes_on_says_that_it_is_an_article() {
        let post = "<div class=item><b class=author>jane</b><time>9:00</time>TEXT</div>";
        let live =
            format!("<script type='application/ld+json'>{{\"@type\":\"LiveBlogPosting\"}}</script>{post}");
        assert_eq!(of_parts("https://e.com/1", &live), Kind::Article);
    }

    #[test]
    fn marks_of_programs_and_sites_are_known() {
        for mark in [
            "<div class='l_post clearfix'>TEXT</div>",
            "<table><tr class='athing comtr'><td>TEXT</td></tr></table>",
            "<div class='ContentItem AnswerItem'>TEXT</div>",
            "<div id='t3_1rl0nt4-post-rtjson-content'>TEXT</div>",
            "<li component='post' data-pid='7'>TEXT</li>",
            "<div id=zwconbody>TEXT</div>",
            "<div class=firstPostBox>TEXT</div>",
            "<div itemscope itemtype='https://schema.org/QAPage'>TEXT</div>",
            "<div class='post classic' id='post_1078'>TEXT</div>",
        ] {
            assert_eq!(of_parts("https://e.com/1", mark), Kind::Forum, "{mark}");
        }
        for other in ["<div class='small_postcells'>TEXT</div>", "<div component=postcard>TEXT</div>"] {
            assert_eq!(of_parts("https://e.com/1", other), Kind::Article, "{other}");
        }
    }

    #[test]
    fn entries_of_a_weblog_that_are_numbered_alike_are_no_posts() {
        let article = format!("<div class='post-1 type-post' id='post-1'><p>{POST}</p></div>");
        let cards = "<div id='post-2'>Shares rise</div><div id='post-3'>Bonds fall</div>";
        let html = format!("<html><body>{article}{cards}</body></html>");
        assert_eq!(kind_of(&html, "https://e.com/1", |text| text == POST), Kind::Article);
        let thread = html.replace(" type-post", "");
        assert_eq!(kind_of(&thread, "https://e.com/1", |text| text == POST), Kind::Forum);
    }
}
