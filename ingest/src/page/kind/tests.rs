use super::super::{blocks, classes};
use super::*;

/// The kind of a page whose text are the blocks that `is_text` picks.
pub(super) fn kind_of(html: &str, url: &str, is_text: impl Fn(&str) -> bool) -> Kind {
    let dom = Dom::parse(html);
    let (blocks, groups, meta) = (blocks::of(&dom), classes::of(&dom), Meta::of(&dom, url));
    let is_text: Vec<bool> = blocks.iter().map(|block| is_text(&block.text)).collect();
    let texts = blocks.iter().zip(&is_text).filter(|(_, is_text)| **is_text);
    let text = texts.map(|(block, _)| block.text.as_str()).collect::<Vec<_>>().join("\n");
    of(Seen { dom: &dom, groups: &groups, meta: &meta, blocks: &blocks, is_text: &is_text, text: &text, url })
}

fn kind(title: &str, body: &str, text: &str) -> Kind {
    let html = format!("<html><title>{title}</title><body>{body}<p>{text}</p></body></html>");
    kind_of(&html, "", |block| block == text.trim())
}

#[test]
fn pages_that_stand_in_for_another_are_errors() {
    for (title, text) in [
        ("Just a moment...", "Enable JavaScript and cookies to continue"),
        ("404 Not Found", ""),
        ("安全验证", "请完成验证后继续访问"),
        ("Bloomberg - Are you a robot?", "We've detected unusual activity from your computer network"),
        ("wsj.com", "Please enable JS and disable any ad blocker"),
        ("Pardon Our Interruption", "As you were browsing something about your browser made us think."),
        ("", "Request unsuccessful. Incapsula incident ID: 1025-4711"),
        ("", "当前环境异常，完成验证后即可继续访问。"),
        ("百度安全验证", "网络不给力，请稍后重试"),
        ("滑动验证页面", "通过后即可继续访问网页"),
        ("Vercel Security Checkpoint", "We're verifying your browser"),
        ("Harbour Times | Page not found", "Perhaps you will find what you look for by its name."),
        ("Seite nicht gefunden – Hafenzeitung", "Vielleicht hilft die Suche weiter."),
        ("页面不存在-新浪财经", "5秒后返回首页"),
        ("Harbour Times", "Sorry, but the page you are looking for has moved."),
        ("Error 404 (Not Found)", ""),
        ("Harbour Times", "You need to enable JavaScript to run this app."),
        (
            "Harbour Times",
            "We’ll be back soon! Sorry for the inconvenience, we are performing some maintenance.",
        ),
        ("451: Unavailable due to legal reasons", "Access cannot be granted at this time."),
        (
            "Harbour Times",
            "We recognize you are attempting to access this website from a country of the EEA.",
        ),
        ("Harbour Times", "This article is no longer available."),
        ("Log in to Facebook", "Email address or phone number"),
        ("Welcome to nginx!", "If you see this page, the web server is successfully installed and working."),
        ("Allow cookies?", "They help to show you what you may like."),
        ("微信公众平台", "该内容已被发布者删除"),
        ("微信公众平台", "此内容因违规无法查看"),
        ("", "由于您访问的URL有可能对网站造成安全威胁，您的访问被阻断。"),
        ("系统提示", "系统繁忙，请稍后再试"),
        ("", "登录后查看更多内容"),
    ] {
        assert_eq!(kind(title, "", text), Kind::Error, "{title}: {text}");
    }
}

#[test]
fn pages_of_guards_and_of_broken_servers_are_errors() {
    for (title, text) in [
        ("e.com | 521: Web server is down", "Visit cloudflare.com for more information."),
        ("e.com", "Press & Hold to confirm you are a human (and not a bot)."),
        ("Seeking Alpha", "If you have an ad-blocker enabled you may be blocked from proceeding."),
        ("Harbour Times", "Your request has been blocked due to a network policy."),
        ("Reddit - Blocked", "Use your developer token."),
        ("Harbour Times", "Error establishing a database connection"),
        ("WordPress › Error", "There has been a critical error on this website."),
        ("Harbour Times", "Application error: a client-side exception has occurred."),
        ("Whoops, looks like something went wrong.", "Ask the owner of the site."),
        ("Runtime Error", "The current settings prevent the details from being viewed remotely."),
        ("Harbour Times", "We can’t find the page you’re looking for. Try the search."),
        ("Something went wrong | Harbour Times", "Please try again later."),
        ("Account Suspended", "Contact your hosting provider for more information."),
        ("e.com", "e.com is for sale. Get this domain."),
        ("Harbour Times", "This content is not available in your region."),
        ("Harbour Times", "Your browser is not supported. Upgrade to a modern one."),
        ("Sign Up | LinkedIn", "Email Password (6+ characters)"),
        ("Redirecting...", "Click here to go on."),
        ("Harbour Times", "Loading..."),
        ("Harbour Times", "404"),
        ("Bevor Sie zu Google weitergehen", "Wir verwenden Cookies und Daten."),
        ("提示信息 - 海港论坛", "点击这里返回上一页"),
        ("海港论坛", "抱歉，指定的主题不存在或已被删除或正在被审核"),
        ("知乎", "您当前请求存在异常，暂时限制本次访问。"),
        ("微信公众平台", "此账号已被屏蔽, 内容无法查看"),
        ("微信公众平台", "该公众号已迁移"),
        ("503 Backend fetch failed", "Guru Meditation: XID: 17"),
        ("", "Fatal error: Uncaught Error: Call to undefined function f() in /srv/a.php:3"),
        ("Harbour Times", "This site requires cookies. Please enable them and try again."),
        ("Harbour Times", "This article has expired."),
        ("Harbour Times", "This story has been removed at the request of its publisher."),
    ] {
        assert_eq!(kind(title, "", text), Kind::Error, "{title}: {text}");
    }
    let declare = "Your request has been identified as part of a network of automated tools outside of the acceptable policy, and will be managed until action is taken to declare your traffic. ".repeat(5);
    let undeclared = format!("Your Request Originates from an Undeclared Automated Tool. {declare}");
    assert_eq!(kind("SEC.gov", "", &undeclared), Kind::Error);
}

#[test]
fn a_demand_for_consent_may_be_long() {
    let long = "When you use our sites and apps, we use cookies to provide them to you. ".repeat(15);
    for title in ["Yahoo is part of the Yahoo family of brands", "Yahooist Teil der Yahoo Markenfamilie"] {
        assert_eq!(kind(title, "<h1>guce</h1>", &long), Kind::Error, "{title}");
    }
    assert_eq!(kind("Harbour Times", "", &long), Kind::Article);
    let anubis = "You are seeing this because the administrator of this website has set up Anubis to protect the server against those who scrape it. ".repeat(8);
    assert_eq!(kind("Making sure you're not a bot!", "", &anubis), Kind::Error);
    let partners = "We and our 842 partners store and/or access information on a device, such as cookies, and process personal data. ".repeat(9);
    assert_eq!(kind("Harbour Times", "<h1>We value your privacy</h1>", &partners), Kind::Error);
}

#[test]
fn a_demand_for_consent_beside_an_article_is_not_the_page() {
    let banner = "<div><h2>We value your privacy</h2><p>We and our 842 partners store and/or access information on a device.</p></div>";
    let story = "The bank said on Monday that it would sell its bonds, and that its chairman, who has led it for eleven years, would leave in June.";
    assert_eq!(kind("Bank sells bonds", banner, story), Kind::Article);
    let both = format!("<html><body><p>{}</p>{banner}</body></html>", story.repeat(3));
    assert_eq!(kind_of(&both, "", |_| true), Kind::Article);
}

#[test]
fn what_shows_nothing_or_nothing_without_scripts_is_an_error() {
    for html in ["", "<html><head><title>Bank falls</title></head><body></body></html>"] {
        assert_eq!(kind_of(html, "", |_| true), Kind::Error, "{html}");
    }
    let shell = "<noscript>You need to enable JavaScript to run this app.</noscript><div id=root></div>";
    let marked = "<meta property='og:type' content='article'><title>Bank falls</title>";
    for head in ["", marked] {
        assert_eq!(kind_of(&format!("<head>{head}</head><body>{shell}"), "", |_| true), Kind::Error);
    }
    let story = "<p>The bank said so on Monday.</p>";
    assert_eq!(kind_of(&format!("<body>{shell}{story}"), "", |text| text.starts_with("The")), Kind::Article);
}

#[test]
fn news_that_sound_like_an_error_are_none() {
    let story = "The bank said so on Monday.";
    for title in [
        "500亿元国债明日发行",
        "500强企业榜单公布",
        "404亿元解禁股下周上市",
        "500 jobs to go at Harbour Bank",
        "502-point slide on the Dow",
        "404m profit at Harbour Bank",
        "验证码平台遭监管处罚",
        "Forbidden City reopens hotel",
        "Error at Citi sends 81 trillion to a client",
        "Error: Citi sends 81 trillion to a client",
        "S&P 500 | Harbour Times",
        "Log in or lose your money, bank tells clients",
        "We'll be back soon, airline says",
        "Unavailable for legal reasons: bank leaves the country",
        "系统繁忙致交易中断三小时",
        "登录人数创新高",
        "Account suspended, bank tells clients",
        "Loading of coal resumes at Harbour",
        "Something went wrong at Harbour Bank",
        "平台出错了三小时",
    ] {
        assert_eq!(kind(title, "", story), Kind::Article, "{title}");
    }
    let outage = "Customers were shown \"page not found\" on Monday after the bank saw unusual traffic on its network, and some were told that they had been blocked.";
    assert_eq!(kind("Harbour Bank is offline", "", outage), Kind::Article);
    for text in [
        "“We’ll be back soon,” the airline told passengers on Monday.",
        "The platform said that the article is no longer available, and that it had been taken down.",
        "平台显示“该内容已被发布者删除”，记者未能联系到作者。",
        "多名用户反映银行提示“系统繁忙，请稍后再试”，银行称正在抢修。",
        "付费内容平台宣布裁员三成，股价下跌，公司称将专注核心业务。",
        "The attack was blocked by network security teams, the bank said.",
    ] {
        assert_eq!(kind("Harbour Bank is offline", "", text), Kind::Article, "{text}");
    }
    let announced = "Page not found: that was all that customers saw. ".repeat(2);
    let marked = "<meta property='og:type' content='article'>";
    assert_eq!(kind("Harbour Bank is offline", marked, &announced), Kind::Article);
    assert_eq!(kind("Harbour Bank is offline", "", &announced), Kind::Error);
}

#[test]
fn what_the_site_says_around_an_article_is_not_the_page_s() {
    let story = "The bank said on Monday that it would sell its bonds.";
    for around in [
        "<noscript>Please enable JavaScript and cookies to continue. Access denied.</noscript>",
        "<header><p>Already a subscriber? Log in</p></header>",
        "<div class='top site-header'><p>Already a subscriber? Log in</p></div>",
        "<footer>Become a member to comment. Subscribe to continue reading.</footer>",
        "<p>Become a member to comment</p>",
    ] {
        assert_eq!(kind("Bank sells bonds", around, story), Kind::Article, "{around}");
    }
    let within = "<article><header>Subscribe to read</header></article>";
    assert_eq!(kind("Bank sells bonds", within, story), Kind::Paywall);
    assert_eq!(kind("Bank sells bonds", "<p>Become a member to read on</p>", story), Kind::Paywall);
}

#[test]
fn a_teaser_is_a_paywall() {
    assert_eq!(kind("Bank falls", "", "The bank fell. Subscribe to continue reading."), Kind::Paywall);
    let mark = r#"<script type="application/ld+json">{"isAccessibleForFree": false}</script>"#;
    assert_eq!(kind("Bank falls", mark, "The bank fell."), Kind::Paywall);
    let long = "The bank fell a lot. ".repeat(60);
    assert_eq!(kind("Bank falls", mark, &long), Kind::Article);
    let offer = "<p>Subscribe to continue reading</p>";
    assert_eq!(kind("Bank falls", offer, &long), Kind::Article);
    assert_eq!(kind("Bank falls", &format!("{mark}{offer}"), &long), Kind::Paywall);
    assert_eq!(kind("Bank falls", &format!("{mark}{offer}"), &long.repeat(3)), Kind::Article);
}

#[test]
fn offers_are_known_in_chinese_and_in_other_words() {
    let story = "银行股周一下跌。";
    for offer in [
        "付费内容",
        "本文为付费内容，请付费后阅读",
        "剩余80%内容付费后可查看",
        "继续阅读全文",
        "订阅后继续阅读",
    ] {
        assert_eq!(kind("银行股下跌", &format!("<p>{offer}</p>"), story), Kind::Paywall, "{offer}");
    }
    let offer = "<p>Log into your Harbour Times account, or subscribe, to read on.</p>";
    assert_eq!(kind("Bank falls", offer, "The bank fell."), Kind::Paywall);
    let other = "<p>Log into your account to subscribe to our letters.</p>";
    assert_eq!(kind("Bank falls", other, "The bank fell."), Kind::Article);
}

#[test]
fn offers_of_the_rest_to_whoever_joins_are_known() {
    let story = "The lender said on Monday that deposits had fallen by a third in the quarter.";
    for offer in [
        "Continue reading your article with<br>a WSJ subscription",
        "To read the full story, subscribe",
        "This story is available exclusively to Business Insider subscribers.",
        "Subscribe now to keep reading",
        "Register to read the rest of this story",
        "Create an account to read the full story.",
        "This post is for paid subscribers",
        "Keep reading with a 7-day free trial",
        "You’ve reached your limit of free articles.",
        "此篇文章很值，您可以选择订阅财新通，阅读全文",
        "成为会员，解锁全文",
        "登录查看全文",
        "此文章为VIP会员专享，购买后可查看全文",
    ] {
        assert_eq!(kind("Bank falls", &format!("<p>{offer}</p>"), story), Kind::Paywall, "{offer}");
    }
    for other in [
        "Read the full story on the site of the bank.",
        "Read the full story on our blog in Chinese.",
        "Read the full story, an account of the crash.",
        "Sign up for our newsletter. Keep reading below.",
        "The bonds are available exclusively to large investors.",
        "证监会发布全面实行股票发行注册制规则，全文如下",
        "点击阅读全文",
    ] {
        assert_eq!(kind("Bank falls", &format!("<p>{other}</p>"), story), Kind::Article, "{other}");
    }
}

#[test]
fn a_report_of_a_paywall_is_none() {
    let report = "The newspaper said on Monday that readers would have to subscribe to continue reading after three articles a month, and that it hoped for a million subscribers within the year.";
    assert_eq!(kind("Harbour Times asks for money", "", report), Kind::Article);
}

#[test]
fn a_page_that_says_its_text_is_locked_and_shows_little_is_a_paywall() {
    let html = |tier: &str, text: &str| {
        format!(
            "<html><head><meta property='article:content_tier' content='{tier}'></head><body><p>{text}</p></body></html>"
        )
    };
    let (short, long) = ("The bank fell.", "The bank fell a lot. ".repeat(60));
    assert_eq!(kind_of(&html("locked", short), "", |_| true), Kind::Paywall);
    assert_eq!(kind_of(&html("free", short), "", |_| true), Kind::Article);
    assert_eq!(kind_of(&html("locked", &long), "", |_| true), Kind::Article);
}

#[test]
fn an_article_that_answers_questions_of_its_own_is_no_forum() {
    let faq = r#"<script type="application/ld+json">{"@type": "FAQPage", "mainEntity": [{"@type": "Question", "name": "What is a bank?"}]}</script>"#;
    assert_eq!(kind("Banks", faq, &"A long text on banks. ".repeat(60)), Kind::Article);
    let asked = faq.replace("FAQPage", "QAPage");
    assert_eq!(kind("Banks", &asked, &"A long text on banks. ".repeat(60)), Kind::Forum);
}

#[test]
fn forums_and_listings_are_told_from_articles() {
    let posts = "<div id='post_1'><p>Any will do.</p></div><div id='post_2'>b</div>";
    assert_eq!(kind("Which broker?", posts, "Any will do."), Kind::Forum);
    let links = "<a href='/x'>A headline of some length that leads to a page</a>".repeat(40);
    assert_eq!(kind("Markets", &links, "Markets"), Kind::Listing);
    assert_eq!(kind("Markets", &links, &"A paragraph of an article. ".repeat(80)), Kind::Article);
}
