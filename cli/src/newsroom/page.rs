//! Article pages as real sites have them: navigation, article, footer.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::publisher::{Dateline, Publisher};
use super::story::Story;

/// Text made safe for XML and HTML, attributes included.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The page of `story`, published at `at` under the address `url`.
pub(super) fn render(publisher: &Publisher, story: &Story, url: &str, at: DateTime<Utc>) -> String {
    let (name, title) = (escape(publisher.name), escape(&story.title));
    let paragraph = |text| format!("<p>{}</p>\n", escape(text));
    let paragraphs: String = story.paragraphs().map(paragraph).collect();
    format!(
        "<!doctype html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><title>{title} | {name}</title>\n\
         <link rel=\"canonical\" href=\"{url}\">\n{head}</head><body>\n\
         <header><a href=\"/{slug}/\">{name}</a></header>\n<nav>{nav}</nav>\n\
         <main><article>\n<h1>{title}</h1>\n{time}{paragraphs}</article></main>\n\
         <footer><p>© {name}. {footer}</p></footer>\n</body></html>\n",
        lang = publisher.lang,
        slug = publisher.slug,
        url = escape(url),
        head = head(publisher.dateline, story, url, at),
        nav = navigation(publisher),
        time = time(publisher.dateline, at),
        footer = footer(publisher),
    )
}

fn head(dateline: Dateline, story: &Story, url: &str, at: DateTime<Utc>) -> String {
    let date = at.to_rfc3339();
    match dateline {
        Dateline::JsonLd => {
            let data = json!({
                "@context": "https://schema.org", "@type": "NewsArticle", "headline": story.title,
                "datePublished": date, "mainEntityOfPage": url,
            });
            // "</" would end the script element.
            format!(
                "<script type=\"application/ld+json\">{}</script>\n",
                data.to_string().replace("</", "<\\/")
            )
        }
        Dateline::Meta => format!("<meta property=\"article:published_time\" content=\"{date}\">\n"),
        Dateline::Time | Dateline::None => String::new(),
    }
}

fn time(dateline: Dateline, at: DateTime<Utc>) -> String {
    match dateline {
        Dateline::Time => {
            format!("<time datetime=\"{}\">{}</time>\n", at.to_rfc3339(), at.format("%d %b %Y %H:%M UTC"))
        }
        Dateline::JsonLd | Dateline::Meta | Dateline::None => String::new(),
    }
}

fn navigation(publisher: &Publisher) -> String {
    let words: [&str; 4] = match publisher.lang {
        "zh" => ["首页", "市场", "公司", "关于我们"],
        _ => ["Home", "Markets", "Companies", "About"],
    };
    let link = |word: &&str| format!("<a href=\"/{}/\">{word}</a>", publisher.slug);
    words.iter().map(link).collect::<Vec<_>>().join(" · ")
}

fn footer(publisher: &Publisher) -> &'static str {
    match publisher.lang {
        "zh" => "示例新闻：所有公司与事件均为虚构。",
        _ => "Sample news: every company and event is made up.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_text_becomes_text() {
        assert_eq!(escape("R&D <b> \"x\""), "R&amp;D &lt;b&gt; &quot;x&quot;");
    }
}
